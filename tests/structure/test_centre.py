import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.structure import centre_of_mass, centred


DOUBLE = jax.config.jax_enable_x64
TOLERANCE = 1e-12 if DOUBLE else 1e-6


def cloud(dtype=float, far=0.0):
    rng = np.random.default_rng(1)
    return vx.Atoms(
        jnp.asarray(rng.normal(size=(9, 3)) + far, dtype),
        rng.integers(1, 30, 9),
        jnp.zeros(9, dtype),
        jnp.asarray(rng.uniform(0, 1, 9), dtype),
    )


def expected(atoms):
    weights = np.frombuffer(atoms.elements, np.uint8) * np.asarray(atoms.occupancies)
    return np.average(np.asarray(atoms.positions, float), axis=0, weights=weights)


def test_weights_are_atomic_number_and_occupancy():
    atoms = cloud()
    np.testing.assert_allclose(centre_of_mass(atoms), expected(atoms), atol=TOLERANCE)


def test_centred_atoms_keep_all_else():
    atoms = cloud()
    moved = centred(atoms)
    np.testing.assert_allclose(centre_of_mass(moved), 0.0, atol=TOLERANCE)
    np.testing.assert_allclose(
        moved.positions - atoms.positions,
        -expected(atoms)[None] + np.zeros((9, 1)),
        atol=TOLERANCE,
    )
    assert moved.elements == atoms.elements
    np.testing.assert_array_equal(moved.occupancies, atoms.occupancies)


def test_single_precision_far_away():
    atoms = cloud(jnp.float32, far=1000.0)
    assert centre_of_mass(atoms).dtype == jnp.float32
    np.testing.assert_allclose(centre_of_mass(atoms), expected(atoms), atol=1e-4)


def test_atoms_that_all_have_occupancy_zero_weigh_the_same():
    atoms = vx.Atoms([[1.0, 0, 0], [3.0, 0, 0]], [1, 90], [0.0, 0.0], [0.0, 0.0])
    np.testing.assert_array_equal(centre_of_mass(atoms), [2.0, 0.0, 0.0])


def test_no_atoms():
    with pytest.raises(ValueError, match="there are no atoms"):
        centre_of_mass(vx.Atoms(np.zeros((0, 3)), b"", np.zeros(0), np.zeros(0)))
