"""The command `vitrax check`: what is wrong with files, and mending it."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import io
from .._files import InputError
from ..io import FileKind, Problem
from ._exit import UsageError, explain
from ._mrc_facts import movie_problems
from ._reading import AS_THEY_SAY, Reading, places_of
from ._record import as_json
from ._remarks import PARTICLE_PROBLEMS
from ._star_facts import star_table_problems


_PROBLEMS: dict[FileKind, Callable[..., list[Problem]]] = {
    FileKind.MRC: io.mrc_problems,
    FileKind.STAR: star_table_problems,
    FileKind.TIFF: movie_problems,
    **PARTICLE_PROBLEMS,
    FileKind.ATOMS: io.atom_problems,
    FileKind.ARRAYS: io.npz_problems,
}
_MENDING: dict[FileKind, Callable[..., list[Any]]] = {
    FileKind.MRC: io.write_mended_mrc,
    FileKind.RELION: io.write_mended_star,
    FileKind.ATOMS: io.write_mended_atoms,
}


# What no check of its own finds, a reader may.
_READERS: dict[FileKind, Callable[..., object]] = {
    FileKind.MODEL: lambda path, **_: io.read_model(path),
    **dict.fromkeys(PARTICLE_PROBLEMS, io.read_particles),
}
# So many files are named at the end.
_NAMED = 3


@dataclasses.dataclass(frozen=True)
class Checking:
    """How files are checked.

    Args:
        reading: how they are read.
        pixel_size: that MRC files should have, Å.
        places: where stacks are looked for, `project` and `path_map`.
    """

    reading: Reading = AS_THEY_SAY
    pixel_size: float | None = None
    places: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def arguments(self, kind: FileKind) -> dict[str, Any]:
        """Return what the checks of a kind of file are told, and its mending.

        Args:
            kind: of the file.
        """
        if kind is FileKind.MRC:
            return {"pixel_size": self.pixel_size, **self.reading.of_map}
        places = self.places if kind.has_particles else {}
        return {**places, **self.reading.limit}


def check(
    paths: Sequence[pathlib.Path],
    *,
    checking: Checking,
    fix: pathlib.Path | None = None,
    print_json: bool = False,
) -> None:
    """Print what is wrong with some files, and write mended copies of them.

    Args:
        paths: of the files.
        checking: how they are checked.
        fix: the mended file; of several files, a new folder for them.
        print_json: whether to print JSON.

    Raises:
        InputError: if a file can't be read, or anything is wrong that wasn't mended.
        UsageError: if a mended file would replace another, or an option has no effect.
    """
    if not paths:
        raise UsageError("cannot check because no file is named; do name one")
    if checking.reading.nan_policy != "error" and fix is None:
        raise UsageError(
            "cannot use --nan-policy because nothing is mended; do give --fix OUT too, "
            "or leave it out"
        )
    targets = _targets(paths, fix)
    records = [_checked(path, target, checking) for path, target in targets]
    if print_json:
        print(as_json(records))
    else:
        print("\n".join(_as_text(record) for record in records))
    left = [record for record in records if record["error"] or record["left"]]
    if left:
        names = ", ".join(record["path"] for record in left)
        if len(left) > _NAMED:
            names = f"{len(left)} of {len(records)} files"
        fixable = [p for each in left for p in each["problems"] if p["is_fixable"]]
        advice = "see above"
        if fixable and fix is None:
            advice = "see above, or let --fix OUT mend what it can"
        raise InputError(
            f"cannot take {names} as sound because of what is wrong in "
            f"{'it' if len(left) == 1 else 'them'}; do {advice}"
        )


def checking_of(
    reading: Reading,
    angpix: float | None,
    project: pathlib.Path | None,
    path_map: Sequence[str],
) -> Checking:
    """Return how files are checked, of the options.

    Args:
        reading: how they are read.
        angpix: of --angpix.
        project: of --project.
        path_map: of --path-map.

    Raises:
        UsageError: if the pixel size isn't positive.
    """
    if angpix is not None and not 0 < angpix < 1e6:
        raise UsageError(
            f"cannot use --angpix {angpix:g} because it isn't positive; do give it in Å"
        )
    return Checking(reading, angpix, places_of(project, path_map))


def _targets(
    paths: Sequence[pathlib.Path], fix: pathlib.Path | None
) -> Sequence[tuple[pathlib.Path, pathlib.Path | None]]:
    """Return each file with where its mended copy goes."""
    if fix is None:
        return [(path, None) for path in paths]
    names = [path.name for path in paths]
    if len(paths) > 1 and len(set(names)) < len(names):
        raise UsageError(
            f"cannot mend files of the same name into {fix} because one would replace "
            "the other; do mend them one by one"
        )
    made = [fix if len(paths) == 1 else fix / path.name for path in paths]
    there = [target for target in made if os.path.lexists(target)]
    if there:
        raise UsageError(
            f"cannot write {there[0]} because it exists; do choose another name"
        )
    if len(paths) > 1:
        fix.mkdir(parents=True, exist_ok=True)
    return list(zip(paths, made, strict=True))


def _checked(
    path: pathlib.Path, target: pathlib.Path | None, checking: Checking
) -> dict[str, Any]:
    """Return what is wrong with a file, and what was done about it."""
    record: dict[str, Any] = {
        "path": str(path),
        "kind": None,
        "error": None,
        "problems": [],
        "mended": [],
        "left": 0,
    }
    if target is not None:
        record["written"] = None
    try:
        kind = io.file_kind(path)
        record["kind"] = kind.value
        found = _found(path, kind, checking) or _unreadable(path, kind, checking)
        record["problems"] = [vars(problem) for problem in found]
        record["left"] = len(found)
        if target is not None and found:
            record |= _mended(path, target, found, checking)
    except (InputError, OSError) as error:
        record["error"] = explain(error)[1]
    except ImportError as error:
        record["error"] = str(error)
    return record


def _found(path: pathlib.Path, kind: FileKind, checking: Checking) -> list[Problem]:
    """Return what the checks of a file's kind find."""
    if kind not in _PROBLEMS:
        return []
    return _PROBLEMS[kind](path, **checking.arguments(kind))


