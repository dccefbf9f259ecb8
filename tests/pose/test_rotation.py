"""Rotations against RELION's matrix, and the axioms of the group."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from vitrax import Rotation


X64 = jax.config.jax_enable_x64
TOLERANCE = 1e-12 if X64 else 2e-6
DEGREES = 1e-11 if X64 else 5e-4

ANGLES = [
    (20.0, 80.0, -10.0),
    (0.0, 0.0, 0.0),
    (30.0, 0.0, 40.0),
    (30.0, 180.0, 40.0),
    (-170.0, 90.0, 179.5),
    (33.0, 1e-7, -71.0),
    (33.0, 180.0 - 1e-7, -71.0),
    (120.0, 1e-3, 120.0),
    (-90.0, 179.999, 0.0),
    (0.0, 90.0, 0.0),
    (180.0, 45.0, 180.0),
]
# Quaternions at and near the identity, and half turns, where formulas break.
QUATERNIONS = [
    (1.0, 0.0, 0.0, 0.0),
    (-1.0, 0.0, 0.0, 0.0),
    (1.0, 1e-9, -2e-9, 1e-9),
    (1.0, 4e-4, 3e-4, 2e-4),
    (1.0, 6e-4, 0.0, 0.0),
    (0.0, 1.0, 0.0, 0.0),
    (0.0, 0.0, 1.0, 0.0),
    (0.0, 0.0, 0.0, 1.0),
    (0.0, 0.6, 0.0, -0.8),
    (1e-9, 0.6, 0.0, 0.8),
    (-1e-9, 0.0, 0.6, 0.8),
    (0.5, 0.5, 0.5, 0.5),
    (0.3, -7.0, 2.0, 5.0),
]


def relion_matrix(rot, tilt, psi):
    """Return RELION's Euler_angles2matrix, entry by entry."""
    (cf, ct, cp), (sf, st_, sp) = np.cos(_ := np.deg2rad([rot, tilt, psi])), np.sin(_)
    return np.array(
        [
            [cp * ct * cf - sp * sf, cp * ct * sf + sp * cf, -cp * st_],
            [-sp * ct * cf - cp * sf, -sp * ct * sf + cp * cf, sp * st_],
            [st_ * cf, st_ * sf, ct],
        ]
    )


def assert_same(rotation, other, tolerance=TOLERANCE):
    np.testing.assert_allclose(
        rotation.as_matrix(), other.as_matrix(), atol=tolerance, rtol=0
    )


def conversions(quaternion):
    """Return a rotation's angles and vectors, by all ways."""
    rotation = Rotation(quaternion)
    from_matrix = Rotation.from_matrix(rotation.as_matrix())
    return jnp.concatenate(
        [rotation.as_euler(), rotation.log(), from_matrix.as_euler(), from_matrix.log()]
    )


reverse_gradients = jax.jit(jax.jacrev(conversions))
forward_gradients = jax.jit(jax.jacfwd(conversions))


@jax.jit
@jax.jacrev
def angle_gradient(angles):
    """Return the gradient of the matrix in the Euler angles."""
    return Rotation.from_euler(*angles).as_matrix()


def small_parts(low=-1.0, high=1.0):
    return st.floats(low, high, allow_nan=False, width=32)


@st.composite
def rotations(draw):
    """Draw rotations, some of them next to the identity or to half a turn."""
    special = st.sampled_from(QUATERNIONS)
    scale = draw(st.sampled_from([1.0, 1e-3, 1e-7]))
    base = np.array(draw(special))
    step = np.array(draw(st.tuples(*[small_parts()] * 4)))
    quaternion = base / np.linalg.norm(base) + scale * step
    return Rotation(quaternion if np.linalg.norm(quaternion) > 0.1 else base)


@pytest.mark.parametrize("angles", ANGLES)
def test_matrix_of_euler_angles_is_relions(angles):
    matrix = Rotation.from_euler(*angles).as_matrix()
    np.testing.assert_allclose(matrix, relion_matrix(*angles), atol=TOLERANCE, rtol=0)


def test_matrix_of_the_stated_angles():
    # scipy 1.17: Rotation.from_euler("ZYZ", (20, 80, -10), degrees=True), transposed.
    expected = [
        [0.22008808, -0.10468702, -0.96984631],
        [-0.30848889, 0.93572975, -0.17101007],
        [0.92541658, 0.33682409, 0.17364818],
    ]
    matrix = Rotation.from_euler(20.0, 80.0, -10.0).as_matrix()
    np.testing.assert_allclose(matrix, expected, atol=1e-8 + TOLERANCE, rtol=0)


