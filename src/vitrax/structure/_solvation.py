"""Water molecules around atoms."""

import math

import jax.random as jr
import numpy as np
from jaxtyping import Bool, Float, Int, PRNGKeyArray

from .._checks import POSITIVE, check_key, checked, checked_number
from ..physics import atomic_numbers
from ._atoms import Atoms
from ._water_molecule import ANGLE, OXYGEN_HYDROGEN


# Å. How far the hydrogens of an oxygen are from it.
_BOND = (0.9, 1.05)
# Two oxygens of the liquid are 2.5 apart or more. Less is let pass where a cell doesn't
# quite repeat, as its edges would else be half empty.
_CLOSEST_OXYGENS = 2.1

Sites = Float[np.ndarray, "molecules sites 3"]
Edges = tuple[float, ...] | Float[np.ndarray, "3"]


def solvated(
    atoms: Atoms,
    water: Atoms,
    cell: Edges,
    box: Edges,
    key: PRNGKeyArray,
    distance: float = 2.2,
) -> Atoms:
    """Return atoms in a box of water molecules, on the CPU.

    A box of simulated water is moved as a whole by a random part of its edges, repeated
    to fill the box, and loses the molecules whose oxygen comes closer than `distance`
    to an atom of the structure, hydrogens aside. The first layer of water isn't denser
    than the rest, as it is in life: water of 2.2 Å distance and bulk density leaves out
    the volume of a protein (apoferritin 0.73 cm³/g), of 2.8 Å a quarter more.

    Where the cell doesn't quite repeat, one of two oxygens closer than 2.1 Å goes;
    where it was cut through molecules, their hydrogens are placed anew. Simulated water
    has the density of the liquid, 0.0334 molecules/Å³, 6 % above that of vitreous ice.

    Args:
        atoms: the structure, around the origin.
        water: oxygens and hydrogens, in any order.
        cell: edges (x, y, z) within which `water` repeats, Å; CRYST1 of a PDB file.
        box: edges (x, y, z) of the box to fill, around the origin, Å: the width of an
            image, or the thickness of the ice.
        key: of the move.
        distance: of oxygens from the structure, Å.

    Returns:
        The atoms, then oxygen and two hydrogens of each molecule in turn, with the
        B-factor and the occupancy of its oxygen.

    Raises:
        TypeError: if `key` isn't a random key.
        ValueError: if there is no oxygen in the water, or a length isn't positive.

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
    verb = "solvate"
    check_key(verb, key)
    atoms, water = checked(verb, atoms=atoms, water=water)
    cell, box = _edges(verb, "cell", cell), _edges(verb, "box", box)
    checked_number(verb, "distance", distance, POSITIVE, "give it in Å, such as 2.2")
    rng = np.random.default_rng(np.asarray(jr.bits(key, (4,))))
    oxygens, sites = _molecules(water, cell, rng)
    apart = _without_clashes(sites, cell)
    oxygens, sites = oxygens[apart], sites[apart]
    copies, sites = _tiled(sites, cell, box, rng.uniform(size=3) * cell)
    free = _is_free(sites[:, 0], _heavy(atoms), distance)
    return _joined(atoms, water, oxygens[copies[free]], sites[free])


def _edges(verb: str, name: str, edges: Edges) -> Float[np.ndarray, "3"]:
    """Return three lengths.

    Raises:
        ValueError: if there aren't three, or one isn't positive.
    """
    lengths = np.asarray(edges, float)
    if lengths.shape != (3,):
        raise ValueError(
            f"cannot {verb} because {name} has shape {lengths.shape}, not that of "
            f"three edges; do give (x, y, z) in Å"
        )
    return checked_number(verb, name, lengths, POSITIVE, "give (x, y, z) in Å")


def _molecules(
    water: Atoms, cell: np.ndarray, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " molecules"], Sites]:
    """Return the oxygen of each molecule, and where its atoms (O, H, H) are, unbroken.

    Missing hydrogens are placed at random.
    """
    positions = np.asarray(water.positions, float)
    elements = np.frombuffer(water.elements, np.uint8)
    oxygens = np.flatnonzero(elements == atomic_numbers("O")[0])
    if not len(oxygens):
        raise ValueError(
            f"cannot use water of {len(water)} atoms because none is oxygen; do give "
            f"molecules of water"
        )
    places = positions[oxygens]
    arms = _arms(places, positions[elements == atomic_numbers("H")[0]], cell)
    first, second = arms[:, 0], arms[:, 1]
    random = rng.normal(size=(2, *places.shape))
    first = np.where(np.isfinite(first), first, OXYGEN_HYDROGEN * _unit(random[0]))
    along = _unit(first)
    across = _unit(np.cross(along, random[1]))
    angle = math.radians(ANGLE)
    built = OXYGEN_HYDROGEN * (math.cos(angle) * along + math.sin(angle) * across)
    second = np.where(np.isfinite(second), second, built)
    sites = np.stack([np.zeros_like(first), first, second], axis=1)
    return oxygens, _wrapped(places, cell)[:, None] + sites


def _arms(places: np.ndarray, hydrogens: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return the vectors to the two nearest hydrogens of each oxygen, NaN for none."""
    from scipy.spatial import KDTree

    arms = np.full((len(places), 2, 3), np.nan)
    if not len(hydrogens):
        return arms
    tree = KDTree(_wrapped(places, cell), boxsize=cell)
    found = tree.query(_wrapped(hydrogens, cell))
    away, parent = (np.asarray(each) for each in found)
    order = np.lexsort((away, parent))
    order = order[(away[order] > _BOND[0]) & (away[order] < _BOND[1])]
    owners = parent[order]
    rank = np.arange(len(owners)) - np.searchsorted(owners, owners)
    steps = hydrogens[order] - places[owners]
    steps = steps - cell * np.rint(steps / cell)
    arms[owners[rank < 2], rank[rank < 2]] = steps[rank < 2]
    return arms


