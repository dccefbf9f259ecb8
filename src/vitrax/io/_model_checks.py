"""What a noun that was put together field by field must be to be believed."""

import dataclasses
import struct
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._checks import check_fields, stacked_fields
from ._model_hints import ANYTHING, hints_of, rank_of
from ._model_place import Place, shown
from ._model_registry import Entry


def check_noun(noun: Any, entry: Entry, place: Place) -> None:
    """Raise if `__init__` wouldn't have made such a noun.

    The rules of its fields are asked about all its numbers, `__check_init__` about one
    item of a batch.

    Args:
        noun: with all its fields.
        entry: of its class.
        place: of the noun.

    Raises:
        ValueError: with what the class says.
    """
    try:
        check_fields(noun)
        _check_static(noun)
        item = _one_item(noun, 0)
        for cls in entry.thing.__mro__:
            check = vars(cls).get("__check_init__")
            if check is not None and item is not None:
                check(item)
    # What the class of a user raises about a noun that can't be.
    except Exception as error:
        raise place.error(f"isn't a {entry.name} ({error})", "correct it") from error


def make_value(entry: Entry, fields: dict[str, Any], place: Place) -> Any:
    """Return an instance that its class makes of fields, just as they are.

    Args:
        entry: of its class.
        fields: by name.
        place: of the value.

    Raises:
        ValueError: if the class refuses them, or makes others of them.
    """
    try:
        made = entry.thing(**fields)
    except Exception as error:
        raise place.error(f"isn't a {entry.name} ({error})", "correct it") from error
    for name, value in fields.items():
        if not _is_same(getattr(made, name, None), value):
            raise place.field(entry.name, name).error(
                f"is {shown(value)}, of which the class makes "
                f"{shown(getattr(made, name, None))}",
                "let the class keep its arguments as they are given",
            )
    return made


def _check_static(noun: Any) -> None:
    """Raise if a converter of the library would have changed what isn't an array.

    Its converters leave alone what they have made, and say what is wrong with others.
    """
    if not type(noun).__module__.startswith("vitrax."):
        return
    for field in dataclasses.fields(noun):
        converter = field.metadata.get("converter")
        if converter is None or not field.metadata.get("static", False):
            continue
        value = getattr(noun, field.name)
        if not _is_same(converter(value), value):
            raise ValueError(f"{field.name} is {shown(value)}, of another kind")


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two values are the same, bit by bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack(">d", one) == struct.pack(">d", other)
    if isinstance(one, tuple | list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(_is_same(a, b) for a, b in pairs)
    if isinstance(one, np.ndarray | jax.Array):
        a, b = np.asarray(one), np.asarray(other)
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    return bool(one == other)


def _one_item(noun: Any, stacked: int) -> Any:
    """Return the first item of a noun of which some arrays are batched.

    None if there is no item.

    Args:
        noun: whose annotations say how many axes one item's arrays have.
        stacked: axes that nouns around it put before each of its arrays.
    """
    item = object.__new__(type(noun))
    hints = hints_of(type(noun))
    stacks = stacked_fields(type(noun))
    for field in dataclasses.fields(noun):
        value = getattr(noun, field.name)
        rank = rank_of(hints.get(field.name, ANYTHING))
        if isinstance(value, jax.Array | np.ndarray):
            outer = 0 if rank is None else max(value.ndim - rank - stacked, 0)
            value = _first(value, outer)
        elif not field.metadata.get("static", False):
            value = _with_items(value, stacked + int(field.name in stacks))
        if value is _NO_ITEM:
            return None
        object.__setattr__(item, field.name, value)
    return item


_NO_ITEM = object()


def _first(array: Any, outer: int) -> Any:
    """Return an array at index 0 of its outer axes, compiling nothing."""
    if not outer:
        return array
    if 0 in array.shape[:outer]:
        return _NO_ITEM
    first = np.asarray(array)[(0,) * outer]
    return jax.device_put(first) if isinstance(array, jax.Array) else first


def _with_items(value: Any, stacked: int) -> Any:
    """Return a value with the first item of each noun in it."""

    def is_noun(x: Any) -> bool:
        return isinstance(x, eqx.Module)

    nouns, structure = jax.tree.flatten(value, is_leaf=is_noun)
    items = [_one_item(x, stacked) if is_noun(x) else x for x in nouns]
    lost = any(
        is_noun(x) and item is None for x, item in zip(nouns, items, strict=True)
    )
    return _NO_ITEM if lost else jax.tree.unflatten(structure, items)
