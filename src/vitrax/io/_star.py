"""STAR files, read and written exactly.

One table per block. A table is either a loop, each row on one line, or single values.
What isn't understood is an error with its line, never a guess.
"""

import io
import os
from collections.abc import Mapping

from .._files import atomic_path
from ._contents import (
    Path,
    check_content,
    first_bytes,
    is_compressed,
    open_raw,
    read_whole,
)
from ._star_parser import Parser
from ._star_table import StarTable
from ._star_text import write_tables


def read_star(path: Path, *, max_unpacked: int | None = None) -> dict[str, StarTable]:
    """Return the tables of a STAR file by the names of their blocks.

    `data_particles` is under "particles", `data_` under "". Columns are int64, float64
    or text as their values are; each value is kept exactly. A `#` begins a comment only
    at the beginning of a word; words may be quoted.

    Args:
        path: the file, UTF-8. It may be packed with gzip or bzip2.
        max_unpacked: bytes that the content of a packed file may have, by default
            512 MiB.

    Returns:
        The tables, in the order of the file.

    Raises:
        InputError: naming the line, if a row has more or fewer values than the table
            has columns, a column or block comes twice, or the file isn't a STAR file.

    Example:
        >>> import tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.star"
        >>> vx.io.write_star(path, {"optics": vx.io.StarTable({"rlnVoltage": [300.0]})})
        >>> vx.io.read_star(path)["optics"]["rlnVoltage"].tolist()
        [300.0]
    """
    start = first_bytes(path)
    check_content(path, start)
    if is_compressed(start):
        content = io.BytesIO(read_whole(path, max_unpacked))
        return Parser(os.fspath(path), content).tables()
    with open_raw(path) as file:
        return Parser(os.fspath(path), file).tables()


def write_star(path: Path, tables: Mapping[str, StarTable]) -> None:
    """Write tables as a STAR file that RELION reads.

    Numbers are written so that reading gives the same ones: with six decimals where
    that is exact, with as many digits as needed elsewhere. The file appears under its
    name only when whole.

    Args:
        path: the file; it is replaced if it exists.
        tables: by name of block.

    Raises:
        ValueError: if a text cannot stand in a STAR file, or a name isn't one word.

    Example:
        >>> import tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.star"
        >>> table = vx.io.StarTable({"rlnAngleRot": [0.1]})
        >>> vx.io.write_star(path, {"particles": table})
    """
    with atomic_path(path) as temporary:
        write_tables(temporary, tables)
