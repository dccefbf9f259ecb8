"""Slabs of many Gaussians, each evaluated in a small box around it."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._typing import Scalar, ScalarLike, as_float
from ..grid import Grid
from ..pose import Pose
from ..structure import Atoms, Gaussians
from ._gaussian_slabs import as_gaussians, placed, reach_of
from ._slabs import AbstractSlicer, check_fits, checked_call, default_slicer, shares


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

    The sum of `GaussianSlabs`, but a Gaussian is evaluated only in the box of
    $2\,\text{reach} + 1$ pixels along x and y, and `depth` slabs, around its centre. A
    window must hold 5.1 standard deviations to either side: less than 1e-6 of any
    Gaussian is cut off. Along z nothing is: what lies beyond the box counts to its
    first and last slab. Time grows with the number of Gaussians, not with that of slabs
    or pixels.

    Args:
        reach: pixels from the centre to the edge of the window.
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
            ValueError: if `count` isn't positive, an atom lies beyond the slabs, or a
                Gaussian is wider than the box.
        """
        nouns = (structure, pose, grid)
        structure, pose, grid = checked_call(self, nouns, count, (Gaussians, Atoms))
        gaussians, thickness = as_gaussians(structure), as_float(thickness)
        centres, depths, thickness = placed(gaussians, pose, thickness, count)
        pixel_size = grid.pixel_size.astype(depths.dtype)
        depths = self._checked(gaussians, depths, pixel_size, thickness, (count, grid))
        window = (
            min(self.depth, count),
            *(min(2 * self.reach + 1, n) for n in grid.shape),
        )
        return _summed(
            (centres, depths, gaussians.amplitudes, gaussians.variances),
            (thickness, pixel_size),
            window,
            (count, *grid.shape),
        )

    def half_depth(self, structure: Gaussians | Atoms) -> float:
        """Return the furthest centre and three widths of the widest Gaussian, Å."""
        return reach_of(structure)

    def _checked(
        self,
        gaussians: Gaussians,
        depths: Array,
        pixel_size: Scalar,
        thickness: Scalar,
        sizes: tuple[int, Grid],
    ) -> Array:
        """Return `depths`; raise if a Gaussian is wider than the box."""
        count, grid = sizes
        needed = _WIDTHS * jnp.sqrt(jnp.max(gaussians.variances))
        what = "a window must reach"
        if 2 * self.reach + 1 < max(grid.shape):
            advice = f"make WindowedSlabs(reach=...) more than {self.reach} pixels"
            depths = check_fits(needed, self.reach * pixel_size, depths, what, advice)
        if self.depth >= count:
            return depths
        room = 0.5 * (self.depth - 1) * thickness
        advice = f"make WindowedSlabs(depth=...) more than {self.depth} slabs"
        return check_fits(needed, room, depths, what + " up and down", advice)


def _summed(
    parts: tuple[Array, ...],
    steps: tuple[Scalar, Scalar],
    window: tuple[int, ...],
    shape: tuple[int, ...],
) -> Float[Array, "slab y x"]:
    """Return the sum, a chunk of Gaussians at a time, computed again under grad."""
    number = parts[0].shape[0]
    chunk = max(1, min(number, _CHUNK_SIZE // (window[0] * window[1] * window[2])))
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
    chunks = [part.reshape(-1, chunk, *part.shape[1:]) for part in filled]

    def step(total: Array, part: list[Array]) -> tuple[Array, None]:
        starts, boxes = _boxes(part, steps, window, shape)
        axes = (0, 1, 2)
        dimensions = lax.ScatterDimensionNumbers((1, 2, 3), (), axes)
        total = lax.scatter_add(
            total, starts, boxes, dimensions, mode="promise_in_bounds"
        )
        return total, None

    total = jnp.zeros(shape, parts[0].dtype)
    return lax.scan(step, total, chunks)[0]


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
    steps: tuple[Scalar, Scalar],
    window: tuple[int, ...],
    shape: tuple[int, ...],
) -> tuple[Array, Array]:
    """Return the first index (slab, y, x) of each box, and its values."""
    centres, depths, amplitudes, variances = part
    thickness, pixel_size = steps
    count = shape[0]
    first = _first(depths / thickness + 0.5 * count - 0.5 * window[0], count, window[0])
    edge = (first - 0.5 * count) * thickness
    widths = jnp.sqrt(variances)
    z = shares(depths, widths, edge, thickness, window[0]) * amplitudes[:, :, None]
    starts, factors = [first], [z]
    for axis in (0, 1):
        n, size = shape[1 + axis], window[1 + axis]
        position = centres[:, axis] / pixel_size + n // 2
        start = _first(position - 0.5 * (size - 1), n, size)
        edges = jnp.arange(size + 1, dtype=depths.dtype) - 0.5 - n // 2
        offset = (start[:, None] + edges[None, :]) * pixel_size - centres[:, axis, None]
        scaled = offset[:, None, :] * lax.rsqrt(2 * variances)[:, :, None]
        factors.append(jnp.diff(lax.erf(scaled), axis=-1) * (0.5 / pixel_size))
        starts.append(start)
    return jnp.stack(starts, -1).astype(jnp.int32), _boxes_of(factors)


def _first(place: Array, n: int, size: int) -> Array:
    """Return the index nearest to `place` at which a window lies inside its axis."""
    return lax.stop_gradient(jnp.clip(jnp.round(place), 0, n - size))


@default_slicer.register
def _(structure: Gaussians) -> AbstractSlicer:
    del structure
    return WindowedSlabs()


@default_slicer.register
def _(structure: Atoms) -> AbstractSlicer:
    del structure
    return WindowedSlabs()
