"""Checks of values, known or traced, and of ranks."""

import dataclasses
import functools as ft
import math
import operator
import os
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import AbstractArray, Array, Bool, PyTree


def maybe_error_if(
    x: PyTree, predicate: Bool[Array, "..."] | bool, message: str
) -> Any:
    """Return `x`; raise at run time where `predicate` is true, if checks are on.

    Checks are on where the environment variable `VITRAX_ENABLE_CHECKS` is set to
    something else than `0`, `false` or nothing. Off, this is the identity and costs
    nothing.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> float(vx.maybe_error_if(jnp.asarray(2.0), False, "cannot ..."))
        2.0
    """
    return eqx.error_if(x, predicate, message) if checks_are_on() else x


def checks_are_on() -> bool:
    """Return whether `VITRAX_ENABLE_CHECKS` asks for checks of traced values."""
    return os.environ.get("VITRAX_ENABLE_CHECKS", "0").lower() not in ("", "0", "false")


class Rule(NamedTuple):
    """What values must be.

    Attributes:
        holds: gives, of an array of numpy or a traced one, where its values are right.
        wanted: what they must be, in words.
    """

    holds: Callable[[Any], Any]
    wanted: str


# Written with operators alone, so that they hold for numpy's arrays and traced ones.
# NaN fails each comparison.
FINITE = Rule(lambda x: abs(x) < math.inf, "finite")
POSITIVE = Rule(lambda x: (x > 0) & (x < math.inf), "positive and finite")
NOT_NEGATIVE = Rule(lambda x: (x >= 0) & (x < math.inf), "0 or more, and finite")
# Nobody has 10 MV: whoever gives more gave volts.
KILOVOLTS = Rule(lambda x: (x > 0) & (x < 10_000), "above 0 and below 10 000 kV")
# Beyond all volts that there are is the limit where the Ewald sphere is flat.
KILOVOLTS_OR_LIMIT = Rule(
    lambda x: (x > 0) & (x < math.inf) & ((x < 10_000) | (x >= 1_000_000)),
    "above 0 and below 10 000 kV (or at least 1 000 000 kV, as if without end)",
)
# The best lenses have 1 mm, the worst 10: whoever gives more gave Å or µm.
MILLIMETRES = Rule(lambda x: abs(x) <= 100, "within -100 and 100 mm")


def must(rule: Rule, advice: str) -> dict[str, Any]:
    """Return the metadata of a field whose values must follow a rule.

    `check_fields` looks at known values, when a noun is made; `checked` at traced ones,
    when a verb is called.

    Args:
        rule: what the values must be.
        advice: what to do about others, to follow the word "do".
    """
    return {"must": (rule, advice)}


@ft.cache
def field_rules(cls: type) -> tuple[tuple[str, Rule, str], ...]:
    """Return (field, rule, advice) of the fields of a class that have a rule."""
    return tuple(
        (field.name, *field.metadata["must"])
        for field in dataclasses.fields(cls)
        if "must" in field.metadata
    )


def check_fields(noun: Any) -> None:
    """Raise if a known value of a noun breaks the rule of its field.

    For `__check_init__`. It compiles nothing: numpy does the comparing.

    Raises:
        ValueError: naming the field, the first wrong value and the way out.
    """
    for name, rule, advice in field_rules(type(noun)):
        if is_known(value := getattr(noun, name)):
            _check_known(f"make {type(noun).__name__}", name, value, rule, advice)


def checked_number(verb: str, name: str, value: Any, rule: Rule, advice: str) -> Any:
    """Return an argument of a verb that must follow a rule.

    Raises:
        ValueError: if a known value doesn't. A traced one is looked at where run-time
            checks are on.
    """
    if not is_known(value):
        return _traced_check(verb, name, value, rule, advice)
    _check_known(verb, name, value, rule, advice)
    return value


