"""What a theory of scattering is."""

import abc

import equinox as eqx
from jaxtyping import PyTree

from ..grid import Grid
from ..pose import Pose
from ._beam import Beam
from ._contrast import LinearContrast
from ._wave import Wave


class AbstractScattering(eqx.Module):
    """A theory of how the specimen scatters the beam.

    To add one, subclass this in a file of your own and pass an instance as
    `scattering=` of a `Microscope`.
    """

    @abc.abstractmethod
    def __call__(
        self, structure: PyTree, pose: Pose, grid: Grid, beam: Beam
    ) -> LinearContrast | Wave:
        """Return what leaves the specimen, on `grid` or a larger one."""
