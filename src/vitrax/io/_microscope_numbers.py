"""Numbers of a microscope, taken only if there can be such."""

import numpy as np
from jaxtyping import Float

from .._checks import KILOVOLTS, MILLIMETRES, POSITIVE, Rule
from .._files import InputError
from ._columns import rows_in_words


# By RELION's names: what they must be, and what to do about others.
_RULES = {
    "rlnImagePixelSize": (POSITIVE, "give it in Å"),
    "rlnVoltage": (KILOVOLTS, "give it in kV, 300 for 300 000 V"),
    "rlnSphericalAberration": (MILLIMETRES, "give it in mm, 2.7 for 2.7e7 Å"),
    "rlnAmplitudeContrast": (
        Rule(lambda x: abs(x) <= 1, "within -1 and 1"),
        "give it as a fraction, 0.07 for 7 %",
    ),
}


def check_microscope(
    values: Float[np.ndarray, " rows"], name: str, column: str, source: str
) -> None:
    """Raise if numbers of a file can't be those of a microscope.

    Args:
        values: of a column.
        name: RELION's, of what they mean.
        column: the file's own name for it.
        source: the file, for the message.

    Raises:
        InputError: naming column and rows, and what would do.
    """
    rule, advice = _RULES[name]
    bad = ~rule.holds(values)
    if bad.any():
        raise InputError(
            f"cannot use {column} of {source} because it is {values[bad][0]:g} in "
            f"{rows_in_words(bad)}, not {rule.wanted}; do {advice}"
        )


def check_stated(value: float | None, name: str, argument: str) -> None:
    """Raise if a number that is given for a file can't be that of a microscope.

    Args:
        value: None for none.
        name: RELION's, of what it means.
        argument: that it is given as.

    Raises:
        ValueError: saying what would do.
    """
    rule, advice = _RULES[name]
    if value is not None and not rule.holds(value):
        raise ValueError(
            f"cannot use {argument}={value!r} because it isn't {rule.wanted}; do "
            f"{advice}"
        )
