"""The command `vitrax info`: what is in a file, and what is odd about it."""

import dataclasses
import json
import pathlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .. import io
from .._files import InputError
from ..io import FileKind
from ._array_facts import array_facts, model_facts
from ._mrc_facts import movie_facts, mrc_facts
from ._needs import as_bytes
from ._particle_facts import cryosparc_facts, particle_facts
from ._star_facts import star_facts


FactsAndRemarks = tuple[dict[str, Any], list[str]]
_FACTS: dict[FileKind, Callable[[pathlib.Path], FactsAndRemarks]] = {
    FileKind.MRC: mrc_facts,
    FileKind.TIFF: movie_facts,
    FileKind.STAR: star_facts,
    FileKind.RELION: star_facts,
    FileKind.CISTEM: particle_facts,
    FileKind.CRYOSPARC: cryosparc_facts,
    FileKind.LEOPARD: particle_facts,
    FileKind.EMAN: particle_facts,
    FileKind.ATOMS: io.atom_facts,
    FileKind.MODEL: model_facts,
    FileKind.ARRAYS: array_facts,
}


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of one file.

    Args:
        path: of the file.
        kind: MRC, movie, STAR or atoms.
        facts: by name.
        remarks: what is odd.
    """

    path: pathlib.Path
    kind: str
    facts: dict[str, Any]
    remarks: tuple[str, ...]


def info(paths: Sequence[pathlib.Path], *, print_json: bool = False) -> None:
    """Print what is in some files.

    Every file is looked at; those that can't be read are named at the end.

    Args:
        paths: of the files.
        print_json: whether to print JSON.

    Raises:
        InputError: if any file can't be read.
    """
    found, failures = [], []
    for path in paths:
        try:
            found.append(facts_of(path))
        except (InputError, OSError) as error:
            failures.append(error)
    if print_json:
        print(json.dumps([_as_record(each) for each in found], indent=2, default=str))
    elif found:
        print("\n\n".join(_as_text(each) for each in found))
    if failures:
        raise InputError(" ".join(str(error) for error in failures))


def facts_of(path: pathlib.Path) -> Facts:
    """Return what is known of a file.

    Args:
        path: of any file that vitrax reads; its content decides which.

    Raises:
        InputError: if it can't be read.
    """
    kind = io.file_kind(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        facts, remarks = _FACTS[kind](path)
    size = {"size": as_bytes(path.stat().st_size)}
    said = [str(each.message).removeprefix(f"{path}: ") for each in caught]
    return Facts(path, kind.value, size | facts, tuple(dict.fromkeys(said + remarks)))


def _as_text(found: Facts) -> str:
    width = max(map(len, found.facts))
    lines = [f"{found.path}: {found.kind}"]
    lines += [f"  {name:<{width}}  {value}" for name, value in found.facts.items()]
    lines += [f"  ! {remark}" for remark in found.remarks]
    return "\n".join(lines)


def _as_record(found: Facts) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "kind": found.kind,
        "facts": found.facts,
        "remarks": list(found.remarks),
    }
