"""What is wrong with a file of atoms."""

import os
from collections.abc import Iterable

import gemmi
import numpy as np

from .._files import InputError
from ._atom_faults import Faults
from ._atom_files import as_text, is_mmcif, parse_atoms
from ._contents import Path, read_whole
from ._element_names import element_meant
from ._pdb_lines import complete_lines
from ._problem import Problem


_NONE = "\0"
# Sums of rounded occupancies may be this much more than 1.
_SLACK = 0.015


def atom_problems(path: Path, *, max_unpacked: int | None = None) -> list[Problem]:
    """Return what is wrong with a PDB or mmCIF file, or odd.

    Args:
        path: the file; its content decides its format.
        max_unpacked: as in `read_atoms`.

    Returns:
        The problems; those that `write_mended_atoms` mends are fixable.

    Raises:
        InputError: if the file can't be opened, is empty, or isn't text of a model.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "water.pdb")
        >>> line = "HETATM    1  O   HOH A   1       1.000   2.000   3.000  1.00-20.00"
        >>> _ = path.write_text(line + "           O\\nEND\\n")
        >>> [problem.what for problem in vx.io.atom_problems(path)]
        ['the B-factor is below 0']
    """
    source, content = os.fspath(path), read_whole(path, max_unpacked)
    text = as_text(content)
    try:
        file = parse_atoms(source, content)
    except InputError as error:
        faults = Faults() if is_mmcif(text) else complete_lines(text)[1]
        if _explains(faults):
            return faults.problems()
        return [Problem.of_message(str(error), source, "the whole file")]
    for model in file.structure:
        note_faults(model, file.faults)
    return file.faults.problems()


def _explains(faults: Faults) -> bool:
    """Return whether faults are why a file can't be read."""
    return bool({"cut", "coordinates"} & faults.places.keys())


def note_faults(model: gemmi.Model, faults: Faults) -> None:
    """Add the faults of a model's atoms.

    Args:
        model: of the file.
        faults: to add to.
    """
    sites = list(model.all())
    names = [str(site) for site in sites]
    for site, name in zip(sites, names, strict=True):
        _note_element(site, name, faults)
        _note_numbers(site.atom, name, faults)
    if sites and not any(site.atom.occ for site in sites):
        faults.add("occupancies zero", f"model {model.num}")
    if sites and not any(site.atom.b_iso for site in sites):
        faults.add("b zero", f"model {model.num}")
    _note_sums(sites, faults)
    _note_coincident(sites, names, faults)


def _note_element(site: gemmi.CRA, name: str, faults: Faults) -> None:
    element = site.atom.element
    meant = element_meant(site.atom.name, site.residue.name)
    if not element.atomic_number:
        faults.add("element unknown" if meant else "element", name)
    elif meant and gemmi.Element(meant).atomic_number != element.atomic_number:
        faults.add("element wrong", name)


def _note_numbers(atom: gemmi.Atom, name: str, faults: Faults) -> None:
    if not np.isfinite(atom.pos.tolist()).all():
        faults.add("coordinates", name)
    if not atom.occ >= 0:
        faults.add("occupancy negative", name)
    if not atom.b_iso >= 0:
        faults.add("b negative", name)


def _note_sums(sites: Iterable[gemmi.CRA], faults: Faults) -> None:
    """Note where the occupancies of conformers sum to more than 1."""
    sums: dict[tuple[str, str, str, str], float] = {}
    for site in sites:
        if site.atom.altloc != _NONE:
            residue = site.residue
            key = (site.chain.name, residue.name, str(residue.seqid), site.atom.name)
            sums[key] = sums.get(key, 0.0) + site.atom.occ
    for (chain, residue, number, atom), total in sums.items():
        if total > 1 + _SLACK:
            faults.add("occupancies high", f"{chain}/{residue} {number}/{atom}")


def _note_coincident(sites: list[gemmi.CRA], names: list[str], faults: Faults) -> None:
    """Note atoms at the very place of another, conformers aside."""
    seen: set[tuple[float, ...]] = set()
    for site, name in zip(sites, names, strict=True):
        place = tuple(site.atom.pos.tolist())
        if site.atom.altloc == _NONE and site.atom.occ >= 1:
            if place in seen:
                faults.add("twice", name)
            seen.add(place)
