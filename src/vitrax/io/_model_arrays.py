"""The arrays of a model on the disk: numbers in it, base64 in it, or safetensors."""

import base64
import errno
import math
import os
import pathlib
import re
import zlib
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from .._files import InputError
from ._contents import open_raw
from ._model_place import REWRITE, Place, shown
from ._model_text import Twice, parse_json


# Name in safetensors of each dtype as it is stored. Complex numbers are pairs.
_CODES = {
    "bool": "BOOL",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
}
_PAIRS = {"complex64": "float32", "complex128": "float64"}
DTYPES = frozenset({*_CODES, *_PAIRS})

_MAX_HEADER = 100_000_000
_MAX_RANK = 32
_MAX_ITEMS = 2**48
# An array of as many numbers is written as numbers, which people can read and change.
_SHORT = 16


def dtype_of(name: str) -> np.dtype:
    """Return the dtype that has a name."""
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def is_shape(value: Any) -> bool:
    """Return whether a value of a file is a shape that an array can have."""
    if not isinstance(value, list) or len(value) > _MAX_RANK:
        return False
    if any(type(n) is not int or n < 0 for n in value):
        return False
    return math.prod(n or 1 for n in value) <= _MAX_ITEMS


def as_bytes(array: np.ndarray) -> memoryview:
    """Return the bytes of an array in the order of its axes, little-endian."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(np.uint8).data


def checksum(array: np.ndarray) -> str:
    """Return the CRC-32 of an array's bytes."""
    return f"{zlib.crc32(as_bytes(array)):08x}"


def as_stored(array: np.ndarray) -> np.ndarray:
    """Return an array as safetensors can hold it."""
    array = np.ascontiguousarray(array).reshape(array.shape)
    if array.dtype.name not in _PAIRS:
        return array
    real = dtype_of(_PAIRS[array.dtype.name])
    return array.reshape(-1).view(real).reshape(*array.shape, 2)


def short_numbers(array: np.ndarray) -> Any:
    """Return a short array as numbers in lists; None if that isn't the whole truth."""
    is_short = 0 < array.size <= _SHORT and array.dtype.name not in _PAIRS
    if not is_short or array.ndim > _MAX_RANK or not np.isfinite(array).all():
        return None
    if array.dtype.kind in "iub":
        return array.tolist()
    exact = array.astype(np.float64)
    # The fewest digits that lead back to the number in its own precision.
    few = np.array([float(str(x)) for x in array.reshape(-1)]).reshape(array.shape)
    is_enough = few.astype(array.dtype).astype(np.float64) == exact
    return np.where(is_enough, few, exact).tolist()


