"""One table of a STAR file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np


TEXT = np.dtypes.StringDType()


class StarTable(Mapping[str, np.ndarray]):
    """Columns by name, in order: a mapping from a name to a numpy array.

    Names stand without their leading underscore. A column is int64, float64 or text
    (`numpy.dtypes.StringDType`), as its values in the file are.

    Args:
        columns: by name, all of one length. Strings, integers, floats; booleans become
            0 and 1.
        is_loop: whether the table is written as rows rather than as single values.

    Raises:
        ValueError: if columns differ in length, or a name cannot stand in a STAR file.
        TypeError: if a column is neither numbers nor text.

    Example:
        >>> import vitrax as vx
        >>> columns = {"rlnAngleRot": [1.5, 2.0], "rlnClassNumber": [1, 1]}
        >>> table = vx.io.StarTable(columns)
        >>> table.rows, table["rlnAngleRot"].tolist()
        (2, [1.5, 2.0])
    """

    def __init__(self, columns: Mapping[str, Any], *, is_loop: bool = True):
        self._columns = {
            _as_name(name): as_column(values, name) for name, values in columns.items()
        }
        self.is_loop = is_loop
        lengths = {len(column) for column in self._columns.values()}
        if len(lengths) > 1:
            raise ValueError(
                f"cannot make a table because its columns have {sorted(lengths)} "
                "values; do give one per row"
            )
        self._rows = lengths.pop() if lengths else 0
        if not is_loop and self._columns and self._rows != 1:
            raise ValueError(
                f"cannot make a table of single values from {self._rows} rows; do pass "
                f"is_loop=True"
            )

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self._rows

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._columns)

    def __repr__(self) -> str:
        return f"StarTable({self.rows} rows: {', '.join(self)})"

    def select(self, rows: slice | np.ndarray) -> Self:
        """Return some rows.

        Args:
            rows: a slice, integers or booleans.
        """
        chosen = {name: column[rows] for name, column in self.items()}
        return type(self)(chosen, is_loop=self.is_loop)

    def updated(self, columns: Mapping[str, Any]) -> Self:
        """Return the table with some columns replaced or added at the end.

        Args:
            columns: by name.
        """
        return type(self)({**self._columns, **columns}, is_loop=self.is_loop)


def as_column(values: Any, name: str) -> np.ndarray:
    """Return values as an int64, float64 or text array.

    Args:
        values: one per row.
        name: of the column, for the message.

    Raises:
        TypeError: if they are neither numbers nor text.
        ValueError: if they aren't a list.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(
            f"cannot make column {name} of an array of shape {array.shape}; do give "
            "one value per row"
        )
    if array.dtype.kind in "iub":
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        return array.astype(np.float64)
    if array.dtype.kind in "UT" or _all_text(array):
        return array.astype(TEXT)
    raise TypeError(
        f"cannot make column {name} of values of kind {array.dtype}; do give numbers "
        "or text"
    )


def _all_text(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _as_name(name: str) -> str:
    if not name or name.split() != [name] or name.startswith("_") or "#" in name:
        raise ValueError(
            f"cannot use {name!r} as the name of a column; do give one word without a "
            f"leading underscore"
        )
    return name
