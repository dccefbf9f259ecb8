"""A structure that moves along given directions."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import FINITE, check_fields, checked, must
from .._typing import as_float
from ._atoms import Atoms
from ._gaussians import Gaussians


class Path(eqx.Module):
    r"""Conformations $r_j + \sum_m c_m d_{mj}$ of atoms or Gaussians.

    Args:
        structure: at coordinates 0, $r_j$.
        displacements: $d_{mj}$, Å for a unit of the coordinate: normal modes, principal
            components, or the difference of two states.

    Raises:
        ValueError: if the displacements aren't one for each atom.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> closed = vx.Gaussians([[4.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> hinge = vx.structure.Path(closed, [[[5.0, 0.0, 0.0]]])
        >>> hinge.at(jnp.asarray([0.5])).positions.tolist()
        [[6.5, 0.0, 0.0]]
    """

    structure: Atoms | Gaussians
    displacements: Float[Array, "modes atoms 3"] = eqx.field(
        converter=as_float, metadata=must(FINITE, "give (x, y, z) in Å")
    )

    def __check_init__(self) -> None:
        expected = self.structure.positions.shape
        if self.displacements.ndim != 3 or self.displacements.shape[1:] != expected:
            raise ValueError(
                f"cannot make Path because displacements have shape "
                f"{self.displacements.shape} and positions {expected}; do give shape "
                f"(modes, atoms, 3)"
            )
        check_fields(self)

    def at(self, coordinates: Float[Array, " modes"]) -> Atoms | Gaussians:
        """Return the structure at some coordinates, differentiable in them.

        Args:
            coordinates: $c_m$.

        Raises:
            ValueError: if there isn't one for each mode, or an argument is batched.
        """
        path = checked("Path.at", path=self)
        positions = path.structure.positions
        coordinates = as_float(coordinates).astype(positions.dtype)
        if coordinates.shape != path.displacements.shape[:1]:
            raise ValueError(
                f"cannot call Path.at with coordinates of shape {coordinates.shape} "
                f"because there are {path.displacements.shape[0]} modes; do give one "
                f"for each, with jax.vmap for a batch"
            )
        moves = path.displacements.astype(positions.dtype)
        step = jnp.tensordot(
            coordinates, moves, axes=1, precision=jax.lax.Precision.HIGHEST
        )
        return eqx.tree_at(lambda s: s.positions, path.structure, positions + step)