def short_array(numbers: Any, dtype: Any, place: Place) -> np.ndarray:
    """Return the array that a file gives as numbers in lists.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(dtype, str) or dtype not in _CODES:
        raise place.error(f"has numbers of dtype {shown(dtype)}", REWRITE)
    kinds = {"b": {bool}, "i": {int}, "u": {int}}
    kind = dtype_of(dtype).kind
    flat: list[Any] = []
    shape = _flatten(numbers, flat, 0)
    wanted = kinds.get(kind, {int, float})
    if shape is None or any(type(x) not in wanted for x in flat):
        raise place.error(
            f"has {shown(numbers)}, which isn't an array of {dtype}", REWRITE
        )
    try:
        exact = dtype if kind in kinds else np.float64
        with np.errstate(over="ignore"):
            array = np.array(flat, exact).astype(dtype_of(dtype)).reshape(shape)
    except OverflowError as error:
        raise place.error(f"has a number beyond {dtype}", REWRITE) from error
    if not np.isfinite(array).all():
        raise place.error(f"has a number beyond {dtype}", REWRITE)
    return array


def _flatten(numbers: Any, flat: list[Any], depth: int) -> tuple[int, ...] | None:
    """Return the shape of numbers in lists, None if they have none; collect them."""
    if not isinstance(numbers, list):
        flat.append(numbers)
        return ()
    if not numbers or depth >= _MAX_RANK:
        return None
    shapes = [_flatten(item, flat, depth + 1) for item in numbers]
    if shapes[0] is None or any(shape != shapes[0] for shape in shapes):
        return None
    return (len(numbers), *shapes[0])


class ArraysInside:
    """Arrays that stand in the JSON, as base64.

    Args:
        texts: of each array.
    """

    def __init__(self, texts: Mapping[str, Any]):
        self._texts = texts
        self.names = frozenset(texts)

    def read(
        self, name: str, dtype: np.dtype, shape: tuple[int, ...], place: Place
    ) -> np.ndarray:
        """Return an array that must have this dtype and shape.

        Raises:
            InputError: if it hasn't.
        """
        text = self._texts[name]
        size = math.prod(shape) * dtype.itemsize
        if not isinstance(text, str) or len(text) != 4 * -(-size // 3):
            raise place.error(
                f"has dtype {dtype.name} and shape {shape}, but arrays[{shown(name)}] "
                f"isn't {size} bytes in base64",
                REWRITE,
            )
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise place.error(
                f"can't be had: arrays[{shown(name)}] isn't base64", REWRITE
            ) from error
        if len(data) != size:
            raise place.error(
                f"needs {size} bytes, but arrays[{shown(name)}] has {len(data)}",
                REWRITE,
            )
        return np.frombuffer(data, dtype).reshape(shape).copy()


class ArraysBeside:
    """Arrays of a safetensors file, whose header is compared with the file's size.

    Args:
        path: the file.

    Raises:
        InputError: if it isn't such a file, or its header lies.
    """

    def __init__(self, path: pathlib.Path):
        self._path = path
        self._start, self._tensors = _read_header(path)
        self.names = frozenset(self._tensors)

    def read(
        self, name: str, dtype: np.dtype, shape: tuple[int, ...], place: Place
    ) -> np.ndarray:
        """Return an array that must have this dtype and shape.

        Raises:
            InputError: if it hasn't.
        """
        real = _PAIRS.get(dtype.name)
        code = _CODES[real or dtype.name]
        wanted = (code, (*shape, 2) if real else shape)
        given = self._tensors[name][:2]
        if given != wanted:
            raise place.error(
                f"has dtype and shape {_in_words(*wanted)}, but {shown(name)} in "
                f"{self._path.name} has {_in_words(*given)}",
                REWRITE,
            )
        count = math.prod(shape)
        with open_raw(self._path) as file:
            file.seek(self._start + self._tensors[name][2])
            array = np.fromfile(file, dtype, count)
        if len(array) != count:
            raise place.error(
                f"isn't whole in {self._path.name}, which ends early", "copy it again"
            )
        return array.reshape(shape)


def write_safetensors(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to a safetensors file, complex ones as pairs.

    Raises:
        OSError: if the disk doesn't take it.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file({name: as_stored(array) for name, array in arrays.items()}, path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code), str(path)) from error


def _in_words(code: str, shape: tuple[int, ...]) -> str:
    return f"{code} {list(shape)}"


def _read_header(
    path: pathlib.Path,
) -> tuple[int, dict[str, tuple[str, tuple[int, ...], int]]]:
    """Return where data begin; and of each tensor code, shape and offset.

    Raises:
        InputError: if the header can't be true.
    """
    with open_raw(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _MAX_HEADER):
            raise InputError(
                f"cannot read {path} because its header has {length} bytes by its own "
                f"account, and the file {size}; do check that it is whole, and "
                "safetensors"
            )
        entries = parse_json(file.read(length), f"the header of {path}")
    if not isinstance(entries, dict):
        raise InputError(
            f"cannot read {path} because its header isn't a JSON object; do {REWRITE}"
        )
    entries.pop("__metadata__", None)
    end_of_data = size - 8 - length
    tensors, spans = {}, []
    for name, entry in entries.items():
        code, shape, begin, end = _checked_entry(path, name, entry, end_of_data)
        tensors[name] = (code, shape, begin)
        spans.append((begin, end, name))
    _check_spans(path, sorted(spans), end_of_data)
    return 8 + length, tensors


def _checked_entry(
    path: pathlib.Path, name: str, entry: Any, end_of_data: int
) -> tuple[str, tuple[int, ...], int, int]:
    """Return code, shape, begin and end of one tensor."""
    sizes = {
        code: np.dtype(bool if code == "BOOL" else dtype_of(dtype)).itemsize
        for dtype, code in _CODES.items()
    }

    def wrong(problem: str) -> InputError:
        return InputError(
            f"cannot read {path} because the array {shown(name)} {problem}; do "
            f"{REWRITE}"
        )

    if isinstance(entry, Twice):
        raise wrong("stands twice in its header")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise wrong("hasn't just dtype, shape and data_offsets in the header")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in sizes:
        raise wrong(f"has dtype {shown(code)}, which models don't")
    if not is_shape(shape):
        raise wrong(f"has shape {shown(shape)}, which no array has")
    is_span = isinstance(offsets, list) and len(offsets) == 2
    if not is_span or any(type(n) is not int for n in offsets):
        raise wrong(f"has offsets {shown(offsets)}, which aren't two whole numbers")
    begin, end = offsets
    if not 0 <= begin <= end <= end_of_data:
        raise wrong(f"has offsets {offsets}, but the file has {end_of_data} bytes")
    if end - begin != math.prod(shape) * sizes[code]:
        raise wrong(f"of shape {shape} and dtype {code} hasn't {end - begin} bytes")
    return code, tuple(shape), begin, end


def _check_spans(
    path: pathlib.Path, spans: list[tuple[int, int, str]], end_of_data: int
) -> None:
    """Raise if arrays share bytes of a file, or bytes belong to none."""
    last = 0
    for begin, end, name in spans:
        if begin != last:
            fault = "overlaps the one before it" if begin < last else "follows a gap"
            raise InputError(
                f"cannot read {path} because the array {shown(name)} {fault}; do "
                f"{REWRITE}"
            )
        last = end
    if last != end_of_data:
        raise InputError(
            f"cannot read {path} because {end_of_data - last} of its bytes belong to "
            f"no array; do {REWRITE}"
        )
