"""Element symbols and atomic numbers."""

import gemmi
import pytest

from vitrax.physics import UnknownElementError, atomic_numbers, symbols


def test_whole_periodic_table():
    names = [gemmi.Element(z).name for z in range(1, 119)]
    assert atomic_numbers(names) == bytes(range(1, 119))
    assert symbols(bytes(range(1, 119))) == tuple(names)


@pytest.mark.parametrize("spelling", ["SE", "se", "Se", " Se "])
def test_case_and_blanks_do_not_matter(spelling):
    assert atomic_numbers([spelling]) == bytes([34])


def test_deuterium_is_hydrogen():
    assert atomic_numbers(["H", "D"]) == bytes([1, 1])


@pytest.mark.parametrize("symbol", ["X", "UNL", "", "Cx", "6"])
def test_unknown_symbol_is_named(symbol):
    name = symbol.capitalize()
    with pytest.raises(UnknownElementError, match=f"'{name}' .first at atom 2"):
        atomic_numbers(["C", "N", symbol, symbol])


@pytest.mark.parametrize("number", [0, 119, 255])
def test_unknown_number_is_named(number):
    with pytest.raises(UnknownElementError, match=rf"\[{number}\]"):
        symbols(bytes([6, number]))


def test_unknown_element_is_a_value_error():
    assert issubclass(UnknownElementError, ValueError)
