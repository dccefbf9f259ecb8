"""Columns of other programs in a table, under names from which they are taken back."""

import math
from collections.abc import Mapping

import numpy as np

from .._files import InputError
from ._split_columns import joined_columns, split_columns
from ._star_table import TEXT


# Before the name of a column of the table of optics groups, in one of particles.
_OF_GROUPS = "opticsGroup/"


def packed(
    columns: Mapping[str, np.ndarray],
    optics_columns: Mapping[str, np.ndarray],
    groups: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return columns as numbers or texts, one per particle.

    A column of optics groups has `opticsGroup/` before its name; those with a second
    axis are split as in RELION's tables.

    Args:
        columns: per particle.
        optics_columns: per optics group.
        groups: of each particle.
    """
    of_groups = {
        f"{_OF_GROUPS}{name}": np.asarray(column)[groups]
        for name, column in optics_columns.items()
    }
    return split_columns(
        {name: _plain(column) for name, column in {**columns, **of_groups}.items()}
    )


def unpacked(
    columns: Mapping[str, np.ndarray], source: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return columns per particle, and those of optics groups, per particle too.

    Args:
        columns: from a table that `packed` helped to write, or any other.
        source: the file, for messages.

    Raises:
        InputError: if a column is there twice.
    """
    found: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
    for name, column in joined_columns(columns).items():
        is_of_groups = name.startswith(_OF_GROUPS)
        bare = name.removeprefix(_OF_GROUPS)
        if bare in found[is_of_groups]:
            raise InputError(
                f"cannot read {source} because it has {bare} twice; do remove {name}"
            )
        found[is_of_groups][bare] = column
    return found


def _plain(column: np.ndarray) -> np.ndarray:
    """Return values in one or two axes, bytes as text."""
    values = np.asarray(column)
    if values.dtype.kind == "S":
        return np.array([each.decode(errors="replace") for each in values], TEXT)
    if values.ndim == 1:
        return values
    return values.reshape(len(values), math.prod(values.shape[1:]))
