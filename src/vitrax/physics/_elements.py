"""Chemical elements and their numbers."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np


# In the order of the periodic table: a capital begins each symbol.
_SYMBOLS = re.findall(
    "[A-Z][a-z]?",
    "HHeLiBeBCNOFNeNaMgAlSiPSClArKCaScTiVCrMnFeCoNiCuZnGaGeAsSeBrKrRbSrYZrNbMoTcRuRh"
    "PdAgCdInSnSbTeIXeCsBaLaCePrNdPmSmEuGdTbDyHoErTmYbLuHfTaWReOsIrPtAuHgTlPbBiPoAtRn"
    "FrRaAcThPaUNpPuAmCmBkCfEsFmMdNoLrRfDbSgBhHsMtDsRgCnNhFlMcLvTsOg",
)
# Isotopes of hydrogen scatter electrons as hydrogen does.
_NUMBERS = {symbol: z for z, symbol in enumerate(_SYMBOLS, 1)} | {"D": 1, "T": 1}


# Atomic numbers, as bytes or integers, or symbols: one per atom.
ElementsLike = bytes | Iterable[int] | Iterable[str]


class UnknownElementError(ValueError):
    """An element that has no number, or that a table of scattering factors lacks."""


def atomic_numbers(symbols: Iterable[str]) -> bytes:
    """Return the atomic numbers of element symbols as `bytes`, one per atom.

    Case and surrounding blanks don't matter; deuterium (D) and tritium (T) count as
    hydrogen.

    Args:
        symbols: such as ["C", "Fe"].

    Raises:
        TypeError: if they aren't text.
        UnknownElementError: naming the symbols that aren't elements.

    Example:
        >>> import vitrax as vx
        >>> list(vx.physics.atomic_numbers(["C", "ZN", "D"]))
        [6, 30, 1]
    """
    given = list(symbols)
    if not all(isinstance(symbol, str) for symbol in given):
        raise TypeError(
            f"cannot give atomic numbers because {given[:5]} isn't a list of element "
            f"symbols; do pass such as ['C', 'Fe']"
        )
    names = [symbol.strip().capitalize() for symbol in given]
    unknown = sorted(set(names) - _NUMBERS.keys())
    if unknown:
        first = min(names.index(name) for name in unknown)
        raise UnknownElementError(
            f"cannot give atomic numbers because {', '.join(map(repr, unknown))} "
            f"(first at atom {first}, counted from 0) isn't a chemical element; do "
            f"give symbols of the periodic table, or leave these atoms out"
        )
    return bytes(_NUMBERS[name] for name in names)


def as_elements(elements: Any) -> bytes:
    """Return elements as atomic numbers in bytes, one per atom: static and hashable.

    Args:
        elements: atomic numbers, as bytes or integers, or symbols.

    Raises:
        TypeError: if they are neither.
        UnknownElementError: naming numbers or symbols that no element has.

    Example:
        >>> import vitrax as vx
        >>> list(vx.physics.as_elements(["C", "Fe"]))
        [6, 26]
    """
    if isinstance(elements, bytes):
        return elements
    numbers = np.asarray(elements)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iuU":
        raise TypeError(
            f"cannot use elements of kind {numbers.dtype} and shape {numbers.shape} "
            f"because they aren't a list of atomic numbers or symbols; do pass such as "
            f"[6, 7] or ['C', 'N']"
        )
    if numbers.dtype.kind == "U":
        return atomic_numbers(numbers.tolist())
    wrong = sorted({int(z) for z in numbers if not 1 <= z <= len(_SYMBOLS)})
    if wrong:
        raise UnknownElementError(
            f"cannot use atomic numbers {wrong[:5]} because elements have numbers 1 to "
            f"{len(_SYMBOLS)}; do give these"
        )
    return numbers.astype(np.uint8).tobytes()


def symbols(elements: ElementsLike) -> tuple[str, ...]:
    """Return the element symbol of each atomic number.

    Args:
        elements: atomic numbers, one per atom.

    Raises:
        TypeError: if they aren't elements.
        UnknownElementError: naming numbers that no element has.

    Example:
        >>> import vitrax as vx
        >>> vx.physics.symbols(bytes([6, 7, 30]))
        ('C', 'N', 'Zn')
    """
    elements = as_elements(elements)
    unknown = sorted(z for z in set(elements) if not 1 <= z <= len(_SYMBOLS))
    if unknown:
        raise UnknownElementError(
            f"cannot name atomic numbers {unknown} because elements have numbers 1 to "
            f"{len(_SYMBOLS)}; do give these"
        )
    return tuple(_SYMBOLS[z - 1] for z in elements)
