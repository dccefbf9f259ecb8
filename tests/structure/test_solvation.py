"""Water molecules around atoms."""

import jax.random as jr
import numpy as np
import pytest
from scipy.spatial import KDTree

import vitrax as vx
from vitrax.structure import solvated


EDGE = 3.104
MOLECULE = np.array([[0.0, 0.0, 0.0], [0.9572, 0.0, 0.0], [-0.24, 0.9266, 0.0]])
AWAY = vx.Atoms([[1e4, 0.0, 0.0]], [6], [20.0], [1.0])


def lattice(n=2):
    """Return water that repeats exactly, its molecules cut by the cell's edges."""
    corners = EDGE * np.indices((n, n, n)).reshape(3, -1).T
    sites = (corners[:, None] + MOLECULE).reshape(-1, 3) % (n * EDGE)
    count = len(corners)
    return vx.Atoms(sites, [8, 1, 1] * count, [5.0] * 3 * count, [1.0] * 3 * count)


def parts(solution, atoms):
    """Return the positions (molecule, site, xyz) of the water in a solution."""
    assert solution.elements == atoms.elements + bytes([8, 1, 1]) * (
        (len(solution) - len(atoms)) // 3
    )
    return np.asarray(solution.positions)[len(atoms) :].reshape(-1, 3, 3)


def test_a_box_holds_as_many_molecules_as_its_volume():
    box = (6 * EDGE, 4 * EDGE, 5 * EDGE)
    solution = solvated(AWAY, lattice(), (2 * EDGE,) * 3, box, jr.key(0))
    sites = parts(solution, AWAY)
    assert len(sites) == 6 * 4 * 5
    assert np.all(np.abs(sites[:, 0]) <= np.array(box) / 2)
    arms = sites[:, 1:] - sites[:, :1]
    arms = np.take_along_axis(arms, np.argsort(-arms[..., :1], axis=1), axis=1)
    np.testing.assert_allclose(arms, [MOLECULE[1:]] * 120, atol=1e-6)
    apart = KDTree(sites[:, 0]).query(sites[:, 0], k=2)[0][:, 1]
    np.testing.assert_allclose(apart, EDGE, atol=1e-5)
    assert np.all(np.asarray(solution.b_factors)[1:] == 5.0)


def test_the_key_moves_the_box_as_a_whole():
    box = (4 * EDGE,) * 3
    args = AWAY, lattice(), (2 * EDGE,) * 3, box
    one, two, again = (parts(solvated(*args, jr.key(i)), AWAY) for i in (0, 1, 0))
    np.testing.assert_array_equal(one, again)
    phase = [np.mod(sites[:, 0] - sites[0, 0] + 0.1, EDGE) for sites in (one, two)]
    np.testing.assert_allclose(phase, 0.1, atol=1e-4)
    move = np.mod(two[0, 0] - one[0, 0], EDGE)
    assert np.all(np.minimum(move, EDGE - move) > 1e-3)


