"""Moving an image by the phases of its spectrum."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .._typing import HalfSpectrum, Vector2
from ..grid import Grid


def moved(spectrum: HalfSpectrum, shift: Vector2, grid: Grid) -> HalfSpectrum:
    r"""Return $e^{-2\pi i (k_x x + k_y y)}\,F(k)$: an image moved by (x, y).

    The derivative in the shift is that of the angle, one real number per frequency;
    through the phases it would be two complex ones.

    Args:
        spectrum: of the image.
        shift: (x, y), Å.
        grid: sampling of the image.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.potential import moved
        >>> point = jnp.zeros((4, 4)).at[2, 2].set(1.0)
        >>> spectrum = vx.grid.to_fourier(point)
        >>> there = moved(spectrum, jnp.asarray([1.0, 0.0]), vx.Grid((4, 4), 1.0))
        >>> float(vx.grid.to_real(there, (4, 4))[2, 3].round(6))
        1.0
    """
    ky, kx = grid.frequency_axes()
    return _moved(spectrum, shift, ky, kx)


@jax.custom_jvp
def _moved(spectrum: Array, shift: Array, ky: Array, kx: Array) -> Array:
    along_y = _phases(-2 * jnp.pi * ky * shift[1])[:, None]
    along_x = _phases(-2 * jnp.pi * kx * shift[0])[None, :]
    return spectrum * (along_y * along_x)


@_moved.defjvp
def _moved_jvp(primals, tangents):
    spectrum, *at = primals
    d_spectrum, *d_at = tangents
    result = _moved(spectrum, *at)
    d_angle = jax.jvp(_angle, tuple(at), tuple(d_at))[1]
    # Products of complex numbers only: XLA would split what takes the real part of an
    # interpolated value, and run the interpolation twice.
    turn = lax.complex(jnp.zeros_like(d_angle), d_angle)
    return result, _moved(d_spectrum, *at) + turn * result


def _angle(shift: Array, ky: Array, kx: Array) -> Array:
    """Return -2π (kx x + ky y)."""
    along_y, along_x = ky * shift[1], kx * shift[0]
    return -2 * jnp.pi * (along_y[:, None] + along_x[None, :])


def _phases(angle: Array) -> Array:
    """Return e^{i angle}."""
    return lax.complex(jnp.cos(angle), jnp.sin(angle))
