"""What `vitrax info` says of atomic models."""

import pathlib
from typing import Any

import numpy as np

from .. import io


def atom_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Return what is in an atomic model, and what is odd about it."""
    import collections

    import gemmi

    atoms = io.read_atoms(path)
    structure = gemmi.read_structure(str(path))
    structure.setup_entities()
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
