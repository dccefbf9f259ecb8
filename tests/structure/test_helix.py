"""Helices and assemblies."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.structure import Assembly, assembled, helical_operators


def atom(x=10.0):
    return vx.Gaussians([[x, 0.0, 2.0]], [[2.5, 1.0]], [[1.0, 2.0]])


def test_copies_climb_as_they_turn():
    rotations, shifts = helical_operators(rise=4.0, twist=90.0, count=5)
    helix = assembled(atom(), rotations, shifts)
    expected = [[-10, 0, -6], [0, -10, -2], [10, 0, 2], [0, 10, 6], [-10, 0, 10]]
    np.testing.assert_allclose(helix.positions, expected, atol=1e-9)
    np.testing.assert_array_equal(helix.amplitudes, [[2.5, 1.0]] * 5)
    np.testing.assert_array_equal(helix.variances, [[1.0, 2.0]] * 5)


@pytest.mark.parametrize(("rise", "twist"), [(1.4, 22.0), (-1.4, -22.0)])
def test_rise_and_twist_of_one_sign_are_right_handed(rise, twist):
    """As an α-helix and B-DNA: four copies in a row have a positive torsion."""
    for sign in (1, -1):
        operators = helical_operators(rise, sign * twist, 4)
        r = np.asarray(assembled(atom(), *operators).positions)
        steps = np.diff(r, axis=0)
        assert np.sign(np.linalg.det(steps)) == sign


def test_the_operators_are_powers_of_one():
    rotations, shifts = (np.asarray(x) for x in helical_operators(1.4, 22.0, 7))
    for i in range(6):
        np.testing.assert_allclose(
            rotations[i + 1], rotations[4] @ rotations[i], atol=1e-12
        )
        step = rotations[4] @ shifts[i] + shifts[4]
        np.testing.assert_allclose(shifts[i + 1], step, atol=1e-12)


def test_precision_is_that_of_the_rise():
    rotations, shifts = helical_operators(jnp.asarray(1.4, "float32"), 22.0, 3)
    assert rotations.dtype == shifts.dtype == np.float32


def test_an_assembly_expands_to_its_copies():
    group = vx.pose.point_group("D2")
    whole = Assembly.from_group(atom(), group).expanded()
    np.testing.assert_allclose(whole.positions, assembled(atom(), group).positions)
    grid = vx.Grid((16, 16, 16), 2.0)
    rendered = vx.render(Assembly.from_group(atom(), group), grid)
    np.testing.assert_allclose(rendered.values, vx.render(whole, grid).values)


def test_what_they_refuse():
    with pytest.raises(ValueError, match="cannot make a helix of 0 copies because"):
        helical_operators(1.4, 22.0, 0)
    mirror = np.diag([1.0, 1.0, -1.0])
    with pytest.raises(ValueError, match=r"because rotations\[1\] is a mirror, or"):
        Assembly.from_group(atom(), np.stack([np.eye(3), mirror]))
    with pytest.raises(
        ValueError, match=r"cannot make Assembly because rotations \(1,"
    ):
        Assembly(atom(), np.eye(3)[None], np.zeros((2, 3)))


def test_a_batch_of_structures_is_refused():
    both = jax.tree.map(lambda x: np.stack([x, x]), atom())
    with pytest.raises(
        ValueError, match=r"cannot assembled because structure.positions"
    ):
        inspect.unwrap(assembled)(both, vx.pose.point_group("C2"))
