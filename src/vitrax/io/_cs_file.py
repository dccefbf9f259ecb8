"""The fields of a CryoSPARC data set (.cs), read without trusting the file.

There are two layouts: a NumPy array with named fields (`\\x93NUMPY`), and a stream of
columns (`\\x95CSDAT`) that cryosparc-tools writes. Neither is ever unpickled.
"""

import io
import json
import math
import mmap
import os
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .._files import InputError, InputWarning
from ._contents import (
    CSDAT_MAGIC,
    MAX_UNPACKED,
    NUMPY_MAGIC,
    Path,
    check_content,
    first_bytes,
    is_compressed,
    open_raw,
    too_large,
    unpack,
)
from ._star_table import TEXT
from ._unpacking import MAX_RATIO, UNPACKERS, PackingError


# Headers of real files have a few thousand characters.
_LONGEST_HEADER = 2**20
# Kinds of numbers, and fixed-length text.
_KINDS = "biuf"


def read_cs(path: Path, *, max_unpacked: int | None = None) -> dict[str, np.ndarray]:
    """Return the fields of a CryoSPARC data set.

    Args:
        path: a .cs file, in NumPy's layout or that of cryosparc-tools' streams. It may
            be packed with gzip or bzip2.
        max_unpacked: bytes that the content of a packed file may have, by default
            8 GiB.

    Returns:
        By name, in the order of the file: arrays of numbers with a leading axis of rows
        and the types that the file has, and arrays of text
        (`numpy.dtypes.StringDType`).

    Raises:
        InputError: if the file isn't one, is damaged or cut short, or would have to be
            unpickled.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.cs"
        >>> rows = [(7, b"a.mrc", (3, 4))]
        >>> types = [("uid", "u8"), ("blob/path", "S5"), ("blob/shape", "u4", (2,))]
        >>> with open(path, "wb") as file:
        ...     np.save(file, np.array(rows, types), allow_pickle=False)
        >>> vx.io.read_cs(path)["blob/shape"].tolist()
        [[3, 4]]
    """
    name, start = os.fspath(path), first_bytes(path)
    if is_compressed(start):
        limit = MAX_UNPACKED if max_unpacked is None else max_unpacked
        content = unpack(path, limit + 1)
        if len(content) > limit:
            raise too_large(path, "its unpacked content is", limit)
        return _fields_of(memoryview(content), name)
    if not is_dataset(start):
        return _fields_of(memoryview(start), name)
    with open_raw(path) as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    # Closed when the last array that looks into it is gone.
    return _fields_of(memoryview(content), name)


def is_dataset(start: bytes) -> bool:
    """Return whether a file that begins so is a CryoSPARC data set, or may be one."""
    return start.startswith((NUMPY_MAGIC, CSDAT_MAGIC))


def as_text(values: np.ndarray, field: str, source: str) -> np.ndarray:
    """Return bytes of a fixed length as text.

    Args:
        values: UTF-8.
        field: that holds them, for the message.
        source: the file, for the message.

    Raises:
        InputError: if they aren't UTF-8.
    """
    try:
        return np.strings.decode(values, "utf-8").astype(TEXT)
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError(
            f"cannot read {source} because its field {field} isn't text in UTF-8; do "
            "correct it, or fetch the file again"
        ) from error


def _fields_of(content: memoryview, name: str) -> dict[str, np.ndarray]:
    """Return the fields of a file's content."""
    start = bytes(content[:1024])
    if start.startswith(CSDAT_MAGIC):
        return _of_stream(content, name)
    if not start.startswith(NUMPY_MAGIC):
        check_content(name, start)
        raise InputError(
            f"cannot read {name} because it isn't a CryoSPARC data set: it begins "
            f"neither as a NumPy array nor as CSDAT; do check the path"
        )
    return _of_array(content, name)


def _of_array(content: memoryview, name: str) -> dict[str, np.ndarray]:
    """Return the fields of a NumPy array."""
    rows, dtype, offset = _array_header(content, name)
    promised = offset + rows * dtype.itemsize
    if promised > len(content):
        raise InputError(
            f"cannot read {name} because it is {len(content)} bytes where its header "
            f"promises {promised}; is it a copy that was cut short? do copy it again"
        )
    if promised < len(content):
        warnings.warn(
            f"{name}: what follows its end, of {len(content) - promised} bytes, is "
            "left out",
            InputWarning,
            stacklevel=6,
        )
    array = np.ndarray((rows,), dtype, content[offset:promised])
    fields = {each: _column(array[each], each, name) for each in dtype.names or ()}
    del array
    return fields


