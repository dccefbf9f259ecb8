"""Columns of a table, made of the headers of EMAN2's images."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from ._star_table import TEXT


# Before the names of EMAN2's attributes in tables, as in its files.
PREFIX = "EMAN."
# How a file keeps pixels, and what they are; EMAN2 writes it anew.
OF_PIXELS = frozenset((
    "datatype", "stored_rendermin", "stored_rendermax", "stored_renderbits",
    "stored_truncated", "minimum", "maximum", "mean", "sigma", "square_sum",
    "mean_nonzero", "sigma_nonzero",
))  # fmt: skip
_OF_FILES = OF_PIXELS | {"nx", "ny", "nz"}
_LONGEST_LIST = 64
_LARGEST = 2**62
_PLAIN = "!$&'()*+,-./:;<=>?@[]^_`{|}~"


def eman_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return what is known of each particle, as columns under EMAN2's names.

    Numbers and texts are columns of these, arrays of one length have a second axis, and
    all else is JSON. Where a particle lacks something, there is NaN or nothing.

    Args:
        rows: attributes of each particle.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        PREFIX + quote(as_text(name), safe=_PLAIN): _column(
            [row.get(name) for row in rows]
        )
        for name in names
        if name not in _OF_FILES and any(row.get(name) is not None for row in rows)
    }


def _column(values: list[Any]) -> np.ndarray:
    kinds = {type(value) for value in values if value is not None}
    is_whole = None not in values if kinds <= {int, bool} else False
    if is_whole and all(abs(value) < _LARGEST for value in values):
        return np.array(values, np.int64)
    if kinds <= {int, bool, float}:
        return np.array([_as_float(value) for value in values], np.float64)
    lists = [as_numbers(value) for value in values]
    lengths = {len(each) for each in lists if each is not None}
    known = sum(value is not None for value in values)
    is_table = len(lengths) == 1 and max(lengths) <= _LONGEST_LIST
    if is_table and sum(each is not None for each in lists) == known:
        nothing = [np.nan] * lengths.pop()
        return np.array([each or nothing for each in lists], np.float64)
    return np.array([as_text(value) for value in values], TEXT)


def _as_float(value: float | None) -> float:
    try:
        return np.nan if value is None else float(value)
    except OverflowError:
        return np.inf


def as_numbers(value: Any) -> list[float] | None:
    """Return the numbers of an array or a list, None of anything else.

    Args:
        value: any.
    """
    numbers = value.reshape(-1).tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(numbers, list | tuple) or not numbers:
        return None
    if not all(type(number) in (int, float) for number in numbers):
        return None
    return [_as_float(number) for number in numbers]


def as_text(value: Any) -> str:
    """Return a text in one line as it is, anything else as JSON, None as nothing.

    Args:
        value: any.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        plain = value.tolist() if isinstance(value, np.ndarray) else value
        try:
            return json.dumps(plain, separators=(",", ":"), default=_as_plain)
        except RecursionError:
            return ""
    line = value.replace("\n", " ").replace("\r", " ")
    # JSON may hold halves of characters.
    return line.encode("utf-8", "replace").decode()


def _as_plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else str(value)
