"""Sums of Gaussians on a grid, each evaluated where it isn't negligible."""

import functools as ft
import math

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..grid import Grid


# Sizes of the windows in which Gaussians are evaluated; the narrowest that holds the
# widest Gaussian is taken, or else the whole grid.
_WINDOWS = (16, 32)
# Gaussians, or voxels of their windows, in memory at a time.
_CHUNK_SIZE = 2**21


def sum_gaussians(
    positions: Float[Array, "gaussians axes"],
    amplitudes: Float[Array, "gaussians terms"],
    variances: Float[Array, "gaussians terms"],
    grid: Grid,
) -> Float[Array, "..."]:
    r"""Return a sum of Gaussians, averaged over each pixel or voxel of `grid`.

    Along each axis the average of a normalised Gaussian over a pixel of size $p$ is
    $\frac{1}{2p}[\mathrm{erf}((d + p/2)/\sqrt{2s}) - \mathrm{erf}((d -
    p/2)/\sqrt{2s})]$. What is cut off lies below the rounding of the dtype.

    Args:
        positions: centres, in the order of the grid's axes, Å.
        amplitudes: integrals.
        variances: $s$, Å².
        grid: two or three axes.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.structure import sum_gaussians
        >>> one = jnp.ones((1, 1))
        >>> image = sum_gaussians(jnp.zeros((1, 2)), one, one, vx.Grid(20, 1.0))
        >>> round(float(image.sum()), 5)
        1.0
    """
    dtype = positions.dtype
    reach = 5.2 if jnp.finfo(dtype).bits <= 32 else 6.8
    smallest = min(grid.shape)
    windows = [w for w in _WINDOWS if w < smallest]
    widest = jnp.sqrt(jnp.max(variances)) / grid.pixel_size
    needed = 2 * reach * widest + 2
    branches = [ft.partial(_sum_in_windows, (w,) * grid.ndim, grid) for w in windows]
    branches.append(ft.partial(_sum_in_windows, grid.shape, grid))
    choice = sum((needed > w).astype(jnp.int32) for w in windows)
    if not windows:
        return branches[0](positions, amplitudes, variances)
    return lax.switch(choice, branches, positions, amplitudes, variances)


def _sum_in_windows(
    window: tuple[int, ...],
    grid: Grid,
    positions: Array,
    amplitudes: Array,
    variances: Array,
) -> Array:
    """Return the sum, a chunk of Gaussians at a time, computed again under grad."""
    whole = window == grid.shape
    each = sum(window) * amplitudes.shape[1] if whole else math.prod(window)
    count = positions.shape[0]
    chunk = max(1, min(count, _CHUNK_SIZE // each))
    fill = -count % chunk
    parts = (
        jnp.pad(positions, ((0, fill), (0, 0))),
        jnp.pad(amplitudes, ((0, fill), (0, 0))),
        jnp.pad(variances, ((0, fill), (0, 0)), constant_values=1.0),
    )
    add = _add_everywhere if whole else ft.partial(_add_windows, window)

    @jax.checkpoint
    def step(total, part):
        centres, integrals, widths = part
        return add(total, centres, integrals, widths, grid), None

    total = jnp.zeros(grid.shape, positions.dtype)
    if chunk == count:
        return step(total, parts)[0]
    chunks = jax.tree.map(lambda x: x.reshape(-1, chunk, *x.shape[1:]), parts)
    return lax.scan(step, total, chunks)[0]


def _add_windows(
    window: tuple[int, ...],
    total: Array,
    positions: Array,
    amplitudes: Array,
    variances: Array,
    grid: Grid,
) -> Array:
    """Return `total` with each Gaussian added in the window around it.

    A window that would reach over the edge of the grid is moved inside, so that no
    part of a Gaussian on the grid is lost.
    """
    starts, factors = [], []
    for axis, (size, width) in enumerate(zip(grid.shape, window, strict=True)):
        start = jnp.floor(positions[:, axis] / grid.pixel_size) + (
            size // 2 - width // 2
        )
        start = lax.stop_gradient(jnp.clip(start, 0, size - width))
        pixels = jnp.arange(width, dtype=total.dtype)[None] + start[:, None] - size // 2
        offset = pixels * grid.pixel_size - positions[:, axis, None]
        starts.append(start.astype(jnp.int32))
        factors.append(_pixel_averages(offset, variances, grid.pixel_size))
    factors[0] = factors[0] * amplitudes[:, :, None]
    patches = sum(
        _outer([factor[:, term] for factor in factors])
        for term in range(amplitudes.shape[1])
    )
    axes = tuple(range(grid.ndim))
    dimensions = lax.ScatterDimensionNumbers(tuple(a + 1 for a in axes), (), axes)
    return lax.scatter_add(
        total, jnp.stack(starts, -1), patches, dimensions, mode="promise_in_bounds"
    )


def _add_everywhere(
    total: Array, positions: Array, amplitudes: Array, variances: Array, grid: Grid
) -> Array:
    """Return `total` with each Gaussian added on the whole grid: a matrix product."""
    factors = []
    for axis, coordinates in enumerate(grid.axes()):
        offset = coordinates[None, :] - positions[:, axis, None]
        averages = _pixel_averages(offset, variances, grid.pixel_size)
        factors.append(averages.reshape(-1, averages.shape[-1]))
    factors[0] = factors[0] * amplitudes.reshape(-1)[:, None]
    if grid.ndim == 2:
        return total + factors[0].T @ factors[1]
    planes = _outer(factors[:2]).reshape(factors[0].shape[0], -1)
    return total + (planes.T @ factors[2]).reshape(grid.shape)


def _pixel_averages(offset: Array, variances: Array, pixel_size: Array) -> Array:
    """Return averages over the pixels at `offset`: (gaussian, term, pixel)."""
    scale = lax.rsqrt(2 * variances)[:, :, None]
    offset, half = offset[:, None, :], 0.5 * pixel_size
    upper, lower = lax.erf((offset + half) * scale), lax.erf((offset - half) * scale)
    return (upper - lower) * (0.5 / pixel_size)


def _outer(factors: list[Array]) -> Array:
    """Return the products of vectors along their last axes, item by item."""
    product = factors[0]
    for factor in factors[1:]:
        new = (factor.shape[0], *(1,) * (product.ndim - 1), factor.shape[1])
        product = product[..., None] * factor.reshape(new)
    return product
