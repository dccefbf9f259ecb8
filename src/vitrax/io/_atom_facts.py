"""What is in an atomic model, for `vitrax info`."""

import collections
import os
from typing import Any

import gemmi
import numpy as np

from ._atom_files import parse_atoms
from ._atoms import read_atoms
from ._contents import Path, read_whole


def atom_facts(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return what is in an atomic model, in words by name, and what is odd about it.

    Args:
        path: a PDB or mmCIF file, which may be packed.

    Raises:
        InputError: if it can't be read.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "water.pdb")
        >>> line = "HETATM    1  O   HOH A   1       1.000   2.000   3.000  1.00 20.00"
        >>> _ = path.write_text(line + "           O\\nEND\\n")
        >>> vx.io.atom_facts(path)[0]["atoms read"]
        1
    """
    source = os.fspath(path)
    atoms, structure = read_atoms(path, model=1), _structure(source, read_whole(path))
    sites = [site for site in structure[0].all()]
    count = collections.Counter(site.atom.element.name for site in sites)
    positions, b = np.asarray(atoms.positions), np.asarray(atoms.b_factors)
    centre = positions.mean(axis=0)
    reach = float(np.sqrt(((positions - centre) ** 2).sum(axis=1).max()))
    facts = {
        "name": structure.name,
        "models": _models(len(structure)),
        "chains": len(structure[0]),
        "atoms read": len(atoms),
        "elements": ", ".join(f"{name} {n}" for name, n in count.most_common(12)),
        "B-factors": f"{b.min():.4g} to {b.max():.4g}, median {np.median(b):.4g} Å²",
        "centre": ", ".join(f"{x:.2f}" for x in centre) + " Å",
        "largest distance from it": f"{reach:.1f} Å",
        "assemblies": ", ".join(each.name for each in structure.assemblies)
        or "none named",
    }
    return facts, _atom_remarks(sites, b, count)


def _structure(source: str, content: bytes) -> gemmi.Structure:
    structure = parse_atoms(source, content).structure
    structure.setup_entities()
    return structure


def _models(count: int) -> int | str:
    """Return the number of models, and which is read where there are several."""
    return f"{count}, of which the first is read (--model)" if count > 1 else count


def _atom_remarks(sites: list[Any], b: np.ndarray, count: Any) -> list[str]:
    """Return what is odd about a structure."""
    found = []
    if any(site.atom.has_altloc() for site in sites):
        found.append("alternate conformers, each weighted by its occupancy")
    empty = sum(site.atom.occ == 0 for site in sites)
    if 0 < empty < len(sites):
        found.append("some atoms have occupancy 0 and don't scatter")
    if not b.any():
        found.append("all B-factors are 0; give --b-factor")
    elif (b < 0).any():
        found.append("some B-factors are negative")
    if count.get("H", 0) == 0:
        found.append("no hydrogens: what they scatter is missing")
    return found
