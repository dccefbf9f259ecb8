"""What `vitrax info` says of atoms."""

import pathlib
from typing import Any

from .. import io
from ._reading import Reading


def atom_facts(
    path: pathlib.Path, reading: Reading
) -> tuple[dict[str, Any], list[str]]:
    """Return what is in a file of atoms, and what is odd about it.

    Args:
        path: of the file.
        reading: how it is read.
    """
    return io.atom_facts(path, **reading.limit)
