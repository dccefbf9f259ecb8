"""MTFs of detectors, as RELION keeps them."""

import os

import numpy as np

from .._files import InputError
from ..detector import MeasuredTransfer
from ._columns import lacks, number, rows_in_words
from ._contents import Path
from ._star import read_star
from ._star_table import StarTable


_FREQUENCY, _VALUE = "rlnResolutionInversePixel", "rlnMtfValue"


def read_mtf(path: Path, *, max_unpacked: int | None = None) -> MeasuredTransfer:
    """Return the modulation transfer function of a detector from RELION's STAR file.

    Its frequencies are in 1/pixel of the physical detector
    (rlnMicrographOriginalPixelSize): give that pixel size to `Camera`.

    Args:
        path: a file with the columns rlnResolutionInversePixel and rlnMtfValue.
        max_unpacked: as in `read_star`.

    Returns:
        The MTF: linear between the file's points, constant beyond them.

    Raises:
        InputError: if the file can't be read, has no such columns or not in one table
            only, has no rows, its frequencies don't increase, or a number is negative
            or not finite.

    Example:
        >>> import tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/mtf.star"
        >>> curve = {"rlnResolutionInversePixel": [0.0, 0.5], "rlnMtfValue": [1.0, 0.2]}
        >>> vx.io.write_star(path, {"mtf": vx.io.StarTable(curve)})
        >>> vx.io.read_mtf(path).values.tolist()
        [1.0, 0.2]
    """
    source = os.fspath(path)
    table = _curve(read_star(path, max_unpacked=max_unpacked), source)
    frequencies = number(table, _FREQUENCY, source)
    values = number(table, _VALUE, source)
    if not table.rows:
        raise InputError(
            f"cannot read {source} because its MTF has no rows; do get a whole file"
        )
    for name, column in ((_FREQUENCY, frequencies), (_VALUE, values)):
        if (column < 0).any():
            raise InputError(
                f"cannot use {name} of {source} because it is negative in "
                f"{rows_in_words(column < 0)}; do correct these rows"
            )
    falls = np.diff(frequencies, prepend=-1.0) <= 0
    if falls.any():
        raise InputError(
            f"cannot use {_FREQUENCY} of {source} because it doesn't increase in "
            f"{rows_in_words(falls)}; do sort the rows by it, each frequency once"
        )
    try:
        # What is too large for single precision is refused as infinite.
        with np.errstate(over="ignore"):
            return MeasuredTransfer(frequencies, values)
    except ValueError as error:
        raise InputError(f"cannot use the MTF of {source}: {error}") from error


def _curve(tables: dict[str, StarTable], source: str) -> StarTable:
    """Return the table that holds an MTF."""
    holding = [table for table in tables.values() if {_FREQUENCY, _VALUE} & set(table)]
    if len(holding) > 1:
        names = [name for name, table in tables.items() if table in holding]
        raise InputError(
            f"cannot read {source} because {len(holding)} tables hold an MTF "
            f"({', '.join(names)}); do keep the detector's own"
        )
    if not holding:
        # The message names what the table has that is spelt nearly the same.
        table = next(iter(tables.values()))
        raise InputError(lacks(table, [_FREQUENCY, _VALUE], source))
    return holding[0]
