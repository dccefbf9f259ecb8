import pathlib

import pytest
from pydantic import ValidationError

from vitrax.cli._recipe import Recipe
from vitrax.cli._specimen_options import parse_b_factor


def recipe(**options) -> Recipe:
    return Recipe(structure=pathlib.Path("a.pdb"), out=pathlib.Path("out"), **options)


def test_defaults_are_those_of_the_manual():
    default = recipe()
    assert default.defocus == (8000.0, 20000.0)
    assert (default.snr, default.normalise, default.ctf_pad) == (None, True, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"box": 65}, "cannot make a RELION stack with --box 65 .* --box 66"),
        ({"defocus": (2.0, 1.0)}, "range is empty"),
        ({"b_factor": "scale:x"}, "neither model"),
        ({"b_factor": "-3"}, "neither model"),
        ({"resample": True}, "cannot resample"),
        ({"contrast": "dark"}, "cannot use --contrast dark .* give --from"),
        ({"concentration": 5.0}, "cannot use --concentration .* preferred"),
        ({"snr_mask": "particle"}, "no noise without --snr"),
        ({"snr": 0.0}, "greater than 0"),
        ({"angpix": float("nan")}, "finite"),
        ({"q0": 1.5}, "less than or equal to 1"),
        ({"colour": 1}, "Extra inputs"),
    ],
)
def test_nonsense_is_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        recipe(**options)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("model", ("model", 1.0)), ("40", ("all", 40.0)), ("scale:2", ("scale", 2.0))],
)
def test_b_factor(text, parsed):
    assert parse_b_factor(text) == parsed