def _array_header(content: memoryview, name: str) -> tuple[int, np.dtype, int]:
    """Return rows, type and beginning of the data of a NumPy array."""
    file = io.BytesIO(bytes(content[: _LONGEST_HEADER + 12]))
    try:
        version = np.lib.format.read_magic(file)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        with warnings.catch_warnings():
            # Of files that Python 2 wrote.
            warnings.simplefilter("ignore")
            reader = readers.get(version, np.lib.format.read_array_header_2_0)
            shape, _, dtype = reader(file, max_header_size=_LONGEST_HEADER)
    except Exception as error:
        # Whatever Python's tokenizer, its parser and numpy make of rubbish.
        raise _damaged(name, "its header can't be understood") from error
    if dtype.hasobject:
        raise InputError(
            f"cannot read {name} because it holds Python objects, which would have to "
            "be unpickled, and that can run any program; do save it again with "
            "cryosparc-tools"
        )
    if dtype.names is None or len(shape) != 1:
        raise InputError(
            f"cannot read {name} as a CryoSPARC data set because it is a NumPy array "
            f"of shape {shape} without named fields; do check the path"
        )
    rows = shape[0]
    if not all(dtype[each].itemsize for each in dtype.names):
        raise _damaged(name, "some of its fields have no bytes")
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
        raise _damaged(name, f"it would have {rows!r} rows")
    _check_names(dtype.names, name)
    return rows, dtype, file.tell()


def _column(values: np.ndarray, field: str, name: str) -> np.ndarray:
    """Return a field with a memory of its own, in this machine's byte order."""
    if values.dtype.kind == "S" and values.ndim == 1:
        return as_text(values, field, name)
    if values.dtype.kind == "U" and values.ndim == 1:
        try:
            return values.astype(TEXT)
        except ValueError as error:
            raise _damaged(name, f"the text of {field} isn't Unicode") from error
    if values.dtype.kind not in _KINDS or values.ndim > 2:
        raise InputError(
            f"cannot read {name} because its field {field} holds {values.dtype} in "
            f"{values.ndim - 1} axes; do remove the field"
        )
    return np.array(values, values.dtype.newbyteorder("="), order="C")


def _of_stream(content: memoryview, name: str) -> dict[str, np.ndarray]:
    """Return the fields of a stream of columns."""
    at = len(CSDAT_MAGIC)
    length, at = _length(content, at, name)
    if length > min(_LONGEST_HEADER, len(content) - at):
        raise _damaged(name, f"its header would be {length} bytes")
    header = _stream_header(bytes(content[at : at + length]), name)
    rows, packing, packed, types = header
    at += length
    blocks = {}
    for field in types if rows else ():
        length, at = _length(content, at, name)
        if length > len(content) - at:
            raise InputError(
                f"cannot read {name} because it ends within {field}; is it a copy that "
                "was cut short? do copy it again"
            )
        blocks[field] = content[at : at + length]
        at += length
    heap = bytes(content[at:])
    fields = {}
    for field, dtype in types.items():
        block = blocks.get(field, memoryview(b""))
        unpacking = packing if rows and field in packed else None
        fields[field] = _stream_column(block, dtype, rows, unpacking, field, name)
        if dtype.hasobject:
            fields[field] = _texts_of(heap, fields[field], field, name)
    return fields


def _stream_header(
    text: bytes, name: str
) -> tuple[int, str | None, frozenset[str], dict[str, np.dtype]]:
    """Return rows, packing, packed fields, and types by field."""
    try:
        header = json.loads(text)
        rows, packing = header["length"], header["compression"]
        packed = frozenset(map(str, header["compressed_fields"]))
        listed = [_stream_type(*each) for each in header["dtype"]]
    except (LookupError, RecursionError, TypeError, ValueError) as error:
        raise _damaged(name, "its header can't be understood") from error
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
        raise _damaged(name, f"it would have {rows!r} rows")
    if packing is not None and packing not in UNPACKERS:
        raise InputError(
            f"cannot read {name} because its columns are packed with {packing!r}, "
            f"which isn't known; do save it in NumPy's format with cryosparc-tools"
        )
    names = [field for field, _ in listed]
    _check_names(names, name)
    return rows, packing, packed, dict(listed)


