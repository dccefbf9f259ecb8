"""A whole assembly from its asymmetric unit."""

import numpy as np

from ..pose import point_group
from ..structure import Atoms, assembled
from ._exit import UsageError


# Copies nearer to an atom than this are the atom itself, Å.
_SAME_PLACE = 0.5


def symmetric_copies(atoms: Atoms, symmetry: str) -> Atoms:
    """Return atoms and their copies under a point group about the origin.

    Args:
        atoms: one asymmetric unit.
        symmetry: name of the group, in RELION's orientation.

    Raises:
        UsageError: if there is no such group, or the atoms have that symmetry already.
    """
    try:
        operators = point_group(symmetry)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if len(operators) == 1:
        return atoms
    _refuse_duplicates(
        np.asarray(atoms.positions, float), np.asarray(operators[1], float), symmetry
    )
    return assembled(atoms, operators)


def _refuse_duplicates(
    positions: np.ndarray, operator: np.ndarray, symmetry: str
) -> None:
    """Raise if copies of many atoms fall upon atoms."""
    from scipy.spatial import KDTree

    distance, _ = KDTree(positions).query(positions @ operator.T)
    coincident = int((distance < _SAME_PLACE).sum())
    if coincident > 0.1 * len(distance):
        raise UsageError(
            f"cannot apply --symmetry {symmetry} because {coincident} of "
            f"{len(distance)} copies fall upon atoms that are there: the structure is "
            f"more than one asymmetric unit; do leave --symmetry out"
        )
