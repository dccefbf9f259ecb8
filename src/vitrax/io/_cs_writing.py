"""CryoSPARC data sets, written as NumPy arrays without pickle."""

import pathlib
import warnings
from collections.abc import Mapping

import numpy as np

from ._star_table import TEXT


def write_cs(path: pathlib.Path, fields: Mapping[str, np.ndarray]) -> None:
    """Write fields as a NumPy array, at once under the name given.

    Args:
        path: a new file.
        fields: by name; text becomes bytes of a fixed length.
    """
    columns = {name: _as_bytes(values) for name, values in fields.items()}
    count = len(next(iter(columns.values())))
    types = [
        (name, v.dtype.newbyteorder("<"), v.shape[1:]) for name, v in columns.items()
    ]
    rows = np.zeros(count, types)
    for name, values in columns.items():
        rows[name] = values
    with open(path, "xb") as file, warnings.catch_warnings():
        # Of headers too long for the oldest version of the format.
        warnings.simplefilter("ignore", UserWarning)
        np.lib.format.write_array(file, rows, allow_pickle=False)


def _as_bytes(values: np.ndarray) -> np.ndarray:
    if values.dtype != TEXT:
        return values
    words = [word.encode() for word in values.tolist()]
    return np.array(words, f"S{max([1, *map(len, words)])}")
