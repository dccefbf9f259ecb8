"""The slow exact projector of maps, against which the others are tested."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .._typing import HalfSpectrum, complex_dtype
from ..grid import Grid
from ..pose import Pose
from ..structure import VoxelMap
from ._image_rows import image_rows
from ._projector import AbstractProjector, check_structure
from ._shift import moved


class DirectSum(AbstractProjector):
    r"""The slice by its definition, a sum over voxels for each frequency.

    $$\hat P(k) = \sum_r V(r)\, e^{-2\pi i\, A^\mathsf{T}(k_x, k_y, 0) \cdot r}$$

    Frequencies beyond the map's Nyquist frequency are zero, as in `FourierSlice`. The
    cost is the number of voxels times that of pixels: for tests, and for small maps.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.potential import DirectSum
        >>> cube = vx.VoxelMap(jnp.ones((4, 4, 4)), 2.0)
        >>> image = vx.project(cube, vx.Pose.identity(), vx.Grid(4, 2.0), DirectSum())
        >>> round(float(image[2, 2]), 3)
        8.0
    """

    def __call__(self, structure: VoxelMap, pose: Pose, grid: Grid) -> HalfSpectrum:
        """Return the half spectrum of the line integral, map values × Å.

        Raises:
            TypeError: if `structure` isn't a `VoxelMap`.
        """
        check_structure(self, structure, VoxelMap)
        grid = self.working_grid(structure, grid)
        ky, kx = grid.frequency_axes()
        x_row, y_row = image_rows(pose)

        def one_row(k_y: Array) -> Array:
            return jax.vmap(lambda k_x: one(k_x * x_row + k_y * y_row))(kx)

        def one(k: Array) -> Array:
            total = structure.values.astype(complex_dtype(k.dtype))
            for r, component in zip(structure.grid.axes(), k[::-1], strict=True):
                angle = -2 * jnp.pi * component * r
                phases = lax.complex(jnp.cos(angle), jnp.sin(angle))
                total = jnp.tensordot(phases, total, axes=1)
            nyquist = 0.5 / structure.voxel_size * (1 + 1e-5)
            return jnp.where(jnp.all(jnp.abs(k) <= nyquist), total, 0.0)

        spectrum = jax.lax.map(one_row, ky)
        scale = structure.voxel_size**3 / grid.pixel_size**2
        return moved(spectrum * scale.astype(spectrum.dtype), pose.shift, grid)

    def working_grid(self, structure: VoxelMap, grid: Grid) -> Grid:
        """Return a grid with at least as many pixels as the map has voxels."""
        n = max(structure.shape)
        return Grid(tuple(max(n, size) for size in grid.shape), grid.pixel_size)
