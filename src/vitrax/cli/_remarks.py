"""What is wrong with a file, as remarks of `vitrax info`."""

import pathlib
from collections.abc import Callable, Iterable

from .. import io
from ..io import FileKind, Problem


# What finds the problems of each program's particles; it looks for their stacks.
PARTICLE_PROBLEMS: dict[FileKind, Callable[..., list[Problem]]] = {
    FileKind.RELION: io.star_problems,
    FileKind.CISTEM: io.cistem_problems,
    FileKind.CRYOSPARC: io.cs_problems,
    FileKind.LEOPARD: io.leopard_problems,
    FileKind.EMAN: io.eman_problems,
}


def as_remarks(problems: Iterable[Problem], path: pathlib.Path) -> list[str]:
    """Return problems as one line each: where, what, and what to do.

    Args:
        problems: of a file.
        path: of the file, which isn't named again.
    """
    return [_as_remark(problem, str(path)) for problem in problems]


def _as_remark(problem: Problem, path: str) -> str:
    what = problem.what.removeprefix(f"{path}: ")
    where = "" if problem.where in ("file", path) else f"{problem.where}: "
    remedy = problem.remedy.removeprefix("do ")
    if remedy.startswith("fixing "):
        remedy = f"`vitrax check --fix` {remedy.removeprefix('fixing ')}"
    elif problem.is_fixable:
        remedy = f"`vitrax check --fix` can {remedy}"
    return f"{where}{what} ({remedy})" if remedy else f"{where}{what}"