@pytest.mark.parametrize("angles", ANGLES)
def test_round_trips(angles):
    rotation = Rotation.from_euler(*angles)
    matrix = rotation.as_matrix()
    assert_same(Rotation.from_matrix(matrix), rotation)
    assert_same(Rotation.from_axis_angle(rotation.as_axis_angle()), rotation)
    assert_same(Rotation.exp(rotation.log()), rotation)
    assert_same(Rotation.from_euler(*rotation.as_euler()), rotation)
    assert_same(Rotation.from_euler(*Rotation.from_matrix(matrix).as_euler()), rotation)


@pytest.mark.parametrize("quaternion", QUATERNIONS)
def test_round_trips_from_quaternions(quaternion):
    rotation = Rotation(quaternion)
    assert_same(Rotation.from_matrix(rotation.as_matrix()), rotation)
    assert_same(Rotation.exp(rotation.log()), rotation)
    assert_same(Rotation.from_euler(*rotation.as_euler()), rotation)


@pytest.mark.parametrize(
    "angles", [(20.0, 80.0, -10.0), (-170.0, 1e-3, 175.0), (95.0, 179.999, -60.0)]
)
def test_euler_angles_come_back(angles):
    back = Rotation.from_euler(*angles).as_euler()
    # float32 keeps angles of small tilts to the rounding of the tilt itself.
    np.testing.assert_allclose(back, angles, atol=DEGREES if X64 else 5e-2, rtol=0)


@pytest.mark.parametrize("tilt", [0.0, 180.0])
def test_euler_angles_at_the_poles_are_relions(tilt):
    rotation = Rotation.from_euler(30.0, tilt, 50.0)
    rot, back, psi = rotation.as_euler()
    assert float(rot) == 0.0
    assert float(back) == pytest.approx(tilt, abs=1e-4)
    expected = 80.0 if tilt == 0.0 else 20.0
    assert float(psi) == pytest.approx(expected, abs=DEGREES)


def test_euler_angles_lie_in_their_ranges():
    angles = jax.vmap(lambda key: Rotation.uniform(key).as_euler())(
        jax.random.split(jax.random.key(0), 500)
    )
    rot, tilt, psi = np.asarray(angles).T
    assert np.abs([rot, psi]).max() <= 180
    assert np.abs([rot, psi]).max(axis=1).min() > 175
    assert tilt.min() >= 0
    assert tilt.max() <= 180


def test_axis_angle_is_right_handed_and_in_degrees():
    quarter = Rotation.from_axis_angle((0.0, 0.0, 90.0))
    np.testing.assert_allclose(
        quarter.apply((1.0, 0.0, 0.0)), [0.0, 1.0, 0.0], atol=TOLERANCE
    )
    np.testing.assert_allclose(
        Rotation.from_axis_angle((0.0, 0.0, 270.0)).as_axis_angle(),
        [0.0, 0.0, -90.0],
        atol=DEGREES,
    )


@pytest.mark.parametrize("angles", ANGLES)
def test_gradients_of_conversions_are_finite(angles):
    quaternion = Rotation.from_euler(*angles).quaternion
    assert np.isfinite(reverse_gradients(quaternion)).all()
    assert np.isfinite(forward_gradients(quaternion)).all()


@pytest.mark.parametrize("quaternion", QUATERNIONS)
def test_gradients_at_special_rotations_are_finite(quaternion):
    assert np.isfinite(reverse_gradients(jnp.asarray(quaternion))).all()
    assert np.isfinite(forward_gradients(jnp.asarray(quaternion))).all()


@pytest.mark.parametrize(
    "angles", [(0.0, 0.0, 0.0), (10.0, 0.0, 20.0), (1.0, 80.0, 2.0)]
)
def test_gradient_of_the_matrix_in_the_angles(angles):
    angles = jnp.asarray(angles)
    gradient = angle_gradient(angles)
    step = 1e-5 if X64 else 1e-1
    for i in range(3):
        shift = step * np.eye(3)[i]
        central = relion_matrix(*(angles + shift)) - relion_matrix(*(angles - shift))
        np.testing.assert_allclose(
            gradient[..., i], central / (2 * step), atol=1e-9 if X64 else 1e-5
        )


def test_exponential_is_smooth_at_zero():
    exponential = lambda w: Rotation.exp(w).as_matrix()
    generator = jax.jit(jax.jacfwd(exponential))(jnp.zeros(3))
    cross = -np.array(
        [[[0, 0, 0], [0, 0, 1], [0, -1, 0]], [[0, 0, -1], [0, 0, 0], [1, 0, 0]],
         [[0, 1, 0], [-1, 0, 0], [0, 0, 0]]]
    )  # fmt: skip
    np.testing.assert_allclose(np.moveaxis(generator, -1, 0), cross, atol=1e-7)
    second = jax.jit(jax.hessian(exponential))(jnp.zeros(3))
    assert np.isfinite(second).all()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(rotations(), rotations(), rotations())
