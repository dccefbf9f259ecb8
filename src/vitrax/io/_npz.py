"""NumPy's archives of arrays (.npz), looked at without unpickling or making room."""

import ast
import dataclasses
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np

from .._files import InputError
from ._contents import MAX_TEXT, Path, in_bytes, open_raw
from ._problem import Problem


# The header of an array in an archive is never longer than this.
_HEADER = 2**16
_MOST_ENTRIES = 10_000
_PIECE = 2**24
# Numbers that were measured or computed aren't packed to less than a tenth.
_LARGEST_RATIO = 10
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


@dataclasses.dataclass(frozen=True)
class NpzArray:
    """What the header of an array in an archive says.

    Attributes:
        dtype: of its numbers, "" where the header can't be read.
        shape: of the array.
        size: bytes, unpacked, header included.
        promised: bytes that they should be; None where that isn't known.
        has_objects: whether it holds Python objects.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.npz"
        >>> np.savez(path, one=np.zeros((3, 4)))
        >>> vx.io.npz_arrays(path)["one"].shape
        (3, 4)
    """

    dtype: str
    shape: tuple[int, ...]
    size: int
    promised: int | None
    has_objects: bool = False


def npz_arrays(path: Path) -> dict[str, NpzArray]:
    """Return what the headers in an archive of arrays say, by name.

    Args:
        path: an .npz file.

    Raises:
        InputError: if it isn't an archive of arrays, or is damaged.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.npz"
        >>> np.savez(path, one=np.zeros((3, 4), "f4"))
        >>> vx.io.npz_arrays(path)["one"].dtype
        'float32'
    """
    with open_raw(path) as raw:
        try:
            archive = zipfile.ZipFile(raw)
            entries = archive.infolist()
            held = [each for each in entries if each.filename.endswith(".npy")]
            if not held or len(entries) > _MOST_ENTRIES:
                raise InputError(
                    f"cannot read {os.fspath(path)} because it is a ZIP archive of "
                    f"{len(entries)} files, {len(held)} of them arrays of NumPy (.npy);"
                    " do check that it is the right file"
                )
            return {
                each.filename.removesuffix(".npy"): _array_in(archive, each)
                for each in held
            }
        except _DAMAGE as error:
            raise InputError(
                f"cannot read {os.fspath(path)} because it isn't a sound archive of "
                f"NumPy arrays ({error}); do fetch it again"
            ) from error


def npz_problems(path: Path, *, max_unpacked: int = MAX_TEXT) -> list[Problem]:
    """Return what is wrong with an archive of arrays.

    Objects are never unpickled, and no more is unpacked than a piece at a time.

    Args:
        path: an .npz file.
        max_unpacked: bytes that all of its arrays may have, where they are packed in
            less than a tenth of that.

    Raises:
        InputError: if it isn't an archive of arrays.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.npz"
        >>> np.savez(path, one=np.array([{}], dtype=object))
        >>> [problem.where for problem in vx.io.npz_problems(path)]
        ['array one']
    """
    arrays = npz_arrays(path)
    found = [each for name, array in arrays.items() for each in _of_array(name, array)]
    total = sum(array.size for array in arrays.values())
    size = os.path.getsize(path)
    if total > max(max_unpacked, _LARGEST_RATIO * size):
        packed = in_bytes(size)
        what = (
            f"its arrays are {in_bytes(total)}, packed in {packed}, larger than "
            f"{in_bytes(max_unpacked)}"
        )
        remedy = (
            "don't unpack it unless that is right; then give max_unpacked= "
            "(--max-memory)"
        )
        return [*found, Problem("file", what, remedy, False)]
    return found + list(_of_packing(path))


def _array_in(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NpzArray:
    """Return what the header of one array says."""
    with archive.open(entry) as file:
        start = file.read(12)
        wide = start[6:7] != b"\x01"
        after = 12 if wide else 10
        try:
            (length,) = struct.unpack("<I" if wide else "<H", start[8:after])
            text = start[after:] + file.read(min(length, _HEADER))
            header = ast.literal_eval(text[:length].decode("latin-1").strip())
            dtype = np.lib.format.descr_to_dtype(header["descr"])
            shape = tuple(map(int, header["shape"]))
        except (ValueError, SyntaxError, LookupError, TypeError, struct.error):
            return NpzArray("", (), entry.file_size, None)
        except (MemoryError, RecursionError):
            return NpzArray("", (), entry.file_size, None)
    promised = None
    if not dtype.hasobject:
        promised = after + length + dtype.itemsize * math.prod(shape)
    return NpzArray(str(dtype), shape, entry.file_size, promised, dtype.hasobject)


def _of_array(name: str, array: NpzArray) -> Iterator[Problem]:
    """Yield what is wrong with what a header says."""
    where = f"array {name}"
    if not array.dtype:
        yield Problem(where, "its header can't be read", "save it again", False)
    elif array.has_objects:
        what = (
            "it holds Python objects, which would have to be unpickled, and that can "
            "run any program"
        )
        yield Problem(where, what, "save its numbers without objects", False)
    elif array.size != array.promised:
        what = f"it is {array.size} bytes where its header promises {array.promised}"
        yield Problem(where, what, "save it again", False)


def _of_packing(path: Path) -> Iterator[Problem]:
    """Yield the arrays whose checksums don't hold."""
    with open_raw(path) as raw, zipfile.ZipFile(raw) as archive:
        for entry in archive.infolist():
            try:
                with archive.open(entry) as file:
                    while file.read(_PIECE):
                        pass
            except _DAMAGE as error:
                where = f"array {entry.filename.removesuffix('.npy')}"
                yield Problem(
                    where, f"it is damaged ({error})", "fetch it again", False
                )
