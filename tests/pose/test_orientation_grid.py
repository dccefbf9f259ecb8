"""Grids of orientations: number, cover, evenness, asymmetric units."""

import jax
import numpy as np
import pytest
from scipy.spatial import cKDTree

from vitrax import Pose, Rotation
from vitrax.pose import direction_grid, point_group


def unit_vectors(directions):
    rot, tilt = np.deg2rad(np.asarray(directions, np.float64)).T
    return np.column_stack(
        [np.sin(tilt) * np.cos(rot), np.sin(tilt) * np.sin(rot), np.cos(tilt)]
    )


def random_units(count, dimension):
    points = np.random.default_rng(0).normal(size=(count, dimension))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def angles_to_nearest(grid, samples):
    """Return the angle on the sphere from each sample to its nearest point, degrees."""
    chord, _ = cKDTree(grid).query(samples)
    return np.rad2deg(2 * np.arcsin(chord / 2))


def rotation_angles_to_nearest(quaternions, count=20_000):
    """Return the rotation angle from random rotations to their nearest, degrees."""
    both = np.concatenate([quaternions, -quaternions])
    return 2 * angles_to_nearest(both, random_units(count, 4))


@pytest.mark.parametrize("spacing", [30.0, 15.0, 7.5, 5.0])
def test_directions_cover_the_sphere(spacing):
    points = unit_vectors(direction_grid(spacing))
    expected = 4 * np.pi / np.deg2rad(spacing) ** 2
    assert len(points) == np.ceil(expected)
    angles = angles_to_nearest(points, random_units(100_000, 3)) / spacing
    assert angles.max() < 0.78
    # The best that any lattice can do, a triangular one, is 0.40.
    assert np.sqrt((angles**2).mean()) < 0.415


def test_directions_are_even():
    points = unit_vectors(direction_grid(10.0))
    samples = random_units(400_000, 3)
    _, nearest = cKDTree(points).query(samples)
    share = np.bincount(nearest, minlength=len(points)) * len(points) / len(samples)
    assert share.min() > 0.85
    assert share.max() < 1.2
    gaps = cKDTree(points).query(points, k=2)[0][:, 1]
    assert np.rad2deg(gaps).min() > 0.86 * 10


@pytest.mark.parametrize("spacing", [30.0, 15.0, 10.0])
def test_poses_cover_all_rotations(spacing):
    poses = Pose.grid(spacing)
    quaternions = np.asarray(poses.rotation.quaternion, np.float64)
    expected = 8 * np.pi**2 / np.deg2rad(spacing) ** 3
    assert len(quaternions) == pytest.approx(expected, rel=0.02)
    angles = rotation_angles_to_nearest(quaternions) / spacing
    assert angles.max() < 0.9
    # A cubic lattice has 0.5, the best one 0.49.
    assert np.sqrt((angles**2).mean()) < 0.505


def test_poses_are_directions_times_turns():
    angles = np.asarray(jax.vmap(Pose.as_euler)(Pose.grid(30.0)))
    directions = np.asarray(direction_grid(30.0))
    assert len(angles) == 12 * len(directions)
    tilts = angles[:, 1].reshape(-1, 12)
    np.testing.assert_allclose(tilts, np.tile(directions[:, 1:], 12), atol=1e-3)
    np.testing.assert_allclose(angles[:12, 2] % 360, 30 * np.arange(12), atol=1e-3)


def test_psi_comes_from_its_index():
    psi = np.asarray(jax.vmap(Pose.as_euler)(Pose.grid(7.0))[:52, 2], np.float64) % 360
    np.testing.assert_allclose(psi, 360 * np.arange(52) / 52, atol=1e-3)


@pytest.mark.parametrize("name", ["C4", "D7", "T", "O", "I"])
def test_asymmetric_unit_and_its_images_cover_all_rotations(name):
    spacing = 10.0
    poses = Pose.grid(spacing, symmetry=name)
    operators = jax.vmap(Rotation.from_matrix)(point_group(name))
    images = jax.vmap(
        lambda pose: jax.vmap(lambda g: (pose.rotation @ g).unit_quaternion())(
            operators
        )
    )(poses)
    quaternions = np.asarray(images, np.float64).reshape(-1, 4)
    whole = len(Pose.grid(spacing).shift)
    assert len(quaternions) == pytest.approx(whole, rel=0.06)
    angles = rotation_angles_to_nearest(quaternions) / spacing
    assert angles.max() < 1.4
    assert np.sqrt((angles**2).mean()) < 0.53


@pytest.mark.parametrize("name", ["D7", "O", "I"])
def test_no_two_directions_of_a_unit_are_equal_views(name):
    points = unit_vectors(direction_grid(5.0, name))
    images = np.einsum("gij,nj->gni", np.asarray(point_group(name))[1:], points)
    chord, _ = cKDTree(points).query(images.reshape(-1, 3))
    # Images fall outside the unit: they touch it at its border only.
    assert (np.rad2deg(chord) < 0.5).mean() < 0.02


def test_coarse_grid_keeps_one_direction():
    assert len(direction_grid(90.0, "I")) == 1


@pytest.mark.parametrize("spacing", [0.0, -5.0, 181.0, float("nan")])
def test_impossible_spacing_is_an_error(spacing):
    with pytest.raises(ValueError, match="cannot make a grid with spacing"):
        direction_grid(spacing)
