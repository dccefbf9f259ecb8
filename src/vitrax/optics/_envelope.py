"""The amplitude that the lens leaves."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import checked
from .._typing import HalfImage, Scalar, as_float
from ..grid import Grid
from ..physics import CODATA
from ._frequencies import lens_frequencies, phase_slope_squared
from ._lens import Lens


# mm to Å, mrad to rad.
_MILLIMETRE, _MILLIRADIAN = 1e7, 1e-3
# The Compton wavelength h / mc, Å.
_COMPTON = 2 * math.sqrt(CODATA.relativistic_correction) * CODATA.wavelength_scale


def envelope(lens: Lens, grid: Grid, wavelength: Scalar | float) -> HalfImage:
    r"""Return the amplitude that the lens leaves.

    $$e^{-Bk^2/4}\; e^{-\frac12 (\pi\lambda\delta k^2)^2}\;
    e^{-\frac12 (\alpha/\lambda)^2 |\nabla\gamma|^2}\; A(k)$$

    The second factor is the mean over a Gaussian of defoci, of the standard deviation
    $\delta$ that `focal_spread` gives. The third is the mean over a Gaussian of
    directions of the beam with standard deviation $\alpha$ along each axis, to first
    order in $\alpha$; for a round lens it is
    $e^{-2\pi^2\alpha^2 (\Delta f\,k - C_s\lambda^2k^3)^2}$. The aperture passes
    frequencies below $\sin(\text{angle})/\lambda$, where $A$ is 1/2, with a cosine edge
    of one Fourier pixel. The lens's `damping` is a further factor, by the frequency of
    the image. What the lens doesn't have isn't computed.

    Args:
        lens: its B-factor, chromatic aberration, energy spread, convergence, aperture.
        grid: sampling of the image.
        wavelength: Å.

    References:
        Frank 1973, Optik 38, 519. Wade and Frank 1977, Optik 49, 81. Reimer and Kohl
        2008, Transmission Electron Microscopy, chapter 6.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.optics import envelope
        >>> lens = vx.Lens(defocus=0.0, b_factor=100.0)
        >>> round(float(envelope(lens, vx.Grid(5, 1.0), 0.0197)[0, 1]), 6)
        0.367879
    """
    lens, grid = checked("envelope", lens=lens, grid=grid)
    wavelength = as_float(wavelength).astype(grid.pixel_size.dtype)
    at = lens_frequencies(lens, grid)
    squared = at[0] ** 2 + at[1] ** 2
    decay = 0.25 * lens.b_factor * squared
    if lens.chromatic_aberration is not None:
        spread = focal_spread(lens, wavelength)
        decay = decay + 0.5 * (jnp.pi * wavelength * spread * squared) ** 2
    if lens.convergence is not None:
        spread = _MILLIRADIAN * lens.convergence / wavelength
        slope = phase_slope_squared(lens, at, wavelength)
        decay = decay + 0.5 * spread**2 * slope
    left = jnp.exp(-decay)
    if lens.damping is not None:
        left = left * lens.damping(grid, wavelength)
    if lens.aperture is None:
        return left
    cutoff = jnp.sin(_MILLIRADIAN * lens.aperture) / wavelength
    width = 1 / (max(grid.shape) * grid.pixel_size)
    return left * _passed(squared, cutoff, width)


def focal_spread(lens: Lens, wavelength: Scalar | float) -> Scalar:
    r"""Return the standard deviation of the defocus by the energy spread, Å.

    $$\delta = C_c \frac{\Delta E}{E}\,\frac{1 + E/mc^2}{1 + E/2mc^2}
    = C_c\,\Delta E\; \frac{2mc^2 \gamma}{(h c/\lambda)^2}, \quad
    \gamma^2 = 1 + (h / mc\lambda)^2$$

    The wavelength says the energy $E$. 0 without chromatic aberration.

    Args:
        lens: its chromatic aberration (mm) and energy spread (eV).
        wavelength: Å.

    References:
        Reimer and Kohl 2008, Transmission Electron Microscopy, chapter 2.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.optics import focal_spread
        >>> lens = vx.Lens(1e4, chromatic_aberration=2.7, energy_spread=0.3)
        >>> round(float(focal_spread(lens, vx.physics.wavelength(300.0))), 2)
        33.13
    """
    lens = checked("focal_spread", lens=lens)
    wavelength = as_float(wavelength).astype(lens.defocus.dtype)
    if lens.chromatic_aberration is None or lens.energy_spread is None:
        return jnp.zeros_like(wavelength)
    lorentz = jnp.sqrt(1 + (_COMPTON / wavelength) ** 2)
    per_volt = lorentz * (wavelength / CODATA.wavelength_scale) ** 2
    return _MILLIMETRE * lens.chromatic_aberration * lens.energy_spread * per_volt


def _passed(
    squared: Float[Array, "y kx"], cutoff: Scalar, width: Scalar
) -> Float[Array, "y kx"]:
    """Return 1 below a cut-off, 0 above, a half cosine of some width about it."""
    # The root has no derivative at zero frequency, which an aperture passes anyway.
    least = (0.25 * width) ** 2
    radius = jnp.sqrt(jnp.maximum(squared, least))
    beyond = jnp.clip((radius - cutoff) / width + 0.5, 0.0, 1.0)
    return 0.5 * (1 + jnp.cos(jnp.pi * beyond))