def test_water_stays_away_from_the_structure():
    atoms = vx.Atoms(
        [[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [8.0, 8.0, 8.0]],
        [6, 8, 1],
        [20.0] * 3,
        [1.0] * 3,
    )
    args = lattice(), (2 * EDGE,) * 3, (6 * EDGE,) * 3, jr.key(3)
    sites = parts(solvated(atoms, *args, distance=3.0), atoms)
    everywhere = parts(solvated(AWAY, *args, distance=3.0), AWAY)
    away = KDTree(np.asarray(atoms.positions)[:2]).query(everywhere[:, 0])[0]
    # Hydrogens of the structure keep no water away, nor do those of the water.
    np.testing.assert_allclose(sites, everywhere[away >= 3.0], atol=1e-5)
    assert 0 < len(sites) < len(everywhere)


def test_oxygens_alone_get_hydrogens():
    oxygens = lattice()
    oxygens = vx.Atoms(oxygens.positions[::3], bytes([8]) * 8, [0.0] * 8, [1.0] * 8)
    args = (2 * EDGE,) * 3, (4 * EDGE,) * 3, jr.key(1)
    sites = parts(solvated(AWAY, oxygens, *args), AWAY)
    arms = sites[:, 1:] - sites[:, :1]
    np.testing.assert_allclose(np.linalg.norm(arms, axis=-1), 0.9572, rtol=1e-5)
    cosine = np.sum(arms[:, 0] * arms[:, 1], -1) / 0.9572**2
    np.testing.assert_allclose(cosine, np.cos(np.deg2rad(104.52)), atol=1e-5)
    assert np.linalg.norm(arms[:8, 0].mean(0)) < 0.7


@pytest.fixture(scope="module")
def water(shared):
    with pytest.warns(vx.io.InputWarning, match=r"occupancy is 0|have no element"):
        return vx.io.read_atoms(shared / "structures" / "tip3p_water_box.pdb.gz")


def test_simulated_water_keeps_its_density_and_does_not_clash(water):
    box = np.array([60.0, 50.0, 45.0])
    sites = parts(solvated(AWAY, water, (35.0,) * 3, box, jr.key(0)), AWAY)
    assert abs(len(sites) / box.prod() / 0.0334 - 1) < 0.02
    apart = KDTree(sites[:, 0]).query(sites[:, 0], k=2)[0][:, 1]
    assert apart.min() > 2.1
    # Closer than in the liquid are only those across the edges of the cell.
    assert np.mean(apart < 2.5) < 0.06
    bonds = np.linalg.norm(sites[:, 1:] - sites[:, :1], axis=-1)
    np.testing.assert_allclose(bonds, 0.9572, atol=0.06)


def test_a_protein_displaces_its_volume(water):
    """0.73 cm³/g; the mean of some draws, as a small protein displaces few."""
    protein = vx.datasets.apoferritin_chain()
    centre = np.asarray(protein.positions).mean(0)
    protein = vx.Atoms(
        protein.positions - centre[None],
        protein.elements,
        protein.b_factors,
        protein.occupancies,
    )
    args = water, (35.0,) * 3, (90.0,) * 3, jr.key(0)
    kept = len(parts(solvated(protein, *args), protein))
    free = len(parts(solvated(AWAY, *args), AWAY))
    volume = (free - kept) / (free / 90.0**3)
    assert abs(volume / (19_350 * 1.6605 * 0.73) - 1) < 0.05


def test_particles_take_seconds_and_little_memory(water):
    solution = solvated(AWAY, water, (35.0,) * 3, (200.0,) * 3, jr.key(0))
    assert abs(len(solution) / 3 / 200.0**3 / 0.0334 - 1) < 0.02


def test_precision_is_that_of_the_structure():
    atom = vx.Atoms(np.zeros((1, 3), np.float32), [6], [0.0], [1.0])
    solution = solvated(atom, lattice(), (2 * EDGE,) * 3, (9.0,) * 3, jr.key(0))
    assert solution.positions.dtype == np.float32


def test_what_it_refuses():
    carbon = vx.Atoms([[0.0, 0.0, 0.0]], [6], [0.0], [1.0])
    cell, box, key = (6.0,) * 3, (9.0,) * 3, jr.key(0)
    with pytest.raises(ValueError, match="water of 1 atoms because none is oxygen; do"):
        solvated(AWAY, carbon, cell, box, key)
    with pytest.raises(
        ValueError, match=r"cannot solvate because box\[1\] is -1.0, no"
    ):
        solvated(AWAY, lattice(), cell, (9.0, -1.0, 9.0), key)
    with pytest.raises(ValueError, match=r"distance is 0.0, not positive"):
        solvated(AWAY, lattice(), cell, box, key, distance=0.0)


@pytest.mark.usefixtures("unchecked")
def test_edges_are_three():
    with pytest.raises(ValueError, match=r"because cell has shape \(\), not that of t"):
        solvated(AWAY, lattice(), 6.0, (9.0,) * 3, jr.key(0))
    with pytest.raises(TypeError, match="because key is 3, not a random key"):
        solvated(AWAY, lattice(), (6.0,) * 3, (9.0,) * 3, 3)
