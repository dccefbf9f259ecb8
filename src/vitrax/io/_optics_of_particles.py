"""Optics groups, made of files that keep optics with every particle."""

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._files import InputError, InputWarning
from ..image import OpticsGroup
from ._labels import PREMULTIPLIED


# Of a group, what has four numbers or a list of them.
_LISTS = ("beam_tilt", "odd_zernike", "even_zernike", "magnification")


def grouped_optics(
    values: Mapping[str, np.ndarray], source: str, groups: np.ndarray | None = None
) -> tuple[tuple[OpticsGroup, ...], np.ndarray]:
    """Return one optics group for all particles that agree, and which each is in.

    Groups are numbered in the order of `groups`, else in that of their first particles.

    Args:
        values: fields of `OpticsGroup` but the name, each with an axis of particles;
            lists of numbers have a second one. A box of 0 isn't known.
        source: the file, for messages.
        groups: number of each particle's group in the file; particles of different ones
            are never put together.

    Raises:
        InputError: if numbers aren't those of a microscope.
    """
    count = len(next(iter(values.values())))
    given = np.zeros(count) if groups is None else np.asarray(groups)
    columns = [given.reshape(count, 1)]
    columns += [np.asarray(v, np.float64).reshape(count, -1) for v in values.values()]
    kinds, firsts, numbers = np.unique(
        np.concatenate(columns, axis=1),
        axis=0,
        return_index=True,
        return_inverse=True,
    )
    order = np.argsort(firsts) if groups is None else np.arange(len(kinds))
    rank = np.argsort(order)
    made = [
        _group({name: v[firsts[kind]] for name, v in values.items()}, place, source)
        for place, kind in enumerate(order, 1)
    ]
    return tuple(made), rank[numbers.reshape(-1)]


def warn_of_premultiplied(optics: Sequence[OpticsGroup], source: str) -> None:
    """Warn of images that were multiplied by their CTF, which simulated ones aren't.

    Args:
        optics: the groups of a file.
        source: the file, for the message.
    """
    if any(group.premultiplied for group in optics):
        warnings.warn(
            f"{source}: the images were multiplied by their CTF ({PREMULTIPLIED}), "
            "which simulated ones aren't; compare them with what "
            "vitrax.image.premultiply makes of simulations",
            InputWarning,
            stacklevel=4,
        )


def premultiplied_column(
    optics: Sequence[OpticsGroup], columns: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return RELION's column of images multiplied by their CTF, if there is a need.

    Args:
        optics: the groups.
        columns: of the table of groups that they had.
    """
    values = np.array([group.premultiplied for group in optics], np.int64)
    is_needed = PREMULTIPLIED in columns or values.any()
    return {PREMULTIPLIED: values} if is_needed else {}


def named_groups(
    optics: tuple[OpticsGroup, ...], columns: Mapping[str, np.ndarray]
) -> tuple[OpticsGroup, ...]:
    """Return optics groups under the names that their table had, if it is known.

    Args:
        optics: the groups.
        columns: of their table, rlnOpticsGroupName perhaps among them.
    """
    names = columns.get("rlnOpticsGroupName")
    if names is None:
        return optics
    pairs = zip(optics, names.tolist(), strict=True)
    return tuple(dataclasses.replace(group, name=str(name)) for group, name in pairs)


def _group(values: Mapping[str, Any], place: int, source: str) -> OpticsGroup:
    """Return the optics group of its numbers; what does nothing is left out."""
    fields = {name: float(v) for name, v in values.items() if name not in _LISTS}
    box = int(fields.pop("box", 0)) or None
    fields["premultiplied"] = bool(fields.get("premultiplied", False))
    lists = {
        name: tuple(np.asarray(values[name], np.float64).reshape(-1).tolist())
        for name in _LISTS
        if name in values
    }
    if lists.get("magnification") == (1.0, 0.0, 0.0, 1.0):
        del lists["magnification"]
    kept = {name: numbers for name, numbers in lists.items() if any(numbers)}
    try:
        return OpticsGroup(box=box, name=f"opticsGroup{place}", **fields, **kept)  # pyright: ignore[reportArgumentType]
    except ValueError as error:
        raise InputError(f"cannot use the optics of {source}: {error}") from error
