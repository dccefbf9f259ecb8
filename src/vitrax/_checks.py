"""Checks of traced values and of ranks."""

import dataclasses
import functools as ft
import os
import types
import typing
from collections.abc import Iterator
from typing import Any

import equinox as eqx
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
    if os.environ.get("VITRAX_ENABLE_CHECKS", "0").lower() in ("", "0", "false"):
        return x
    return eqx.error_if(x, predicate, message)


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
                action = verb if verb.isidentifier() else f"call {verb}"
                raise ValueError(
                    f"cannot {action} because {path} has shape {tuple(array.shape)} "
                    f"where one item has rank {rank}; do jax.vmap({verb}, in_axes=...) "
                    f"with vitrax.batch_axes({name}) for a batch"
                )


def iterate_ranks(noun: Any, path: str) -> Iterator[tuple[str, Any, int]]:
    """Yield (path, array, rank of one item) for each annotated array of `noun`."""
    if not (dataclasses.is_dataclass(noun) and isinstance(noun, eqx.Module)):
        return
    for name, rank in field_ranks(type(noun)):
        value = getattr(noun, name)
        if rank is None:
            yield from iterate_ranks(value, f"{path}.{name}")
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
