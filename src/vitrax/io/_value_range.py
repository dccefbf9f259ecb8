"""The range of a column of numbers, as a fact about a file."""

from typing import Any

import numpy as np
from jaxtyping import Num


def value_range(values: Num[np.ndarray, "..."]) -> dict[str, Any]:
    """Return the smallest and largest of the values that are finite.

    Args:
        values: numbers. Those of single precision become the shortest decimals that are
            the same in single precision.

    Returns:
        `min` and `max`, None where no value is finite; and `not_finite`, the number of
        those that aren't, where there are any.

    Example:
        >>> import numpy as np
        >>> import vitrax as vx
        >>> vx.io.value_range(np.array([1.1, np.nan, 3.0], np.float32))
        {'min': 1.1, 'max': 3.0, 'not_finite': 1}
    """
    known = values[np.isfinite(values)]
    found: dict[str, Any] = {
        "min": _plain(known.min()) if known.size else None,
        "max": _plain(known.max()) if known.size else None,
    }
    bad = int(values.size - known.size)
    return found | ({"not_finite": bad} if bad else {})


def _plain(number: np.number) -> int | float:
    """Return a number of Python."""
    if number.dtype.kind == "f" and number.dtype.itemsize < 8:
        return float(str(number))
    return float(number) if number.dtype.kind == "f" else int(number)
