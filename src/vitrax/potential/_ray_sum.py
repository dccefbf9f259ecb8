"""Projection of voxels in real space."""

import math

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._typing import HalfSpectrum
from ..grid import Grid, interpolate_cubic, to_fourier
from ..pose import Pose
from ..structure import VoxelMap
from ._image_rows import object_rows
from ._projector import AbstractProjector, check_structure
from ._slice_interpolation import plane_positions


class RaySum(AbstractProjector):
    r"""The map summed along rays, interpolated between its voxels.

    $$P(x, y) = \Delta \sum_z V(A^\mathsf{T} (x - s_x, y - s_y, z))$$

    with one sample per voxel of depth, by cubic convolution. Nothing wraps round: what
    leaves the grid isn't seen, and the grid may be smaller than the map. Between
    voxels interpolation keeps 94 % of a wave of four voxels and half of one of two, so
    slices are more accurate; pixels much larger than voxels alias.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.potential import RaySum
        >>> cube = vx.VoxelMap(jnp.ones((5, 5, 5)), 2.0)
        >>> image = vx.project(cube, vx.Pose.identity(), vx.Grid(3, 2.0), RaySum())
        >>> float(image[1, 1].round(5))
        10.0
    """

    def __call__(self, structure: VoxelMap, pose: Pose, grid: Grid) -> HalfSpectrum:
        """Return the half spectrum of the line integral, map values × Å.

        Raises:
            TypeError: if `structure` isn't a `VoxelMap`.
        """
        check_structure(self, structure, VoxelMap)
        y, x = grid.axes()
        x, y = x - pose.shift[0], y - pose.shift[1]
        matrix = pose.as_matrix()
        rows, area = object_rows(pose)
        plane = jnp.stack(plane_positions(rows, y, x), -1)

        def add_layer(
            total: Float[Array, "y x"], z: Float[Array, ""]
        ) -> tuple[Float[Array, "y x"], None]:
            points = plane + (z * matrix[2])[None, None]
            layer = interpolate_cubic(structure.values, points, structure.grid)
            return total + layer, None

        layers = math.ceil(math.hypot(*structure.shape)) // 2
        depths = structure.voxel_size * jnp.arange(-layers, layers + 1).astype(x.dtype)
        total, _ = lax.scan(add_layer, jnp.zeros(grid.shape, x.dtype), depths)
        return to_fourier(structure.voxel_size * area * total)

    def working_grid(self, structure: VoxelMap, grid: Grid) -> Grid:
        """Return `grid`."""
        del structure
        return grid
