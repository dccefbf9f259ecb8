"""Non-uniform FFTs against closed forms and the direct sum."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import clouds
import vitrax as vx
from vitrax.potential import DirectSum, NonUniformFFT


POSE = vx.Pose.from_euler(20.0, 80.0, -10.0, shift=(1.3, -0.4))


def mixture(least=4.0, most=12.0):
    rng = np.random.default_rng(0)
    return vx.Gaussians(
        rng.normal(size=(20, 3)) * 4,
        rng.uniform(0.1, 1, (20, 2)),
        rng.uniform(least, most, (20, 2)),
    )


def relative(actual, expected):
    return float(jnp.abs(actual - expected).max() / jnp.abs(expected).max())


@pytest.fixture
def as_users_have_it():
    """nufftax's own derivatives mix types and ranks."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize(
    ("shape", "size"),
    [((9, 9), 2.0), pytest.param((12, 11), 2.0, marks=pytest.mark.slow)],
)
def test_voxels_give_the_direct_sum(shape, size):
    voxel_map = vx.VoxelMap(jr.normal(jr.key(0), (9, 9, 9)), 2.0)
    grid = vx.Grid(shape, size)
    exact = vx.project(voxel_map, POSE, grid, DirectSum())
    assert relative(vx.project(voxel_map, POSE, grid, NonUniformFFT()), exact) < 1e-9


@pytest.mark.parametrize(
    "shape", [pytest.param((64, 64), marks=pytest.mark.slow), (65, 68)]
)
def test_gaussians_of_any_width_are_averaged_over_pixels(shape):
    grid, structure = vx.Grid(shape, 1.0), mixture()
    exact = vx.project(structure, POSE, grid)
    assert relative(vx.project(structure, POSE, grid, NonUniformFFT()), exact) < 1e-8


def test_undone_average_is_the_point_sampled_closed_form():
    positions = clouds.cloud(20, 12.0)
    grid = vx.Grid(64, 1.0)
    ones = np.ones((20, 1))
    structure = vx.Gaussians(positions, ones, 4.0 * ones)
    ky, kx = (np.sinc(np.asarray(k)) for k in grid.frequency_axes())
    averaged = NonUniformFFT()(structure, POSE, grid)
    spectrum = averaged / jnp.asarray(ky[:, None] * kx[None, :], averaged.dtype)
    matrix, shift = np.asarray(POSE.as_matrix()), np.asarray(POSE.shift)
    exact = clouds.projection(positions, 4.0, 64, matrix, shift)
    assert relative(vx.grid.to_real(spectrum, (64, 64)), exact) < 1e-8


@pytest.mark.slow
def test_a_wide_range_of_widths():
    structure, grid = mixture(least=16.0, most=120.0), vx.Grid(64, 2.0)
    exact = vx.project(structure, vx.Pose.identity(), grid)
    image = vx.project(structure, vx.Pose.identity(), grid, NonUniformFFT(widths=48))
    assert relative(image, exact) < 1e-8


@pytest.mark.slow
def test_derivatives_are_those_of_separable_gaussians(as_users_have_it):
    grid = vx.Grid((64, 64), 1.0)
    weights = jr.normal(jr.key(2), (64, 64))

    def gradients(projector):
        def loss(structure, pose):
            return jnp.sum(weights * vx.project(structure, pose, grid, projector))

        return jax.jit(jax.grad(loss, argnums=(0, 1)))(mixture(), POSE)

    pairs = zip(
        jax.tree.leaves(gradients(NonUniformFFT())),
        jax.tree.leaves(gradients(None)),
        strict=True,
    )
    for one, other in pairs:
        np.testing.assert_allclose(one, other, atol=1e-8 * float(jnp.abs(other).max()))


@pytest.mark.slow
def test_batches_of_poses(as_users_have_it):
    grid, structure = vx.Grid((64, 64), 1.0), mixture()
    poses = vx.Pose.uniform(jr.key(1), 2)
    images = jax.vmap(lambda p: vx.project(structure, p, grid, NonUniformFFT()))(poses)
    exact = jax.vmap(lambda p: vx.project(structure, p, grid))(poses)
    assert relative(images, exact) < 1e-8


@pytest.mark.slow
def test_single_precision_stays_single():
    single = jax.tree.map(lambda x: x.astype(jnp.float32), mixture())
    grid = vx.Grid((64, 64), 1.0)
    image = vx.project(single, POSE, grid, NonUniformFFT())
    assert image.dtype == jnp.float32
    assert relative(image, vx.project(single, POSE, grid)) < 1e-4
