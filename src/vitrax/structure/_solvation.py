"""Water molecules around atoms."""

import math

import jax.random as jr
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from .._checks import POSITIVE, check_key, checked, checked_number
from ..physics import atomic_numbers
from ._atoms import Atoms


# Å. Atoms of two molecules of water come no closer than a hydrogen bond, nor oxygens
# closer than the first neighbours; where a box was cut out of a larger one, they do.
_BOND = 1.2
_CLOSEST = 1.5
_CLOSEST_OXYGENS = 2.4

Sites = Float[np.ndarray, "molecules sites 3"]
Edges = tuple[float, float, float] | Float[np.ndarray, "3"]


def solvated(
    atoms: Atoms,
    water: Atoms,
    cell: Edges,
    box: Edges,
    key: PRNGKeyArray,
    distance: float = 2.4,
) -> Atoms:
    """Return atoms in a box of water molecules, on the CPU.

    A box of simulated water is moved as a whole by a random part of its edges, repeated
    to fill the box, and loses the molecules of which an atom comes closer than
    `distance` to the structure. Molecules that are incomplete, or meet another across
    the edges of a cell that doesn't quite repeat, are left out. The first layer of
    water at the structure is that of bulk water: it isn't denser, as it is in life.

    Simulated water has the density of the liquid, 0.0334 molecules/Å³, 6 % above that
    of vitreous ice. B-factors of molecules are those of `water`.

    Args:
        atoms: the structure, around the origin.
        water: oxygens and hydrogens of whole molecules, in any order.
        cell: edges (x, y, z) within which `water` repeats, Å; CRYST1 of a PDB file.
        box: edges (x, y, z) of the box to fill, around the origin, Å: the width of an
            image, or the thickness of the ice.
        key: of the move.
        distance: Å. 2.4 leaves out the volume of a protein without hydrogens within
            some percent; take 1.9 where they are there.

    Returns:
        The atoms, then oxygen and two hydrogens of each molecule in turn.

    Raises:
        TypeError: if `key` isn't a random key.
        ValueError: if there is no whole molecule of water, or a length isn't positive.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> molecule = [[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]]
        >>> water = vx.Atoms(molecule, [8, 1, 1], [0.0] * 3, [1.0] * 3)
        >>> atom = vx.Atoms([[0.0, 0.0, 0.0]], [6], [20.0], [1.0])
        >>> key = jax.random.key(0)
        >>> box = vx.structure.solvated(atom, water, (3.1,) * 3, (9.3,) * 3, key)
        >>> (len(box) - 1) % 3, 60 < len(box) < 82
        (0, True)
    """
    verb = "solvated"
    check_key(verb, key)
    atoms, water = checked(verb, atoms=atoms, water=water)
    cell, box = (
        np.asarray(checked_number(verb, name, edges, POSITIVE, "give (x, y, z) in Å"))
        for name, edges in (("cell", cell), ("box", box))
    )
    checked_number(verb, "distance", distance, POSITIVE, "give it in Å, such as 2.4")
    index, sites = _whole_molecules(water, cell)
    index, sites = _without_clashes(index, sites, cell)
    offset = np.asarray(jr.uniform(key, (3,))) * cell
    copies, sites = _tiled(sites, cell, box, offset)
    free = _is_free(sites, np.asarray(atoms.positions, float), distance)
    return _joined(atoms, water, index[copies[free]], sites[free])


def _whole_molecules(
    water: Atoms, cell: np.ndarray
) -> tuple[Int[np.ndarray, "molecules sites"], Sites]:
    """Return atoms (O, H, H) of each whole molecule, and where they are, unbroken."""
    from scipy.spatial import cKDTree

    positions = np.asarray(water.positions, float)
    elements = np.frombuffer(water.elements, np.uint8)
    oxygens, hydrogens = (
        np.flatnonzero(elements == atomic_numbers(symbol)[0]) for symbol in "OH"
    )
    bonded = np.zeros(0, int)
    if len(oxygens) and len(hydrogens):
        tree = cKDTree(_wrapped(positions[oxygens], cell), boxsize=cell)
        away, parent = tree.query(_wrapped(positions[hydrogens], cell))
        hydrogens, bonded = hydrogens[away < _BOND], parent[away < _BOND]
    counts = np.bincount(bonded, minlength=len(oxygens))
    whole = np.flatnonzero(counts == 2)
    if not len(whole):
        raise ValueError(
            f"cannot use water of {len(water)} atoms because no oxygen has two "
            f"hydrogens within {_BOND} Å; do give water with its hydrogens"
        )
    order = np.argsort(bonded, kind="stable")
    pairs = order[np.isin(bonded[order], whole)].reshape(-1, 2)
    index = np.concatenate([oxygens[whole][:, None], hydrogens[pairs]], axis=1)
    sites = positions[index]
    arms = sites - sites[:, :1]
    return index, _wrapped(sites[:, :1], cell) + arms - cell * np.rint(arms / cell)


