"""The phase error of the lens, and the transfer function of it."""

import jax.numpy as jnp

from .._checks import checked
from .._typing import HalfImage, Scalar, as_float
from ..grid import Grid
from ._envelope import envelope
from ._frequencies import lens_frequencies, phase_at
from ._lens import Lens
from ._zernike import zernike_at


def phase_error(lens: Lens, grid: Grid, wavelength: Scalar | float) -> HalfImage:
    r"""Return $\gamma(k)$ of the lens, in radians.

    $$\gamma = \pi\lambda\, k^\mathsf{T} D\, k - \tfrac{\pi}{2} C_s \lambda^3 k^4 +
    \phi + \arcsin Q - \sum_i c_i Z_i(k)$$

    The astigmatic defocus is a quadratic form of $(k_x, k_y)$, so that it and its
    derivatives are finite at $k = 0$ and without astigmatism. Where the lens magnifies
    by $M$, $M k$ stands for $k$.

    Args:
        lens: its aberrations.
        grid: sampling of the image.
        wavelength: Å.

    References:
        Rohou and Grigorieff 2015, J. Struct. Biol. 192, 216, equations 2 to 4.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.optics import phase_error
        >>> lens = vx.Lens(defocus=10_000.0, amplitude_contrast=0.1)
        >>> round(float(phase_error(lens, vx.Grid(4, 1.0), 0.0197)[0, 0]), 6)
        0.100167
    """
    lens, grid = checked("phase_error", lens=lens, grid=grid)
    wavelength = as_float(wavelength).astype(grid.pixel_size.dtype)
    return phase_at(lens, lens_frequencies(lens, grid), wavelength)


def odd_phase(lens: Lens, grid: Grid, wavelength: Scalar | float) -> HalfImage:
    r"""Return the phase by which the odd aberrations turn a spectrum, in radians.

    $$\varphi = -2\pi C_s\lambda^2\, k^2\, (t \cdot k) + \sum_i c_i Z_i(k)$$

    The spectrum is multiplied by $e^{i\varphi}$. Where the lens magnifies by $M$, $M k$
    stands for $k$.

    Args:
        lens: its beam tilt and odd Zernike terms.
        grid: sampling of the image.
        wavelength: Å.

    References:
        Zivanov, Nakane and Scheres 2020, IUCrJ 7, 253.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.optics import odd_phase
        >>> tilted = vx.Lens(defocus=10_000.0, beam_tilt=(1.0, 0.0))
        >>> round(float(odd_phase(tilted, vx.Grid(8, 2.5), 0.0197)[0, 4]), 4)
        -0.5267
    """
    lens, grid = checked("odd_phase", lens=lens, grid=grid)
    wavelength = as_float(wavelength).astype(grid.pixel_size.dtype)
    y, x = lens_frequencies(lens, grid)
    total = jnp.zeros(grid.half_shape, x.dtype)
    if lens.beam_tilt is not None:
        along = lens.beam_tilt[0] * x + lens.beam_tilt[1] * y
        # mm to Å, mrad to rad.
        strength = 2e4 * jnp.pi * lens.spherical_aberration * wavelength**2
        total = total - strength * (x**2 + y**2) * along
    if lens.odd_zernike is not None:
        total = total + zernike_at(lens.odd_zernike, "odd", y, x)
    return total


def transfer(lens: Lens, grid: Grid, wavelength: Scalar | float) -> HalfImage:
    r"""Return the physical contrast transfer function, $-\sin\gamma(k)\, E(k)$.

    $E$ is the `envelope`, $e^{-Bk^2/4}$ of a lens with no more. Negative at low
    frequency under focus: protein is dark. RELION's has the opposite sign.

    Args:
        lens: its aberrations.
        grid: sampling of the image.
        wavelength: Å.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.optics import transfer
        >>> lens = vx.Lens(defocus=10_000.0, amplitude_contrast=0.07)
        >>> round(float(transfer(lens, vx.Grid(4, 1.0), 0.0197)[0, 0]), 6)
        -0.07
    """
    return -jnp.sin(phase_error(lens, grid, wavelength)) * envelope(
        lens, grid, wavelength
    )
