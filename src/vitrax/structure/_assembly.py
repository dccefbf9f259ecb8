"""Assemblies: copies of a structure, each turned and moved."""

from typing import Self, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._checks import FINITE, check_fields, checked, is_known, must
from .._typing import Matrix3, Vector3, as_float
from ._atoms import Atoms
from ._gaussians import Gaussians


Structure = TypeVar("Structure", Atoms, Gaussians)


def assembled(
    structure: Structure,
    rotations: Float[Array | np.ndarray, "operators 3 3"],
    translations: Float[Array | np.ndarray, "operators 3"] | None = None,
) -> Structure:
    r"""Return all copies $R_i r + t_i$ of atoms or Gaussians, copy after copy.

    Args:
        structure: one copy, such as a chain.
        rotations: $R_i$, acting on (x, y, z), such as `point_group("O")` gives.
        translations: $t_i$, Å; none by default.

    Raises:
        ValueError: if there aren't as many translations as rotations.

    Example:
        >>> import vitrax as vx
        >>> atom = vx.Atoms([[1.0, 2.0, 3.0]], [6], [20.0], [1.0])
        >>> pair = vx.structure.assembled(atom, vx.pose.point_group("D1"))
        >>> pair.positions.tolist()
        [[1.0, 2.0, 3.0], [1.0, -2.0, -3.0]]
    """
    structure = checked("assembled", structure=structure)
    dtype = structure.positions.dtype
    rotations = as_float(rotations).astype(dtype)
    count = rotations.shape[0]
    if translations is None:
        translations = jnp.zeros((count, 3))
    translations = as_float(translations).astype(dtype)
    _check_operators("assemble copies", rotations, translations)

    def copy(rotation: Matrix3, translation: Vector3) -> Float[Array, "atoms 3"]:
        # The default precision of some accelerators moves atoms by hundredths of an Å.
        turned = jnp.matmul(
            structure.positions, rotation.T, precision=jax.lax.Precision.HIGHEST
        )
        return turned + translation[None, :]

    positions = jax.vmap(copy)(rotations, translations).reshape(-1, 3)
    if isinstance(structure, Gaussians):
        amplitudes, variances = (
            jnp.tile(each, (count, 1))
            for each in (structure.amplitudes, structure.variances)
        )
        return Gaussians(positions, amplitudes, variances)
    return Atoms(
        positions,
        structure.elements * count,
        jnp.tile(structure.b_factors, count),
        jnp.tile(structure.occupancies, count),
    )


class Assembly(eqx.Module):
    r"""Copies $R_i r + t_i$ of a structure, kept as the structure and the operators.

    `project` and `simulate` sum the images of the copies, some at a time, and never
    hold all atoms. The unit may be anything that can be projected; copies of a map wrap
    round at the edge of the image.

    Args:
        unit: one copy.
        rotations: $R_i$, acting on (x, y, z).
        translations: $t_i$, Å.

    Raises:
        ValueError: if there aren't as many translations as rotations, or a matrix isn't
            a rotation.

    Example:
        >>> import vitrax as vx
        >>> subunit = vx.Gaussians([[8.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> helix = vx.structure.Assembly(
        ...     subunit, *vx.structure.helical_operators(rise=1.4, twist=22.0, count=4)
        ... )
        >>> len(helix), vx.project(helix, vx.Pose.identity(), vx.Grid(16, 2.0)).shape
        (4, (16, 16))
    """

    unit: PyTree
    rotations: Float[Array, "operators 3 3"] = eqx.field(
        converter=as_float, metadata=must(FINITE, "give matrices that act on (x, y, z)")
    )
    translations: Float[Array, "operators 3"] = eqx.field(
        converter=as_float, metadata=must(FINITE, "give (x, y, z) in Å")
    )

    def __check_init__(self) -> None:
        _check_operators("make Assembly", self.rotations, self.translations)
        check_fields(self)
        _check_rotations(self.rotations)

    @classmethod
    def from_group(
        cls, unit: PyTree, rotations: Float[Array | np.ndarray, "operators 3 3"]
    ) -> Self:
        """Return the assembly of a point group, without translations.

        Args:
            unit: one copy, placed relative to the axes of the group.
            rotations: such as `vitrax.pose.point_group("O")`.
        """
        rotations = as_float(rotations)
        return cls(unit, rotations, jnp.zeros_like(rotations[:, 0]))

    def __len__(self) -> int:
        return self.rotations.shape[0]

    def expanded(self) -> Atoms | Gaussians:
        """Return all copies as one structure, of a unit of atoms or Gaussians."""
        return assembled(self.unit, self.rotations, self.translations)


def _check_operators(action: str, rotations: Array, translations: Array) -> None:
    """Raise if there isn't a translation for each rotation."""
    count = rotations.shape[0] if rotations.ndim else 0
    if rotations.shape != (count, 3, 3) or translations.shape != (count, 3):
        raise ValueError(
            f"cannot {action} because rotations {rotations.shape} and translations "
            f"{translations.shape} don't fit; do give shapes (n, 3, 3) and (n, 3)"
        )


def _check_rotations(rotations: Array) -> None:
    """Raise if a known matrix isn't orthogonal, or is a mirror."""
    if not is_known(rotations):
        return
    matrices = np.asarray(rotations)
    products = matrices @ np.swapaxes(matrices, 1, 2)
    off = np.abs(products - np.eye(3)).max(axis=(1, 2), initial=0.0)
    wrong = (off > 1e-3) | (np.linalg.det(matrices) < 0)
    if wrong.any():
        raise ValueError(
            f"cannot make Assembly because rotations[{int(np.argmax(wrong))}] is a "
            f"mirror, or isn't orthogonal; do give rotation matrices"
        )
