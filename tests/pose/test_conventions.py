"""Angles of other programs mean the matrices that theirs do."""

import numpy as np
import pytest

import vitrax as vx
from vitrax.pose import (
    euler_from_cryosparc,
    euler_from_eman,
    euler_from_matrix,
    euler_to_cryosparc,
    euler_to_eman,
    matrix_from_euler,
)


ANGLES = np.random.default_rng(0).uniform(-180, 180, (20, 3))
ANGLES[:, 1] = np.abs(ANGLES[:, 1])


def matrix(angles):
    return np.asarray(vx.Rotation.from_euler(*angles).as_matrix())


def exponential(vector):
    """Return the rotation by a vector, by Rodrigues' formula."""
    angle = np.linalg.norm(vector)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def test_cryosparc_vectors_turn_the_other_way():
    for angles, vector in zip(ANGLES, euler_to_cryosparc(ANGLES), strict=True):
        np.testing.assert_allclose(matrix(angles), exponential(-vector), atol=1e-12)


def test_cryosparc_and_back():
    back = euler_from_cryosparc(euler_to_cryosparc(ANGLES))
    for one, other in zip(ANGLES, back, strict=True):
        np.testing.assert_allclose(matrix(one), matrix(other), atol=1e-12)


@pytest.mark.parametrize("tilt", [0.0, 180.0])
def test_poles(tilt):
    angles = np.array([[30.0, tilt, 50.0]])
    back = euler_from_cryosparc(euler_to_cryosparc(angles))
    np.testing.assert_allclose(matrix(angles[0]), matrix(back[0]), atol=1e-7)


def test_eman_turns_about_z_x_z():
    """EMAN2 turns by az about z, alt about x and phi about z."""

    def about(axis, degrees):
        vector = np.deg2rad(degrees) * np.eye(3)[axis]
        return exponential(vector) if degrees else np.eye(3)

    for angles in ANGLES:
        az, alt, phi = euler_to_eman(angles[None])[0]
        turned = about(2, -phi) @ about(0, -alt) @ about(2, -az)
        np.testing.assert_allclose(matrix(angles), turned, atol=1e-12)


def test_eman_and_back():
    np.testing.assert_allclose(euler_from_eman(euler_to_eman(ANGLES)), ANGLES)


def test_matrices_are_those_of_poses():
    found = matrix_from_euler(ANGLES)
    np.testing.assert_allclose(found, [matrix(each) for each in ANGLES], atol=1e-12)
    np.testing.assert_allclose(matrix_from_euler(euler_from_matrix(found)), found)


def test_rounded_matrices_keep_the_sum_of_angles_at_the_pole():
    """The first and last angle are lost there one by one, not their sum."""
    turn = matrix_from_euler(np.array([[100.0, 1e-3, -40.0]])).round(6)
    rot, tilt, psi = euler_from_matrix(turn)[0]
    assert tilt < 2e-3
    np.testing.assert_allclose((rot + psi) % 360.0, 60.0, atol=1e-4)


@pytest.mark.parametrize("wrong", [-np.eye(3), np.zeros((3, 3))])
def test_reflections_have_no_angles(wrong):
    with pytest.raises(ValueError, match="some aren't rotations"):
        euler_from_matrix(wrong[None])


def test_no_particles_have_no_angles():
    none = np.empty((0, 3))
    for convert in (vx.pose.euler_from_cryosparc, vx.pose.euler_to_cryosparc):
        assert convert(none).shape == (0, 3)
    assert vx.pose.matrix_from_euler(none).shape == (0, 3, 3)
    assert vx.pose.euler_from_matrix(np.empty((0, 3, 3))).shape == (0, 3)
