"""The fields of an MRC header, read from its 1024 bytes."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

from .._files import InputError
from ._problem import Problem


HEADER_SIZE = 1024
FOUR_BITS = 101
_DTYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_REFUSED = {
    3: "complex integers",
    4: "complex numbers, the transform of an image",
    16: "colours",
}

IMOD_STAMP = 1146047817
SIGNED_BYTES = 1
_PACKED_BYTES = 16

# Numbers in mode 0, as a caller may say that they are.
Mode0 = Literal["signed", "unsigned"]


@dataclasses.dataclass(frozen=True)
class Fields:
    """What the 1024 bytes say, and what had to be inferred.

    Args:
        record: the fields, in the byte order in which they make sense.
        columns: numbers along a row.
        mode: how a number is stored; 101 for half bytes however they are declared.
        dtype: of the stored numbers, byte order included.
        axes: which of x, y, z (1, 2, 3) the sections, rows and columns are.
        remarks: what had to be inferred.
    """

    record: np.void
    columns: int
    mode: int
    dtype: np.dtype
    axes: tuple[int, int, int]
    remarks: tuple[Problem, ...]

    @property
    def is_packed_otherwise(self) -> bool:
        """Whether half bytes are declared as bytes, two columns as one."""
        return self.mode == FOUR_BITS != int(self.record["mode"])


def fields_of(path: str, start: bytes, mode0: Mode0 | None) -> Fields:
    """Return the fields of a header.

    Args:
        path: the file, for messages.
        start: its first 1024 bytes, unpacked.
        mode0: what bytes are; None to infer it.

    Raises:
        InputError: if these can't be the header of a file of real numbers.
    """
    if mode0 not in (None, "signed", "unsigned"):
        raise ValueError(
            f"cannot read {path} with mode0={mode0!r} because it is neither 'signed' "
            "nor 'unsigned'; do give one of these, or leave it out"
        )
    record, remarks = _in_right_byte_order(path, start)
    mode, columns = int(record["mode"]), int(record["nx"])
    if mode in _REFUSED:
        raise InputError(
            f"cannot read {path} because its mode {mode} holds {_REFUSED[mode]}; do "
            f"convert it to a real map or image (mode 2)"
        )
    if mode == 0 and mode0 is None and _imod_flags(record) & _PACKED_BYTES:
        mode, columns = FOUR_BITS, 2 * columns
        remarks.append(
            Problem(
                "mode",
                "each byte (mode 0) was taken as two half bytes, as IMOD's flag says",
                "fixing writes whole bytes",
                True,
            )
        )
    dtype = _dtype(record, mode, mode0, remarks)
    axes = _axes(path, record, remarks)
    return Fields(record, columns, mode, dtype, axes, tuple(remarks))


def looks_like_mrc(start: bytes) -> bool:
    """Return whether a file that begins so calls itself MRC, or makes sense as such.

    Args:
        start: up to 1024 bytes.
    """
    if start[208:211] == b"MAP":
        return True
    return len(start) >= HEADER_DTYPE.itemsize and any(
        _makes_sense(np.frombuffer(start, HEADER_DTYPE.newbyteorder(order), 1)[0])
        for order in ("<", ">")
    )


def three(fields: Any, kind: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    """Return three fields as numbers."""
    first, second, third = fields.item()
    return kind(first), kind(second), kind(third)


def labels_of(record: np.void) -> tuple[str, ...]:
    """Return the labels of a header that say something."""
    texts = [bytes(label).decode("ascii", "replace") for label in record["label"]]
    clean = ["".join(c for c in text if c.isprintable()).strip() for text in texts]
    return tuple(text for text in clean if text)


def _in_right_byte_order(path: str, start: bytes) -> tuple[np.void, list[Problem]]:
    """Return the fields in the byte order in which they make sense, and remarks."""
    remarks = []
    stamp = bytes(start[212:214])
    stated = {b"\x44\x44": "<", b"\x44\x41": "<", b"\x11\x11": ">"}.get(stamp)
    orders: tuple[Literal["<", ">"], ...] = (">", "<") if stated == ">" else ("<", ">")
    for order in orders:
        fields = np.frombuffer(start, HEADER_DTYPE.newbyteorder(order))[0]
        if _makes_sense(fields):
            break
    else:
        raise InputError(
            f"cannot read {path} because neither byte order of its header makes sense "
            f"({_what_makes_no_sense(start, orders)}): it isn't an MRC file, or is "
            "damaged; do fetch it again"
        )
    if order != stated:
        words = "little" if order == "<" else "big"
        remarks.append(
            Problem(
                "machine stamp",
                f"the machine stamp {'is wrong' if stated else 'is missing'}; the "
                f"header makes sense as {words}-endian, which was taken",
                "fixing writes a little-endian file with its stamp",
                True,
            )
        )
    if bytes(start[208:211]) != b"MAP":
        remarks.append(
            Problem(
                "MAP",
                "the MAP identifier is missing; the header makes sense without it",
                "fixing writes it",
                True,
            )
        )
    return fields, remarks


def _makes_sense(fields: np.void) -> bool:
    """Return whether sizes, mode and axes are possible in this byte order."""
    return not _impossible(fields)


def _impossible(fields: np.void) -> list[str]:
    """Return the sizes, mode and axes that can't be, in words."""
    known = {*_DTYPES, *_REFUSED, FOUR_BITS}
    may_be = {
        "nx": lambda size: 0 < size < 2**24,
        "ny": lambda size: 0 < size < 2**24,
        "nz": lambda size: size > 0,
        "mode": lambda mode: mode in known,
        **dict.fromkeys(("mapc", "mapr", "maps"), lambda axis: 0 <= axis <= 3),
    }
    values = {name: int(fields[name]) for name in may_be}
    return [
        f"{name.upper()} is {value}"
        for name, value in values.items()
        if not may_be[name](value)
    ]


