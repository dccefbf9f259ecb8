"""Values of images and volumes at points between their pixels, in real space."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_ranks
from ._grid import Grid, along


Kernel = Callable[[Float[Array, " taps"]], Float[Array, " taps"]]


def interpolate_linear(
    values: Float[Array, "..."], points: Float[Array, "... dim"], grid: Grid
) -> Float[Array, "..."]:
    """Return the values at some points, (bi- or tri-)linear between pixels.

    Beyond the last pixel the values fall to 0 within one pixel.

    Args:
        values: an image or a volume.
        points: (x, y) or (x, y, z) along the last axis, relative to the origin, Å.
        grid: of `values`.

    Returns:
        One value for each point.

    Raises:
        ValueError: if `values` isn't on `grid`, or the points haven't its dimension.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.grid import interpolate_linear
        >>> ramp = jnp.tile(jnp.arange(4.0), (3, 1))
        >>> points = jnp.asarray([[0.0, 0.0], [1.0, 0.0], [9.0, 0.0]])
        >>> interpolate_linear(ramp, points, vx.Grid((3, 4), pixel_size=2.0)).tolist()
        [2.0, 2.5, 0.0]
    """
    return _interpolate(values, points, grid, _tent, (0, 1))


def interpolate_cubic(
    values: Float[Array, "..."], points: Float[Array, "... dim"], grid: Grid
) -> Float[Array, "..."]:
    r"""Return the values at some points, by cubic convolution between pixels.

    The interpolant passes through the pixels, has continuous first derivatives, and
    reproduces quadratic functions. Beyond the last pixel it falls to 0 within two
    pixels.

    Args:
        values: an image or a volume.
        points: (x, y) or (x, y, z) along the last axis, relative to the origin, Å.
        grid: of `values`.

    Returns:
        One value for each point.

    Raises:
        ValueError: if `values` isn't on `grid`, or the points haven't its dimension.

    References:
        Keys (1981), IEEE Trans. Acoust. 29, 1153, with $a = -1/2$.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.grid import interpolate_cubic
        >>> parabola = jnp.tile((jnp.arange(7.0) - 3.0) ** 2, (5, 1))
        >>> grid = vx.Grid((5, 7), pixel_size=1.0)
        >>> interpolate_cubic(parabola, jnp.asarray([0.5, 0.0]), grid).item()
        0.25
    """
    return _interpolate(values, points, grid, _keys, (-1, 0, 1, 2))


def _interpolate(
    values: Float[Array, "..."],
    points: Float[Array, "... dim"],
    grid: Grid,
    kernel: Kernel,
    taps: tuple[int, ...],
) -> Float[Array, "..."]:
    """Return the values at some points, each a weighted sum of the pixels about it."""
    check_ranks("interpolate", grid=grid)
    if values.shape != grid.shape or points.shape[-1:] != (grid.ndim,):
        raise ValueError(
            f"cannot interpolate values of shape {values.shape} at points of shape "
            f"{points.shape} because the grid has shape {grid.shape}; do pass its own "
            f"values, and {grid.ndim} coordinates along the last axis"
        )
    pixels = points.astype(values.dtype) / grid.pixel_size.astype(values.dtype)
    flat = pixels.reshape(-1, grid.ndim)
    at_one = jax.vmap(lambda pixel: _at_point(values, pixel[::-1], kernel, taps))
    return at_one(flat).reshape(points.shape[:-1])


def _at_point(
    values: Float[Array, "..."],
    pixel: Float[Array, " dim"],
    kernel: Kernel,
    taps: tuple[int, ...],
) -> Float[Array, ""]:
    """Return the value at one point, in pixels from the origin in the order of axes."""
    indices, weights = [], []
    for coordinate, n in zip(pixel, values.shape, strict=True):
        floor = jnp.floor(coordinate)
        offset = jnp.asarray(taps)
        index = floor.astype(offset.dtype) + n // 2 + offset
        weight = kernel((coordinate - floor) - offset.astype(pixel.dtype))
        inside = (index >= 0) & (index < n)
        indices.append(jnp.clip(index, 0, n - 1))
        weights.append(jnp.where(inside, weight, 0))
    block = values[jnp.ix_(*indices)]
    for i, weight in enumerate(weights):
        block = block * weight.reshape(along(i, values.ndim))
    return jnp.sum(block)


def _tent(x: Float[Array, " taps"]) -> Float[Array, " taps"]:
    """Return the weight of linear interpolation at distances `x`, |x| <= 1."""
    return 1 - jnp.abs(x)


def _keys(x: Float[Array, " taps"]) -> Float[Array, " taps"]:
    """Return the weight of Keys' cubic convolution at distances `x`, |x| <= 2."""
    d = jnp.abs(x)
    near = (1.5 * d - 2.5) * d**2 + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    return jnp.where(d <= 1, near, far)
