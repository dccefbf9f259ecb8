"""Attributes of images in EMAN2's HDF5 files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import InputError


if TYPE_CHECKING:
    import h5py

_PREFIX = "EMAN."
# The headers of images hold at most so many bytes in one attribute.
_LARGEST_ATTRIBUTE = 2**22

# A number, a text, or an array; a Transform is `[3, 4]`.
Value = int | float | str | np.ndarray


def attributes(
    group: "h5py.Group", name: str, wanted: Sequence[str] | None = None
) -> dict[str, Value]:
    """Return attributes of a group without EMAN2's prefix.

    Args:
        group: of an image.
        name: of the image, for messages.
        wanted: which of them, None for all.

    Raises:
        InputError: if one is of none of the kinds that EMAN2 writes.
    """
    import h5py

    found: dict[str, Value] = {}
    if wanted is not None:
        for key in wanted:
            encoded = f"{_PREFIX}{key}".encode()
            if h5py.h5a.exists(group.id, encoded):
                attribute = h5py.h5a.open(group.id, encoded)
                found[key] = attribute_value(attribute, f"{key} of {name}")
        return found
    for place in range(h5py.h5a.get_num_attrs(group.id)):
        attribute = h5py.h5a.open(group.id, index=place)
        key = attribute.name.decode("utf-8", "replace")
        if key.startswith(_PREFIX):
            bare = key.removeprefix(_PREFIX)
            found[bare] = attribute_value(attribute, f"{bare} of {name}")
    return found


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
    if not isinstance(kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID):
        raise InputError(
            f"cannot use {name} because its type is none that EMAN2 writes; do remove "
            "it"
        )
    array = np.empty(attribute.shape, attribute.dtype)
    attribute.read(array)
    if array.size != 1:
        return array.reshape(-1)
    value = array.reshape(-1)[0].item()
    if isinstance(kind, h5py.h5t.TypeIntegerID) and kind.get_size() == 1:
        return int(value == ord("T"))
    return value


def _text(attribute: Any, kind: Any, name: str) -> str:
    if attribute.shape not in ((), (1,)):
        raise InputError(
            f"cannot use {name} because it is several texts, which EMAN2 doesn't "
            "write; do remove it"
        )
    array = np.empty(attribute.shape, object if kind.is_variable_str() else kind.dtype)
    attribute.read(array)
    value = array.reshape(-1)[0]
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
    return raw.split(b"\0")[0].decode("utf-8", "replace")


def _transform(attribute: Any, kind: Any, name: str) -> np.ndarray:
    """Return a Transform: twelve numbers, by rows."""
    dtype = kind.dtype
    members = [] if dtype.fields is None else list(dtype.fields.values())
    is_sound = len(members) == 12 and all(m[0].kind == "f" for m in members)
    if not is_sound or attribute.shape not in ((), (1,)):
        raise InputError(
            f"cannot use {name} because it isn't a Transform, twelve numbers; do "
            "remove it"
        )
    array = np.empty(attribute.shape, dtype)
    attribute.read(array)
    numbers = [float(number) for number in array.reshape(-1)[0]]
    return np.array(numbers, np.float64).reshape(3, 4)