def checked_count(verb: str, name: str, value: Any) -> int:
    """Return a number of things as a Python integer.

    Raises:
        TypeError: if it isn't an integer that is known now.
        ValueError: if it is less than 1.
    """
    try:
        count = operator.index(value)
    except TypeError as error:
        raise TypeError(
            f"cannot {verb} because {name} is {value!r}, not an integer known now; do "
            f"jax.jit({verb}, static_argnames={name!r}) to compile it"
        ) from error
    if count < 1:
        raise ValueError(
            f"cannot {verb} because {name} is {count}, not positive; do pass 1 or more"
        )
    return count


def checked(verb: str, **nouns: Any) -> Any:
    """Return the nouns of a call: `check_ranks`, and their rules if checks are on.

    Args:
        verb: name of the calling function, for the message.
        nouns: the arguments of the call, by name.

    Returns:
        The nouns in the order given; the noun itself if there is but one.
    """
    check_ranks(verb, **nouns)
    if checks_are_on():
        action = _action(verb)
        nouns = {name: _guarded(action, name, noun) for name, noun in nouns.items()}
    return tuple(nouns.values()) if len(nouns) > 1 else next(iter(nouns.values()))


def check_order(call: str, **arguments: tuple[Any, type]) -> None:
    """Raise if an argument isn't of its type, as where two are exchanged.

    Args:
        call: how the verb is called, such as "project(structure, pose, grid)".
        arguments: by name, what was given and its type.

    Raises:
        TypeError: naming the argument, its type and how to call.
    """
    for name, (value, kind) in arguments.items():
        if not isinstance(value, kind):
            raise TypeError(
                f"cannot {call.partition('(')[0]} because {name} is of type "
                f"{type(value).__name__}, not {kind.__name__}; do call {call}, with "
                f"the arguments in this order"
            )


def check_structure_given(call: str, structure: Any) -> None:
    """Raise if what should be a structure is surely none: nothing, or a file's name.

    Whatever else it is may have been registered by the user.

    Args:
        call: how the verb is called.
        structure: what was given.

    Raises:
        TypeError: if it is None, text or a path.
    """
    if structure is None or isinstance(structure, str | bytes | os.PathLike):
        raise TypeError(
            f"cannot {call.partition('(')[0]} because structure is {structure!r}, not "
            f"atoms, Gaussians or a map; do read it, as by vitrax.io.read_atoms or "
            f"read_map, and call {call}"
        )


def check_key(verb: str, key: Any) -> None:
    """Raise if `key` isn't a random key.

    Raises:
        TypeError: naming the value, such as an integer in place of a key.
    """
    dtype = getattr(key, "dtype", np.dtype(object))
    if not (jnp.issubdtype(dtype, jax.dtypes.prng_key) or dtype == np.uint32):
        raise TypeError(
            f"cannot {verb} because key is {key!r}, not a random key; do pass "
            f"jax.random.key({key if isinstance(key, int) else 0})"
        )


def _check_known(verb: str, name: str, value: Any, rule: Rule, advice: str) -> None:
    """Raise if a value that is known now breaks a rule."""
    values = np.asarray(value)
    with np.errstate(all="ignore"):
        right = np.asarray(rule.holds(values))
    if not right.all():
        at = tuple(int(i) for i in np.argwhere(~right)[0])
        raise ValueError(
            f"cannot {verb} because {name}{list(at) or ''} is {values[at]}, not "
            f"{rule.wanted}; do {advice}"
        )


def _traced_check(verb: str, name: str, value: Any, rule: Rule, advice: str) -> Any:
    """Return `value`; raise at run time where it breaks a rule, if checks are on."""
    if not checks_are_on():
        return value
    message = f"cannot {verb} because {name} isn't {rule.wanted}; do {advice}"
    return maybe_error_if(value, ~jnp.all(rule.holds(value)), message)


def _guarded(action: str, path: str, noun: Any) -> Any:
    """Return `noun` with each value that has a rule checked at run time."""
    for inner, value, rule, advice in _iterate_rules(noun):
        guard = _traced_check(action, f"{path}.{inner}", value, rule, advice)
        noun = eqx.tree_at(operator.attrgetter(inner), noun, guard)
    return noun