def test_group_axioms(a, b, c):
    identity = Rotation.identity()
    assert_same((a @ b) @ c, a @ (b @ c))
    assert_same(a @ identity, a)
    assert_same(identity @ a, a)
    assert_same(a @ a.inverse(), identity)
    np.testing.assert_allclose(
        (a @ b).as_matrix(), np.asarray(a.as_matrix()) @ b.as_matrix(), atol=TOLERANCE
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(rotations())
def test_matrices_are_rotations(a):
    matrix = np.asarray(a.as_matrix())
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=TOLERANCE)
    assert np.linalg.det(matrix) == pytest.approx(1.0, abs=TOLERANCE)
    assert_same(Rotation.from_matrix(a.as_matrix()), a)
    assert_same(Rotation.exp(a.log()), a)
    assert_same(Rotation.from_euler(*a.as_euler()), a)
    assert float(jnp.sum(a.log() ** 2)) <= np.pi**2 * (1 + 1e-6)


@pytest.mark.parametrize(
    "matrix", [-np.eye(3), np.diag([1.0, 1.0, -1.0]), 1.1 * np.eye(3), np.ones((3, 3))]
)
def test_matrix_that_is_no_rotation_is_an_error(matrix):
    with pytest.raises(ValueError, match="orthogonal with determinant 1"):
        Rotation.from_matrix(jnp.asarray(matrix))


def test_matrix_of_few_digits_is_taken():
    matrix = np.round(relion_matrix(20.0, 80.0, -10.0), 4)
    rotation = Rotation.from_matrix(jnp.asarray(matrix))
    np.testing.assert_allclose(rotation.as_matrix(), matrix, atol=1e-4)


def test_traced_mirror_is_an_error_where_checks_are_on(monkeypatch):
    monkeypatch.setenv("VITRAX_ENABLE_CHECKS", "1")
    matrices = jnp.stack([jnp.eye(3), -jnp.eye(3)])
    with pytest.raises(Exception, match="orthogonal with determinant 1"):
        eqx.filter_jit(lambda m: jax.vmap(Rotation.from_matrix)(m))(matrices)


@pytest.mark.parametrize("quaternion", QUATERNIONS)
def test_length_and_sign_of_the_quaternion_do_not_matter(quaternion):
    rotation = Rotation(quaternion)
    assert_same(Rotation(3.0 * rotation.quaternion), rotation)
    assert_same(Rotation(-rotation.quaternion), rotation)
    assert float(jnp.sum(rotation.unit_quaternion() ** 2)) == pytest.approx(1.0)


@pytest.mark.parametrize("shape", [(), (1,), (3, 1, 2)])
def test_apply_takes_any_leading_axes(shape):
    rotation = Rotation.from_euler(20.0, 80.0, -10.0)
    vectors = jax.random.normal(jax.random.key(0), (*shape, 3))
    expected = np.einsum("ij,...j->...i", rotation.as_matrix(), vectors)
    np.testing.assert_allclose(rotation.apply(vectors), expected, atol=TOLERANCE)


def test_apply_keeps_the_dtype_of_the_vectors():
    vectors = jnp.ones((4, 3), jnp.float32)
    assert Rotation.from_euler(1.0, 2.0, 3.0).apply(vectors).dtype == jnp.float32


def test_uniform_rotations_are_uniform():
    keys = jax.random.split(jax.random.key(1), 4000)
    matrices = np.asarray(jax.vmap(lambda k: Rotation.uniform(k).as_matrix())(keys))
    # Entries have mean 0 and variance 1/3; the angle ω has density (1 - cos ω)/π.
    assert np.abs(matrices.mean(axis=0)).max() < 4 * np.sqrt(1 / 3 / 4000)
    assert np.abs((matrices**2).mean(axis=0) - 1 / 3).max() < 4 * 0.3 / np.sqrt(4000)
    cosine = (np.trace(matrices, axis1=1, axis2=2) - 1) / 2
    angle = np.arccos(np.clip(cosine, -1, 1))
    assert angle.mean() == pytest.approx(np.pi / 2 + 2 / np.pi, abs=4 * 0.65 / 63)


@pytest.mark.parametrize("quaternion", [(0.0,) * 4, (1.0, np.nan, 0.0, 0.0)])
def test_a_quaternion_without_a_direction_is_refused(quaternion):
    with pytest.raises(ValueError, match="cannot make Rotation because quaternion is"):
        Rotation(quaternion)
    both = np.stack([np.ones(4), quaternion])
    with pytest.raises(
        ValueError, match=r"because quaternion\[1\] is \[.*, not finite"
    ):
        Rotation(both)
