"""The frequencies at which the lens acts, and its phase error there."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._typing import Scalar
from ..grid import Grid
from ._lens import Lens
from ._zernike import zernike_at


# (y, x) in 1/Å, of shapes that fit each other's.
Frequencies = tuple[Float[Array, "_ _"], Float[Array, "_ _"]]


def lens_frequencies(lens: Lens, grid: Grid) -> Frequencies:
    """Return (y, x) of M k for each k of the half spectrum, M the magnification."""
    ky, kx = grid.frequency_axes()
    y, x = ky[:, None], kx[None, :]
    if lens.magnification is None:
        return y, x
    (xx, xy), (yx, yy) = lens.magnification.astype(kx.dtype)
    return yx * x + yy * y, xx * x + xy * y


def phase_at(
    lens: Lens, frequencies: Frequencies, wavelength: Scalar
) -> Float[Array, "y kx"]:
    """Return the phase error at some frequencies, radians."""
    y, x = frequencies
    half = 0.5 * lens.astigmatism
    angle = 2 * jnp.deg2rad(lens.astigmatism_angle)
    x2, y2 = x**2, y**2
    along_x = lens.defocus + half * jnp.cos(angle)
    along_y = lens.defocus - half * jnp.cos(angle)
    mixed = 2 * half * jnp.sin(angle)
    defocused = along_x * x2 + along_y * y2 + mixed * (y * x)
    spherical = 1e7 * lens.spherical_aberration * wavelength**3
    constant = jnp.deg2rad(lens.phase_shift) + jnp.arcsin(lens.amplitude_contrast)
    error = (
        jnp.pi * (wavelength * defocused - 0.5 * spherical * (x2 + y2) ** 2) + constant
    )
    if lens.even_zernike is None:
        return error
    return error - zernike_at(lens.even_zernike, "even", y, x)


def phase_slope_squared(
    lens: Lens, frequencies: Frequencies, wavelength: Scalar
) -> Float[Array, "y kx"]:
    """Return the squared gradient of the phase error in the frequency, Å²."""
    y, x = jnp.broadcast_arrays(*frequencies)
    none, one = jnp.zeros_like(x), jnp.ones_like(x)

    def error(y: Array, x: Array) -> Array:
        return phase_at(lens, (y, x), wavelength)

    def along(step_y: Array, step_x: Array) -> Array:
        return jax.jvp(error, (y, x), (step_y, step_x))[1]

    return along(one, none) ** 2 + along(none, one) ** 2