def _iterate_rules(noun: Any) -> Iterator[tuple[str, Any, Rule, str]]:
    """Yield (path inside `noun`, array, rule, advice) of each array with a rule."""
    if not (dataclasses.is_dataclass(noun) and isinstance(noun, eqx.Module)):
        return
    for name, rule, advice in field_rules(type(noun)):
        if isinstance(value := getattr(noun, name), jax.Array):
            yield name, value, rule, advice
    for field in dataclasses.fields(noun):
        for inner, value, rule, advice in _iterate_rules(getattr(noun, field.name)):
            yield f"{field.name}.{inner}", value, rule, advice


def check_ranks(verb: str, **nouns: Any) -> None:
    """Raise if an array of a noun hasn't the rank that its field's annotation fixes.

    Args:
        verb: name of the calling function, for the message.
        nouns: the arguments of the call, by name.

    Raises:
        ValueError: naming the array, its shape and the way out (`jax.vmap`).
    """
    for name, noun in nouns.items():
        for path, array, rank in iterate_ranks(noun, name):
            if array.ndim != rank:
                raise ValueError(
                    f"cannot {_action(verb)} because {path} has shape "
                    f"{tuple(array.shape)} where one item has rank {rank}; do "
                    f"jax.vmap({verb}, in_axes=...) with vitrax.batch_axes({name}) for "
                    f"a batch"
                )


def _action(verb: str) -> str:
    """Return a verb as it follows "cannot", or the call of a method."""
    return verb if verb.isidentifier() else f"call {verb}"


def iterate_ranks(noun: Any, path: str) -> Iterator[tuple[str, Any, int]]:
    """Yield (path, array, rank of one item) for each annotated array of `noun`.

    A field with the metadata `stacked` holds a noun whose arrays have one axis more
    than those of one item, such as the states of an ensemble.
    """
    if not (dataclasses.is_dataclass(noun) and isinstance(noun, eqx.Module)):
        return
    for name, rank in field_ranks(type(noun)):
        value = getattr(noun, name)
        if rank is None:
            more = int(name in stacked_fields(type(noun)))
            for inner, array, inside in iterate_ranks(value, f"{path}.{name}"):
                yield inner, array, inside + more
        elif hasattr(value, "ndim"):
            yield f"{path}.{name}", value, rank


@ft.cache
def field_ranks(cls: type) -> tuple[tuple[str, int | None], ...]:
    """Return (field, rank) of a class; rank None for what isn't an annotated array."""
    hints = typing.get_type_hints(cls)
    return tuple(
        (field.name, annotation_rank(hints[field.name]))
        for field in dataclasses.fields(cls)
        if not field.metadata.get("static", False)
    )


@ft.cache
def stacked_fields(cls: type) -> frozenset[str]:
    """Return the fields of a class that hold a noun with a leading axis."""
    fields = dataclasses.fields(cls)
    return frozenset(field.name for field in fields if field.metadata.get("stacked"))


def annotation_rank(annotation: Any) -> int | None:
    """Return the rank that a jaxtyping annotation fixes, None where it fixes none."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        ranks = {annotation_rank(each) for each in typing.get_args(annotation)} - {None}
        return ranks.pop() if len(ranks) == 1 else None
    if isinstance(annotation, type) and issubclass(annotation, AbstractArray):
        fixed = isinstance(annotation.dims, tuple) and annotation.index_variadic is None
        return len(annotation.dims) if fixed else None
    return None


def is_concrete(*values: Any) -> bool:
    """Return whether all values are known now, none is traced."""
    return not any(isinstance(value, Tracer) for value in values)


def is_known(value: Any) -> bool:
    """Return whether `value` is numbers that this process can read now.

    What trees are mapped to (None, shapes, booleans) isn't, nor is an array that is
    spread over processes.
    """
    if isinstance(value, jax.Array):
        return is_concrete(value) and value.is_fully_addressable
    numeric = isinstance(value, int | float | np.ndarray | np.number)
    return numeric and not isinstance(value, bool)
