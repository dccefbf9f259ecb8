"""Assemblies of copies."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from vitrax import Atoms
from vitrax.pose import point_group
from vitrax.structure import assembled


X64 = jax.config.jax_enable_x64


def chain(count=5):
    key = jax.random.key(0)
    return Atoms(
        10 * jax.random.normal(key, (count, 3)),
        bytes(range(6, 6 + count)),
        20.0 + jnp.arange(1.0 * count),
        jnp.linspace(0.5, 1.0, count),
    )


def moves(count=4):
    return 30 * jax.random.normal(jax.random.key(1), (count, 3))


def test_copies_follow_one_another():
    atoms, operators, shifts = chain(), point_group("C4"), moves()
    whole = assembled(atoms, operators, shifts)
    expected = [
        np.asarray(atoms.positions) @ np.asarray(operators[i]).T + np.asarray(shifts[i])
        for i in range(4)
    ]
    np.testing.assert_allclose(whole.positions, np.concatenate(expected), rtol=1e-5)
    assert whole.elements == atoms.elements * 4
    np.testing.assert_array_equal(whole.b_factors, np.tile(atoms.b_factors, 4))
    np.testing.assert_array_equal(whole.occupancies, np.tile(atoms.occupancies, 4))


def test_rotation_is_not_transposed():
    atom = Atoms([[1.0, 0.0, 0.0]], [6], [20.0], [1.0])
    quarter = jnp.asarray([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    assert assembled(atom, quarter).positions.tolist() == [[0.0, 1.0, 0.0]]


def test_no_translations_by_default():
    atoms, operators = chain(), point_group("T")
    whole = assembled(atoms, operators)
    moved = assembled(atoms, operators, jnp.zeros((12, 3)))
    np.testing.assert_array_equal(whole.positions, moved.positions)


@pytest.mark.parametrize("name", ["C3", "D2", "T", "O", "I1", "I3"])
def test_assembly_of_a_group_has_its_symmetry(name):
    operators = np.asarray(point_group(name))
    positions = np.asarray(assembled(chain(2), point_group(name)).positions)
    turned = np.einsum("gij,nj->gni", operators, positions)
    distance = np.linalg.norm(turned[:, :, None] - positions[None, None], axis=-1)
    assert distance.min(axis=2).max() < (1e-12 if X64 else 1e-4) * 100


def test_numpy_operators_and_single_precision():
    atoms = jax.tree.map(lambda x: x.astype(jnp.float32), chain())
    whole = assembled(atoms, np.eye(3)[None].repeat(2, axis=0), np.ones((2, 3)))
    assert whole.positions.dtype == jnp.float32
    assert whole.b_factors.dtype == jnp.float32


def test_transformations():
    atoms, operators, shifts = chain(), point_group("C4"), moves()
    place = lambda *args: assembled(*args).positions
    compiled = jax.jit(assembled)(atoms, operators, shifts)
    np.testing.assert_allclose(compiled.positions, place(atoms, operators, shifts))
    assert compiled.elements == atoms.elements * 4
    batch = jnp.stack([shifts, 2 * shifts])
    many = jax.vmap(place, in_axes=(None, None, 0))(atoms, operators, batch)
    np.testing.assert_allclose(many[1], place(atoms, operators, 2 * shifts))
    check_grads(
        lambda *args: place(*args) / 30, (atoms, operators, shifts), order=1,
        modes=("fwd", "rev"), rtol=1e-3, atol=1e-3,
    )  # fmt: skip


def test_operators_that_do_not_fit_are_an_error():
    # Unwrapped, as the types that tests check would object first.
    with pytest.raises(ValueError, match=r"translations \(3, 3\) don't fit"):
        inspect.unwrap(assembled)(chain(), point_group("C4"), jnp.zeros((3, 3)))
