"""What is wrong with files of particles of cisTEM and Leopard-EM."""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .._files import InputError
from ._cistem import looks_like_radians
from ._cistem_binary import is_cistem_binary, read_cistem_binary
from ._cistem_labels import (
    COLUMNS as CISTEM_COLUMNS,
    DEFOCUS,
    FLOAT,
    OTHER_LABELS,
    PHASE_SHIFT,
    PIXEL_SIZE,
    POSITION,
    STACK,
    TEXT as TEXT_KIND,
    VOLTAGE,
)
from ._columns import rows_in_words
from ._contents import Path, first_bytes
from ._csv_table import read_csv
from ._leopard import MICROGRAPH, is_leopard_csv
from ._leopard_layout import COLUMNS as LEOPARD_COLUMNS
from ._mrc import read_header
from ._particles import read_particles
from ._problem import Problem, problems_of_warnings
from ._stack_search import HOW_TO_FIND, StackSearch
from ._star import read_star
from ._star_table import StarTable


# Where stacks are looked for, `project` and `path_map`.
Places = dict[str, Any]
# Of a micrograph's particles Leopard-EM takes these from the first one.
_SHARED = (
    "voltage",
    "spherical_aberration",
    "amplitude_contrast_ratio",
    "phase_shift",
    "ctf_B_factor",
)


def cistem_problems(
    path: Path,
    *,
    project: Path | None = None,
    path_map: Mapping[str, str] | None = None,
    max_unpacked: int | None = None,
) -> list[Problem]:
    """Return what is wrong with a parameter file of cisTEM, without reading images.

    Args:
        path: a STAR file or a binary one.
        project: as in `read_particles`.
        path_map: as in `read_particles`.
        max_unpacked: as in `read_particles`.

    Example:
        >>> import tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.star"
        >>> columns = {"cisTEMPositionInStack": [1], "cisTEMPixelSize": [0.0]}
        >>> vx.io.write_star(path, {"": vx.io.StarTable(columns)})
        >>> [problem.where for problem in vx.io.cistem_problems(path)]
        ['columns', 'row 1']
    """
    places: Places = {"project": project, "path_map": path_map}
    return _problems(path, places, max_unpacked, _cistem_table, _of_cistem)


def leopard_problems(
    path: Path,
    *,
    project: Path | None = None,
    path_map: Mapping[str, str] | None = None,
    max_unpacked: int | None = None,
) -> list[Problem]:
    """Return what is wrong with a table of Leopard-EM, or a configuration naming one.

    Args:
        path: a CSV or YAML file.
        project: as in `read_particles`.
        path_map: as in `read_particles`.
        max_unpacked: as in `read_particles`.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("phi,theta,psi\\n1,2\\n")
        >>> vx.io.leopard_problems(path)[0].remedy
        'correct or remove it'
    """
    places: Places = {"project": project, "path_map": path_map}
    return _problems(path, places, max_unpacked, _leopard_table, _of_leopard)


def _problems(
    path: Path,
    places: Places,
    max_unpacked: int | None,
    table_of: Callable[[Path, int | None], StarTable | None],
    problems_of: Callable[[StarTable, StackSearch], Iterator[Problem]],
) -> list[Problem]:
    """Return what reading says, and what the table shows."""
    search = StackSearch.of(path, **places)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            table = table_of(path, max_unpacked)
            found = [] if table is None else list(problems_of(table, search))
        except InputError as error:
            return [Problem.of_message(str(error), path)]
        try:
            read_particles(path, **places, max_unpacked=max_unpacked)
        except InputError as error:
            if not found:
                found.append(Problem.of_message(str(error), path))
    return found + problems_of_warnings(caught, path)


def _cistem_table(path: Path, max_unpacked: int | None) -> StarTable:
    """Return the table with cisTEM's columns, as it stands there."""
    if is_cistem_binary(first_bytes(path)):
        return read_cistem_binary(path)
    tables = read_star(path, max_unpacked=max_unpacked)
    known = {*CISTEM_COLUMNS, *OTHER_LABELS}
    held = [table for table in tables.values() if known & set(table)]
    if not held:
        raise InputError(
            f"cannot read {os.fspath(path)} because it has no columns of cisTEM; do "
            "check the path"
        )
    return held[0]


