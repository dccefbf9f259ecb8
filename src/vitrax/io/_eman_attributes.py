"""Attributes of images in EMAN2's HDF5 files."""

import functools
from collections.abc import Container
from typing import Any

import numpy as np

from .._files import InputError


_PREFIX = "EMAN."
# The headers of images hold at most so many bytes in one attribute.
_LARGEST_ATTRIBUTE = 2**22

# The first are the most frequent ones.
_NUMBERS = (
    "<i4", "<f4", "|i1", "<f8", "|u1", "<u2", "<i2", "<u4", "<i8", "<u8",
    ">i4", ">f4", ">f8", ">u2", ">i2", ">u4", ">i8", ">u8", "<f2", ">f2",
)  # fmt: skip
# Characters of a text in the file itself.
_LONGEST_TEXT = 2**20

# A number, a text, or an array; a Transform is `[3, 4]`.
Value = int | float | str | np.ndarray


def number_type(kind: Any) -> np.dtype | None:
    """Return the type of usual integers or floats, None for all others.

    Damaged types, with bits in odd places, aren't left to the HDF5 library: converting
    them it has written beyond its memory.

    Args:
        kind: of the file.
    """
    for known, dtype in _numbers():
        if kind.equal(known):
            return dtype
    return None


@functools.cache
def _numbers() -> tuple[tuple[Any, np.dtype], ...]:
    import h5py

    dtypes = map(np.dtype, _NUMBERS)
    return tuple((h5py.h5t.py_create(dtype), dtype) for dtype in dtypes)


@functools.cache
def _transform_type() -> Any:
    """Return the type that EMAN2 gives its Transforms."""
    import h5py

    names = [f"{row}{column}" for row in range(3) for column in range(4)]
    return h5py.h5t.py_create(np.dtype([(name, "<f4") for name in names]))


def attributes(group: Any, name: str, unwanted: Container[str]) -> dict[str, Value]:
    """Return the attributes of a group without EMAN2's prefix.

    Args:
        group: of an image, opened by the low-level interface of h5py.
        name: of the image, for messages.
        unwanted: attributes that aren't read.

    Raises:
        InputError: if one is of none of the kinds that EMAN2 writes.
    """
    import h5py

    held: list[bytes] = []
    h5py.h5a.iterate(group, held.append)
    found: dict[str, Value] = {}
    for encoded in held:
        key = encoded.decode("utf-8", "replace")
        bare = key.removeprefix(_PREFIX)
        if key != bare and bare not in unwanted:
            attribute = h5py.h5a.open(group, encoded)
            found[bare] = attribute_value(attribute, f"{bare} of {name}")
    return found


def one_attribute(group: Any, key: str, name: str) -> Value | None:
    """Return an attribute of a group, None where it has none of that name.

    Args:
        group: of an image, opened by the low-level interface of h5py.
        key: without EMAN2's prefix.
        name: of the image, for messages.

    Raises:
        InputError: if it is of none of the kinds that EMAN2 writes.
    """
    import h5py

    encoded = f"{_PREFIX}{key}".encode()
    if not h5py.h5a.exists(group, encoded):
        return None
    return attribute_value(h5py.h5a.open(group, encoded), f"{key} of {name}")


def attribute_value(attribute: Any, name: str) -> Value:
    """Return an attribute of one of the kinds that EMAN2 writes.

    A bool, kept as T or F, becomes 1 or 0.

    Args:
        attribute: opened by the low-level interface of h5py.
        name: of it, for messages.

    Raises:
        InputError: if it is of another kind, or too large.
    """
    import h5py

    if attribute.get_storage_size() > _LARGEST_ATTRIBUTE:
        raise InputError(
            f"cannot use {name} because it has {attribute.get_storage_size()} bytes; "
            "do remove it"
        )
    kind = attribute.get_type()
    if isinstance(kind, h5py.h5t.TypeStringID):
        return _text(attribute, kind, name)
    if isinstance(kind, h5py.h5t.TypeCompoundID):
        return _transform(attribute, kind, name)
    dtype = number_type(kind)
    if dtype is None:
        raise InputError(
            f"cannot use {name} because its type is none that EMAN2 writes; do remove "
            "it"
        )
    array = np.empty(attribute.shape, dtype)
    # As it is in the file, so that nothing is converted.
    attribute.read(array, kind)
    if array.size != 1:
        return array.reshape(-1)
    value = array.reshape(-1)[0].item()
    if dtype == np.int8:
        return int(value == ord("T"))
    return value


def _text(attribute: Any, kind: Any, name: str) -> str:
    if attribute.shape not in ((), (1,)):
        raise InputError(
            f"cannot use {name} because it is several texts, which EMAN2 doesn't "
            "write; do remove it"
        )
    import h5py

    size = 0 if kind.is_variable_str() else kind.get_size()
    if size > _LONGEST_TEXT:
        raise InputError(f"cannot use {name} because it has {size} bytes; do remove it")
    dtype = np.dtype(f"S{size}") if size else h5py.string_dtype()
    array = np.empty(attribute.shape, dtype)
    attribute.read(array)
    value = array.reshape(-1)[0]
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
    return raw.split(b"\0")[0].decode("utf-8", "replace")


def _transform(attribute: Any, kind: Any, name: str) -> np.ndarray:
    """Return a Transform: twelve numbers, by rows."""
    dtype = np.dtype("<f4") if kind.equal(_transform_type()) else _type_of_rows(kind)
    if dtype is None or attribute.shape not in ((), (1,)):
        raise InputError(
            f"cannot use {name} because it isn't a Transform, twelve numbers; do "
            "remove it"
        )
    packed = np.empty(attribute.shape, "V48")
    attribute.read(packed, kind)
    return np.frombuffer(packed.tobytes(), dtype).astype(np.float64).reshape(3, 4)


def _type_of_rows(kind: Any) -> np.dtype | None:
    """Return the type of twelve numbers without gaps, None of anything else."""
    count = kind.get_nmembers()
    places = [kind.get_member_offset(i) for i in range(count)]
    dtypes = {number_type(kind.get_member_type(i)) for i in range(count)}
    is_sound = places == list(range(0, 48, 4)) and kind.get_size() == 48
    is_sound = is_sound and dtypes in ({np.dtype("<f4")}, {np.dtype(">f4")})
    return dtypes.pop() if is_sound else None