def _stream_type(field: str, kind: str, shape: Iterable[int] = ()) -> tuple[str, Any]:
    """Return a field's name and type, of what stands in a header.

    Raises:
        TypeError: if it isn't numbers or text.
    """
    dtype = np.dtype(str(kind))
    if dtype.names is not None or dtype.kind not in _KINDS + "O" or dtype.shape:
        raise TypeError(f"{kind} isn't a type of columns")
    axes = tuple(int(length) for length in shape)
    if any(length < 1 for length in axes) or (dtype.hasobject and axes):
        raise TypeError(f"{kind} of shape {axes} isn't a type of columns")
    return str(field), np.dtype((dtype, axes)) if axes else dtype


def _stream_column(
    block: memoryview,
    dtype: np.dtype,
    rows: int,
    packing: str | None,
    field: str,
    name: str,
) -> np.ndarray:
    """Return one column; of text, its places among the texts."""
    base = np.dtype("<u8") if dtype.hasobject else dtype.base
    per_row = math.prod(dtype.shape)
    size = rows * per_row * base.itemsize
    try:
        if packing is None:
            content: Any = block
        elif size > MAX_RATIO * (len(block) + 1):
            raise PackingError(f"it can't hold {size} bytes")
        else:
            content = UNPACKERS[packing](bytes(block), size)
    except PackingError as error:
        raise _damaged(name, f"{field} can't be unpacked: {error}") from error
    if len(content) != size:
        raise _damaged(name, f"{field} has {len(content)} bytes where it needs {size}")
    return _column(np.ndarray((rows, *dtype.shape), base, content), field, name)


def _texts_of(heap: bytes, places: np.ndarray, field: str, name: str) -> np.ndarray:
    """Return the texts that begin at some places and end with a zero byte."""
    distinct, inverse = np.unique(places, return_inverse=True)
    # Each begins where another ends, so that together they aren't longer than the heap.
    edges = np.flatnonzero(np.frombuffer(heap, np.uint8) == 0)
    starts = np.concatenate([np.zeros(1, np.int64), edges[:-1] + 1])[: len(edges)]
    if len(distinct) and not np.isin(distinct, starts.astype(np.uint64)).all():
        raise _damaged(name, f"the text of {field} isn't where it should be")
    ends = edges[np.searchsorted(edges, distinct.astype(np.int64))]
    pairs = zip(distinct.tolist(), ends.tolist(), strict=True)
    words = [heap[start:end] for start, end in pairs]
    try:
        texts = np.array([word.decode() for word in words], TEXT)
    except UnicodeDecodeError as error:
        raise _damaged(name, f"the text of {field} isn't UTF-8") from error
    return texts[inverse.reshape(-1)]


def _length(content: memoryview, at: int, name: str) -> tuple[int, int]:
    """Return an unsigned integer of four bytes, and where it ends."""
    if at + 4 > len(content):
        raise InputError(
            f"cannot read {name} because it ends within its columns; is it a copy that "
            "was cut short? do copy it again"
        )
    return int.from_bytes(content[at : at + 4], "little"), at + 4


def _check_names(names: Iterable[str], source: str) -> None:
    """Raise if names of fields can't be those of columns, or come twice."""
    for name in _wrong_names(list(names)):
        raise _damaged(source, f"it has a field {name!r}, or has it twice")


def _wrong_names(names: list[str]) -> Iterator[str]:
    seen = set()
    for name in names:
        is_word = name.isprintable() and name.split() == [name]
        if not is_word or name in seen or "#" in name or name.startswith("_"):
            yield name
        seen.add(name)


def _damaged(name: str, why: str) -> InputError:
    return InputError(
        f"cannot read {name} because {why}: it is damaged, or not a CryoSPARC data "
        "set; do fetch it again"
    )
