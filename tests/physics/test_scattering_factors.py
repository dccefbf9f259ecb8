"""The table of Peng 1996 against published sums, another copy, and X-ray factors."""

import pickle

import gemmi
import numpy as np
import pytest

from vitrax import physics
from vitrax.physics import PENG_1996, ScatteringFactors, UnknownElementError


def factor(elements, s):
    """Return f(s) of each element, Å."""
    a, b = PENG_1996.amplitudes(elements), PENG_1996.b_factors(elements)
    return (a * np.exp(-b * s**2)).sum(axis=1)


@pytest.mark.parametrize(
    ("symbol", "low", "high"),
    [
        ("H", 0.5288, None),
        ("C", 2.5088, 2.5092),
        ("N", 2.2135, 2.2131),
        ("O", 1.9834, None),
        ("P", 5.4876, 5.4862),
        ("S", 5.1604, 5.1597),
    ],
)
def test_forward_factors_are_those_of_the_low_angle_table(symbol, low, high):
    total = factor(physics.atomic_numbers([symbol]), 0.0)[0]
    assert total == pytest.approx(low, abs=1e-9)
    # The table for angles up to 6 Å⁻¹ must not be taken for it.
    assert high is None or abs(total - high) > 3e-4


def test_complete_and_equal_to_another_copy():
    assert PENG_1996.elements == bytes(range(1, 99))
    other = [gemmi.Element(z).c4322 for z in range(1, 99)]
    np.testing.assert_array_equal(
        PENG_1996.amplitudes(PENG_1996.elements), [list(row.a) for row in other]
    )
    np.testing.assert_array_equal(
        PENG_1996.b_factors(PENG_1996.elements), [list(row.b) for row in other]
    )


@pytest.mark.parametrize(("s", "tolerance"), [(0.5, 0.04), (0.7, 0.04), (1.0, 0.05)])
def test_agrees_with_x_ray_factors(s, tolerance):
    # Mott and Bethe: f_e = m0 e²/(8 π ε0 h²) (Z - f_x)/s², 0.0239337 Å⁻¹.
    elements = PENG_1996.elements
    x_ray = [gemmi.Element(z).it92.calculate_sf(s**2) for z in elements]
    expected = 0.0239337 * (np.frombuffer(elements, np.uint8) - x_ray) / s**2
    np.testing.assert_allclose(factor(elements, s), expected, rtol=tolerance)


def test_rows_follow_the_atoms():
    elements = physics.atomic_numbers(["S", "C", "S"])
    sulphur, carbon = (
        PENG_1996.amplitudes(bytes([16])),
        PENG_1996.amplitudes(bytes([6])),
    )
    np.testing.assert_array_equal(
        PENG_1996.amplitudes(elements), np.concatenate([sulphur, carbon, sulphur])
    )
    assert PENG_1996.b_factors(elements).shape == (3, 5)


def test_element_missing_from_the_table_is_named():
    with pytest.raises(UnknownElementError, match=r"Peng 1996 has no Es, Fm"):
        PENG_1996.amplitudes(physics.atomic_numbers(["C", "Fm", "Es"]))
    with pytest.raises(UnknownElementError, match="elements have numbers 1 to 118"):
        PENG_1996.b_factors(bytes([0]))


def test_hashable_by_value():
    copy = pickle.loads(pickle.dumps(PENG_1996))
    assert copy == PENG_1996
    assert hash(copy) == hash(PENG_1996)
    changed = ScatteringFactors(PENG_1996.name, PENG_1996.rows[::-1])
    assert changed != PENG_1996


def test_table_from_text():
    table = ScatteringFactors.from_text("two terms", "# Z a1 a2 b1 b2\nC 6 1 2 3 4\n\n")
    np.testing.assert_array_equal(table.amplitudes(bytes([6])), [[1.0, 2.0]])
    np.testing.assert_array_equal(table.b_factors(bytes([6])), [[3.0, 4.0]])