def _of_cistem(table: StarTable, search: StackSearch) -> Iterator[Problem]:
    """Yield what cisTEM would stumble over in a table."""
    absent = [name for name in DEFOCUS if name not in table]
    if absent:
        yield Problem(
            "columns",
            f"there is no {', '.join(absent)}, without which cisTEM stops",
            "add the defocus",
            False,
        )
    for old in sorted(set(OTHER_LABELS) & set(table)):
        yield Problem(
            f"column {old}",
            f"cisTEM doesn't know it and takes 0; it calls it {OTHER_LABELS[old]}",
            "rename it",
            False,
        )
    for name, (kind, _) in CISTEM_COLUMNS.items():
        if name in table and kind != TEXT_KIND and table[name].dtype.kind == "T":
            yield Problem(f"column {name}", "it isn't numbers", "correct it", False)
        elif name in table and kind == FLOAT:
            bad = ~np.isfinite(table[name].astype(np.float64))
            yield from _rows(bad, f"{name} is NaN or infinite", "remove the rows")
    numbers = {n: c for n, c in table.items() if c.dtype.kind in "if"}
    for name in (PIXEL_SIZE, VOLTAGE):
        if name in numbers:
            yield from _rows(numbers[name] == 0, f"{name} is 0", "give it when reading")
    if PHASE_SHIFT in numbers and looks_like_radians(numbers[PHASE_SHIFT]):
        yield Problem(
            f"column {PHASE_SHIFT}",
            "it looks like radians, which cisTEM 2.0 alpha writes and reads as degrees",
            "multiply it by 57.2958 if it is",
            False,
        )
    if POSITION in numbers:
        yield from _of_positions(numbers[POSITION], table, search)


def _of_positions(
    positions: np.ndarray, table: StarTable, search: StackSearch
) -> Iterator[Problem]:
    """Yield what is wrong with the places of images in their stacks."""
    yield from _rows(positions < 1, f"{POSITION} isn't 1 or more", "correct it")
    stacks = table.get(STACK, np.zeros(table.rows, np.int64))
    pairs = list(zip(stacks.tolist(), positions.tolist(), strict=True))
    seen: dict[Any, int] = {}
    again = np.array([seen.setdefault(p, i) != i for i, p in enumerate(pairs)], bool)
    yield from _rows(again, "the image comes a second time", "remove the rows")
    if STACK not in table or table[STACK].dtype.kind != "T":
        return
    for stack in dict.fromkeys(stacks.tolist()):
        rows = stacks == stack
        if not stack or not search.is_there(stack):
            what = f"its stack {stack!r} isn't found" if stack else "no stack is named"
            yield from _rows(rows, what, "give it when reading: stack= (--stack)")
            continue
        count = read_header(search.find(stack)).shape[0]
        beyond = rows & (positions > count)
        yield from _rows(beyond, f"{stack} has only {count} images", "remove the rows")


def _leopard_table(path: Path, max_unpacked: int | None) -> StarTable | None:
    """Return the table of a CSV file, None for a configuration."""
    if not is_leopard_csv(first_bytes(path, 2**16)):
        return None
    return read_csv(path, max_unpacked=max_unpacked)


def _of_leopard(table: StarTable, search: StackSearch) -> Iterator[Problem]:
    """Yield what Leopard-EM would stumble over in a table."""
    absent = [name for name in LEOPARD_COLUMNS if name not in table]
    if absent:
        yield Problem(
            "columns",
            f"there is no {', '.join(absent)}, without which Leopard-EM refuses it",
            "write it again with vitrax convert",
            False,
        )
    for name in LEOPARD_COLUMNS[:26]:
        if name in table and table[name].dtype.kind == "T":
            yield Problem(f"column {name}", "it isn't numbers", "correct it", False)
        elif name in table:
            bad = ~np.isfinite(table[name].astype(np.float64))
            yield from _rows(bad, f"{name} is NaN or infinite", "remove the rows")
    for name in _SHARED:
        if name in table and len(np.unique(table[name])) > 1:
            yield Problem(
                f"column {name}",
                "it differs between particles, which Leopard-EM's refinement refuses",
                "write a table for each",
                False,
            )
    if MICROGRAPH in table and table[MICROGRAPH].dtype.kind == "T":
        yield from _of_micrographs(table, search)


def _of_micrographs(table: StarTable, search: StackSearch) -> Iterator[Problem]:
    """Yield micrographs that aren't found, and particles that lie outside of them."""
    names = table[MICROGRAPH]
    places = [table.get(f"pos_{axis}_img") for axis in "xy"]
    for name in dict.fromkeys(names.tolist()):
        rows = names == name
        if not name or not search.is_there(name):
            what = f"its micrograph {name!r} isn't found"
            yield from _rows(rows, what, HOW_TO_FIND)
            continue
        if any(p is None or p.dtype.kind not in "if" for p in places):
            continue
        y_size, x_size = read_header(search.find(name)).shape[-2:]
        x, y = (np.asarray(place, np.float64) for place in places)
        outside = rows & ~((x >= 0) & (x < x_size) & (y >= 0) & (y < y_size))
        yield from _rows(outside, f"it lies outside of {name}", "remove the rows")


def _rows(bad: np.ndarray, what: str, remedy: str) -> Iterator[Problem]:
    """Yield one problem for the rows that have it, none if no row has."""
    if bad.any():
        yield Problem(rows_in_words(bad), what, remedy, False)
