"""Nouns as what JSON can say, and their arrays."""

import base64
import enum
import math
import os
import struct
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from .._checks import is_concrete, stacked_fields
from ._model_arrays import DTYPES, checksum, short_numbers
from ._model_hints import (
    ANYTHING,
    Hints,
    extra_axes,
    hints_inside,
    hints_of,
    wants_jax,
)
from ._model_place import Place
from ._model_registry import Entry, entry_of
from ._model_text import MAX_VALUES


# Python refuses to write whole numbers of more than 4300 digits.
_MAX_BITS = 10_000


class Encoder:
    """Turns nouns into what JSON can say, and collects their arrays.

    An array that is in several places is kept once.

    Attributes:
        arrays: as they are in the nouns, by the names that files have for them.
        versions: of the classes that there are.
    """

    def __init__(self):
        self.arrays: dict[str, Any] = {}
        self.versions: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._count = 0

    def encode(
        self, value: Any, place: Place, hints: Hints = ANYTHING, stacked: int = 0
    ) -> Any:
        """Return what JSON says for a value.

        Args:
            value: a noun, or something inside of one.
            place: of the value.
            hints: what its field may hold.
            stacked: axes that nouns around it put before each of its arrays.

        Raises:
            ValueError: if it is something that no model holds.
        """
        if isinstance(value, jax.Array | np.ndarray | np.generic):
            return self._array(value, place, hints, stacked)
        if (entry := entry_of(value)) is not None:
            return self._registered(entry, value, place, stacked)
        if type(value) in (list, tuple, dict):
            return self._container(value, place, hints, stacked)
        return _static(value, place)

    def _container(self, value: Any, place: Place, hints: Hints, stacked: int) -> Any:
        self._count += len(value)
        if self._count > MAX_VALUES:
            raise place.error(
                f"makes more than {MAX_VALUES} values",
                "keep numbers as an array, and many nouns as one whose arrays have a "
                "leading axis",
            )
        inside = [
            self.encode(item, place.item(i), hints_inside(hints, value, i), stacked)
            for i, item in enumerate(value.values() if type(value) is dict else value)
        ]
        if type(value) is list:
            return inside
        if type(value) is tuple:
            return {"tuple": inside}
        keys = [self.encode(key, place.key(i)) for i, key in enumerate(value)]
        return {"dict": [list(pair) for pair in zip(keys, inside, strict=True)]}

    def _registered(self, entry: Entry, value: Any, place: Place, stacked: int) -> Any:
        if entry.kind == "object":
            return {"object": entry.name}
        if entry.kind == "enum":
            return {"enum": entry.name, "member": _member(value, place)}
        self.versions[entry.name] = entry.version
        fields = {
            name: self.encode(x, inner, hints, more)
            for name, x, inner, hints, more in _fields(entry, value, place, stacked)
        }
        return {"class": entry.name, "fields": fields}

    def _array(self, value: Any, place: Place, hints: Hints, stacked: int) -> Any:
        _check_array(value, place)
        holder = _holder(value, hints)
        extra = extra_axes(hints, value.ndim, stacked)
        batch = {"batch": extra} if extra else {}
        host = np.asarray(value)
        numbers = short_numbers(host)
        if numbers is not None:
            return {holder: numbers, "dtype": host.dtype.name, **batch}
        if id(value) not in self._names:
            self._names[id(value)] = name = _array_name(place)
            self.arrays[name] = value
        return {
            holder: self._names[id(value)],
            "dtype": host.dtype.name,
            "shape": list(value.shape),
            "crc32": checksum(host),
            **batch,
        }


def _array_name(place: Place) -> str:
    """Return a name that says where an array is, and that no other place has."""
    name = place.path.removeprefix("model").removeprefix(".")
    # Safetensors keep that name for themselves.
    return place.path if name in ("", "__metadata__") else name


def _holder(value: Any, hints: Hints) -> str:
    """Return whose array it is once it is read.

    An array of numpy in a field for one of jax, as `jax.device_get` puts it there, is
    one of jax that is somewhere else.
    """
    if isinstance(value, jax.Array) or wants_jax(hints):
        return "array"
    return "numpy" if isinstance(value, np.ndarray) else "scalar"