def _unreadable(
    path: pathlib.Path, kind: FileKind, checking: Checking
) -> list[Problem]:
    """Return why a file of which no check found anything can't be read."""
    if kind not in _READERS:
        return []
    try:
        _READERS[kind](path, **checking.arguments(kind))
    except ValueError as error:
        return [Problem.of_message(str(error), path)]
    return []


def _mended(
    path: pathlib.Path, target: pathlib.Path, found: list[Problem], checking: Checking
) -> dict[str, Any]:
    """Return what mending changed, and how many problems are left."""
    kind = io.file_kind(path)
    if kind not in _MENDING or not any(problem.is_fixable for problem in found):
        return {}
    changed = _MENDING[kind](path, target, **checking.arguments(kind))
    left = _found(target, io.file_kind(target), checking)
    return {
        "mended": [_in_words(change) for change in changed],
        "left": len(left),
        "written": str(target),
    }


def _in_words(change: Problem | str) -> str:
    """Return what was mended."""
    return change if isinstance(change, str) else f"{change.where}: {change.what}"


def _as_text(record: dict[str, Any]) -> str:
    lines = [f"{record['path']}: {record['kind'] or 'unknown'}"]
    listed = list(record["problems"])
    if record["error"] and not listed:
        listed = [vars(Problem.of_message(record["error"], record["path"]))]
    for problem in listed:
        mark = "~" if problem["is_fixable"] else "!"
        lines.append(f"  {mark} {problem['where']}: {problem['what']}")
        lines.append(f"      {problem['remedy'].removeprefix('do ')}")
    lines += [f"  mended: {change}" for change in record["mended"]]
    if record["error"] and record["problems"]:
        lines.append(f"  not mended: {record['error']}")
    if not listed:
        lines.append("  nothing is wrong")
    if "written" in record:
        nothing = "nothing, for nothing in it can be mended"
        lines.append(f"  written: {record['written'] or nothing}")
    return "\n".join(lines)
