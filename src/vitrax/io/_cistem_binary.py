"""cisTEM's binary files of parameters (.cistem), read as the table they stand for."""

import struct

import numpy as np

from .._files import InputError
from ._cistem_labels import COLUMNS, PHASE_SHIFT
from ._contents import Path, first_bytes, open_raw
from ._star_table import TEXT, StarTable


# numpy's kind of each code of a kind of value; a text is a length and as many bytes.
_KINDS = {2: "<i4", 3: "<f4", 5: "<i8", 6: "<f8", 7: "<i1", 9: "<u4"}
_TEXT = 8
_LABELS = {code: label for label, (_, code) in COLUMNS.items()}
_MOST_COLUMNS = 256


def is_cistem_binary(start: bytes) -> bool:
    """Return whether a file that begins so is a binary parameter file of cisTEM.

    It begins with the numbers of columns and of lines, then has of each column a power
    of two that tells which it is, and how its values are kept.

    Args:
        start: at least the first 17 bytes.
    """
    if len(start) < 17:
        return False
    count, rows = struct.unpack_from("<ii", start)
    if not (1 <= count <= _MOST_COLUMNS and rows >= 0):
        return False
    inside = min(count, (len(start) - 8) // 9)
    codes = [struct.unpack_from("<qB", start, 8 + 9 * i) for i in range(inside)]
    return all(
        code > 0 and code & (code - 1) == 0 and (kind in _KINDS or kind == _TEXT)
        for code, kind in codes
    )


def read_cistem_binary(path: Path) -> StarTable:
    """Return the table of a binary parameter file, under the labels of a STAR file.

    Phase shifts are made degrees, as in STAR files; in binary ones they are radians.
    Columns that aren't known are called `cisTEMColumn` and their code.

    Args:
        path: the file.

    Raises:
        InputError: if the file ends too early or goes on, or a column comes twice.
    """
    if not is_cistem_binary(first_bytes(path)):
        raise InputError(
            f"cannot read {path} because it isn't a binary parameter file of cisTEM; "
            "do check the path"
        )
    with open_raw(path) as file:
        data = file.read()
    count, rows = struct.unpack_from("<ii", data)
    start = 8 + 9 * count
    if start > len(data):
        raise _cut_short(path)
    codes = [struct.unpack_from("<qB", data, 8 + 9 * i) for i in range(count)]
    names = [_LABELS.get(code, f"cisTEMColumn{code}") for code, _ in codes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or any(kind not in _KINDS and kind != _TEXT for _, kind in codes):
        raise InputError(
            f"cannot read {path} because its list of columns is damaged"
            f"{' (twice: ' + ', '.join(twice) + ')' if twice else ''}; do have cisTEM "
            "write a .star file"
        )
    kinds = [kind for _, kind in codes]
    if _TEXT in kinds:
        columns = _with_texts(data, start, kinds, rows, path)
    else:
        columns = _without_texts(data, start, kinds, rows, path)
    table = {name: _wider(each) for name, each in zip(names, columns, strict=True)}
    if PHASE_SHIFT in table:
        table[PHASE_SHIFT] = np.rad2deg(table[PHASE_SHIFT].astype(np.float64))
    return StarTable(table)


def _without_texts(
    data: bytes, start: int, kinds: list[int], rows: int, path: Path
) -> list[np.ndarray]:
    """Return the columns of rows that are all of one length."""
    row = np.dtype([(str(i), _KINDS[kind]) for i, kind in enumerate(kinds)])
    if len(data) < start + rows * row.itemsize:
        raise _cut_short(path)
    _check_end(len(data), start + rows * row.itemsize, path)
    records = np.frombuffer(data, row, rows, start)
    return [records[str(i)] for i in range(len(kinds))]


def _with_texts(
    data: bytes, start: int, kinds: list[int], rows: int, path: Path
) -> list[np.ndarray]:
    """Return the columns of rows whose lengths differ."""
    # Each row has at least one byte per column.
    if rows * len(kinds) > len(data) - start:
        raise _cut_short(path)
    readers = [struct.Struct("<" + _STRUCT[kind]) for kind in kinds]
    found: list[list] = [[] for _ in kinds]
    place = start
    try:
        for _ in range(rows):
            for column, kind, reader in zip(found, kinds, readers, strict=True):
                (value,) = reader.unpack_from(data, place)
                place += reader.size
                if kind == _TEXT:
                    if not 0 <= value <= len(data) - place:
                        raise _cut_short(path)
                    value, place = data[place : place + value], place + value
                column.append(value)
    except struct.error as error:
        raise _cut_short(path) from error
    _check_end(len(data), place, path)
    return [
        np.array([each.decode(errors="replace") for each in column], TEXT)
        if kind == _TEXT
        else np.array(column, _KINDS[kind])
        for column, kind in zip(found, kinds, strict=True)
    ]


_STRUCT = {2: "i", 3: "f", 5: "q", 6: "d", 7: "b", 9: "I", _TEXT: "i"}


def _wider(values: np.ndarray) -> np.ndarray:
    """Return values as a table keeps them; of a float32 the shortest decimals."""
    if values.dtype == np.float32:
        return np.array([float(str(each)) for each in values], np.float64)
    return values


def _check_end(size: int, wanted: int, path: Path) -> None:
    if size != wanted:
        raise InputError(
            f"cannot read {path} because it goes on after its last line ({wanted} "
            f"bytes of {size}); do have cisTEM write a .star file"
        )


def _cut_short(path: Path) -> InputError:
    return InputError(
        f"cannot read {path} because it ends before its last line; do copy it again"
    )
