"""The atoms that were chosen of one model, as arrays."""

import dataclasses
from typing import Any, Self

import gemmi
import numpy as np

from .._files import InputError
from ..structure import Atoms
from ._atom_choice import AtomChoice
from ._atom_faults import KINDS, where
from ._conformers import choose_conformers


_CARBON = 6

# Chain, number in it, residue, name, conformer, element, and which of its like.
Key = tuple[str, str, str, str, str, int, int]


@dataclasses.dataclass(frozen=True)
class Sites:
    """Atoms of one model.

    Args:
        positions: (x, y, z), Å, (n, 3).
        numbers: atomic numbers.
        b_factors: Å².
        occupancies: 0 or more.
        chains: names, of the author.
        subchains: names that mmCIF gives each molecule.
    """

    positions: np.ndarray
    numbers: np.ndarray
    b_factors: np.ndarray
    occupancies: np.ndarray
    chains: np.ndarray
    subchains: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, wanted: np.ndarray) -> Self:
        """Return some of the atoms.

        Args:
            wanted: indices, or whether.
        """
        fields = dataclasses.fields(self)
        return type(self)(*(getattr(self, each.name)[wanted] for each in fields))

    def as_atoms(self) -> Atoms:
        """Return the atoms without their names."""
        return Atoms(self.positions, self.numbers, self.b_factors, self.occupancies)


def read_sites(
    model: gemmi.Model, choice: AtomChoice, source: str
) -> tuple[Sites, list[Any], list[str]]:
    """Return the chosen atoms of a model, as arrays and as parsed, and assumptions.

    Args:
        model: of the file; what isn't chosen is taken out of it.
        choice: which atoms.
        source: name of the file, for messages.

    Raises:
        InputError: if no atom is left, or one can't be used.
    """
    chosen = choice.sites(model, source)
    chosen, occupancies = choose_conformers(chosen, choice.altloc, source)
    found = Sites(
        np.array([(at.x, at.y, at.z) for at in (site.atom.pos for site in chosen)]),
        np.array([site.atom.element.atomic_number for site in chosen], np.int64),
        np.array([site.atom.b_iso for site in chosen], np.float64),
        np.array(occupancies, np.float64),
        np.array([site.chain.name for site in chosen]),
        np.array([site.residue.subchain for site in chosen]),
    )
    notes: list[str] = []
    found, kept = _with_known_elements(found, chosen, choice.unknown, source, notes)
    if len(kept) < len(chosen):
        chosen = [chosen[i] for i in kept]
    _check_numbers(found, chosen, source)
    return _floored(found, chosen, notes), chosen, notes


def _named(bad: np.ndarray, chosen: list[Any]) -> list[str]:
    """Return the names of the atoms that are bad."""
    return [str(chosen[i]) for i in np.flatnonzero(bad)]


def keys_of(sites: list[Any]) -> list[Key]:
    """Return what makes each atom the same as one in another model.

    Args:
        sites: of one model.
    """
    seen: dict[tuple[str, str, str, str, str, int], int] = {}
    keys = []
    for site in sites:
        atom = site.atom
        name = (
            site.chain.name,
            str(site.residue.seqid),
            site.residue.name,
            atom.name,
            atom.altloc,
            atom.element.atomic_number,
        )
        seen[name] = seen.get(name, -1) + 1
        keys.append((*name, seen[name]))
    return keys


def _with_known_elements(
    sites: Sites, chosen: list[Any], unknown: str, source: str, notes: list[str]
) -> tuple[Sites, np.ndarray]:
    """Return atoms whose elements are known, and which they were."""
    is_known = sites.numbers > 0
    places = _named(~is_known, chosen)
    everything = np.arange(len(sites))
    if not places:
        return sites, everything
    if unknown == "error":
        raise InputError(
            f"cannot use {len(places)} atoms of {source} because their element is "
            f"unknown: {where(places)}; do correct the file (`vitrax check` says what "
            f'can be mended), or pass unknown="skip" or unknown="carbon" (--unknown)'
        )
    if unknown == "carbon":
        notes.append(
            f"{len(places)} atoms of unknown element were taken for carbon: "
            f"{where(places)}"
        )
        numbers = np.where(is_known, sites.numbers, _CARBON)
        return dataclasses.replace(sites, numbers=numbers), everything
    if not is_known.any():
        raise InputError(
            f"cannot read {source} because no element of it is known, so that "
            f'unknown="skip" leaves no atoms; do correct the file, or pass '
            f'unknown="carbon" (--unknown carbon)'
        )
    notes.append(
        f"{len(places)} atoms of unknown element were left out: {where(places)}"
    )
    kept = np.flatnonzero(is_known)
    return sites.rows(kept), kept


def _check_numbers(sites: Sites, chosen: list[Any], source: str) -> None:
    """Raise for numbers that mean nothing, or that single precision can't hold."""
    with np.errstate(over="ignore"):
        is_placed = np.isfinite(sites.positions.astype(np.float32)).all(axis=1)
        is_small = ~np.isinf(sites.b_factors.astype(np.float32))
        occupancies = sites.occupancies.astype(np.float32)
    _refuse(~is_placed, chosen, source, "they have no coordinates that are numbers")
    _refuse(~is_small, chosen, source, "their B-factor is beyond all numbers")
    usable = np.isfinite(occupancies) & (occupancies >= 0)
    _refuse(~usable, chosen, source, "their occupancy isn't 0 or more")


def _refuse(bad: Any, chosen: list[Any], source: str, because: str) -> None:
    """Raise if there are bad atoms, naming the first."""
    if bad.any():
        places = _named(bad, chosen)
        raise InputError(
            f"cannot use {len(places)} atoms of {source} because {because}: "
            f"{where(places)}; do correct or remove them"
        )


def _floored(sites: Sites, chosen: list[Any], notes: list[str]) -> Sites:
    """Return atoms with B-factors of at least 0, and occupancies that aren't all 0."""
    occupancies, b_factors = sites.occupancies, sites.b_factors
    if not occupancies.any():
        fault = KINDS["occupancies zero"]
        notes.append(f"{fault.what}; {fault.remedy}")
        occupancies = np.ones_like(occupancies)
    if (bad := ~(b_factors >= 0)).any():
        fault, places = KINDS["b negative"], _named(bad, chosen)
        notes.append(f"{where(places)}: {fault.what}; {fault.remedy}")
        b_factors = np.where(bad, 0.0, b_factors)
    return dataclasses.replace(sites, occupancies=occupancies, b_factors=b_factors)
