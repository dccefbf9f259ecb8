"""The line of a STAR file on which a row of a table stands, looked up for a message."""

import os
import re

from .._files import InputError
from ._contents import first_bytes, is_compressed, open_raw


# What readers add to a file's name to say which of its tables they mean.
_TABLE = re.compile(r"(.*) \(data_(\w*)\)", re.DOTALL)
_LONGEST_LINE = 2**20


def line_of_row(source: str, column: str, row: int) -> int | None:
    """Return the line of a row of the first table that has some column.

    Args:
        source: a STAR file's name, perhaps with the table's in brackets.
        column: a name in the table.
        row: from 0.

    Returns:
        From 1; None where it can't be told, as of a file of another kind.
    """
    found = _TABLE.fullmatch(source)
    path, block = found.groups() if found else (source, None)
    try:
        if is_compressed(first_bytes(path)):
            return None
        return _line(path, block, f"_{column}".encode(), row)
    except (InputError, OSError):
        return None


def _line(
    path: str | os.PathLike, block: str | None, column: bytes, row: int
) -> int | None:
    """Return the line of a row, counting rows from where a column's name stood."""
    is_here, is_block, left = False, block is None, row
    with open_raw(path) as file:
        for number, line in enumerate(
            iter(lambda: file.readline(_LONGEST_LINE), b""), 1
        ):
            words = line.split()
            if not words or words[0].startswith(b"#"):
                continue
            if words[0].lower().startswith(b"data_") and len(words) == 1:
                is_here, is_block = (
                    False,
                    block in (None, words[0][5:].decode("latin1")),
                )
            elif words[0].startswith(b"_"):
                is_here |= is_block and words[0] == column
            elif is_here and words[0].lower() != b"loop_":
                if not left:
                    return number
                left -= 1
    return None
