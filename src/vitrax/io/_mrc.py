"""The header of an MRC file: what it says, checked against what the file holds."""

import dataclasses
import os
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

from .._files import InputError, InputWarning
from ._contents import (
    GZIP_MAX_RATIO,
    MAX_UNPACKED,
    Path,
    check_content,
    first_bytes,
    is_compressed,
    unpack,
)


HEADER_SIZE = 1024
_DTYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_FOUR_BITS = 101
_REFUSED = {
    3: "complex integers",
    4: "complex numbers, the transform of an image",
    16: "colours",
}
_IMOD_STAMP = 1146047817


@dataclasses.dataclass(frozen=True)
class MrcHeader:
    """What the header of an MRC file says.

    Attributes:
        path: the file.
        shape: (sections, rows, columns), as the file stores them.
        mode: how a number is stored: 0 bytes, 1 and 6 integers, 2 floats, 12 half
            floats, 101 half bytes.
        dtype: of the stored numbers, byte order included.
        axes: which of x, y, z (1, 2, 3) the sections, rows and columns are.
        start: index of the first voxel along x, y, z.
        sampling: intervals of the cell along x, y, z.
        cell: lengths of the cell along x, y, z, Å.
        angles: of the cell, degrees.
        origin: of the first voxel (x, y, z), Å, as MRC 2014 defines it.
        space_group: 0 for images, 1 for a volume, 401 for a stack of volumes.
        offset: bytes before the data.
        compressed: whether the file is packed with gzip or bzip2.
        notes: what had to be inferred.

    Example:
        >>> import jax.numpy as jnp, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/map.mrc"
        >>> vx.io.write_map(path, vx.VoxelMap(jnp.zeros((4, 4, 4)), voxel_size=1.5))
        >>> vx.io.read_header(path).mode
        2
    """

    path: str
    shape: tuple[int, int, int]
    mode: int
    dtype: np.dtype
    axes: tuple[int, int, int]
    start: tuple[int, int, int]
    sampling: tuple[int, int, int]
    cell: tuple[float, float, float]
    angles: tuple[float, float, float]
    origin: tuple[float, float, float]
    space_group: int
    offset: int
    compressed: bool
    notes: tuple[str, ...]

    @property
    def section_size(self) -> int:
        """Bytes of one section."""
        _, rows, columns = self.shape
        if self.mode == _FOUR_BITS:
            return rows * ((columns + 1) // 2)
        return rows * columns * self.dtype.itemsize

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Å along x, y, z; 0 where the header doesn't say."""
        sizes = np.zeros(3)
        np.divide(self.cell, self.sampling, sizes, where=np.array(self.sampling) > 0)
        x, y, z = np.where(np.isfinite(sizes) & (sizes > 0), sizes, 0.0).tolist()
        return x, y, z


def read_header(path: Path) -> MrcHeader:
    """Return the checked header of an MRC file.

    Sizes are compared with the file's own size, so that what follows may trust them.
    Byte order and number type are inferred where the header doesn't say; a warning
    tells.

    Args:
        path: an MRC, MRCS, MAP or CCP4 file, also packed with gzip or bzip2. Its
            content decides, not its suffix.

    Returns:
        The header.

    Raises:
        InputError: if the file isn't MRC, is damaged or cut short, or holds numbers
            that aren't images.

    Example:
        >>> import jax.numpy as jnp, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/map.mrc"
        >>> vx.io.write_map(path, vx.VoxelMap(jnp.zeros((4, 4, 4)), voxel_size=1.5))
        >>> header = vx.io.read_header(path)
        >>> header.shape, header.voxel_size
        ((4, 4, 4), (1.5, 1.5, 1.5))
    """
    start = first_bytes(path, HEADER_SIZE)
    check_content(path, start)
    compressed = is_compressed(start)
    if compressed:
        start = unpack(path, HEADER_SIZE)
        check_content(path, start)
    if len(start) < HEADER_SIZE:
        raise InputError(
            f"cannot read {os.fspath(path)} because it is {len(start)} bytes and an "
            f"MRC header alone is {HEADER_SIZE}; do copy it again"
        )
    header = _interpret(os.fspath(path), start, compressed)
    _check_size(header)
    for note in header.notes:
        warnings.warn(f"{header.path}: {note}", InputWarning, stacklevel=3)
    return header


def shortest(size: float) -> float:
    """Return the number with the fewest digits that a header would hold as this one.

    Args:
        size: with the rounding of float32.
    """
    return float(str(np.float32(size)))


def _interpret(path: str, start: bytes, compressed: bool) -> MrcHeader:
    """Return the header of its 1024 bytes."""
    fields, notes = _in_right_byte_order(path, start)
    columns, rows, sections = (int(fields[name]) for name in ("nx", "ny", "nz"))
    extended = int(fields["nsymbt"])
    if extended < 0:
        raise InputError(
            f"cannot read {path} because its extended header has a negative length "
            f"({extended}); the header is damaged, do fetch the file again"
        )
    mode = int(fields["mode"])
    dtype = _dtype(path, fields, mode, notes)
    axes = _axes(path, fields, notes)
    starts = dict(
        zip(axes, (int(fields[f"n{name}start"]) for name in "zyx"), strict=True)
    )
    return MrcHeader(
        path=path,
        shape=(sections, rows, columns),
        mode=mode,
        dtype=dtype,
        axes=axes,
        start=(starts[1], starts[2], starts[3]),
        sampling=_three(fields[["mx", "my", "mz"]], int),
        cell=_three(fields["cella"], float),
        angles=_three(fields["cellb"], float),
        origin=_three(fields["origin"], float),
        space_group=int(fields["ispg"]),
        offset=HEADER_SIZE + extended,
        compressed=compressed,
        notes=tuple(notes),
    )


def _three(fields: np.void, kind: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    first, second, third = fields.item()
    return kind(first), kind(second), kind(third)


def _in_right_byte_order(path: str, start: bytes) -> tuple[np.void, list[str]]:
    """Return the fields in the byte order in which they make sense, and notes."""
    notes = []
    stamp = bytes(start[212:214])
    stated = {b"\x44\x44": "<", b"\x44\x41": "<", b"\x11\x11": ">"}.get(stamp)
    orders: tuple[Literal["<", ">"], ...] = (">", "<") if stated == ">" else ("<", ">")
    for order in orders:
        fields = np.frombuffer(start, HEADER_DTYPE.newbyteorder(order))[0]
        if _makes_sense(fields):
            break
    else:
        raise InputError(
            f"cannot read {path} because neither byte order of its header gives "
            "positive sizes and a known mode; it isn't an MRC file, or is damaged"
        )
    if order != stated:
        words = "little" if order == "<" else "big"
        notes.append(
            f"the machine stamp {'is wrong' if stated else 'is missing'}; the header "
            f"makes sense as {words}-endian, which was taken"
        )
    if bytes(start[208:211]) != b"MAP":
        notes.append("the MAP identifier is missing; the header makes sense without it")
    return fields, notes


def _makes_sense(fields: np.void) -> bool:
    """Return whether sizes, mode and axes are possible in this byte order."""
    sizes = [int(fields[name]) for name in ("nx", "ny", "nz")]
    axes = [int(fields[name]) for name in ("mapc", "mapr", "maps")]
    known = {*_DTYPES, *_REFUSED, _FOUR_BITS}
    return (
        all(0 < size < 2**24 for size in sizes[:2])
        and sizes[2] > 0
        and int(fields["mode"]) in known
        and all(0 <= axis <= 3 for axis in axes)
    )


def _dtype(path: str, fields: np.void, mode: int, notes: list[str]) -> np.dtype:
    """Return how numbers are stored."""
    if mode in _REFUSED:
        raise InputError(
            f"cannot read {path} because its mode {mode} holds {_REFUSED[mode]}; do "
            f"convert it to a real map or image (mode 2)"
        )
    if mode == _FOUR_BITS:
        return np.dtype("u1")
    if mode == 0 and _has_unsigned_bytes(fields, notes):
        return np.dtype("u1")
    return np.dtype(_DTYPES[mode]).newbyteorder(fields.dtype["nx"].byteorder)


def _has_unsigned_bytes(fields: np.void, notes: list[str]) -> bool:
    """Return whether mode 0 is unsigned: IMOD's flag, else the range decides."""
    words = np.frombuffer(bytes(fields["extra2"])[40:48], fields.dtype["nx"])
    if int(words[0]) == _IMOD_STAMP:
        return not int(words[1]) & 1
    smallest, largest = float(fields["dmin"]), float(fields["dmax"])
    if 0 <= smallest < largest and 127 < largest <= 255:
        notes.append(
            "bytes (mode 0) were taken as unsigned, as their stated range says"
        )
        return True
    if not (-128 <= smallest < 0 and smallest < largest <= 127):
        notes.append("bytes (mode 0) were taken as signed, as MRC 2014 defines them")
    return False


def _axes(path: str, fields: np.void, notes: list[str]) -> tuple[int, int, int]:
    """Return which of x, y, z the sections, rows and columns are."""
    axes = _three(fields[["maps", "mapr", "mapc"]], int)
    if axes == (0, 0, 0):
        notes.append("the order of axes is missing; columns were taken as x")
        return (3, 2, 1)
    if sorted(axes) != [1, 2, 3]:
        raise InputError(
            f"cannot read {path} because its axes (MAPC, MAPR, MAPS) are {axes[::-1]}, "
            "not an order of 1, 2, 3; the header is damaged"
        )
    return axes


def _check_size(header: MrcHeader) -> None:
    """Raise if the file doesn't hold what its header promises."""
    promised = header.offset + header.shape[0] * header.section_size
    actual = os.path.getsize(header.path)
    if header.compressed:
        if promised > MAX_UNPACKED or promised > actual * _largest_ratio(header.path):
            raise InputError(
                f"cannot read {header.path} because its header promises {promised} "
                f"bytes, more than {actual} compressed bytes can hold or than "
                f"{MAX_UNPACKED / 2**30:.3g} GiB; do unpack it first if that is right"
            )
        return
    if actual < promised:
        raise InputError(
            f"cannot read {header.path} because it is {actual} bytes where its header "
            f"promises {promised} ({_as_words(header)}); it is a truncated copy, or "
            "its header is damaged: do copy it again"
        )
    if actual > promised:
        warnings.warn(
            f"{header.path}: {actual - promised} bytes follow the data and were "
            "ignored",
            InputWarning,
            stacklevel=4,
        )


def _largest_ratio(path: str) -> int:
    return GZIP_MAX_RATIO if first_bytes(path, 2) == b"\x1f\x8b" else 2**20


def _as_words(header: MrcHeader) -> str:
    sections, rows, columns = header.shape
    size = f"{columns} × {rows} × {sections} of mode {header.mode}"
    return f"{size} after {header.offset} bytes"
