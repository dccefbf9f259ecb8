"""Alternate conformers: all of them by occupancy, or one of them."""

from collections.abc import Sequence
from typing import Any

from .._files import InputError


# Of an atom without an alternative, and of a conformer that has no letter.
_NONE, _BLANK = "\0", " "


def choose_conformers(
    sites: list[Any], altloc: str, source: str
) -> tuple[list[Any], list[float]]:
    """Return the atoms of the conformers that are wanted, and their occupancies.

    Where one conformer of a residue stands for all, its atoms get the occupancies of
    all, summed, up to 1.

    Args:
        sites: of one model.
        altloc: all, highest, first, or the letter of a conformer.
        source: name of the file, for messages.

    Raises:
        InputError: if the file has conformers, but none of that letter.
    """
    occupancies = [float(site.atom.occ) for site in sites]
    if altloc == "all":
        return sites, occupancies
    residues = _residues_with_conformers(sites)
    _check_letter(altloc, sites, residues, source)
    dropped: set[int] = set()
    for members in residues:
        conformers = _conformers(sites, members)
        chosen = _chosen(conformers, occupancies, altloc)
        others = [each for letter, each in conformers.items() if letter != chosen]
        weights = {
            index: _summed(index, others, sites, occupancies)
            for index in conformers.get(chosen, [])
        }
        for index, weight in weights.items():
            occupancies[index] = weight
        dropped.update(index for each in others for index in each)
    kept = [index for index in range(len(sites)) if index not in dropped]
    return [sites[i] for i in kept], [occupancies[i] for i in kept]


def _residues_with_conformers(sites: list[Any]) -> list[list[int]]:
    """Return the atoms of each place in a chain that has conformers.

    Conformers may be different residues with one number.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for site in sites:
        if site.atom.altloc != _NONE:
            found.setdefault((site.chain.name, str(site.residue.seqid)), [])
    if found:
        for index, site in enumerate(sites):
            key = (site.chain.name, str(site.residue.seqid))
            if key in found:
                found[key].append(index)
    return list(found.values())


def _conformers(sites: list[Any], members: Sequence[int]) -> dict[str, list[int]]:
    """Return the atoms of each conformer of a residue; those that all share aren't in.

    An atom without a letter is a conformer's if one with a letter has its name.
    """
    lettered = {sites[i].atom.name for i in members if sites[i].atom.altloc != _NONE}
    found: dict[str, list[int]] = {}
    for index in members:
        atom = sites[index].atom
        if atom.altloc != _NONE:
            found.setdefault(atom.altloc, []).append(index)
        elif atom.name in lettered:
            found.setdefault(_BLANK, []).append(index)
    return found


def _chosen(
    conformers: dict[str, list[int]], occupancies: list[float], altloc: str
) -> str:
    """Return the letter of the conformer to keep."""
    if altloc in conformers:
        return altloc
    if altloc != "highest":
        return next(iter(conformers))
    mean = {
        letter: sum(occupancies[i] for i in members) / len(members)
        for letter, members in conformers.items()
    }
    return max(mean, key=lambda letter: mean[letter])


def _summed(
    index: int, others: list[list[int]], sites: list[Any], occupancies: list[float]
) -> float:
    """Return the occupancy of an atom and its alternatives.

    A conformer that is another residue counts with its mean where it has no atom of
    that name.
    """
    own, total = sites[index], occupancies[index]
    for members in others:
        alike = [i for i in members if sites[i].atom.name == own.atom.name]
        if not alike and sites[members[0]].residue.name != own.residue.name:
            alike = members
        if alike:
            total += sum(occupancies[i] for i in alike) / len(alike)
    return max(occupancies[index], min(total, 1.0))


def _check_letter(
    altloc: str, sites: list[Any], residues: list[list[int]], source: str
) -> None:
    """Raise if a letter is asked for that no conformer has."""
    letters = {sites[i].atom.altloc for members in residues for i in members}
    letters.discard(_NONE)
    if len(altloc) == 1 and letters and altloc not in letters:
        raise InputError(
            f"cannot take conformer {altloc} of {source} because it has "
            f"{', '.join(sorted(letters))}; do choose one of them, or highest"
        )