def _without_clashes(
    index: Int[np.ndarray, "molecules sites"], sites: Sites, cell: np.ndarray
) -> tuple[Int[np.ndarray, "molecules sites"], Sites]:
    """Return the molecules that stay when of two too close the later one goes."""
    from scipy.spatial import cKDTree

    flat = _wrapped(sites.reshape(-1, 3), cell)
    smallest = 0.49 * float(cell.min())
    near = cKDTree(flat, boxsize=cell).query_pairs(
        min(_CLOSEST, smallest), output_type="ndarray"
    )
    oxygens = cKDTree(flat[::3], boxsize=cell).query_pairs(
        min(_CLOSEST_OXYGENS, smallest), output_type="ndarray"
    )
    pairs = np.concatenate([near // 3, oxygens])
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    stays = np.ones(len(index), bool)
    for one, other in pairs:
        stays[other] &= not stays[one]
    return index[stays], sites[stays]


def _tiled(
    sites: Sites, cell: np.ndarray, box: np.ndarray, offset: np.ndarray
) -> tuple[Int[np.ndarray, " copies"], Sites]:
    """Return the molecules whose oxygen lies in the box: which, and where."""
    home = _wrapped(sites[:, :1] + offset, cell)
    sites = home + (sites - sites[:, :1])
    ranges = [
        np.arange(math.floor(-half / edge) - 1, math.ceil(half / edge) + 1) * edge
        for half, edge in zip(box / 2, cell, strict=True)
    ]
    which, where = [], []
    for shift in np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, 3):
        oxygens = sites[:, 0] + shift
        inside = ((oxygens >= -box / 2) & (oxygens < box / 2)).all(axis=1)
        which.append(np.flatnonzero(inside))
        where.append(sites[inside] + shift)
    return np.concatenate(which), np.concatenate(where)


def _is_free(sites: Sites, positions: np.ndarray, distance: float) -> np.ndarray:
    """Return which molecules have all their atoms far enough from some positions."""
    from scipy.spatial import cKDTree

    free = np.ones(len(sites), bool)
    margin = distance + 2 * _BOND
    low, high = positions.min(axis=0) - margin, positions.max(axis=0) + margin
    close = np.flatnonzero(((sites[:, 0] > low) & (sites[:, 0] < high)).all(axis=1))
    if len(close):
        away, _ = cKDTree(positions).query(
            sites[close].reshape(-1, 3), distance_upper_bound=distance
        )
        free[close] = np.isinf(away).reshape(-1, 3).all(axis=1)
    return free


def _joined(
    atoms: Atoms, water: Atoms, index: Int[np.ndarray, "molecules sites"], sites: Sites
) -> Atoms:
    """Return atoms and molecules as one structure, in the precision of the atoms."""
    dtype = atoms.positions.dtype
    index = index.reshape(-1)
    fields = [
        np.concatenate([np.asarray(getattr(atoms, name), dtype), added.astype(dtype)])
        for name, added in (
            ("positions", sites.reshape(-1, 3)),
            ("b_factors", np.asarray(water.b_factors)[index]),
            ("occupancies", np.asarray(water.occupancies)[index]),
        )
    ]
    elements = atoms.elements + atomic_numbers("OHH") * (len(index) // 3)
    return Atoms(fields[0], elements, *fields[1:])


def _wrapped(positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return positions in the cell from 0 on; rounding may put none on its far edge."""
    inside = np.mod(positions, cell)
    return np.where(inside >= cell, 0.0, inside)
