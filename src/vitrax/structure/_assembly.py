"""Assemblies: copies of a structure, each turned and moved."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._typing import Matrix3, Vector3, as_float
from ._atoms import Atoms


def assembled(
    atoms: Atoms,
    rotations: Float[Array | np.ndarray, "operators 3 3"],
    translations: Float[Array | np.ndarray, "operators 3"] | None = None,
) -> Atoms:
    r"""Return all copies $R_i r + t_i$ of atoms, copy after copy.

    Args:
        atoms: one copy, such as a chain.
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
    dtype = atoms.positions.dtype
    rotations = as_float(rotations).astype(dtype)
    count = rotations.shape[0]
    if translations is None:
        translations = jnp.zeros((count, 3))
    translations = as_float(translations).astype(dtype)
    if rotations.shape != (count, 3, 3) or translations.shape != (count, 3):
        raise ValueError(
            f"cannot assemble copies because rotations {rotations.shape} and "
            f"translations {translations.shape} don't fit; do give shapes (n, 3, 3) "
            f"and (n, 3)"
        )

    def copy(rotation: Matrix3, translation: Vector3) -> Float[Array, "atoms 3"]:
        # The default precision of some accelerators moves atoms by hundredths of an Å.
        turned = jnp.matmul(
            atoms.positions, rotation.T, precision=jax.lax.Precision.HIGHEST
        )
        return turned + translation[None, :]

    positions = jax.vmap(copy)(rotations, translations)
    return Atoms(
        positions.reshape(-1, 3),
        atoms.elements * count,
        jnp.tile(atoms.b_factors, count),
        jnp.tile(atoms.occupancies, count),
    )
