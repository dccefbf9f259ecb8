"""The text of STAR tables, written so that reading it gives the same values."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from .._files import InputError
from ._contents import Path
from ._star_table import StarTable


_ROWS_AT_ONCE = 2**14
# Beyond this six decimals of a double aren't all significant.
_LARGEST_FIXED = 1e9
_NEEDS_QUOTES = re.compile(
    r"^$|\s|^[_#'\"$\[\];]|^(?:data_|loop_|save_|global_|stop_)", re.IGNORECASE
)


def write_tables(
    path: Path, tables: Mapping[str, StarTable], *, version: str = "30001"
) -> None:
    """Write tables as `write_star` does, at once under the name given.

    Args:
        path: a new file.
        tables: by name of block.
        version: the number that RELION writes above each table.

    Raises:
        ValueError: if a text cannot stand in a STAR file, or a name isn't one word.
    """
    with open(path, "xb") as file:
        for name, table in tables.items():
            if name.split() != [name] and name:
                raise ValueError(
                    f"cannot write a block {name!r} because its name isn't one word; "
                    "do rename it"
                )
            for text in _lines_of(name, table, version):
                file.write(text.encode())


def _lines_of(name: str, table: StarTable, version: str) -> Iterator[str]:
    """Yield the text of a block, some rows at a time."""
    yield f"\n# version {version}\n\ndata_{name}\n\n"
    if not table.is_loop:
        for column, values in table.items():
            value = _formats(values)[0] % tuple(_writable(values, column))
            yield f"_{column} {value}\n"
        return
    yield "loop_\n"
    yield "".join(f"_{column} #{i}\n" for i, column in enumerate(table, 1))
    line = " ".join(_formats(values)[0] for values in table.values()) + "\n"
    for first in range(0, table.rows, _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        columns = [_writable(values[rows], column) for column, values in table.items()]
        yield "".join([line % row for row in zip(*columns, strict=True)])
    yield "\n"


def _formats(values: np.ndarray) -> tuple[str]:
    """Return how to write a column so that reading gives the same values."""
    if values.dtype.kind == "i":
        return ("%12d",)
    if values.dtype.kind != "f":
        return ("%s",)
    with np.errstate(invalid="ignore", over="ignore"):
        fixed = (np.abs(values) < _LARGEST_FIXED) & (np.round(values, 6) == values)
    return ("%12.6f",) if fixed.all() else ("%r",)


def _writable(values: np.ndarray, column: str) -> list:
    """Return values for the formats, texts quoted where they need it."""
    listed = values.tolist()
    if values.dtype.kind != "T" or not any(map(_NEEDS_QUOTES.search, listed)):
        return listed
    return [_quoted(text, column) for text in listed]


def _quoted(text: str, column: str) -> str:
    if not _NEEDS_QUOTES.search(text):
        return text
    if not re.search(r"[\x00-\x1f]", text):
        for quote in "\"'":
            if not re.search(rf"{quote}(?=\s)|{quote}$", text):
                return f"{quote}{text}{quote}"
    raise InputError(
        f"cannot write a text of column {column} because it holds both kinds of quotes "
        "or a line break; do change it"
    )
