"""Sums along rays against closed forms."""

import jax
import numpy as np
import pytest

import clouds
import vitrax as vx
from vitrax.potential import RaySum


POINTS = clouds.cloud(20, 9.0)
SHIFT = (1.3, -0.4)


@pytest.fixture(scope="module")
def density():
    return vx.VoxelMap(clouds.volume(POINTS, 6.0, 32), 1.0)


def exact(angles, n):
    matrix = np.asarray(vx.Pose.from_euler(*angles).as_matrix())
    return clouds.projection(POINTS, 6.0, n, matrix, SHIFT)


@pytest.fixture(scope="module")
def image(density):
    grid = vx.Grid(32, 1.0)
    fn = jax.jit(lambda pose: vx.project(density, pose, grid, RaySum()))
    return lambda angles: fn(vx.Pose.from_euler(*angles, shift=SHIFT))


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (90, 90, 0), (20, 80, -10), (-70, 35, 9)]
)
def test_is_the_closed_form_at_every_pose(image, angles):
    angles = tuple(map(float, angles))
    expected = exact(angles, 32)
    error = np.linalg.norm(image(angles) - expected) / np.linalg.norm(expected)
    assert error < 5e-3


def test_what_leaves_the_grid_is_not_seen(density):
    small = vx.project(density, vx.Pose.identity(), vx.Grid(16, 1.0), RaySum())
    whole = vx.project(density, vx.Pose.identity(), vx.Grid(32, 1.0), RaySum())
    np.testing.assert_allclose(small, vx.grid.crop(whole, (16, 16)), atol=1e-12)


def test_gradient_in_the_pose(density):
    grid = vx.Grid(16, 2.0)
    weights = jax.random.normal(jax.random.key(0), (16, 16))

    def loss(step):
        pose = vx.Pose.from_euler(20.0, 80.0, -10.0).moved(step)
        return (weights * vx.project(density, pose, grid, RaySum())).sum()

    value = jax.jit(loss)
    gradient = jax.jit(jax.grad(loss))(np.zeros(5))
    for i, step in enumerate(1e-4 * np.eye(5)):
        numerical = (value(step) - value(-step)) / 2e-4
        np.testing.assert_allclose(gradient[i], numerical, rtol=1e-5, atol=1e-6)
