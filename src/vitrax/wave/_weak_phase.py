"""Linear scattering by a thin, weak specimen."""

import equinox as eqx
from jaxtyping import PyTree

from .._typing import Scalar
from ..grid import Grid
from ..physics import Constants, interaction_parameter
from ..pose import Pose
from ..potential import AbstractProjector, default_projector, potential_scale
from ._contrast import LinearContrast


class WeakPhase(eqx.Module):
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
        self,
        structure: PyTree,
        pose: Pose,
        grid: Grid,
        voltage: Scalar,
        constants: Constants,
    ) -> LinearContrast:
        """Return the contrast before the lens, on the projector's working grid."""
        projector = self.projector
        if projector is None:
            projector = default_projector(structure)
        spectrum = projector(structure, pose, grid)
        factor = (
            2 * potential_scale(structure) * interaction_parameter(voltage, constants)
        )
        working = projector.working_grid(structure, grid)
        return LinearContrast(spectrum * factor.astype(spectrum.dtype), working)
