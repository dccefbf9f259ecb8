"""Poses: where their parts come from, steps, batches and dtypes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax import Pose, Rotation


X64 = jax.config.jax_enable_x64
TOLERANCE = 1e-12 if X64 else 2e-6
ANGLES = (20.0, 80.0, -10.0)


def assert_same(pose, other):
    np.testing.assert_allclose(pose.as_matrix(), other.as_matrix(), atol=TOLERANCE)
    np.testing.assert_allclose(pose.shift, other.shift, atol=TOLERANCE)


def test_constructors_agree():
    pose = Pose.from_euler(*ANGLES, shift=(4.0, -2.5))
    assert_same(Pose.from_matrix(pose.as_matrix(), shift=(4.0, -2.5)), pose)
    vector = pose.rotation.as_axis_angle()
    assert_same(Pose.from_axis_angle(vector, shift=(4.0, -2.5)), pose)
    assert_same(Pose(Rotation.from_euler(*ANGLES), (4.0, -2.5)), pose)
    np.testing.assert_allclose(pose.as_euler(), ANGLES, atol=1e-4)


def test_shift_is_zero_by_default():
    assert Pose.from_euler(*ANGLES).shift.tolist() == [0.0, 0.0]
    assert_same(Pose.identity(), Pose.from_matrix(jnp.eye(3)))


def test_moved_turns_about_the_axes_of_the_image():
    pose = Pose.from_euler(*ANGLES, shift=(4.0, -2.5))
    moved = pose.moved(jnp.asarray([0.0, 0.0, 0.3, 1.0, 2.0]))
    turn = np.asarray(Rotation.from_axis_angle((0.0, 0.0, np.rad2deg(0.3))).as_matrix())
    # About z the object's image turns in its plane: psi falls by the angle.
    np.testing.assert_allclose(
        moved.as_matrix(), turn @ pose.as_matrix(), atol=TOLERANCE
    )
    assert float(moved.as_euler()[2]) == pytest.approx(
        -10.0 - np.rad2deg(0.3), abs=1e-3
    )
    np.testing.assert_allclose(moved.shift, [5.0, -0.5], atol=TOLERANCE)


def test_moved_by_nothing_changes_nothing():
    pose = Pose.from_euler(*ANGLES, shift=(4.0, -2.5))
    assert_same(pose.moved(jnp.zeros(5)), pose)


def test_gradient_of_a_step_is_the_rotation_field():
    pose = Pose.from_euler(*ANGLES)
    point = jnp.asarray([1.0, -2.0, 3.0])
    place = lambda tangent: pose.moved(tangent).rotation.apply(point)
    gradient = np.asarray(jax.jit(jax.jacrev(place))(jnp.zeros(5)))
    image = np.asarray(pose.rotation.apply(point))
    expected = np.cross(np.eye(3), image).T
    np.testing.assert_allclose(gradient[:, :3], expected, atol=10 * TOLERANCE)
    np.testing.assert_array_equal(gradient[:, 3:], 0)


@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (10.0, 0.0, 20.0), ANGLES])
def test_gradients_in_the_pose_are_finite(angles):
    loss = lambda pose: jnp.sum(pose.as_matrix() ** 3) + jnp.sum(pose.shift**2)
    gradient = jax.jit(jax.grad(loss))(Pose.from_euler(*angles, shift=(0.0, 0.0)))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_leaves_are_float_arrays():
    leaves = jax.tree.leaves(Pose.from_euler(20, 80, -10, shift=(4.0, -2.5)))
    assert [leaf.shape for leaf in leaves] == [(4,), (2,)]
    assert {leaf.dtype for leaf in leaves} == {jnp.zeros(()).dtype}
    assert not any(leaf.weak_type for leaf in leaves)


def test_one_trace_for_two_poses():
    traces = []

    @jax.jit
    def matrix(pose):
        traces.append(1)
        return pose.as_matrix()

    for pose in (Pose.from_euler(*ANGLES), Pose.from_euler(1, 2, 3), Pose.identity()):
        np.testing.assert_allclose(matrix(pose), pose.as_matrix(), atol=TOLERANCE)
    assert len(traces) == 1


def test_uniform_poses_depend_on_key_and_index_alone():
    few, many = (Pose.uniform(jax.random.key(3), n) for n in (3, 10))
    np.testing.assert_array_equal(few.rotation.quaternion, many.rotation.quaternion[:3])
    assert vx.batch_axes(many).shift == 0
    assert many.shift.shape == (10, 2)


def test_batches_are_made_by_vmap():
    angles = jnp.asarray([[0.0, 10.0, 20.0], [5.0, 90.0, -30.0]])
    poses = jax.vmap(lambda a: Pose.from_euler(*a))(angles)
    matrices = jax.vmap(Pose.as_matrix)(poses)
    for i in range(2):
        one = Pose.from_euler(*angles[i]).as_matrix()
        np.testing.assert_allclose(matrices[i], one, atol=TOLERANCE)


@pytest.mark.usefixtures("unchecked")
def test_only_keys_draw_and_only_whole_numbers_of_poses():
    key = jax.random.key(0)
    with pytest.raises(TypeError, match=r"because key is 7, .* jax.random.key\(7\)"):
        Pose.uniform(7, 3)
    with pytest.raises(TypeError, match="cannot draw a rotation because key is 0, not"):
        Rotation.uniform(0)
    with pytest.raises(TypeError, match=r"cannot draw 2\.5 poses because that isn't"):
        Pose.uniform(key, 2.5)
    with pytest.raises(ValueError, match="cannot draw -1 poses because"):
        Pose.uniform(key, -1)


def test_a_shift_that_isn_t_finite_is_refused():
    with pytest.raises(ValueError, match=r"cannot make Pose because shift\[1\] is nan"):
        Pose(Rotation.identity(), (0.0, np.nan))


CONSTRUCTORS = {
    "Pose": lambda shift: Pose(Rotation.identity(), shift),
    "from_euler": lambda shift: Pose.from_euler(*ANGLES, shift=shift),
    "from_matrix": lambda shift: Pose.from_matrix(np.eye(3), shift),
    "from_axis_angle": lambda shift: Pose.from_axis_angle((0.0, 0.0, 9.0), shift),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "shift", [(1.0,), (1.0, 2.0, 3.0), np.zeros(4), np.zeros((2, 3))]
)
@pytest.mark.parametrize("constructor", CONSTRUCTORS)
def test_a_shift_of_another_length_is_refused(constructor, shift):
    with pytest.raises(ValueError, match=r"because shift has shape .*, not \(2,\); do"):
        CONSTRUCTORS[constructor](shift)


@pytest.mark.usefixtures("unchecked")
def test_an_angle_beside_the_axis_is_refused():
    with pytest.raises(
        ValueError, match=r"by 30\.0 because .* from_axis_angle\(\(0\.0"
    ):
        Pose.from_axis_angle([0, 0, 1], 30.0)
    with pytest.raises(ValueError, match="because shift has shape"):
        Pose.from_euler(*ANGLES, 3.0)


@pytest.mark.usefixtures("unchecked")
def test_batches_without_vmap_are_refused_where_they_are_made():
    angles = np.arange(3.0)
    with pytest.raises(ValueError, match=r"because tilt has shape \(3,\) .*jax\.vmap"):
        Pose.from_euler(1.0, angles, angles)
    with pytest.raises(ValueError, match=r"matrix has shape \(5, 3, 3\), .* jax\.vmap"):
        Pose.from_matrix(np.zeros((5, 3, 3)))
    with pytest.raises(ValueError, match=r"vector has shape \(2, 3\), .*jax\.vmap"):
        Pose.from_axis_angle(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"quaternion has shape \(3,\), not \(4,\)"):
        Rotation((1.0, 0.0, 0.0))
    poses = jax.vmap(Pose.from_euler)(angles, angles, angles)
    assert poses.shift.shape == (3, 2)
