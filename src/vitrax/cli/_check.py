"""The command `vitrax check`: what is wrong with files, and mending it."""

import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from .. import io
from .._files import InputError
from ..io import FileKind, Problem
from ._array_facts import array_facts
from ._exit import UsageError
from ._options import split_pair


_PROBLEMS: dict[FileKind, Callable[..., list[Problem]]] = {
    FileKind.MRC: io.mrc_problems,
    FileKind.RELION: io.star_problems,
    FileKind.CISTEM: io.cistem_problems,
    FileKind.CRYOSPARC: io.cs_problems,
    FileKind.LEOPARD: io.leopard_problems,
    FileKind.EMAN: io.eman_problems,
    FileKind.ATOMS: io.atom_problems,
}
_MENDING: dict[FileKind, Callable[..., list[Any]]] = {
    FileKind.MRC: io.write_mended_mrc,
    FileKind.RELION: io.write_mended_star,
    FileKind.ATOMS: io.write_mended_atoms,
}


# Their checks look for stacks.
_NAMING_STACKS = (FileKind.RELION, FileKind.CRYOSPARC, FileKind.EMAN)
_PARTICLES = (
    FileKind.RELION,
    FileKind.CISTEM,
    FileKind.CRYOSPARC,
    FileKind.LEOPARD,
    FileKind.EMAN,
)


def check(
    paths: Sequence[pathlib.Path],
    *,
    fix: pathlib.Path | None = None,
    project: pathlib.Path | None = None,
    path_map: Sequence[str] = (),
    print_json: bool = False,
) -> None:
    """Print what is wrong with some files, and write mended copies of them.

    Args:
        paths: of the files.
        fix: the mended file; of several files, a new folder for them.
        project: folder to which names of stacks are relative.
        path_map: OLD=NEW, beginnings of names of stacks.
        print_json: whether to print JSON.

    Raises:
        InputError: if a file can't be read, or anything is wrong that wasn't mended.
        UsageError: if a mended file would replace another.
    """
    if not paths:
        raise UsageError("cannot check because no file is named; do name one")
    places = {"project": project, "path_map": dict(map(split_pair, path_map))}
    targets = _targets(paths, fix)
    records = [_checked(path, target, places) for path, target in targets]
    if print_json:
        print(json.dumps(records, indent=2))
    else:
        print("\n".join(_as_text(record) for record in records))
    left = [record for record in records if record["error"] or record["left"]]
    if left:
        names = ", ".join(record["path"] for record in left)
        advice = "see above" if fix else "see above, or let --fix OUT mend what it can"
        raise InputError(
            f"cannot take {names} as sound because of what is wrong in "
            f"{'it' if len(left) == 1 else 'them'}; do {advice}"
        )


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
    there = [target for target in made if target.exists()]
    if there:
        raise UsageError(
            f"cannot write {there[0]} because it exists; do choose another name"
        )
    if len(paths) > 1:
        fix.mkdir(parents=True, exist_ok=True)
    return list(zip(paths, made, strict=True))


def _checked(
    path: pathlib.Path, target: pathlib.Path | None, places: dict[str, Any]
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
    try:
        kind = io.file_kind(path)
        record["kind"] = kind.value
        found = _found(path, kind, places) or _unreadable(path, kind)
        record["problems"] = [vars(problem) for problem in found]
        record["left"] = len(found)
        if target is not None and found:
            record |= _mended(path, target, found, places)
    except (InputError, OSError) as error:
        record["error"] = str(error)
    return record


def _found(path: pathlib.Path, kind: FileKind, places: dict[str, Any]) -> list[Problem]:
    """Return what the checks of a file's kind find."""
    more = places if kind in _NAMING_STACKS else {}
    return _PROBLEMS[kind](path, **more) if kind in _PROBLEMS else []


def _unreadable(path: pathlib.Path, kind: FileKind) -> list[Problem]:
    """Return why a file of a kind without checks of its own can't be read."""
    readers: dict[FileKind, Callable[[pathlib.Path], object]] = {
        FileKind.STAR: io.read_star,
        FileKind.TIFF: io.read_movie,
        FileKind.MODEL: io.read_model,
        FileKind.ARRAYS: array_facts,
        **dict.fromkeys(_PARTICLES, io.read_particles),
    }
    if kind not in readers:
        return []
    try:
        readers[kind](path)
    except (InputError, ValueError) as error:
        return [Problem("file", str(error), "see the message", False)]
    return []


def _mended(
    path: pathlib.Path,
    target: pathlib.Path,
    found: list[Problem],
    places: dict[str, Any],
) -> dict[str, Any]:
    """Return what mending changed, and how many problems are left."""
    kind = io.file_kind(path)
    if kind not in _MENDING or not any(problem.is_fixable for problem in found):
        return {}
    more = places if kind in _NAMING_STACKS else {}
    changed = _MENDING[kind](path, target, **more)
    left = _found(target, io.file_kind(target), places)
    return {"mended": [_in_words(change) for change in changed], "left": len(left)}


def _in_words(change: Problem | str) -> str:
    """Return what was mended."""
    return change if isinstance(change, str) else f"{change.where}: {change.what}"


def _as_text(record: dict[str, Any]) -> str:
    if record["error"]:
        return f"{record['path']}: {record['error']}"
    lines = [f"{record['path']}: {record['kind']}"]
    for problem in record["problems"]:
        mark = "~" if problem["is_fixable"] else "!"
        lines.append(f"  {mark} {problem['where']}: {problem['what']}")
        lines.append(f"      {problem['remedy']}")
    lines += [f"  mended: {change}" for change in record["mended"]]
    if not record["problems"]:
        lines.append("  nothing is wrong")
    return "\n".join(lines)
