"""Nouns from what JSON says, field by field, each looked at before it is believed."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np

from .._checks import stacked_fields
from ._model_arrays import DTYPES, checksum, dtype_of, is_shape, short_array
from ._model_checks import check_noun, make_value
from ._model_defaults import default_of
from ._model_fields import check_given, check_version, known_entry
from ._model_hints import (
    ANYTHING,
    Hints,
    admits,
    admits_class,
    array_problem,
    hints_inside,
    hints_of,
    in_words,
    rank_of,
)
from ._model_place import REWRITE, Place, shown
from ._model_registry import Entry
from ._model_statics import STATIC, listed
from ._model_text import Twice


@runtime_checkable
class Arrays(Protocol):
    """Where the arrays of a model are."""

    names: frozenset[str]

    def read(
        self, name: str, dtype: np.dtype, shape: tuple[int, ...], place: Place, /
    ) -> Any:
        """Return an array that must have this dtype and shape."""
        ...


class ArraysAtHand:
    """Arrays of a noun that isn't written yet.

    Args:
        arrays: as they are in the noun.
    """

    def __init__(self, arrays: dict[str, Any]):
        self._arrays = arrays
        self.names = frozenset(arrays)

    def read(self, name: str, *_: Any) -> Any:
        """Return an array; it is what its description was made of."""
        return self._arrays[name]


class Builder:
    """Makes nouns of what JSON says, without their converters or `__init__`.

    Attributes:
        filled: field and default of each field that the file is too old to have.

    Args:
        arrays: where their arrays are.
        versions: of their classes; the first of each where None.
    """

    def __init__(self, arrays: Arrays, versions: Mapping[str, int] | None = None):
        self.filled: list[str] = []
        self._arrays = arrays
        self._versions = versions
        self._classes: set[str] = set()
        self._made: dict[tuple[str, str], Any] = {}
        self._builders = {
            "tuple": self._tuple,
            "dict": self._dict,
            "class": self._instance,
            "array": self._array,
            "numpy": self._array,
            "scalar": self._array,
        }

    def build(
        self, spec: Any, place: Place, hints: Hints = ANYTHING, stacked: int = 0
    ) -> Any:
        """Return the value that JSON says.

        Args:
            spec: what JSON says.
            place: of the value.
            hints: what its field may hold.
            stacked: axes that nouns around it put before each of its arrays.

        Raises:
            ValueError: if no such value can be, or its field can't hold it.
        """
        if isinstance(spec, list):
            items = [
                self.build(item, place.item(i), hints_inside(hints, [], i), stacked)
                for i, item in enumerate(spec)
            ]
            return _admitted(items, place, hints)
        if not isinstance(spec, dict):
            return _admitted(spec, place, hints)
        tag = _tag(spec, place)
        if tag in self._builders:
            return self._builders[tag](spec, place, hints, stacked)
        return _admitted(STATIC[tag](spec, place), place, hints)

    def finish(self, place: Place) -> None:
        """Raise if there are arrays or classes that nothing has asked for."""
        used = {name for _, name in self._made}
        if spare := sorted(self._arrays.names - used):
            raise place.error(
                f"doesn't name the array {shown(spare[0])}, which is there",
                f"check that JSON and arrays are of one model, or {REWRITE}",
            )

        if spare := sorted(set(self._versions or ()) - self._classes):
            raise place.error(
                f'has nothing of the class {shown(spare[0])}, which "classes" names',
                "take it out there",
            )

    def _tuple(self, spec: Any, place: Place, hints: Hints, stacked: int) -> Any:
        items = listed(spec["tuple"], place)
        length = (None,) * len(items)
        made = tuple(
            self.build(item, place.item(i), hints_inside(hints, length, i), stacked)
            for i, item in enumerate(items)
        )
        return _admitted(made, place, hints)

    def _dict(self, spec: Any, place: Place, hints: Hints, stacked: int) -> Any:
        made: dict[Any, Any] = {}
        for i, pair in enumerate(listed(spec["dict"], place)):
            if not isinstance(pair, list) or len(pair) != 2:
                raise place.item(i).error("isn't a key and a value", REWRITE)
            key = self.build(pair[0], place.key(i))
            try:
                is_new = key not in made
            except TypeError as error:
                raise place.key(i).error(f"is no key: {error}", REWRITE) from error
            if not is_new:
                raise place.key(i).error("is the key of two values", REWRITE)
            inside = hints_inside(hints, {}, i)
            made[key] = self.build(pair[1], place.item(i), inside, stacked)
        return _admitted(made, place, hints)

    def _instance(self, spec: Any, place: Place, hints: Hints, stacked: int) -> Any:
        entry = known_entry(spec["class"], "class", place)
        if not admits_class(hints, entry.thing):
            raise place.error(
                f"is a {entry.name} where {in_words(hints)} belongs",
                _ADVICE[place.action],
            )
        fields = self._fields(entry, spec["fields"], place, stacked)
        if entry.kind == "value":
            return make_value(entry, fields, place)
        noun = object.__new__(entry.thing)
        for name, value in fields.items():
            object.__setattr__(noun, name, value)
        check_noun(noun, entry, place)
        return noun

    def _fields(
        self, entry: Entry, given: Any, place: Place, stacked: int
    ) -> dict[str, Any]:
        """Return the values of the fields of a noun."""
        version = check_version(entry, self._versions, place)
        check_given(given, entry, version, place)
        self._classes.add(entry.name)
        hints = hints_of(entry.thing)
        stacks = stacked_fields(entry.thing) if entry.kind == "noun" else ()
        made = {}
        for name in entry.fields:
            if name not in given:
                default = default_of(entry.thing, name)
                assert default is not None, "the registry has looked for it"
                made[name] = default.value
                self.filled.append(f"{entry.name}.{name} = {shown(made[name])}")
                continue
            inner, more = place.field(entry.name, name), stacked + int(name in stacks)
            inside = hints.get(name, ANYTHING)
            made[name] = self.build(given[name], inner, inside, more)
        return made

    def _array(self, spec: Any, place: Place, hints: Hints, stacked: int) -> Any:
        (holder,) = _HOLDERS & set(spec)
        content = spec[holder]
        if not isinstance(content, str):
            short = short_array(content, spec["dtype"], place)
            _check_array(spec, short.shape, place, hints, stacked)
            return _held(short, holder)
        dtype, shape = _described(spec, place)
        _check_array(spec, shape, place, hints, stacked)
        if content not in self._arrays.names:
            raise place.error(
                f"is the array {shown(content)}, which isn't there", REWRITE
            )
        if (holder, content) not in self._made:
            array = self._arrays.read(content, dtype, shape, place)
            if isinstance(array, np.ndarray):
                _check_content(array, spec["crc32"], place)
            self._made[holder, content] = _held(array, holder)
        array = self._made[holder, content]
        if (array.dtype, array.shape) != (dtype, shape):
            raise place.error("is the same array with another dtype or shape", REWRITE)
        return array


def _check_array(
    spec: Any, shape: tuple[int, ...], place: Place, hints: Hints, stacked: int
) -> None:
    """Raise if a field can't hold the array that is described."""
    (holder,) = _HOLDERS & set(spec)
    dtype, batch = spec["dtype"], spec.get("batch", 0)
    if "batch" in spec and (type(batch) is not int or batch < 1):
        raise place.error(f"has {shown(batch)} axes of a batch", REWRITE)
    is_fixed = rank_of(hints) is not None
    outer = stacked + batch if is_fixed else batch
    if (batch and not is_fixed) or outer > len(shape):
        raise place.error(
            f"has shape {shape}, without the axes of a batch that it claims", REWRITE
        )
    problem = array_problem(hints, holder, dtype, shape[outer:])
    if problem is not None:
        more = f", after {outer} axes of a batch" if outer else ""
        raise place.error(problem + more, _ADVICE[place.action])
    wide = holder == "array" and dtype in _WIDE
    if wide and not jax.config.read("jax_enable_x64"):
        raise place.error(
            f"is {dtype}, and jax has arrays of 64 bits switched off",
            _WIDE_ADVICE[place.action],
        )


