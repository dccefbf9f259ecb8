"""What is wrong with a file, as `vitrax check` lists it."""

import dataclasses
import os
import re
import warnings
from collections.abc import Iterable
from typing import Self

from .._files import InputWarning


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
    def of_message(
        cls, message: str, path: str | os.PathLike, where: str = "file"
    ) -> Self:
        """Return what a reader says as a problem that fixing doesn't mend.

        Args:
            message: of its error or warning: what is wrong, and what to do.
            path: of the file, which isn't named again.
            where: in it.
        """
        match = _ADVICE.fullmatch(message)
        what, remedy = match.groups() if match else (message, "look at the file")
        for verb in ("read", "use"):
            what = what.removeprefix(f"cannot {verb} {os.fspath(path)} because ")
        return cls(where, what, remedy, False)


def problems_of_warnings(
    caught: Iterable[warnings.WarningMessage], path: str | os.PathLike
) -> list[Problem]:
    """Return what a reader warned of, each once, as problems.

    Args:
        caught: warnings of any kind; those of other things than the file are left out.
        path: of the file, which isn't named again.
    """
    said = dict.fromkeys(
        str(each.message) for each in caught if issubclass(each.category, InputWarning)
    )
    return [Problem.of_message(message, path) for message in said]
