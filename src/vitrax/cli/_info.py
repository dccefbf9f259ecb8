"""The command `vitrax info`: what is in a file, and what is odd about it."""

import dataclasses
import math
import pathlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import io
from .._files import InputError
from ..io import FileKind
from ._array_facts import array_facts, model_facts
from ._atom_facts import atom_facts
from ._exit import UsageError, explain
from ._fact_words import fact_lines
from ._mrc_facts import movie_facts, mrc_facts
from ._particle_facts import cryosparc_facts, particle_facts
from ._reading import AS_THEY_SAY, Reading, places_of
from ._record import as_json
from ._star_facts import relion_facts, star_facts


@dataclasses.dataclass(frozen=True)
class Looking:
    """How files are looked at.

    Args:
        reading: how they are read.
        places: where stacks are looked for, `project` and `path_map`.
    """

    reading: Reading
    places: Mapping[str, Any]


FactsAndRemarks = tuple[dict[str, Any], list[str]]
_OF_PARTICLES: dict[FileKind, Callable[..., FactsAndRemarks]] = {
    FileKind.RELION: relion_facts,
    FileKind.CISTEM: particle_facts,
    FileKind.CRYOSPARC: cryosparc_facts,
    FileKind.LEOPARD: particle_facts,
    FileKind.EMAN: particle_facts,
}
_FACTS: dict[FileKind, Callable[[pathlib.Path, Reading], FactsAndRemarks]] = {
    FileKind.MRC: mrc_facts,
    FileKind.TIFF: movie_facts,
    FileKind.STAR: star_facts,
    FileKind.ATOMS: atom_facts,
    FileKind.MODEL: model_facts,
    FileKind.ARRAYS: array_facts,
}


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of one file.

    Args:
        path: of the file.
        kind: what it is, None where that can't be told.
        bytes: on the disk, None where there is no file.
        facts: values by name.
        remarks: what is odd.
        error: why it can't be read, None where it can.
    """

    path: pathlib.Path
    kind: str | None
    bytes: int | None
    facts: dict[str, Any]
    remarks: tuple[str, ...]
    error: str | None = None


def info(
    paths: Sequence[pathlib.Path],
    *,
    reading: Reading = AS_THEY_SAY,
    project: pathlib.Path | None = None,
    path_map: Sequence[str] = (),
    print_json: bool = False,
) -> None:
    """Print what is in some files.

    Every file is looked at; those that can't be read are named at the end.

    Args:
        paths: of the files.
        reading: how they are read.
        project: folder to which names of stacks are relative.
        path_map: OLD=NEW, beginnings of names of stacks.
        print_json: whether to print JSON.

    Raises:
        InputError: if any file can't be read.
        UsageError: if there is none.
    """
    if not paths:
        raise UsageError("cannot say anything because no file is named; do name one")
    looking = Looking(reading, places_of(project, path_map))
    found = [facts_of(path, looking) for path in paths]
    if print_json:
        print(as_json([_as_record(each) for each in found]))
    elif readable := [each for each in found if each.error is None]:
        print("\n\n".join(_as_text(each) for each in readable))
    failures = [each.error for each in found if each.error is not None]
    if failures:
        raise InputError("; ".join(failures))


def facts_of(path: pathlib.Path, looking: Looking) -> Facts:
    """Return what is known of a file, or why it can't be read.

    Args:
        path: of any file that vitrax reads; its content decides which.
        looking: how it is looked at.
    """
    kind = size = None
    try:
        kind = io.file_kind(path)
        size = _size(path)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            facts, remarks = _look_at(path, kind, looking)
    except (InputError, OSError, ImportError) as error:
        said = str(error) if isinstance(error, ImportError) else explain(error)[1]
        return Facts(path, kind and kind.value, size, {}, (), said)
    said = [str(each.message).removeprefix(f"{path}: ") for each in caught]
    # What is remarked on a file as a whole says more than the warnings of its readers.
    new = [each for each in said if not any(each in remark for remark in remarks)]
    return Facts(
        path, kind.value, size, _known(facts), tuple(dict.fromkeys(new + remarks))
    )


def _look_at(path: pathlib.Path, kind: FileKind, looking: Looking) -> FactsAndRemarks:
    if kind in _OF_PARTICLES:
        return _OF_PARTICLES[kind](path, looking.reading, looking.places)
    return _FACTS[kind](path, looking.reading)


def _known(value: Any) -> Any:
    """Return a fact with None for each number in it that isn't finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _known(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_known(each) for each in value]
    return value


def _size(path: pathlib.Path) -> int:
    """Return the bytes of a file, or of the files in a folder."""
    if path.is_dir():
        return sum(each.stat().st_size for each in path.iterdir() if each.is_file())
    return path.stat().st_size


def _as_text(found: Facts) -> str:
    lines = [f"{found.path}: {found.kind}"]
    lines += [f"  {line}" for line in fact_lines({"bytes": found.bytes, **found.facts})]
    lines += [f"  ! {remark}" for remark in found.remarks]
    return "\n".join(lines)


def _as_record(found: Facts) -> dict[str, Any]:
    return {**vars(found), "remarks": list(found.remarks)}
