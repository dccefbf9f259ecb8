"""Published formulas of electron scattering factors, and their tables of Gaussians."""

import dataclasses
import functools as ft
import importlib.resources
from typing import Self

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ._elements import ElementsLike
from ._mixture_of_gaussians import fit_gaussians, sampled_frequencies
from ._scattering_factors import ScatteringFactors, find_rows, read_rows


# A Gaussian that is wider in space than any atom: one, of 4.7e-7 Å, in helium.
_TOO_WIDE = 1e3

_Numbers = tuple[float, ...]


@dataclasses.dataclass(frozen=True, repr=False)
class ScatteringFormula:
    r"""Electron scattering factors of neutral atoms, fractions and Gaussians of k².

    $$f(k) = \sum_i \left[\frac{p_i}{1 + \beta_i k^2} + \frac{q_i}{(1 + \beta_i k^2)^2}
    \right] + \sum_j c_j e^{-d_j k^2}$$

    Args:
        name: of the formula.
        rows: for each element its atomic number, the $p_i$ (Å), $q_i$ (Å), $\beta_i$
            (Å²), $c_j$ (Å) and $d_j$ (Å²).

    Example:
        >>> import vitrax as vx
        >>> formula = vx.physics.LOBATO_2014_FORMULA
        >>> carbon = vx.physics.atomic_numbers(["C"])
        >>> factors = vx.physics.scattering_factor(formula, carbon, [0.0, 1.0])
        >>> factors.round(4).tolist()
        [[2.5097, 0.4128]]
    """

    name: str
    rows: tuple[tuple[int, _Numbers, _Numbers, _Numbers, _Numbers, _Numbers], ...]

    def __repr__(self) -> str:
        return f"<ScatteringFormula {self.name}, {len(self.rows)} elements>"

    def __hash__(self) -> int:
        return hash((self.name, len(self.rows)))

    @classmethod
    def from_lobato_text(cls, name: str, text: str) -> Self:
        r"""Return a formula from lines of: symbol, atomic number, five a, five b.

        $$f(k) = \sum_i a_i \frac{2 + b_i k^2}{(1 + b_i k^2)^2}$$

        References:
            Lobato and Van Dyck, Acta Cryst. A70, 636 (2014).
        """
        rows = []
        for number, values in read_rows(text):
            a, b = values[:5], values[5:]
            rows.append((number, a, a, b, (), ()))
        return cls(name, tuple(rows))

    @classmethod
    def from_kirkland_text(cls, name: str, text: str) -> Self:
        r"""Return a formula from lines of: symbol, atomic number, three a, b, c and d.

        $$f(k) = \sum_i \frac{a_i}{k^2 + b_i} + c_i e^{-d_i k^2}$$

        References:
            Kirkland, Advanced Computing in Electron Microscopy, 2nd ed. (2010),
            appendix C; 3rd ed. (2020).
        """
        rows = []
        for number, values in read_rows(text):
            a, b, c, d = (values[i : i + 3] for i in range(0, 12, 3))
            p = tuple(x / y for x, y in zip(a, b, strict=True))
            rows.append((number, p, (0.0,) * 3, tuple(1 / y for y in b), c, d))
        return cls(name, tuple(rows))

    @property
    def elements(self) -> bytes:
        """Atomic numbers that the formula has."""
        return bytes(number for number, *_ in self.rows)

    def at(
        self, elements: ElementsLike, k: Float[np.ndarray, " k"]
    ) -> Float[np.ndarray, "atoms k"]:
        """Return $f(k)$ of each atom, Å, as `scattering_factor` does.

        Raises:
            UnknownElementError: naming elements that the formula lacks.
        """
        rows = find_rows(self.name, self.elements, elements)
        fractions, gaussians = self._parts(k)
        return (fractions + gaussians)[rows]

    def to_gaussians(self, terms: int) -> ScatteringFactors:
        """Return the table of Gaussians that has these scattering factors.

        The fractions become `terms` Gaussians, whose largest relative error from 0 to
        6 Å⁻¹ is below 1e-4 for all elements with 14 of them for the formula of Lobato
        and Van Dyck, 13 for Kirkland's. The formula's own Gaussians follow unchanged,
        but for one in helium, 4.7e-7 Å and 44 Å wide, whose amplitude is set to 0.

        Args:
            terms: Gaussians that stand for an element's fractions.
        """
        fractions, gaussians = self._parts(sampled_frequencies())
        weights = 1 / (fractions + gaussians)
        widest = np.asarray([max(row[3]) for row in self.rows])
        amplitudes, widths = fit_gaussians(fractions, weights, widest, terms)
        rows = []
        for (number, *_, c, d), a, b in zip(self.rows, amplitudes, widths, strict=True):
            own = [(x, y) for x, y in zip(c, d, strict=True) if y < _TOO_WIDE]
            own += [(0.0, 1.0)] * (len(c) - len(own))
            total = [*zip(a.tolist(), b.tolist(), strict=True), *own]
            # Tables are functions of s = k/2.
            rows.append(
                (number, tuple(x for x, _ in total), tuple(4 * y for _, y in total))
            )
        return ScatteringFactors(self.name, tuple(rows))

    def _parts(self, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the sums of the fractions and of the Gaussians: (element, k)."""
        _, *columns = zip(*self.rows, strict=True)
        p, q, b, c, d = (np.asarray(column)[:, :, None] for column in columns)
        share = 1 / (1 + b * k**2)
        fractions = (p * share + q * share**2).sum(axis=1)
        return fractions, (c * np.exp(-d * k**2)).sum(axis=1)


def scattering_factor(
    table: ScatteringFactors | ScatteringFormula, elements: ElementsLike, k: ArrayLike
) -> Float[np.ndarray, "atoms k"]:
    """Return electron scattering factors $f(k)$ of neutral atoms, Å.

    A scattering factor times 47.8776 V·Å² is the Fourier transform of the atom's
    potential.

    Args:
        table: of Gaussians, or a formula.
        elements: atomic numbers or symbols, one per atom.
        k: spatial frequencies, 1/Å.

    Raises:
        TypeError: if the elements aren't numbers or symbols.
        UnknownElementError: naming elements that the table lacks.
        ValueError: if `k` isn't a list of finite numbers.

    Example:
        >>> import vitrax as vx
        >>> table = vx.physics.PENG_1996
        >>> vx.physics.scattering_factor(table, ["O"], [0.0, 0.5]).round(4).tolist()
        [[1.9834, 1.222]]
    """
    frequencies = np.asarray(k, dtype=float)
    if frequencies.ndim != 1 or not np.isfinite(frequencies).all():
        raise ValueError(
            f"cannot take scattering factors at k of shape {frequencies.shape} because "
            f"it isn't a list of finite numbers; do pass frequencies in 1/Å"
        )
    return table.at(elements, frequencies)


def _text(name: str) -> str:
    folder = importlib.resources.files("vitrax.physics")
    return folder.joinpath(name).read_text(encoding="utf-8")


@ft.cache
def lobato_formula() -> ScatteringFormula:
    """Return `LOBATO_2014_FORMULA`."""
    text = _text("lobato_2014.txt")
    return ScatteringFormula.from_lobato_text("Lobato 2014", text)


@ft.cache
def kirkland_formula() -> ScatteringFormula:
    """Return `KIRKLAND_2020_FORMULA`."""
    text = _text("kirkland_2020.txt")
    return ScatteringFormula.from_kirkland_text("Kirkland 2020", text)


@ft.cache
def lobato_gaussians() -> ScatteringFactors:
    """Return `LOBATO_2014`."""
    return lobato_formula().to_gaussians(terms=14)


@ft.cache
def kirkland_gaussians() -> ScatteringFactors:
    """Return `KIRKLAND_2020`."""
    return kirkland_formula().to_gaussians(terms=13)
