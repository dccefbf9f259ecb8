"""Moving an image by the phases of its spectrum."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .._typing import HalfSpectrum, Scalar, Vector2, complex_dtype
from ..grid import Grid


def shift_phases(
    shift: Vector2, grid: Grid, scale: Scalar | float = 1.0
) -> HalfSpectrum:
    r"""Return $s\,e^{-2\pi i (k_x x + k_y y)}$: it moves an image by (x, y).

    Args:
        shift: (x, y), Å.
        grid: sampling of the image.
        scale: real factor.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.potential import shift_phases
        >>> grid = vx.Grid((4, 4), 1.0)
        >>> phases = shift_phases(jnp.asarray([1.0, 0.0]), grid)
        >>> image = vx.grid.to_real(phases, (4, 4))
        >>> float(image[2, 3].round(6))
        1.0
    """
    ky, kx = grid.frequency_axes()
    along_x = _phases(-2 * jnp.pi * kx * shift[0]) * jnp.asarray(
        scale, complex_dtype(kx.dtype)
    )
    return _phases(-2 * jnp.pi * ky * shift[1])[:, None] * along_x[None, :]


def _phases(angle: Array) -> Array:
    """Return e^{i angle}."""
    return lax.complex(jnp.cos(angle), jnp.sin(angle))
