"""The phase error of the lens."""

import jax.numpy as jnp

from .._checks import checked
from .._typing import HalfImage, Scalar, as_float
from ..grid import Grid
from ._lens import Lens
from ._zernike import zernike_sum


def phase_error(lens: Lens, grid: Grid, wavelength: Scalar | float) -> HalfImage:
    r"""Return $\gamma(k)$ of the lens, in radians.

    $$\gamma = \pi\lambda\, k^\mathsf{T} D\, k - \tfrac{\pi}{2} C_s \lambda^3 k^4 +
    \phi + \arcsin Q - \sum_i c_i Z_i(k)$$

    The astigmatic defocus is a quadratic form of $(k_x, k_y)$, so that it and its
    derivatives are finite at $k = 0$ and without astigmatism.

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
    ky, kx = grid.frequency_axes()
    half = 0.5 * lens.astigmatism
    angle = 2 * jnp.deg2rad(lens.astigmatism_angle)
    x2, y2 = (kx**2)[None, :], (ky**2)[:, None]
    along_x = lens.defocus + half * jnp.cos(angle)
    along_y = lens.defocus - half * jnp.cos(angle)
    mixed = 2 * half * jnp.sin(angle)
    defocused = along_x * x2 + along_y * y2 + mixed * (ky[:, None] * kx[None, :])
    spherical = 1e7 * lens.spherical_aberration * wavelength**3
    constant = jnp.deg2rad(lens.phase_shift) + jnp.arcsin(lens.amplitude_contrast)
    error = (
        jnp.pi * (wavelength * defocused - 0.5 * spherical * (x2 + y2) ** 2) + constant
    )
    if lens.even_zernike is None:
        return error
    return error - zernike_sum(lens.even_zernike, "even", ky, kx)


def odd_phase(lens: Lens, grid: Grid, wavelength: Scalar | float) -> HalfImage:
    r"""Return the phase by which the odd aberrations turn a spectrum, in radians.

    $$\varphi = -2\pi C_s\lambda^2\, k^2\, (t \cdot k) + \sum_i c_i Z_i(k)$$

    The spectrum is multiplied by $e^{i\varphi}$.

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
    ky, kx = grid.frequency_axes()
    total = jnp.zeros(grid.half_shape, kx.dtype)
    if lens.beam_tilt is not None:
        along = lens.beam_tilt[0] * kx[None, :] + lens.beam_tilt[1] * ky[:, None]
        # mm to Å, mrad to rad.
        strength = 2e4 * jnp.pi * lens.spherical_aberration * wavelength**2
        total = total - strength * grid.frequency_squared() * along
    if lens.odd_zernike is not None:
        total = total + zernike_sum(lens.odd_zernike, "odd", ky, kx)
    return total


def envelope(lens: Lens, grid: Grid) -> HalfImage:
    """Return the amplitude that the lens leaves, exp(-B k²/4).

    Args:
        lens: its B-factor, Å².
        grid: sampling of the image.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.optics import envelope
        >>> lens = vx.Lens(defocus=0.0, b_factor=100.0)
        >>> round(float(envelope(lens, vx.Grid(5, 1.0))[0, 1]), 6)
        0.367879
    """
    lens, grid = checked("envelope", lens=lens, grid=grid)
    return jnp.exp(-0.25 * lens.b_factor * grid.frequency_squared())


def transfer(lens: Lens, grid: Grid, wavelength: Scalar | float) -> HalfImage:
    r"""Return the physical contrast transfer function, $-\sin\gamma(k)\, e^{-Bk^2/4}$.

    Negative at low frequency under focus: protein is dark. RELION's has the opposite
    sign.

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
    return -jnp.sin(phase_error(lens, grid, wavelength)) * envelope(lens, grid)
