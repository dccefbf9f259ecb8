"""A structure with a piece of ice."""

import equinox as eqx
from jaxtyping import PyTree

from ._ice import IceField


class InIce(eqx.Module):
    """A structure and the ice that the beam also passes.

    `project` and `simulate` take it as they take the structure. The pose moves the
    structure, not the ice.

    Args:
        structure: `Atoms`, `Gaussians` or a map in volts. Atoms should have given way
            to the mean of the ice (`in_solvent`), which isn't part of `ice`.
        ice: on the grid of the projection; for `simulate`, `microscope.padded_grid()`.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[50.0]], [[9.0]])
        >>> scope = vx.Microscope(vx.Grid(32, 1.0), 300.0, vx.Lens(defocus=2_000.0))
        >>> ice = vx.structure.Ice(thickness=300.0)
        >>> field = ice.sample(jax.random.key(0), scope.padded_grid())
        >>> specimen = vx.structure.InIce(blob, field)
        >>> vx.simulate(specimen, vx.Pose.identity(), scope).shape
        (32, 32)
    """

    structure: PyTree
    ice: IceField
