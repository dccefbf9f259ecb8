"""Chemical elements and their numbers."""

import re
from collections.abc import Iterable


# In the order of the periodic table: a capital begins each symbol.
_SYMBOLS = re.findall(
    "[A-Z][a-z]?",
    "HHeLiBeBCNOFNeNaMgAlSiPSClArKCaScTiVCrMnFeCoNiCuZnGaGeAsSeBrKrRbSrYZrNbMoTcRuRh"
    "PdAgCdInSnSbTeIXeCsBaLaCePrNdPmSmEuGdTbDyHoErTmYbLuHfTaWReOsIrPtAuHgTlPbBiPoAtRn"
    "FrRaAcThPaUNpPuAmCmBkCfEsFmMdNoLrRfDbSgBhHsMtDsRgCnNhFlMcLvTsOg",
)
# Isotopes of hydrogen scatter electrons as hydrogen does.
_NUMBERS = {symbol: z for z, symbol in enumerate(_SYMBOLS, 1)} | {"D": 1, "T": 1}


class UnknownElementError(ValueError):
    """An element that has no number, or that a table of scattering factors lacks."""


def atomic_numbers(symbols: Iterable[str]) -> bytes:
    """Return the atomic numbers of element symbols as `bytes`, one per atom.

    Case and surrounding blanks don't matter; deuterium (D) and tritium (T) count as
    hydrogen.

    Args:
        symbols: such as ["C", "Fe"].

    Raises:
        UnknownElementError: naming the symbols that aren't elements.

    Example:
        >>> import vitrax as vx
        >>> list(vx.physics.atomic_numbers(["C", "ZN", "D"]))
        [6, 30, 1]
    """
    names = [symbol.strip().capitalize() for symbol in symbols]
    unknown = sorted(set(names) - _NUMBERS.keys())
    if unknown:
        first = min(names.index(name) for name in unknown)
        raise UnknownElementError(
            f"cannot give atomic numbers because {', '.join(map(repr, unknown))} "
            f"(first at atom {first}, counted from 0) isn't a chemical element; do "
            f"give symbols of the periodic table, or leave these atoms out"
        )
    return bytes(_NUMBERS[name] for name in names)


def symbols(elements: bytes) -> tuple[str, ...]:
    """Return the element symbol of each atomic number.

    Args:
        elements: atomic numbers, one per atom.

    Raises:
        UnknownElementError: naming numbers that no element has.

    Example:
        >>> import vitrax as vx
        >>> vx.physics.symbols(bytes([6, 7, 30]))
        ('C', 'N', 'Zn')
    """
    unknown = sorted(z for z in set(elements) if not 1 <= z <= len(_SYMBOLS))
    if unknown:
        raise UnknownElementError(
            f"cannot name atomic numbers {unknown} because elements have numbers 1 to "
            f"{len(_SYMBOLS)}; do give these"
        )
    return tuple(_SYMBOLS[z - 1] for z in elements)
