"""What is wrong with a file, as `vitrax check` lists it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong or odd in a file.

    Attributes:
        where: line, row, field or atom.
        what: is wrong there.
        remedy: what to do about it, or what fixing does.
        is_fixable: whether `vitrax check --fix` mends it.

    Example:
        >>> import vitrax as vx
        >>> vx.io.Problem("row 3", "rlnDefocusU is NaN", "remove the row", False).where
        'row 3'
    """

    where: str
    what: str
    remedy: str
    is_fixable: bool