_WIDE = {"float64", "int64", "uint64", "complex128"}
_WIDE_ADVICE = {
    "read": 'jax.config.update("jax_enable_x64", True) first',
    "write": 'jax.config.update("jax_enable_x64", True) first, or write what jax makes '
    "of it without: jax.tree.map(jax.numpy.asarray, noun)",
}
_ADVICE = {
    "read": REWRITE,
    "write": "give the noun an array as its annotation says (jax.numpy.asarray)",
}


def _tag(spec: dict[str, Any], place: Place) -> str:
    """Return what kind of value an object of JSON is."""
    found = [tag for tag in _KEYS if tag in spec]
    keys = set(spec) - ({"batch"} if _HOLDERS & set(spec) else set())
    wanted = _KEYS[found[0]] if len(found) == 1 else set()
    if found and isinstance(spec[found[0]], str) and found[0] in _HOLDERS:
        wanted = {*wanted, "shape", "crc32"}
    if not wanted or keys != wanted:
        raise place.error(f"has the keys {shown(sorted(spec))}", REWRITE)
    if twice := [key for key in spec if isinstance(spec[key], Twice)]:
        raise place.error(f"has {twice[0]!r} twice", REWRITE)
    return found[0]


_HOLDERS = {"array", "numpy", "scalar"}
_KEYS = {
    "class": {"class", "fields"},
    "enum": {"enum", "member"},
    **{tag: {tag, "dtype"} for tag in sorted(_HOLDERS)},
    "tuple": {"tuple"},
    "dict": {"dict"},
    "float": {"float"},
    "complex": {"complex"},
    "bytes": {"bytes"},
    "numpy_dtype": {"numpy_dtype"},
    "object": {"object"},
}


def _described(spec: dict[str, Any], place: Place) -> tuple[np.dtype, tuple[int, ...]]:
    """Return dtype and shape of an array as the file gives them."""
    dtype, shape = spec["dtype"], spec["shape"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise place.error(f"has dtype {shown(dtype)}, which models don't", REWRITE)
    if not is_shape(shape):
        raise place.error(f"has shape {shown(shape)}, which no array has", REWRITE)
    return dtype_of(dtype), tuple(shape)


def _check_content(array: np.ndarray, crc32: Any, place: Place) -> None:
    """Raise if the numbers of an array aren't those that were written."""
    if checksum(array) != crc32:
        raise place.error(
            "doesn't have the checksum that the file gives, so it is damaged or of "
            "another model",
            "copy it again, JSON and arrays together",
        )
    if array.dtype == bool and (array.view(np.uint8) > 1).any():
        raise place.error("has booleans that are neither 0 nor 1", REWRITE)


def _held(array: Any, holder: str) -> Any:
    if holder == "array":
        # jax.numpy.asarray would compile something for each new shape.
        return array if isinstance(array, jax.Array) else jax.device_put(array)
    return array[()] if holder == "scalar" else array


def _admitted(value: Any, place: Place, hints: Hints) -> Any:
    """Return a value that its field can hold."""
    if isinstance(value, Twice) or not admits(hints, value):
        raise place.error(
            f"is {shown(value)} where {in_words(hints)} belongs", _ADVICE[place.action]
        )
    return value
