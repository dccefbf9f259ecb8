"""Problems of a table, with the rows that mending leaves out."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float

from ._columns import rows_in_words
from ._problem import Problem
from ._star_table import StarTable


@dataclasses.dataclass(frozen=True, eq=False)
class Finding:
    """One problem of a file of particles.

    Attributes:
        problem: as it is listed.
        dropped: the rows of particles that mending leaves out, None for none.
    """

    problem: Problem
    dropped: Bool[np.ndarray, " rows"] | None = None


def odd(where: str, what: str, remedy: str, *, is_fixable: bool = False) -> Finding:
    """Return the finding of something that concerns a whole table.

    Args:
        where: it is.
        what: is wrong.
        remedy: what to do.
        is_fixable: whether mending does it.
    """
    return Finding(Problem(where, what, remedy, is_fixable))


def odd_rows(
    bad: Bool[np.ndarray, " rows"], what: str, remedy: str
) -> Iterator[Finding]:
    """Yield the finding of some rows of particles that stay, where there are any.

    Args:
        bad: whether each row is one.
        what: is wrong with them.
        remedy: what to do.
    """
    if bad.any():
        yield odd(f"data_particles, {rows_in_words(bad)}", what, remedy)


def unusable_rows(bad: Bool[np.ndarray, " rows"], what: str) -> Iterator[Finding]:
    """Yield the finding of some rows of particles that can be left out.

    Args:
        bad: whether each row is one.
        what: is wrong with them.
    """
    if not bad.any():
        return
    where = f"data_particles, {rows_in_words(bad)}"
    if bad.all():
        yield odd(where, f"{what} in all rows", "make the file anew")
        return
    yield Finding(Problem(where, what, "leave these rows out", True), bad)


def as_numbers(table: StarTable, name: str) -> Float[np.ndarray, " rows"]:
    """Return a column as numbers, NaN where a value isn't a finite one.

    Args:
        table: that has it.
        name: of the column.
    """
    column = table[name]
    if column.dtype.kind == "T":
        column = np.array([_number(text) for text in column.tolist()], np.float64)
    values = column.astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
