"""Linear scattering by a thin, weak specimen."""

from jaxtyping import PyTree

from ..grid import Grid
from ..pose import Pose
from ..potential import AbstractProjector, potential_scale, projected
from ._beam import Beam
from ._contrast import LinearContrast
from ._scattering import AbstractScattering


class WeakPhase(AbstractScattering):
    r"""The weak-phase approximation, $I/I_0 - 1 = 2\sigma V_z \otimes \text{CTF}$.

    Valid where the phase $\sigma V_z$ is much smaller than 1. The potential of a map of
    arbitrary unit is taken as it is, so that its images have an arbitrary scale.

    Args:
        projector: how the potential is projected; by default the structure's own.

    References:
        Reimer and Kohl 2008, Transmission Electron Microscopy, section 6.4.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.wave import WeakPhase
        >>> WeakPhase().projector is None
        True
    """

    projector: AbstractProjector | None = None

    def __call__(
        self, structure: PyTree, pose: Pose, grid: Grid, beam: Beam
    ) -> LinearContrast:
        """Return the contrast before the lens, on the projector's working grid."""
        spectrum, working = projected(structure, pose, grid, self.projector)
        factor = 2 * potential_scale(structure) * beam.interaction
        return LinearContrast(
            spectrum * factor.astype(spectrum.dtype), working, pose.height
        )
