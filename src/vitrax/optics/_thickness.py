"""What the thickness of the specimen does to transfer and Thon rings."""

import jax.numpy as jnp

from .._checks import FINITE, checked, checked_number
from .._typing import HalfImage, Scalar, ScalarLike, as_float
from ..grid import Grid
from ._aberrations import phase_error
from ._frequencies import lens_frequencies
from ._lens import Lens


def specimen_envelope(
    grid: Grid, wavelength: Scalar | float, thickness: ScalarLike
) -> HalfImage:
    r"""Return the mean amplitude that the layers of a thick specimen leave.

    $$\frac1t \int_{-t/2}^{t/2} e^{i\pi\lambda z k^2}\, dz =
    \operatorname{sinc}(\lambda k^2 t / 2), \quad
    \operatorname{sinc} x = \frac{\sin\pi x}{\pi x}$$

    The factor of the transfer function, defocus referred to the middle, of a specimen
    whose layers are alike (the same object at all heights), or the mean over particles
    that lie at all heights.

    Args:
        grid: sampling of the image.
        wavelength: Å.
        thickness: $t$, Å.

    References:
        Tichelaar, Hagen, Gorelik, Xue and Mahamid 2020, Ultramicroscopy 216, 113023.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.optics import specimen_envelope
        >>> left = specimen_envelope(vx.Grid(8, 1.0), 0.02, 400.0)
        >>> left[0, :4].round(3).tolist()
        [1.0, 0.994, 0.9, 0.555]
    """
    grid = checked("specimen_envelope", grid=grid)
    wavelength, thickness = _lengths(grid, wavelength, thickness)
    return jnp.sinc(0.5 * wavelength * thickness * grid.frequency_squared())


def thon_rings(
    lens: Lens, grid: Grid, wavelength: Scalar | float, thickness: ScalarLike
) -> HalfImage:
    r"""Return the power that incoherent layers of a thick specimen give.

    $$\frac1t \int_{-t/2}^{t/2} \sin^2(\gamma + \pi\lambda z k^2)\, dz =
    \tfrac12 \left(1 - \operatorname{sinc}(\lambda k^2 t) \cos 2\gamma\right)$$

    The rings vanish where $\lambda k^2 t$ is a whole number and come back in reverse.
    Without the lens's envelope, whose square is a further factor.

    Args:
        lens: its aberrations, defocus referred to the middle of the specimen.
        grid: sampling of the image.
        wavelength: Å.
        thickness: $t$, Å.

    References:
        Tichelaar, Hagen, Gorelik, Xue and Mahamid 2020, Ultramicroscopy 216, 113023;
        Elferich, Kong, Zottig and Grigorieff 2024, eLife 13, RP97227 (CTFFIND5).

    Example:
        >>> import vitrax as vx
        >>> from vitrax.optics import thon_rings
        >>> thick = thon_rings(vx.Lens(1e4), vx.Grid(8, 1.0), 0.02, 200.0)
        >>> round(float(thick[0, 4]), 6)
        0.5
    """
    lens, grid = checked("thon_rings", lens=lens, grid=grid)
    wavelength, thickness = _lengths(grid, wavelength, thickness)
    y, x = lens_frequencies(lens, grid)
    contrast = jnp.sinc(wavelength * thickness * (x**2 + y**2))
    error = phase_error(lens, grid, wavelength)
    return 0.5 * (1 - contrast * jnp.cos(2 * error))


def _lengths(
    grid: Grid, wavelength: Scalar | float, thickness: ScalarLike
) -> tuple[Scalar, Scalar]:
    """Return wavelength and thickness in the precision of the grid."""
    thickness = checked_number(
        "average over depth", "thickness", thickness, FINITE, "give it in Å"
    )
    dtype = grid.pixel_size.dtype
    return as_float(wavelength).astype(dtype), as_float(thickness).astype(dtype)
