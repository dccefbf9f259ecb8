"""What is wrong with a file, as `vitrax check` lists it."""

import dataclasses
import os
import re
from typing import Self


_ADVICE = re.compile(r"(.*)(?:[;:]|(?<=\?)) do (.*)", re.DOTALL)


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

    @classmethod
    def of_error(
        cls, error: ValueError, path: str | os.PathLike, where: str = "file"
    ) -> Self:
        """Return the error of a reader as a problem that fixing doesn't mend.

        Args:
            error: whose message says what is wrong, and what to do.
            path: of the file, which isn't named again.
            where: in it.
        """
        match = _ADVICE.fullmatch(str(error))
        what, remedy = match.groups() if match else (str(error), "look at the file")
        for verb in ("read", "use"):
            what = what.removeprefix(f"cannot {verb} {os.fspath(path)} because ")
        return cls(where, what, remedy, False)
