"""What a projector is, and which one each structure gets by default."""

import abc
import functools as ft
from typing import Any

import equinox as eqx
from jaxtyping import PyTree

from .._typing import HalfSpectrum
from ..grid import Grid
from ..pose import Pose


class AbstractProjector(eqx.Module):
    """A way to project a structure along the beam.

    To add one, subclass this in a file of your own and pass an instance as
    `projector=`, or register it as the default of a new type of structure::

        @vitrax.potential.default_projector.register
        def _(structure: MyStructure):
            return MyProjector()
    """

    @abc.abstractmethod
    def __call__(self, structure: PyTree, pose: Pose, grid: Grid) -> HalfSpectrum:
        """Return the centred half spectrum of the projection, on `working_grid`."""

    @abc.abstractmethod
    def working_grid(self, structure: PyTree, grid: Grid) -> Grid:
        """Return the grid, at least as large as `grid`, that the projection needs."""


def check_structure(projector: AbstractProjector, structure: Any, *kinds: type) -> None:
    """Raise if a projector can't take the type of `structure`.

    Raises:
        TypeError: naming the types that it takes.
    """
    if not isinstance(structure, kinds):
        raise TypeError(
            f"cannot project {type(structure).__name__} by {type(projector).__name__} "
            f"because it takes {' or '.join(kind.__name__ for kind in kinds)}; do "
            f"leave projector out for the structure's own, or convert the structure"
        )


def projected(
    structure: PyTree, pose: Pose, grid: Grid, projector: AbstractProjector | None
) -> tuple[HalfSpectrum, Grid]:
    """Return the half spectrum of the projection, and the grid that it is on.

    Args:
        structure: what a projector takes.
        pose: of the structure.
        grid: of the image.
        projector: how; None for the structure's own.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.potential import projected
        >>> blob = vx.Gaussians([[0.0] * 3], [[1.0]], [[1.0]])
        >>> grid = vx.Grid(8, 1.0)
        >>> projected(blob, vx.Pose.identity(), grid, None)[0].shape
        (8, 5)
    """
    projector = default_projector(structure) if projector is None else projector
    return projector(structure, pose, grid), projector.working_grid(structure, grid)


@ft.singledispatch
def default_projector(structure: Any) -> AbstractProjector:
    """Return the projector that `structure` gets where none is chosen.

    Raises:
        TypeError: if the type of `structure` has none.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.potential import default_projector
        >>> default_projector(vx.Gaussians([[0.0] * 3], [[1.0]], [[1.0]]))
        SeparableGaussians()
    """
    raise TypeError(
        f"cannot project a {type(structure).__name__} because no projector is "
        f"registered for it; do pass projector=..., or register one with "
        f"vitrax.potential.default_projector.register"
    )
