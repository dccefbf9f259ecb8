"""Columns of other programs in a table, under names from which they are taken back."""

import re
from collections.abc import Mapping

import numpy as np

from .._files import InputError
from ._columns import rows_in_words
from ._star_table import TEXT


# Before the name of a column of the table of optics groups, in one of particles.
_OF_GROUPS = "opticsGroup/"
_SECOND_AXIS = re.compile(r"(.+)\[(\d{1,4})\]")


def packed(
    columns: Mapping[str, np.ndarray],
    optics_columns: Mapping[str, np.ndarray],
    groups: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return columns as numbers or texts, one per particle.

    A column `name` with a second axis of 3 becomes texts such as [1.0,2.0,3.0], called
    `name[3]`. A column of optics groups has `opticsGroup/` before its name.

    Args:
        columns: per particle.
        optics_columns: per optics group.
        groups: of each particle.
    """
    of_groups = {
        f"{_OF_GROUPS}{name}": np.asarray(column)[groups]
        for name, column in optics_columns.items()
    }
    found = {}
    for name, column in {**columns, **of_groups}.items():
        values = np.asarray(column)
        if values.ndim == 1:
            found[name] = _one_per_row(values)
        else:
            values = values.reshape(len(values), -1)
            found[f"{name}[{values.shape[1]}]"] = _as_lists(values)
    return found


def unpacked(
    columns: Mapping[str, np.ndarray], source: str
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return columns per particle, and those of optics groups, per particle too.

    Args:
        columns: from a table that `packed` helped to write, or any other.
        source: the file, for messages.

    Raises:
        InputError: if a list hasn't as many numbers as the name of its column says.
    """
    found: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
    for name, column in columns.items():
        is_of_groups = name.startswith(_OF_GROUPS)
        bare, values = name.removeprefix(_OF_GROUPS), column
        match = _SECOND_AXIS.fullmatch(bare)
        if match and column.dtype.kind == "T":
            bare, values = match[1], _of_lists(column, int(match[2]), name, source)
        if bare in found[is_of_groups]:
            raise InputError(
                f"cannot read {source} because it has {bare} twice; do remove {name}"
            )
        found[is_of_groups][bare] = values
    return found


def _one_per_row(values: np.ndarray) -> np.ndarray:
    """Return values of a kind that tables hold."""
    if values.dtype.kind == "S":
        return np.array([each.decode(errors="replace") for each in values], TEXT)
    if values.dtype.kind == "u" and values.size and values.max() > np.int64(2**63 - 1):
        return np.array([str(each) for each in values.tolist()], TEXT)
    return values


def _as_lists(values: np.ndarray) -> np.ndarray:
    rows = (",".join(map(str, row)) for row in values.tolist())
    return np.array([f"[{row}]" for row in rows], TEXT)


def _of_lists(column: np.ndarray, count: int, name: str, source: str) -> np.ndarray:
    """Return the numbers of lists, integers if all of them are."""
    rows: list[list[float]] = []
    wrong = np.zeros(len(column), bool)
    are_integers = True
    for place, text in enumerate(column.tolist()):
        words = text.strip().removeprefix("[").removesuffix("]").split(",")
        try:
            rows.append([float(word) for word in words if word])
        except ValueError:
            rows.append([])
        wrong[place] = len(rows[-1]) != count
        are_integers &= not text.strip("[]0123456789,-")
    if wrong.any():
        raise InputError(
            f"cannot use {name} of {source} because it isn't a list of {count} numbers "
            f"in {rows_in_words(wrong)}; do correct it"
        )
    numbers = np.array(rows, np.float64).reshape(len(column), count)
    exact = are_integers and (np.abs(numbers) < 2**53).all()
    return numbers.astype(np.int64) if exact else numbers
