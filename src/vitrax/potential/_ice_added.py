"""Projection of a structure in ice."""

from .._checks import is_concrete
from .._typing import HalfSpectrum
from ..grid import Grid
from ..pose import Pose
from ..structure import InIce
from ._projector import AbstractProjector, check_structure, default_projector
from ._scale import potential_scale


class IceAdded(AbstractProjector):
    """The projection of a structure, and the potential of the ice added to it.

    Args:
        projector: of the structure; by default its own.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> grid = vx.Grid(16, 0.5)
        >>> ice = vx.structure.Ice(thickness=10.0).sample(jax.random.key(0), grid)
        >>> specimen = vx.structure.InIce(blob, ice)
        >>> vx.project(specimen, vx.Pose.identity(), grid).shape
        (16, 16)
    """

    projector: AbstractProjector | None = None

    def __call__(self, structure: InIce, pose: Pose, grid: Grid) -> HalfSpectrum:
        """Return the half spectrum of the projection, in the unit of the structure.

        Raises:
            TypeError: if `structure` isn't an `InIce`.
            ValueError: if the ice is on another grid.
        """
        check_structure(self, structure, InIce)
        working = self.working_grid(structure, grid)
        _check_grid(structure.ice.grid, working)
        spectrum = self._inner(structure)(structure.structure, pose, grid)
        ice = structure.ice.spectrum() / potential_scale(structure)
        return spectrum + ice.astype(spectrum.dtype)

    def working_grid(self, structure: InIce, grid: Grid) -> Grid:
        """Return the grid that the structure's projector needs."""
        return self._inner(structure).working_grid(structure.structure, grid)

    def _inner(self, structure: InIce) -> AbstractProjector:
        """Return the projector of the structure."""
        return self.projector or default_projector(structure.structure)


@default_projector.register
def _(structure: InIce) -> AbstractProjector:
    del structure
    return IceAdded()


@potential_scale.register
def _(structure: InIce) -> float:
    return potential_scale(structure.structure)


def _check_grid(ice: Grid, working: Grid) -> None:
    """Raise where the ice isn't on the pixels of the projection."""
    same = ice.shape == working.shape
    if same and is_concrete(ice.pixel_size, working.pixel_size):
        ratio = float(ice.pixel_size) / float(working.pixel_size)
        same = abs(ratio - 1) < 1e-4
    if not same:
        raise ValueError(
            f"cannot add ice of {ice.shape} pixels to a projection of {working.shape} "
            f"because their grids differ; do sample the ice on the grid of the "
            f"projection, or on microscope.padded_grid() for simulate"
        )
