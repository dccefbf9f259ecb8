"""Columns of several numbers per row, and long integers, for tables without them."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ._star_table import TEXT


_LARGEST = np.iinfo(np.int64).max
_PART = re.compile(r"^(.+)\[(\d{1,4})\]$")


def split_columns(columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return columns of one value per row.

    A column x of several becomes x[0], x[1], …; integers beyond 63 bits become text.

    Args:
        columns: by name.
    """
    split: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        values = np.asarray(column)
        if values.ndim == 2:
            parts = {f"{name}[{i}]": part for i, part in enumerate(values.T)}
            split |= split_columns(parts)
        elif values.dtype == np.uint64 and (values > _LARGEST).any():
            split[name] = np.array([str(value) for value in values.tolist()], TEXT)
        else:
            split[name] = values
    return split


def joined_columns(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return columns with those put together that `split_columns` took apart.

    Args:
        columns: by name; numbers such as x[0] and x[1] become x.
    """
    parts: dict[str, dict[int, np.ndarray]] = {}
    for name, column in columns.items():
        found = _PART.match(name)
        if found and np.asarray(column).dtype.kind in "if":
            parts.setdefault(found[1], {})[int(found[2])] = np.asarray(column)
    whole = {
        name: numbered
        for name, numbered in parts.items()
        if name not in columns and sorted(numbered) == list(range(len(numbered)))
    }
    joined: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        found = _PART.match(name)
        base = found[1] if found else name
        if base not in whole or base == name:
            joined[name] = column
        elif base not in joined:
            numbered = whole[base]
            kinds = [each.dtype for each in numbered.values()]
            values = [numbered[i] for i in range(len(numbered))]
            joined[base] = np.stack(values, -1, dtype=np.result_type(*kinds))
    return joined
