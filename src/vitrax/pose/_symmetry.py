"""Point groups of chiral assemblies, oriented as RELION has them."""

import itertools
import math
import re

import numpy as np
from jaxtyping import Array, Float

from .._typing import as_float


_GOLDEN = (1 + math.sqrt(5)) / 2


def point_group(name: str) -> Float[Array, "operators 3 3"]:
    """Return the rotations of a point group, as matrices, the identity first.

    The axes lie where RELION's `--sym` has them:

    | name | order | orientation |
    | --- | --- | --- |
    | Cn | n | n-fold along z |
    | Dn | 2n | n-fold along z, a 2-fold along x |
    | T | 12 | a 3-fold along z, a 2-fold in the yz plane (y > 0) |
    | O | 24 | the 4-folds along x, y, z |
    | I, I2 | 60 | 2-folds along x, y, z; the 5-folds nearest to z in the xz plane |
    | I1 | 60 | I2 turned by 90° about z: these 5-folds in the yz plane |
    | I3 | 60 | a 5-fold along z, another in the xz plane with x < 0 (z > 0) |
    | I4 | 60 | I3 turned by 180° about z |

    Args:
        name: one of the above, in either case.

    Raises:
        ValueError: if there is no such group, or it has mirrors.

    Example:
        >>> import vitrax as vx
        >>> vx.pose.point_group("D7").shape
        (14, 3, 3)
    """
    return as_float(_matrices(name))


def _matrices(name: str) -> np.ndarray:
    """Return the matrices of a point group in double precision."""
    group = name.strip().upper()
    cyclic = re.fullmatch(r"([CD])([1-9]\d*)", group)
    if cyclic:
        return _axial(int(cyclic[2]), dihedral=cyclic[1] == "D")
    if group not in _POLYHEDRAL:
        raise ValueError(f"cannot find the point group {name!r} because {_why(group)}")
    quaternions, frame = _POLYHEDRAL[group]()
    return frame @ _matrices_of(quaternions) @ frame.T


def _why(group: str) -> str:
    """Return the reason why a name isn't that of a point group, and what to do."""
    known = "C1, C2, ..., D1, D2, ..., T, O, I, I1, I2, I3 or I4"
    if re.fullmatch(r"[CDTOI]\d*[SVHDI]", group):
        return f"it has mirrors and biological molecules are chiral; do give {known}"
    return f"there is none of that name; do give {known}"


def _axial(order: int, *, dihedral: bool) -> np.ndarray:
    """Return the cyclic group about z, or with it the 2-folds across z."""
    # Angles from the index, so that the last is as exact as the first.
    angles = 2 * np.pi * np.arange(order) / order
    cosine, sine, zero = np.cos(angles), np.sin(angles), np.zeros(order)
    turns = np.stack(
        [cosine, -sine, zero, sine, cosine, zero, zero, zero, zero + 1], axis=-1
    ).reshape(order, 3, 3)
    if not dihedral:
        return turns
    return np.concatenate([turns, turns @ np.diag([1.0, -1.0, -1.0])])


def _matrices_of(quaternions: np.ndarray) -> np.ndarray:
    """Return rotation matrices of quaternions (w, x, y, z) of any length.

    Whole numbers give exact matrices, as no root is taken.
    """
    w, x, y, z = quaternions.T
    rows = [
        [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ]
    return np.moveaxis(np.array(rows) / (w * w + x * x + y * y + z * z), -1, 0)


def _signed(*values: float) -> np.ndarray:
    """Return quaternions with these parts and all signs, one of each opposite pair."""
    signs = itertools.product(*[(1, -1) if value else (1,) for value in values])
    return np.array([np.multiply(s, values) for s in signs if s[_first(values)] == 1])


def _first(values: tuple[float, ...]) -> int:
    """Return the index of the first part that isn't 0."""
    return next(i for i, value in enumerate(values) if value)


def _tetrahedral_units() -> np.ndarray:
    """Return Hurwitz's 24 unit quaternions up to sign: 2-folds along x, y, z."""
    return np.concatenate([np.eye(4), _signed(1.0, 1.0, 1.0, 1.0)])


def _octahedral_units() -> np.ndarray:
    """Return the units of the octahedral group up to sign: 4-folds along x, y, z."""
    pairs = [_signed(*np.eye(4)[i] + np.eye(4)[j]) for i, j in _PAIRS]
    return np.concatenate([_tetrahedral_units(), *pairs])


def _icosahedral_units() -> np.ndarray:
    """Return the 120 icosians up to sign: 2-folds along x, y, z."""
    values = (_GOLDEN, 1.0, 1 / _GOLDEN, 0.0)
    even = [p for p in itertools.permutations(range(4)) if _parity(p) == 0]
    rest = [_signed(*[values[i] for i in p]) for p in even]
    return np.concatenate([_tetrahedral_units(), *rest])


def _parity(permutation: tuple[int, ...]) -> int:
    """Return 0 for an even permutation, 1 for an odd one."""
    return sum(a > b for a, b in itertools.combinations(permutation, 2)) % 2


def _turn(axis: str, cosine: float, sine: float) -> np.ndarray:
    """Return the right-handed rotation about an axis by an angle."""
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = cosine
    matrix[i, j], matrix[j, i] = -sine, sine
    return matrix


_PAIRS = tuple(itertools.combinations(range(4), 2))
_THREE_FOLD_UP = np.array(
    [
        np.array([-1, 1, 0]) / math.sqrt(2),
        np.array([-1, -1, 2]) / math.sqrt(6),
        np.array([1, 1, 1]) / math.sqrt(3),
    ]
)
# A 5-fold of I2 lies in the xz plane, x : z = 1 : golden ratio.
_LENGTH = math.hypot(1, _GOLDEN)
_POLYHEDRAL = {
    "T": lambda: (_tetrahedral_units(), _THREE_FOLD_UP),
    "O": lambda: (_octahedral_units(), np.eye(3)),
    "I": lambda: (_icosahedral_units(), np.eye(3)),
    "I1": lambda: (_icosahedral_units(), _turn("z", 0.0, 1.0)),
    "I2": lambda: (_icosahedral_units(), np.eye(3)),
    "I3": lambda: (_icosahedral_units(), _turn("y", _GOLDEN / _LENGTH, -1 / _LENGTH)),
    "I4": lambda: (_icosahedral_units(), _turn("y", _GOLDEN / _LENGTH, 1 / _LENGTH)),
}
