"""Columns of a table, taken only if they are what they must be."""

import difflib

import numpy as np
from jaxtyping import Bool, Float, Shaped

from .._files import InputError
from ._labels import KNOWN
from ._star_lines import line_of_row
from ._star_table import TEXT, StarTable


# Characters of a value that isn't what it must be.
_LONGEST_SHOWN = 40


def number(
    table: StarTable, name: str, source: str, default: float | None = None
) -> Float[np.ndarray, " rows"]:
    """Return a column as float64.

    Args:
        table: that may have it.
        name: of the column.
        source: the file, for messages.
        default: where there is no such column; by default that is an error.

    Raises:
        InputError: if it isn't there and has no default; naming row and line, if a
            value isn't a finite number.
    """
    if name not in table:
        if default is None:
            raise InputError(lacks(table, [name], source))
        return np.full(table.rows, default)
    column = table[name]
    if column.dtype.kind == "T":
        column = _numbers_of(column, name, source)
    values = column.astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        raise InputError(
            f"cannot use {name} of {source} because it is NaN or infinite in "
            f"{rows_in_words(bad)}{_line(bad, name, source)}; do correct or remove "
            "these rows"
        )
    return values


def _numbers_of(
    texts: Shaped[np.ndarray, " rows"], name: str, source: str
) -> Float[np.ndarray, " rows"]:
    """Return numbers that a table keeps as text for their spelling, such as 007."""
    found = [_number_of(text) for text in texts.tolist()]
    bad = np.array([each is None for each in found], bool)
    if bad.any():
        row, others = int(bad.argmax()), int(bad.sum()) - 1
        # Cut, since it may be anything.
        first = str(texts[row])[:_LONGEST_SHOWN]
        more = f", nor is what {others} more rows have" if others else ""
        raise InputError(
            f"cannot use {name} of {source} because {first!r} in row {row + 1}"
            f"{_line(bad[: row + 1], name, source)} isn't a number{more}; do correct "
            "or remove such rows"
        )
    return np.array(found, np.float64)


def _number_of(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _line(bad: Bool[np.ndarray, " rows"], name: str, source: str) -> str:
    """Return in words the line of the first of some rows, if it can be told."""
    line = line_of_row(source, name, int(bad.argmax()))
    first = "the first on " if bad.sum() > 1 else ""
    return "" if line is None else f" ({first}line {line})"


def together(
    table: StarTable,
    names: tuple[str, ...],
    what: str,
    source: str,
    missing: dict[str, str],
) -> Float[np.ndarray, "rows columns"] | None:
    """Return columns that mean something together, or None and what is missing.

    Args:
        table: that may have them.
        names: of the columns.
        what: they mean.
        source: the file, for messages.
        missing: where to put the message if one isn't there.
    """
    absent = [name for name in names if name not in table]
    if absent:
        missing[what] = lacks(table, absent, source)
        return None
    return np.stack([number(table, name, source) for name in names], axis=-1)


def text_column(
    table: StarTable, name: str, source: str
) -> Shaped[np.ndarray, " rows"]:
    """Return a column as text, whatever its values look like.

    Args:
        table: that has it.
        name: of the column.
        source: the file, for messages.

    Raises:
        InputError: if it isn't there.
    """
    if name not in table:
        raise InputError(lacks(table, [name], source))
    return table[name].astype(TEXT)


def lacks(table: StarTable, names: list[str], source: str) -> str:
    """Return the message of columns that aren't there.

    Args:
        table: that lacks them.
        names: of the columns.
        source: the file.
    """
    hints = "".join(did_you_mean(name, list(table)) for name in names)
    plural = "s" if len(names) > 1 else ""
    return (
        f"cannot read {source} because it has no column{plural} "
        f"{', '.join(names)}{hints}; do add or rename {'them' if plural else 'it'}"
    )


def did_you_mean(name: str, names: list[str]) -> str:
    """Return a hint if one of `names` is spelt nearly as `name`.

    Args:
        name: what is wanted.
        names: what is there.
    """
    others = [each for each in names if each not in KNOWN]
    near = difflib.get_close_matches(name, others, n=1, cutoff=0.75)
    return f" (it has {near[0]}: is that meant?)" if near else ""


def rows_in_words(bad: Bool[np.ndarray, " rows"]) -> str:
    """Return the first numbers, from 1, of the rows where `bad` is true.

    Args:
        bad: for each row.
    """
    rows = (np.flatnonzero(bad) + 1).tolist()
    listed = ", ".join(map(str, rows[:5]))
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return f"row{'s' if len(rows) > 1 else ''} {listed}{more}"
