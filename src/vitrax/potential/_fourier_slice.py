"""Projection of a map: a central slice of its Fourier transform."""

import math

import jax.numpy as jnp

from .._checks import is_concrete
from .._typing import HalfSpectrum
from ..grid import Grid
from ..pose import Pose
from ..structure import FourierMap, VoxelMap
from ._image_rows import image_rows
from ._projector import AbstractProjector, check_structure, default_projector
from ._shift import moved
from ._slice_interpolation import plane_positions, read_plane


class FourierSlice(AbstractProjector):
    r"""Central slice, $\hat P(k) = \hat V(A^\mathsf{T} (k_x, k_y, 0))$.

    With a magnification, $M k$ stands for $k$ on the right.

    Frequencies beyond the map's Nyquist frequency are zero. A `VoxelMap` is
    transformed at each call; make a `FourierMap` once for many projections.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> cube = vx.FourierMap.from_map(vx.VoxelMap(jnp.ones((8, 8, 8)), 2.0))
        >>> image = vx.project(cube, vx.Pose.identity(), vx.Grid(8, 2.0))
        >>> image.shape
        (8, 8)
    """

    def __call__(
        self, structure: FourierMap | VoxelMap, pose: Pose, grid: Grid
    ) -> HalfSpectrum:
        """Return the half spectrum of the line integral, map values × Å.

        Raises:
            TypeError: if `structure` is neither of the two.
            ValueError: if the grid is smaller than the map, or too large for its
                padding.
        """
        check_structure(self, structure, FourierMap, VoxelMap)
        fourier_map = _as_fourier_map(structure)
        grid = self.working_grid(fourier_map, grid)
        check_extent(fourier_map, grid)
        ky, kx = grid.frequency_axes()
        to_nodes = fourier_map.voxel_size * fourier_map.padded_size
        rows = image_rows(pose) * to_nodes
        positions = plane_positions(rows, ky, kx)
        inside = fourier_map.kernel.reads(positions, fourier_map.shape[0])
        scale = fourier_map.voxel_size**3 / grid.pixel_size**2
        # A factor, not a selection: XLA would run the interpolation once for each
        # selection from its result.
        weight = jnp.where(inside, scale, 0.0)
        values = read_plane(fourier_map, rows, ky, kx)
        return moved(values * weight.astype(values.dtype), pose.shift, grid)

    def working_grid(self, structure: FourierMap | VoxelMap, grid: Grid) -> Grid:
        """Return a grid with at least as many pixels as the map has voxels."""
        n = structure.shape[0]
        return Grid(tuple(max(n, size) for size in grid.shape), grid.pixel_size)


@default_projector.register
def _(structure: FourierMap) -> AbstractProjector:
    del structure
    return FourierSlice()


@default_projector.register
def _(structure: VoxelMap) -> AbstractProjector:
    del structure
    return FourierSlice()


def _as_fourier_map(structure: FourierMap | VoxelMap) -> FourierMap:
    """Return the transform of a map that isn't transformed yet."""
    if isinstance(structure, FourierMap):
        return structure
    return FourierMap.from_map(structure)


def check_extent(fourier_map: FourierMap, grid: Grid) -> None:
    """Raise where the image would wrap, or sample finer than the padding allows."""
    if not is_concrete(fourier_map.voxel_size, grid.pixel_size):
        return
    box = fourier_map.shape[0] * float(fourier_map.voxel_size)
    padded = fourier_map.padded_size * float(fourier_map.voxel_size)
    # In Fourier space the copies of the map are a padded box apart.
    most = 2 * padded - box
    for size in grid.shape:
        extent = size * float(grid.pixel_size)
        if extent < box * (1 - 1e-4):
            raise ValueError(
                f"cannot project a map of {box:.2f} Å onto {size} pixels of "
                f"{float(grid.pixel_size):.4f} Å because the projection would wrap; do "
                f"give the grid {math.ceil(box / float(grid.pixel_size))} pixels or "
                f"more, or crop the map"
            )
        if extent > most * (1 + 1e-4):
            raise ValueError(
                f"cannot project a map of {box:.2f} Å, padded to {padded:.2f} Å, onto "
                f"{extent:.2f} Å because copies of the map would appear beyond "
                f"{most:.2f} Å; do vitrax.grid.pad the map's values to a larger box, "
                f"or use a smaller grid"
            )
