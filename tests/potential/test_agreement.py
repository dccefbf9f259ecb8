"""Every projector against the slow exact one, over fifty random poses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import clouds
import vitrax as vx
from vitrax.potential import (
    DirectSum,
    FourierSlice,
    NonUniformFFT,
    RaySum,
    SeparableGaussians,
)
from vitrax.structure import SliceKernel, Trilinear


COUNT, SIZE = 50, 24
GRID = vx.Grid(SIZE, 1.0)
VARIANCE = 1.5


@pytest.fixture(scope="module")
def poses():
    rotations = vx.Pose.uniform(jax.random.key(5), COUNT).rotation
    shifts = jax.random.uniform(jax.random.key(6), (COUNT, 2), minval=-1.5, maxval=1.5)
    return vx.Pose(rotations, shifts)


@pytest.fixture(scope="module")
def positions():
    return clouds.cloud(30, 0.25 * SIZE)


@pytest.fixture(scope="module")
def density(positions):
    return vx.VoxelMap(clouds.volume(positions, VARIANCE, SIZE), 1.0)


@pytest.fixture(scope="module")
def exact(density, poses):
    return images(density, poses, DirectSum())


def images(structure, poses, projector, grid=GRID):
    one = lambda pose: vx.project(structure, pose, grid, projector)
    # nufftax mixes types and ranks inside of a map.
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        return np.asarray(jax.jit(lambda poses: jax.lax.map(one, poses))(poses))


def worst(some, exact):
    """Return the greatest relative L2 error of an image."""
    error = np.linalg.norm(some - exact, axis=(1, 2))
    return float(np.max(error / np.linalg.norm(exact, axis=(1, 2))))


@pytest.mark.parametrize(
    ("kernel", "most"),
    [
        (SliceKernel(), 5e-3),
        (SliceKernel(4, 1.5), 1e-3),
        (SliceKernel(5, 2.0), 1e-4),
        (Trilinear(4), 2e-2),
    ],
    ids=repr,
)
def test_slices_of_maps(density, poses, exact, kernel, most):
    fourier_map = vx.FourierMap.from_map(density, kernel)
    assert worst(images(fourier_map, poses, FourierSlice()), exact) < most


@pytest.mark.parametrize(
    ("projector", "most"), [(NonUniformFFT(), 1e-9), (RaySum(), 2e-2)], ids=repr
)
def test_other_projectors_of_maps(density, poses, exact, projector, most):
    assert worst(images(density, poses, projector), exact) < most


def test_the_exact_sum_is_the_closed_form(poses, positions, exact):
    closed = [
        clouds.projection(positions, VARIANCE, SIZE, matrix, shift)
        for matrix, shift in zip(
            np.asarray(jax.vmap(lambda pose: pose.as_matrix())(poses)),
            np.asarray(poses.shift),
            strict=True,
        )
    ]
    # Point-sampled Gaussians of this width alias by e^{-2π² 1.5 / 4}² at Nyquist.
    assert worst(np.stack(closed), exact) < 2e-3


def test_projectors_of_atoms(poses, positions):
    ones = np.ones((len(positions), 1))
    structure = vx.Gaussians(positions, ones, 2 * VARIANCE * ones)
    # Wide enough that nothing reaches its edge, beyond which one sees nothing, and the
    # other wraps round.
    wide = vx.Grid(2 * SIZE, 1.0)
    exact = images(structure, poses, SeparableGaussians(), wide)
    assert worst(images(structure, poses, NonUniformFFT(), wide), exact) < 1e-6
    separable = images(structure, poses, SeparableGaussians())
    volume = vx.render(structure, vx.Grid((SIZE,) * 3, 1.0))
    factor = vx.physics.POTENTIAL_FACTOR
    fine = vx.FourierMap.from_map(volume, SliceKernel(5, 2.0))
    rendered = images(fine, poses, FourierSlice()) / factor
    # A voxel averages along its own edges, a pixel along the image's.
    assert worst(rendered, separable) < 5e-2
    assert not np.allclose(rendered, separable, atol=1e-9)


def test_atoms_and_their_gaussians_project_alike(poses):
    atoms = vx.Atoms(
        [[1.0, 2.0, 3.0], [-2.0, 0.0, 1.0]], [6, 8], [20.0, 30.0], [1, 0.5]
    )
    a = images(atoms, poses, None)
    b = images(atoms.to_gaussians(), poses, None)
    np.testing.assert_allclose(a, b, atol=1e-12)
    assert bool(jnp.all(jnp.isfinite(a)))
