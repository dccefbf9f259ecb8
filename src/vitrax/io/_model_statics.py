"""Values that have no others inside, from what JSON says."""

import base64
import math
import struct
from typing import Any

import numpy as np

from ._model_arrays import DTYPES, dtype_of
from ._model_fields import known_entry
from ._model_place import REWRITE, Place, shown


def listed(spec: Any, place: Place) -> list[Any]:
    """Return a list of a file, which must be one."""
    if not isinstance(spec, list):
        raise place.error(f"is {shown(spec)} where a list belongs", REWRITE)
    return spec


def _float(spec: Any, place: Place) -> float:
    """Return a float: a number of JSON, or one that isn't finite by its bits."""
    if type(spec) is float:
        return spec
    bits = spec.get("float") if isinstance(spec, dict) and len(spec) == 1 else None
    try:
        if isinstance(bits, str) and len(bits) == 16:
            return struct.unpack(">d", bytes.fromhex(bits))[0]
    except ValueError:
        pass
    raise place.error(f"has {shown(spec)} for a number", REWRITE)


def _not_finite(spec: Any, place: Place) -> float:
    number = _float(spec, place)
    if math.isfinite(number):
        raise place.error("is a finite number in bits", REWRITE)
    return number


def _complex(spec: Any, place: Place) -> complex:
    parts = listed(spec["complex"], place)
    if len(parts) != 2:
        raise place.error("isn't a real and an imaginary part", REWRITE)
    return complex(*(_float(part, place) for part in parts))


def _bytes(spec: Any, place: Place) -> bytes:
    try:
        return base64.b64decode(spec["bytes"], validate=True)
    except (TypeError, ValueError) as error:
        raise place.error("isn't base64", REWRITE) from error


def _dtype(spec: Any, place: Place) -> np.dtype:
    name = spec["numpy_dtype"]
    if not isinstance(name, str) or name not in DTYPES:
        raise place.error(f"is no dtype: {shown(name)}", REWRITE)
    return dtype_of(name)


def _enum(spec: Any, place: Place) -> Any:
    entry = known_entry(spec["enum"], "enum", place)
    members = entry.thing.__members__
    if not isinstance(spec["member"], str) or spec["member"] not in members:
        raise place.error(
            f"is {shown(spec['member'])}, which {entry.name} hasn't", REWRITE
        )
    return members[spec["member"]]


def _object(spec: Any, place: Place) -> Any:
    return known_entry(spec["object"], "object", place).thing


STATIC = {
    "float": _not_finite,
    "complex": _complex,
    "bytes": _bytes,
    "numpy_dtype": _dtype,
    "enum": _enum,
    "object": _object,
}
