"""Tables of comma-separated values, read and written exactly."""

import csv
import io
import os
import pathlib
import re
from collections.abc import Mapping

import numpy as np

from .._files import InputError
from ._contents import Path, read_whole
from ._star_table import TEXT, StarTable


_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf)",
    re.IGNORECASE,
)
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]+")
_MOST_COLUMNS = 10_000


def read_csv(path: Path, *, max_unpacked: int | None = None) -> StarTable:
    """Return the columns of a CSV file with a line of names.

    Columns are int64, float64 or text as their values are; integers with leading zeros
    stay text, which keeps them. An empty value among numbers
    is NaN. Blanks in names become underscores, because STAR files have none; a column
    without a name, as pandas writes its index, is `unnamed`.

    Args:
        path: the file, UTF-8. It may be packed with gzip or bzip2.
        max_unpacked: bytes that the content of a packed file may have, by default
            512 MiB.

    Raises:
        InputError: naming the line, if a row has more or fewer values than there are
            names, a name comes twice, or a value is longer than 131 072 characters.
    """
    name = os.fspath(path)
    try:
        text = read_whole(path, max_unpacked).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"cannot read {name} because it isn't UTF-8 text ({error.reason} at byte "
            f"{error.start}); do save it as UTF-8"
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    names: list[str] = []
    try:
        for words in reader:
            if not words:
                continue
            if not names:
                names = _names(words, name)
            elif len(words) != len(names):
                raise InputError(
                    f"cannot read line {reader.line_num} of {name} because it has "
                    f"{len(words)} values where there are {len(names)} columns; do "
                    "correct or remove it"
                )
            else:
                rows.append(words)
    except csv.Error as error:
        raise InputError(
            f"cannot read line {reader.line_num} of {name} because {error}; do correct "
            "it"
        ) from error
    if not names:
        raise InputError(f"cannot read {name} because it has no line of names")
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return StarTable({n: _column(c) for n, c in zip(names, columns, strict=True)})


def write_csv(path: pathlib.Path, columns: Mapping[str, np.ndarray]) -> None:
    """Write columns, at once under the name given; NaN as an empty value.

    Args:
        path: a new file.
        columns: of numbers or texts.
    """
    listed = [_written(values) for values in columns.values()]
    with open(path, "x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*listed, strict=True))


def _names(words: list[str], source: str) -> list[str]:
    """Return names of columns that a STAR file can have too."""
    names = []
    for word in words:
        bare = re.sub(r"[\s#\x00-\x1f]+", "_", word.strip()).lstrip("_")
        names.append(bare or "unnamed")
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice or len(names) > _MOST_COLUMNS:
        raise InputError(
            f"cannot read {source} because its column {twice[0]} comes twice; do "
            "rename or remove one"
            if twice
            else f"cannot read {source} because its first line has {len(names)} names; "
            "do check that it is a table of particles"
        )
    return names


def _column(words: tuple[str, ...]) -> np.ndarray:
    """Return values as int64, float64 or text, whichever holds all of them."""
    stripped = [word.strip() for word in words]
    if any(map(_LEADING_ZERO.fullmatch, stripped)):
        return np.array(words, TEXT)
    if words and all(map(_INTEGER.fullmatch, stripped)):
        numbers = list(map(int, stripped))
        if max(map(abs, numbers)) < 2**63:
            return np.array(numbers, np.int64)
    elif any(stripped) and all(not w or _FLOAT.fullmatch(w) for w in stripped):
        return np.array([float(w) if w else np.nan for w in stripped], np.float64)
    return np.array(words, TEXT)


def _written(values: np.ndarray) -> list:
    if values.dtype.kind != "f":
        return values.tolist()
    return ["" if each != each else repr(each) for each in values.tolist()]
