"""Tables of electron scattering factors of neutral atoms."""

import dataclasses
import importlib.resources
from typing import Self

import numpy as np
from jaxtyping import Float

from ._elements import UnknownElementError, symbols


@dataclasses.dataclass(frozen=True)
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

    def __hash__(self) -> int:
        # Hashing a thousand numbers at each call would cost more than comparing them.
        return hash((self.name, len(self.rows)))

    @classmethod
    def from_text(cls, name: str, text: str) -> Self:
        """Return a table from lines of: symbol, atomic number, all a (Å), all b (Å²).

        Lines that start with # and blank lines are left out.
        """
        lines = [
            line.split()
            for line in text.splitlines()
            if line.strip() and line[0] != "#"
        ]
        rows = []
        for _, number, *values in lines:
            half = len(values) // 2
            a, b = values[:half], values[half:]
            rows.append((int(number), tuple(map(float, a)), tuple(map(float, b))))
        return cls(name, tuple(rows))

    @property
    def elements(self) -> bytes:
        """Atomic numbers that the table has."""
        return bytes(number for number, _, _ in self.rows)

    def amplitudes(self, elements: bytes) -> Float[np.ndarray, "atoms terms"]:
        """Return $a_t$ of each atom, Å; their sum is the scattering factor at angle 0.

        Args:
            elements: atomic numbers, one per atom.

        Raises:
            UnknownElementError: naming elements that the table lacks.
        """
        return np.asarray([a for _, a, _ in self.rows])[self._rows_of(elements)]

    def b_factors(self, elements: bytes) -> Float[np.ndarray, "atoms terms"]:
        r"""Return $b_t$ of each atom, Å²; a term's variance is $b_t / 8\pi^2$.

        Args:
            elements: atomic numbers, one per atom.

        Raises:
            UnknownElementError: naming elements that the table lacks.
        """
        return np.asarray([b for _, _, b in self.rows])[self._rows_of(elements)]

    def _rows_of(self, elements: bytes) -> np.ndarray:
        """Return the row of each atom's element."""
        missing = sorted(set(elements) - set(self.elements))
        if missing:
            raise UnknownElementError(
                f"cannot look up scattering factors because the table {self.name} has "
                f"no {', '.join(symbols(bytes(missing)))} (atomic numbers {missing}); "
                f"do leave these atoms out, or pass another table"
            )
        row_of = np.zeros(256, dtype=np.intp)
        row_of[np.frombuffer(self.elements, np.uint8)] = np.arange(len(self.rows))
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