def _without_clashes(sites: Sites, cell: np.ndarray) -> Bool[np.ndarray, " molecules"]:
    """Return which molecules stay when of two too close the later one goes."""
    from scipy.spatial import KDTree

    reach = min(_CLOSEST_OXYGENS, 0.49 * float(cell.min()))
    tree = KDTree(_wrapped(sites[:, 0], cell), boxsize=cell)
    stays = np.ones(len(sites), bool)
    for one, other in sorted(tree.query_pairs(reach)):
        stays[other] &= not stays[one]
    return stays


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _tiled(
    sites: np.ndarray, cell: np.ndarray, box: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the molecules whose oxygen lies in the box: which, and where."""
    home = _wrapped(sites[:, 0] + offset, cell)
    sites = home[:, None] + (sites - sites[:, :1])
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


def _heavy(atoms: Atoms) -> np.ndarray:
    """Return where atoms other than hydrogens are; all of them if there is no other."""
    heavy = np.frombuffer(atoms.elements, np.uint8) > 1
    return np.asarray(atoms.positions, float)[heavy if heavy.any() else slice(None)]


def _is_free(
    oxygens: np.ndarray, positions: np.ndarray, distance: float
) -> Bool[np.ndarray, " molecules"]:
    """Return which oxygens are as far as `distance` from all positions, or further."""
    from scipy.spatial import KDTree

    free = np.ones(len(oxygens), bool)
    low, high = positions.min(axis=0) - distance, positions.max(axis=0) + distance
    close = np.flatnonzero(((oxygens > low) & (oxygens < high)).all(axis=1))
    if len(close):
        away, _ = KDTree(positions).query(oxygens[close], distance_upper_bound=distance)
        free[close] = np.isinf(away)
    return free


def _joined(
    atoms: Atoms, water: Atoms, oxygens: Int[np.ndarray, " molecules"], sites: Sites
) -> Atoms:
    """Return atoms and molecules as one structure, in the precision of the atoms."""
    dtype = atoms.positions.dtype
    index = np.repeat(oxygens, 3)
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
