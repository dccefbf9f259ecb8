"""Slabs of many Gaussians, each evaluated in a small box around it."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float, Int

from .._typing import ScalarLike, as_float
from ..grid import Grid
from ..pose import Pose
from ..structure import Atoms, Gaussians
from ._gaussian_slabs import as_gaussians, placed, reach_of
from ._slabs import AbstractSlicer, checked_call, default_slicer


# Widths that must lie within the reach of a window: outside are 3.4e-7 of a Gaussian
# along one axis, 7e-7 along both.
_WIDTHS = 5.1
# Values of the boxes in memory at a time.
_CHUNK_SIZE = 2**18


def as_reach(size: int) -> int:
    """Return a size of the window as a Python integer."""
    if int(size) != size or size < 1:
        raise ValueError(
            f"cannot make WindowedSlabs with {size} because it isn't a positive "
            f"integer; do pass pixels and slabs, such as reach=12, depth=8"
        )
    return int(size)


class WindowedSlabs(AbstractSlicer):
    r"""Gaussians averaged over pixels and integrated over slabs, each where it matters.

    The sum of `GaussianSlabs`, but a Gaussian is evaluated only in a box of
    $2\,\text{reach} + 1$ pixels along x and y, and `depth` slabs, around its centre.
    Where that holds less than 5.1 standard deviations of the widest Gaussian to either
    side, as many boxes as do lie side by side. So less than 1e-6 of any Gaussian is cut
    off, whatever the sizes: they change the time, not the slabs. Along z nothing is:
    what lies beyond the boxes counts to their first and last slab. Time grows with the
    number of Gaussians and of boxes, not with that of slabs or pixels; each structure
    of a batch takes as many boxes as the widest of all.

    Args:
        reach: pixels from the centre to the edge of a box.
        depth: number of slabs of a box.

    Raises:
        ValueError: if either isn't a positive integer.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.potential import WindowedSlabs
        >>> blob = vx.Gaussians([[0.0, 0.0, 1.0]], [[1.0]], [[0.5]])
        >>> grid, slicer = vx.Grid(9, 1.0), WindowedSlabs(reach=4, depth=3)
        >>> slabs = slicer(blob, vx.Pose.identity(), grid, 4.0, 5)
        >>> [round(float(share), 3) for share in slabs.sum((1, 2))]
        [0.0, 0.0, 0.921, 0.079, 0.0]
    """

    reach: int = eqx.field(converter=as_reach, static=True, default=12)
    depth: int = eqx.field(converter=as_reach, static=True, default=8)

    def __call__(
        self,
        structure: Gaussians | Atoms,
        pose: Pose,
        grid: Grid,
        thickness: ScalarLike,
        count: int,
    ) -> Float[Array, "slab y x"]:
        """Return the slabs, Å per Å².

        Raises:
            TypeError: if `structure` isn't `Gaussians` or `Atoms`.
            ValueError: if `count` isn't positive, or an atom lies beyond the slabs.
        """
        nouns = (structure, pose, grid)
        structure, pose, grid = checked_call(self, nouns, count, (Gaussians, Atoms))
        gaussians, thickness = as_gaussians(structure), as_float(thickness)
        centres, depths, thickness = placed(gaussians, pose, thickness, count)
        pixel_size = grid.pixel_size.astype(depths.dtype)
        shape = (count, *grid.shape)
        sizes = (self.depth, 2 * self.reach + 1, 2 * self.reach + 1)
        window = tuple(min(size, n) for size, n in zip(sizes, shape, strict=True))
        steps = jnp.stack([thickness, pixel_size, pixel_size])
        return _summed(
            (centres, depths, gaussians.amplitudes, gaussians.variances),
            steps,
            _blocks(gaussians.variances, steps, window, shape),
            window,
            shape,
        )

    def half_depth(self, structure: Gaussians | Atoms) -> float:
        """Return the furthest centre and three widths of the widest Gaussian, Å."""
        return reach_of(structure)


def _blocks(
    variances: Array,
    steps: Float[Array, "3"],
    window: tuple[int, ...],
    shape: tuple[int, ...],
) -> Int[Array, "3"]:
    """Return how many boxes hold the widest Gaussian, along each axis."""
    widest = jnp.sqrt(jnp.max(lax.stop_gradient(variances)))
    # A box lies within half a step of the middle of the Gaussian.
    needed = 2 * _WIDTHS * widest / lax.stop_gradient(steps) + 1
    sizes = jnp.asarray(window, steps.dtype)
    most = jnp.asarray(_most_blocks(window, shape), steps.dtype)
    # Of a Gaussian without a width, NaN, the one box is NaN.
    blocks = jnp.ceil(needed / sizes * (1 - 1e-6))
    blocks = jnp.where(blocks > 1, jnp.minimum(blocks, most), 1.0)
    return blocks.astype(jnp.int32)


def _most_blocks(window: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many boxes hold all slabs and pixels, along each axis."""
    return tuple(-(-n // size) for n, size in zip(shape, window, strict=True))


@custom_vmap
def _largest(blocks: Array) -> Array:
    """Return the same, but of a batch the largest, one number for all.

    Under vmap a condition that differs within a batch is none: both of its branches are
    computed, here all boxes that there may be.
    """
    return blocks


@_largest.def_vmap
def _(size: int, batched: list[bool], blocks: Array) -> tuple[Array, bool]:
    del size, batched
    return _largest(jnp.max(blocks, axis=0)), False


def _summed(
    parts: tuple[Array, ...],
    steps: Float[Array, "3"],
    blocks: Int[Array, "3"],
    window: tuple[int, ...],
    shape: tuple[int, ...],
) -> Float[Array, "slab y x"]:
    """Return the sum, box after box around each Gaussian as far as needed."""
    chunks = _chunks(parts, window)

    def add(total: Array, chunks: list[Array], index: Array) -> Array:
        def step(total: Array, part: list[Array]) -> tuple[Array, None]:
            starts, boxes = _boxes(part, steps, (blocks, index), window, shape)
            dimensions = lax.ScatterDimensionNumbers((1, 2, 3), (), (0, 1, 2))
            return lax.scatter_add(
                total, starts, boxes, dimensions, mode="promise_in_bounds"
            ), None

        return lax.scan(step, total, chunks)[0]

    most, taken = _most_blocks(window, shape), _largest(blocks)

    def along(total: Array, index: tuple[Array, ...]) -> Array:
        axis = len(index)
        if axis == len(most):
            return add(total, chunks, jnp.stack(index))
        if most[axis] == 1:
            return along(total, (*index, jnp.zeros((), jnp.int32)))

        # Under grad memory would be kept for boxes that aren't taken, too.
        @jax.checkpoint
        def step(total: Array, i: Array) -> tuple[Array, None]:
            more = lambda total: along(total, (*index, i))
            return lax.cond(i < taken[axis], more, lambda total: total, total), None

        return lax.scan(step, total, jnp.arange(most[axis], dtype=jnp.int32))[0]

    return along(jnp.zeros(shape, parts[0].dtype), ())


def _chunks(parts: tuple[Array, ...], window: tuple[int, ...]) -> list[Array]:
    """Return the Gaussians in chunks whose boxes fit in memory at a time."""
    number = parts[0].shape[0]
    chunk = max(1, min(number, _CHUNK_SIZE // math.prod(window)))
    fill = -number % chunk
    # Gaussians of amplitude 0 and variance 1 fill the last chunk.
    filled = [
        jnp.pad(
            part,
            ((0, fill), *((0, 0),) * (part.ndim - 1)),
            constant_values=float(i == 3),
        )
        for i, part in enumerate(parts)
    ]
    return [part.reshape(-1, chunk, *part.shape[1:]) for part in filled]


@jax.checkpoint
def _boxes_of(factors: list[Array]) -> Array:
    """Return the products of the factors along z, y and x, summed over terms."""
    z, y, x = factors
    plane = z[:, :, :, None] * y[:, :, None, :]
    n, terms, depth, height = plane.shape
    plane = plane.reshape(n, terms, depth * height)
    boxes = lax.dot_general(plane, x, (((1,), (1,)), ((0,), (0,))))
    return boxes.reshape(n, depth, height, -1)


def _boxes(
    part: list[Array],
    steps: Float[Array, "3"],
    which: tuple[Int[Array, "3"], Int[Array, "3"]],
    window: tuple[int, ...],
    shape: tuple[int, ...],
) -> tuple[Array, Array]:
    """Return the first index (slab, y, x) of each box, and its values."""
    centres, depths, amplitudes, variances = part
    blocks, index = (each.astype(depths.dtype) for each in which)
    scale = lax.rsqrt(2 * variances)[:, :, None]
    starts, factors = [], []
    for axis, (n, size) in enumerate(zip(shape, window, strict=True)):
        # The coordinate that is 0 at the middle of all slabs, or of pixel n // 2.
        place = (depths, centres[:, 0], centres[:, 1])[axis]
        zero = 0.5 * n if axis == 0 else n // 2 + 0.5
        ends = _ends(place / steps[axis] + zero, n, size, blocks[axis])
        start, edges = _edges(ends, n, size, index[axis])
        offset = (edges - zero) * steps[axis] - place[:, None]
        below = lax.erf(offset[:, None, :] * scale)
        if axis == 0:
            # What lies beyond the ends counts to the first and last slab.
            first, last = (end[:, None, None] for end in ends)
            below = jnp.where(edges[:, None, :] > first, below, -1)
            below = jnp.where(edges[:, None, :] < last, below, 1)
        starts.append(start)
        factors.append(0.5 * jnp.diff(below, axis=-1))
    factors[0] = factors[0] * (amplitudes / (steps[1] * steps[2]))[:, :, None]
    return jnp.stack(starts, -1).astype(jnp.int32), _boxes_of(factors)


def _ends(place: Array, n: int, size: int, blocks: Array) -> tuple[Array, Array]:
    """Return the indices between which boxes lie around `place`, within their axis."""
    whole = jnp.minimum(blocks * size, n)
    first = jnp.clip(jnp.round(place - 0.5 * whole), 0, n - whole)
    first = lax.stop_gradient(first)
    return first, first + whole


def _edges(
    ends: tuple[Array, Array], n: int, size: int, index: Array
) -> tuple[Array, Array]:
    """Return the first index of one of the boxes, and the edges of its steps.

    A box that would reach beyond its axis is moved inside. Its steps beyond the ends,
    and those that the box before it has, are empty.
    """
    first, last = ends
    low = first + index * size
    start = jnp.minimum(low, n - size)
    steps = start[:, None] + jnp.arange(size + 1, dtype=start.dtype)[None, :]
    return start, jnp.clip(steps, low[:, None], jnp.minimum(low + size, last)[:, None])


@default_slicer.register
def _(structure: Gaussians) -> AbstractSlicer:
    del structure
    return WindowedSlabs()


@default_slicer.register
def _(structure: Atoms) -> AbstractSlicer:
    del structure
    return WindowedSlabs()
