"""Slabs of a map."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from .._checks import is_known
from .._typing import Scalar, ScalarLike, as_float
from ..grid import Grid, interpolate_cubic
from ..pose import Pose
from ..structure import VoxelMap
from ._slabs import (
    MORE_SLABS,
    AbstractSlicer,
    check_fits,
    checked_call,
    default_slicer,
    height_of,
)
from ._slice_interpolation import plane_positions


# Layers that are added to the slabs at a time.
_LAYERS = 8


class VoxelSlabs(AbstractSlicer):
    r"""A map in slabs, interpolated between its voxels.

    Layers one voxel apart across the beam are read by cubic convolution, as by
    `RaySum`, and stand for one voxel of depth each. A slab takes of each layer the
    share of that depth that lies in it, so that any thickness goes, a fraction of a
    voxel too, and the slabs sum to the `RaySum` projection.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.potential import VoxelSlabs
        >>> cube = vx.VoxelMap(jnp.ones((5, 5, 5)), 2.0)
        >>> grid = vx.Grid(3, 2.0)
        >>> slabs = VoxelSlabs()(cube, vx.Pose.identity(), grid, 3.0, 4)
        >>> [round(float(value), 5) for value in slabs[:, 1, 1]]
        [2.0, 3.0, 3.0, 2.0]
    """

    def __call__(
        self,
        structure: VoxelMap,
        pose: Pose,
        grid: Grid,
        thickness: ScalarLike,
        count: int,
    ) -> Float[Array, "slab y x"]:
        """Return the slabs, map values × Å.

        Raises:
            TypeError: if `structure` isn't a `VoxelMap`.
            ValueError: if a voxel that isn't 0 lies beyond the slabs.
        """
        nouns = (structure, pose, grid)
        structure, pose, grid = checked_call(self, nouns, count, (VoxelMap,))
        dtype = structure.values.dtype
        thickness = as_float(thickness).astype(dtype)
        size = structure.voxel_size.astype(dtype)
        matrix = pose.as_matrix().astype(dtype)
        height = height_of(pose, structure.values)
        furthest = _furthest(structure, matrix, height)
        matrix = check_fits(
            furthest,
            0.5 * count * thickness,
            matrix,
            "the map reaches to a depth of",
            MORE_SLABS,
        )
        y, x = (axis.astype(dtype) for axis in grid.axes())
        shift = pose.shift.astype(dtype)
        plane = jnp.stack(plane_positions(matrix[:2], y - shift[1], x - shift[0]), -1)

        @jax.checkpoint
        def layer(z: Scalar) -> Float[Array, "y x"]:
            points = plane + (z * matrix[2])[None, None]
            return interpolate_cubic(structure.values, points, structure.grid)

        def add(total: Array, depths: Array) -> tuple[Array, None]:
            weights = _overlaps(depths + height, size, thickness, count)
            layers = jax.vmap(layer)(depths)
            more = jnp.tensordot(weights, layers, 1, precision=lax.Precision.HIGHEST)
            return total + more, None

        each = math.ceil(math.hypot(*structure.shape)) // 2
        groups = -(-(2 * each + 1) // _LAYERS)
        depths = size * (jnp.arange(groups * _LAYERS) - each).astype(dtype)
        total = jnp.zeros((count, *grid.shape), dtype)
        return lax.scan(add, total, depths.reshape(groups, _LAYERS))[0]

    def half_depth(self, structure: VoxelMap) -> float:
        """Return how far the furthest voxel that isn't 0 is from the origin, Å."""
        place = _filled(structure)
        furthest = np.linalg.norm(place, axis=-1).max(initial=0.0)
        return float((furthest + 0.5) * np.asarray(structure.voxel_size))


def _filled(structure: VoxelMap) -> np.ndarray:
    """Return (x, y, z) of the voxels that aren't 0, in voxels from the origin."""
    place = np.argwhere(np.asarray(structure.values) != 0)
    return (place - np.asarray(structure.grid.centre))[:, ::-1]


def _furthest(structure: VoxelMap, matrix: Array, height: Scalar) -> float | Scalar:
    """Return how far from z = 0 the middle of a voxel that isn't 0 is, if known, Å."""
    known = (structure.values, structure.voxel_size, matrix, height)
    if not all(map(is_known, known)):
        return jnp.zeros((), structure.values.dtype)
    row, size = np.asarray(matrix)[2], float(np.asarray(structure.voxel_size))
    depths = size * (_filled(structure) @ row) + float(np.asarray(height))
    return float(np.abs(depths).max(initial=0.0))


def _overlaps(
    depths: Float[Array, " layer"], size: Scalar, thickness: Scalar, count: int
) -> Float[Array, "slab layer"]:
    """Return how much of the depth of each layer lies in each slab, Å.

    What lies beyond the first and the last slab counts to these.
    """
    edges = (jnp.arange(1, count, dtype=depths.dtype) - 0.5 * count) * thickness
    lower = (depths - 0.5 * size)[None, :]
    below = jnp.clip(edges[:, None] - lower, 0, size)
    return jnp.diff(
        jnp.pad(below, ((1, 0), (0, 0))),
        append=jnp.broadcast_to(size, (1, depths.size)),
        axis=0,
    )


@default_slicer.register
def _(structure: VoxelMap) -> AbstractSlicer:
    del structure
    return VoxelSlabs()
