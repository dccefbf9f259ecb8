"""What is in an atomic model, for `vitrax info`."""

import collections
import os
from typing import Any

import gemmi
import numpy as np

from ._atom_files import parse_atoms
from ._atoms import read_atoms
from ._contents import Path, read_whole


def atom_facts(
    path: Path, *, max_unpacked: int | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Return what is in an atomic model, values by name, and what is odd about it.

    Args:
        path: a PDB or mmCIF file, which may be packed.
        max_unpacked: as in `read_atoms`.

    Raises:
        InputError: if it can't be read.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "water.pdb")
        >>> line = "HETATM    1  O   HOH A   1       1.000   2.000   3.000  1.00 20.00"
        >>> _ = path.write_text(line + "           O\\nEND\\n")
        >>> vx.io.atom_facts(path)[0]["atoms"]
        1
    """
    source = os.fspath(path)
    atoms = read_atoms(path, model=1, max_unpacked=max_unpacked)
    structure = _structure(source, read_whole(path, max_unpacked))
    sites = [site for site in structure[0].all()]
    count = collections.Counter(site.atom.element.name for site in sites)
    positions, b = np.asarray(atoms.positions), np.asarray(atoms.b_factors)
    centre = positions.mean(axis=0)
    reach = float(np.sqrt(((positions - centre) ** 2).sum(axis=1).max()))
    facts = {
        "name": _name(structure),
        "models": len(structure),
        "chains": len(structure[0]),
        "atoms": len(atoms),
        "elements": dict(count.most_common()),
        "b_factor": {
            "min": float(b.min()),
            "max": float(b.max()),
            "median": float(np.median(b)),
        },
        "centre": [round(x, 3) for x in centre.astype(float).tolist()],
        "reach": round(reach, 3),
        "assemblies": [each.name for each in structure.assemblies],
    }
    return facts, _atom_remarks(sites, b, count)


def _structure(source: str, content: bytes) -> gemmi.Structure:
    structure = parse_atoms(source, content).structure
    structure.setup_entities()
    return structure


def _name(structure: gemmi.Structure) -> str | None:
    """Return the name that a file gives itself."""
    if "_entry.id" in structure.info:
        return structure.info["_entry.id"]
    # What gemmi calls a text without a name.
    return None if structure.name == "string" else structure.name or None


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