def _fields(
    entry: Entry, value: Any, place: Place, stacked: int
) -> Iterator[tuple[str, Any, Place, Hints, int]]:
    """Yield name, value, place, hints and stacked axes of each field."""
    hints = hints_of(entry.thing)
    stacks = stacked_fields(entry.thing) if entry.kind == "noun" else ()
    for name in entry.fields:
        inner = place.field(entry.name, name)
        if not hasattr(value, name):
            raise inner.error(
                "isn't there", "register the class with the names of its attributes"
            )
        more = stacked + int(name in stacks)
        yield name, getattr(value, name), inner, hints.get(name, ANYTHING), more


def _member(value: enum.Enum, place: Place) -> str:
    if value.name is None or type(value).__members__.get(value.name) is not value:
        raise place.error(
            f"is {value!r}, no single member of its enum", "keep each flag by itself"
        )
    return value.name


def _check_array(value: Any, place: Place) -> None:
    """Raise if an array can't be kept bit by bit."""
    if not is_concrete(value):
        raise place.error("is traced", "call write_model outside of jit, grad and vmap")
    if isinstance(value, jax.Array) and not value.is_fully_addressable:
        raise place.error(
            "is spread over processes",
            "gather it first (jax.experimental.multihost_utils.process_allgather)",
        )
    if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
        raise place.error(
            f"is a {type(value).__name__}, not a plain array", "keep np.array(x) of it"
        )
    name = value.dtype.name
    if name not in DTYPES or not getattr(value.dtype, "isnative", True):
        raise place.error(
            f"has dtype {value.dtype}, which models don't",
            "convert it (.astype; of a random key keep jax.random.key_data)",
        )


def _static(value: Any, place: Place) -> Any:
    """Return what JSON says for a value without others inside."""
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int and value.bit_length() <= _MAX_BITS:
        return value
    if type(value) is float:
        return encode_float(value)
    if type(value) is complex:
        return {"complex": [encode_float(value.real), encode_float(value.imag)]}
    if type(value) is bytes:
        return {"bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, np.dtype) and value.name in DTYPES and value.isnative:
        return {"numpy_dtype": value.name}
    raise _refusal(value, place)


def encode_float(value: float) -> Any:
    """Return a float as JSON's number, one that isn't finite by its bits."""
    return value if math.isfinite(value) else {"float": struct.pack(">d", value).hex()}


# How objects of the library that aren't nouns are kept.
_ELSEWHERE = {
    "ParticleStack": "write it with vitrax.io.write_particles, as files of particles",
    "StarTable": "write it with vitrax.io.write_star",
    "MovieFrames": "keep the name of its file",
    "ImageStack": "keep the name of its file",
}


def _refusal(value: Any, place: Place) -> ValueError:
    """Return the error of a value that no model holds."""
    cls = type(value)
    if isinstance(value, type):
        return place.error(
            f"is the class {value.__name__}", "keep an instance of it, or its name"
        )
    if callable(value) and not hasattr(cls, "__dataclass_fields__"):
        return place.error(
            f"is {value!r}, a function",
            "make it an Equinox module with __call__, or, if it stands at the top of a "
            "module, vitrax.io.register_model(function) before writing and reading",
        )
    if cls.__module__ == "builtins":
        return place.error(
            f"is a {cls.__name__}, which models don't hold",
            "keep a number, text, bytes, tuple, list or dict instead",
        )
    if isinstance(value, os.PathLike):
        return place.error("is a path", "keep its text: str(path)")
    if cls is jax.ShapeDtypeStruct:
        return place.error(
            "is a shape without numbers", "write the noun itself, not its shapes"
        )
    if cls.__module__.partition(".")[0] == "vitrax":
        return place.error(
            f"is a {cls.__name__}, which isn't a noun",
            _ELSEWHERE.get(cls.__name__, "keep the arrays and nouns in it in a dict"),
        )
    return place.error(
        f"is a {cls.__module__}.{cls.__qualname__}, which isn't registered",
        "register it: vitrax.io.register_model(the class)",
    )
