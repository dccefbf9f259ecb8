"""Tables of electron scattering factors of neutral atoms."""

import dataclasses
import importlib.resources
from typing import Self

import numpy as np
from jaxtyping import Float

from ._elements import ElementsLike, UnknownElementError, as_elements, symbols


@dataclasses.dataclass(frozen=True, repr=False)
class ScatteringFactors:
    r"""Electron scattering factors of neutral atoms as sums of Gaussians.

    $$f(s) = \sum_t a_t e^{-b_t s^2}, \qquad s = \sin\theta / \lambda = k/2$$

    Hashable, so that it may be a static argument of compiled functions.

    Args:
        name: of the table.
        rows: for each element its atomic number, the $a_t$ (Å) and the $b_t$ (Å²).

    Example:
        >>> import vitrax as vx
        >>> carbon = vx.physics.PENG_1996.amplitudes(vx.physics.atomic_numbers(["C"]))
        >>> round(float(carbon.sum()), 4)
        2.5088
    """

    name: str
    rows: tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...]

    def __repr__(self) -> str:
        return f"<ScatteringFactors {self.name}, {len(self.rows)} elements>"

    def __hash__(self) -> int:
        # Hashing a thousand numbers at each call would cost more than comparing them.
        return hash((self.name, len(self.rows)))

    @classmethod
    def from_text(cls, name: str, text: str) -> Self:
        """Return a table from lines of: symbol, atomic number, all a (Å), all b (Å²).

        Lines that start with # and blank lines are left out.
        """
        rows = []
        for number, values in read_rows(text):
            half = len(values) // 2
            rows.append((number, values[:half], values[half:]))
        return cls(name, tuple(rows))

    @property
    def elements(self) -> bytes:
        """Atomic numbers that the table has."""
        return bytes(number for number, _, _ in self.rows)

    def amplitudes(self, elements: ElementsLike) -> Float[np.ndarray, "atoms terms"]:
        """Return $a_t$ of each atom, Å; their sum is the scattering factor at angle 0.

        Args:
            elements: atomic numbers or symbols, one per atom.

        Raises:
            TypeError: if they aren't elements.
            UnknownElementError: naming elements that the table lacks.
        """
        return np.asarray([a for _, a, _ in self.rows])[
            find_rows(self.name, self.elements, elements)
        ]

    def b_factors(self, elements: ElementsLike) -> Float[np.ndarray, "atoms terms"]:
        r"""Return $b_t$ of each atom, Å²; a term's variance is $b_t / 8\pi^2$.

        Args:
            elements: atomic numbers or symbols, one per atom.

        Raises:
            TypeError: if they aren't elements.
            UnknownElementError: naming elements that the table lacks.
        """
        return np.asarray([b for _, _, b in self.rows])[
            find_rows(self.name, self.elements, elements)
        ]

    def at(
        self, elements: ElementsLike, k: Float[np.ndarray, " k"]
    ) -> Float[np.ndarray, "atoms k"]:
        """Return $f(k)$ of each atom, Å, as `scattering_factor` does.

        Raises:
            UnknownElementError: naming elements that the table lacks.
        """
        a, b = self.amplitudes(elements), self.b_factors(elements)
        decays = np.exp(-b[:, None, :] * (k[:, None] / 2) ** 2)
        return (a[:, None, :] * decays).sum(axis=2)


def read_rows(text: str) -> list[tuple[int, tuple[float, ...]]]:
    """Return atomic number and numbers of each line: symbol, atomic number, numbers.

    Lines that start with # and blank lines are left out.
    """
    lines = [line for line in text.splitlines() if line.strip() and line[0] != "#"]
    rows = []
    for line in lines:
        _, number, *values = line.split()
        rows.append((int(number), tuple(map(float, values))))
    return rows


def find_rows(name: str, known: bytes, elements: ElementsLike) -> np.ndarray:
    """Return the row of each atom's element in a table of `known` atomic numbers.

    Raises:
        TypeError: if these aren't elements.
        UnknownElementError: naming elements that the table lacks.
    """
    elements = as_elements(elements)
    missing = sorted(set(elements) - set(known))
    if missing:
        raise UnknownElementError(
            f"cannot look up scattering factors because the table {name} has "
            f"no {', '.join(symbols(bytes(missing)))} (atomic numbers {missing}); "
            f"do leave these atoms out, or pass another table"
        )
    row_of = np.zeros(256, dtype=np.intp)
    row_of[np.frombuffer(known, np.uint8)] = np.arange(len(known))
    return row_of[np.frombuffer(elements, np.uint8)]


PENG_1996 = ScatteringFactors.from_text(
    "Peng 1996",
    importlib.resources.files("vitrax.physics")
    .joinpath("peng_1996.txt")
    .read_text(encoding="utf-8"),
)
"""Peng et al. 1996, 0 to 2 Å⁻¹: all neutral atoms from H to Cf, five Gaussians each.

References:
    Peng, Ren, Dudarev and Whelan, Acta Cryst. A52, 257 (1996); International Tables for
    Crystallography, vol. C, table 4.3.2.2.
"""
