"""What the annotation of a field lets a model hold there."""

import collections.abc
import functools as ft
import inspect
import re
import types
import typing
from typing import Any

import jax
import numpy as np
from jaxtyping import AbstractArray

from .._checks import annotation_rank


# The alternatives of an annotation. ANYTHING among them lets everything through.
Hints = tuple[Any, ...]
ANYTHING: Hints = (Any,)


@ft.cache
def hints_of(cls: type) -> dict[str, Hints]:
    """Return the alternatives of each field; none where they can't be told."""
    try:
        found = typing.get_type_hints(cls)
    except Exception:
        return {}
    return {name: _alternatives(hint) for name, hint in found.items()}


def admits(hints: Hints, value: Any) -> bool:
    """Return whether a field may hold a value that isn't an array.

    What is inside a tuple, list or dict is looked at by itself (`hints_inside`).
    """
    return any(_admits(hint, value) for hint in hints)


def admits_class(hints: Hints, cls: type) -> bool:
    """Return whether a field may hold an instance of a class."""
    for hint in hints:
        wanted = typing.get_origin(hint) or hint
        if hint is Any or wanted is collections.abc.Callable:
            return True
        try:
            if not _is_array_annotation(hint) and issubclass(cls, wanted):
                return True
        except TypeError:
            # What isn't a class, or a protocol that can't be asked at run time.
            return wanted is not typing.Literal
    return False


def hints_inside(hints: Hints, value: Any, index: int) -> Hints:
    """Return what an item of a tuple or list, or a value of a dict, may be."""
    found: list[Any] = []
    for hint in hints:
        origin, inside = typing.get_origin(hint), typing.get_args(hint)
        if hint is Any or (origin is None and _admits(hint, value)):
            return ANYTHING
        if origin is None or not inside or not _admits(hint, value):
            continue
        if origin is tuple and inside[-1] is not Ellipsis:
            inside = inside[index : index + 1]
        else:
            inside = inside[-2:-1] if inside[-1] is Ellipsis else inside[-1:]
        found += [each for hint in inside for each in _alternatives(hint)]
    # Where nothing fits, it is the whole that is wrong.
    return tuple(found) or ANYTHING


def extra_axes(hints: Hints, ndim: int, stacked: int) -> int:
    """Return how many axes of an array are those of batches.

    Args:
        hints: of the field.
        ndim: of the array.
        stacked: axes that a noun around it puts before each of its arrays, such as the
            states of an ensemble.
    """
    rank = rank_of(hints)
    # A rank that is too low is found later, where all is checked.
    return 0 if rank is None else max(ndim - rank - stacked, 0)


def rank_of(hints: Hints) -> int | None:
    """Return the number of axes of a field's array, None where it isn't fixed."""
    ranks = {annotation_rank(hint) for hint in hints} - {None}
    return ranks.pop() if len(ranks) == 1 and Any not in hints else None


def wants_jax(hints: Hints) -> bool:
    """Return whether a field is for an array of jax, and for no other."""
    kinds = [
        hint.array_type if _is_array_annotation(hint) else hint
        for hint in hints
        if hint is not type(None)
    ]
    return bool(kinds) and all(kind is jax.Array for kind in kinds)


def array_problem(
    hints: Hints, holder: str, dtype: str, shape: tuple[int, ...]
) -> str | None:
    """Return what is wrong with an array for a field, None if nothing is.

    Args:
        hints: of the field.
        holder: "array" for one of jax, "numpy", or "scalar" for numpy's.
        dtype: its name.
        shape: of one item, without batch axes.
    """
    problems = [_array_problem(hint, holder, dtype, shape) for hint in hints]
    return None if None in problems or not problems else problems[0]


def _array_problem(
    hint: Any, holder: str, dtype: str, shape: tuple[int, ...]
) -> str | None:
    if not _is_array_annotation(hint):
        scalars = _SCALARS.get(hint, "") if holder == "scalar" else ""
        is_fit = hint is Any or hint in _HOLDERS[holder]
        if is_fit or (scalars and np.dtype(dtype).kind in scalars):
            return None
        return f"is an array where {_in_words(hint)} belongs"
    kind = {jax.Array: "array", np.ndarray: "numpy"}.get(hint.array_type, holder)
    if kind != holder:
        owners = {"array": "jax", "numpy": "numpy", "scalar": "numpy"}
        return f"is an array of {owners[holder]} where one of {owners[kind]} belongs"
    if isinstance(hint.dtypes, tuple | list) and dtype not in hint.dtypes:
        return f"has dtype {dtype} where {_in_words(hint)} belongs"
    rank = annotation_rank(hint)
    if rank is not None and (len(shape) != rank or not _fits(hint.dims, shape)):
        return f"has shape {shape} where {_in_words(hint)} belongs"
    return None


_HOLDERS: dict[str, tuple[Any, ...]] = {
    "array": (jax.Array,),
    "numpy": (np.ndarray,),
    "scalar": (np.generic,),
}
# Kinds of numpy's scalars that pass for Python's numbers.
_SCALARS = {bool: "b", int: "iu", float: "fiu", complex: "cfiu"}


def _fits(dims: tuple[Any, ...], shape: tuple[int, ...]) -> bool:
    """Return whether sizes that an annotation gives as numbers are those of a shape."""
    wanted = [getattr(dim, "size", None) for dim in dims]
    return all(w is None or w == n for w, n in zip(wanted, shape, strict=True))


def _alternatives(hint: Any) -> Hints:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        parts = [_alternatives(each) for each in typing.get_args(hint)]
        return tuple(each for part in parts for each in part)
    if origin in (typing.Annotated, typing.Final):
        return _alternatives(typing.get_args(hint)[0])
    is_known = origin is not None or isinstance(hint, type) or hint is None
    others = getattr(hint, "__module__", "").startswith("jaxtyping")
    if not is_known or hint is object or (others and not _is_array_annotation(hint)):
        return ANYTHING
    return (type(None) if hint is None else hint,)


def _is_array_annotation(hint: Any) -> bool:
    return inspect.isclass(hint) and issubclass(hint, AbstractArray)


def _admits(hint: Any, value: Any) -> bool:
    """Return whether one alternative lets a value through."""
    if hint is Any:
        return True
    if _is_array_annotation(hint):
        return False
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return any(type(value) is type(each) and value == each for each in inside)
    if origin is tuple and inside and inside[-1] is not Ellipsis:
        return isinstance(value, tuple) and len(value) == len(inside)
    if origin is collections.abc.Callable:
        return callable(value)
    if isinstance(value, bool) and hint in (int, float, complex):
        # Python counts with them, but a count that says "true" was meant otherwise.
        return False
    try:
        return isinstance(value, _NUMBERS.get(hint, origin or hint))
    except TypeError:
        # A protocol that can't be asked at run time.
        return True


# A whole number is a float, and a float is a complex number (PEP 484).
_NUMBERS: dict[Any, Any] = {float: (float, int), complex: (complex, float, int)}


def _in_words(hint: Any) -> str:
    name = getattr(hint, "__name__", None)
    text = name if name and typing.get_origin(hint) is None else str(hint)
    return re.sub(r"(?:\w+\.)+(\w+)", r"\1", text)


def in_words(hints: Hints) -> str:
    """Return what a field may hold, for messages."""
    return " or ".join("None" if h is type(None) else _in_words(h) for h in hints)
