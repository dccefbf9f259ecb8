"""Multipliers to the internal units."""

import math

import pytest

import vitrax as vx
from vitrax import units


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.2 * units.um, 12_000.0),
        (0.1 * units.nm, 1.0),
        (100 * units.pm, 1.0),
        (1e-7 * units.mm, 1.0),
        (math.pi * units.rad, 180.0),
        (math.pi * 1e3 * units.mrad, 180.0),
        (300_000 * units.V, 300.0),
        (1.0 * units.angstrom * units.degree * units.kV, 1.0),
    ],
)
def test_units(value, expected):
    assert value == pytest.approx(expected, rel=1e-15)


def test_a_lens_takes_micrometres():
    assert float(vx.Lens(defocus=1.2 * units.um).defocus) == pytest.approx(12_000.0)
