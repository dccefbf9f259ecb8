"""Projections of a map, made in batches of one shape."""

import dataclasses
import functools as ft
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from .._typing import ScalarLike
from ..grid import Grid
from ..image import ParticleStack
from ..physics import RELION
from ..pose import Pose
from ..potential import project
from ..structure import FourierMap, SliceKernel, Trilinear, VoxelMap
from ._batches import images_in_order, pose_rows
from ._optics_facts import contrast_per_map
from ._project_recipe import ProjectRecipe
from ._stream import Simulator, fine_kernel


@dataclasses.dataclass(frozen=True)
class Projector:
    """Makes projections of maps, sums of voxels as relion_project does.

    Args:
        specimens: the map of each model, made ready to be sliced, all alike.
        box: pixels along a side.
        pixel_size: Å.
        batch_size: projections at a time.
    """

    specimens: tuple[FourierMap, ...]
    box: int
    pixel_size: float
    batch_size: int

    def plain(self, particles: ParticleStack) -> Iterator[np.ndarray]:
        """Yield projections, positive where the map is, batch by batch.

        Args:
            particles: with angles and shifts.
        """

        def make(model: int, rows: Any, _: jax.Array) -> tuple[jax.Array]:
            ready = self.specimens[model]
            return (_projections(ready, rows, self.pixel_size, self.box),)

        rows, models = pose_rows(particles), len(self.specimens)
        for (images,) in images_in_order(
            make, particles, rows, self.batch_size, models
        ):
            yield images

    def through_ctf(self, particles: ParticleStack) -> Iterator[np.ndarray]:
        """Yield projections under the CTF, protein white, batch by batch.

        The wavelength is RELION's. The CTF acts in the box, periodic.

        Args:
            particles: with angles, shifts and defocus.
        """
        simulator = Simulator(
            self.specimens, self.box, self.pixel_size, 1, self.batch_size, RELION
        )
        contrast = contrast_per_map(particles, self.pixel_size, RELION)
        per_voxel = 1 / np.asarray(contrast, np.float32)[particles.groups]
        done = 0
        for images in simulator.clean(particles):
            yield images * per_voxel[done : done + len(images), None, None]
            done += len(images)


def kernel_of(
    recipe: ProjectRecipe, voxel_maps: Sequence[VoxelMap]
) -> SliceKernel | Trilinear:
    """Return the interpolation that a recipe asks for.

    Args:
        recipe: the parameters.
        voxel_maps: that are projected; by default the kernel is that of the one which
            needs the finest.
    """
    if recipe.kernel == "trilinear":
        return Trilinear(recipe.pad or 2)
    fit = fine_kernel if recipe.kernel == "fine" else SliceKernel.for_map
    return max(map(fit, voxel_maps), key=lambda kernel: kernel.points)


@ft.partial(jax.jit, static_argnums=3)
def _projections(
    specimen: FourierMap, rows: Any, pixel_size: ScalarLike, box: int
) -> jax.Array:
    """Return sums of voxels along the beam."""
    grid = Grid((box, box), pixel_size)

    def one(row: Any) -> jax.Array:
        rot, tilt, psi = row["euler"]
        pose = Pose.from_euler(rot, tilt, psi, shift=row["shift"])
        integral = project(specimen, pose, grid)
        return integral / grid.pixel_size.astype(integral.dtype)

    return jax.vmap(one)(rows)