def _what_makes_no_sense(start: bytes, orders: tuple[Literal["<", ">"], ...]) -> str:
    """Return what a header says that can't be, in the likelier byte order."""
    found = [
        _impossible(np.frombuffer(start, HEADER_DTYPE.newbyteorder(order))[0])
        for order in orders
    ]
    return ", ".join(min(found, key=len))


def _dtype(
    record: np.void, mode: int, mode0: Mode0 | None, remarks: list[Problem]
) -> np.dtype:
    """Return how numbers are stored."""
    if mode == FOUR_BITS:
        return np.dtype("u1")
    if mode == 0:
        unsigned = mode0 == "unsigned" if mode0 else _are_unsigned(record, remarks)
        return np.dtype("u1" if unsigned else "i1")
    return np.dtype(_DTYPES[mode]).newbyteorder(record.dtype["nx"].byteorder)


def _imod_flags(record: np.void) -> int:
    """Return IMOD's flags: their least bit says that bytes are signed; 0 if none."""
    words = np.frombuffer(bytes(record["extra2"])[40:48], record.dtype["nx"])
    return int(words[1]) if int(words[0]) == IMOD_STAMP else 0


def _has_imod_stamp(record: np.void) -> bool:
    words = np.frombuffer(bytes(record["extra2"])[40:44], record.dtype["nx"])
    return int(words[0]) == IMOD_STAMP


def _are_unsigned(record: np.void, remarks: list[Problem]) -> bool:
    """Return whether mode 0 is unsigned: IMOD's flag, else the range decides."""
    if _has_imod_stamp(record):
        return not _imod_flags(record) & SIGNED_BYTES
    remedy = "say what they are: mode0= (--mode0 signed or unsigned)"
    smallest, largest = float(record["dmin"]), float(record["dmax"])
    if 0 <= smallest < largest and 127 < largest <= 255:
        what = "bytes (mode 0) were taken as unsigned, as their stated range says"
        remarks.append(Problem("mode", what, remedy, False))
        return True
    if not (-128 <= smallest < 0 and smallest < largest <= 127):
        what = "bytes (mode 0) were taken as signed, as MRC 2014 defines them"
        remarks.append(Problem("mode", what, remedy, False))
    return False


def _axes(path: str, record: np.void, remarks: list[Problem]) -> tuple[int, int, int]:
    """Return which of x, y, z the sections, rows and columns are."""
    axes = three(record[["maps", "mapr", "mapc"]], int)
    if axes == (0, 0, 0):
        what = "the order of axes is missing; columns were taken as x"
        remarks.append(Problem("MAPC, MAPR, MAPS", what, "fixing writes it", True))
        return (3, 2, 1)
    if sorted(axes) != [1, 2, 3]:
        raise InputError(
            f"cannot read {path} because its axes (MAPC, MAPR, MAPS) are {axes[::-1]}, "
            "not an order of 1, 2, 3; the header is damaged"
        )
    if axes != (3, 2, 1):
        columns, rows, sections = ("xyz"[axis - 1] for axis in axes[::-1])
        what = (
            f"columns, rows and sections are stored along {columns}, {rows} and "
            f"{sections}; what is read is in the order [z, y, x]"
        )
        remedy = "fixing stores it along x, y and z"
        remarks.append(Problem("MAPC, MAPR, MAPS", what, remedy, True))
    return axes
