"""Projection of atoms and Gaussians."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.potential import default_projector, moved


def test_the_projection_of_chignolin_sums_to_its_amplitudes(shared):
    atoms = vx.io.read_atoms(shared / "structures" / "1uao.pdb")
    gaussians = atoms.to_gaussians()
    centred = gaussians.positions - gaussians.positions.mean(axis=0, keepdims=True)
    gaussians = vx.Gaussians(centred, gaussians.amplitudes, gaussians.variances)
    pose = vx.Pose.from_euler(10.0, 20.0, 30.0)
    image = vx.project(gaussians, pose, vx.Grid(64, 0.5))
    assert float(image.sum()) * 0.25 == pytest.approx(212.7289, rel=1e-6)


def test_moving_the_pose_is_moving_the_image_by_phases():
    rng = np.random.default_rng(0)
    blob = vx.Gaussians(
        rng.normal(size=(9, 3)) * 3, np.ones((9, 1)), np.full((9, 1), 4.0)
    )
    grid = vx.Grid((33, 40), 1.0)
    still = vx.Pose.from_euler(10.0, 20.0, 30.0)
    there = vx.Pose(still.rotation, (2.3, -1.7))
    spectrum = vx.grid.to_fourier(vx.project(blob, still, grid))
    shifted = vx.grid.to_real(moved(spectrum, there.shift, grid), grid.shape)
    np.testing.assert_allclose(vx.project(blob, there, grid), shifted, atol=1e-8)


def test_what_has_no_projector_is_refused():
    with pytest.raises(TypeError, match="cannot project a str because no projector"):
        default_projector("structure")


def test_a_batched_pose_without_vmap_is_refused():
    poses = vx.Pose.uniform(jax.random.key(0), 3)
    blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[1.0]], [[1.0]])
    with pytest.raises(ValueError, match=r"cannot project because pose\.rotation"):
        vx.project(blob, poses, vx.Grid(8, 1.0))


def test_float32_stays_float32():
    blob = vx.Gaussians(
        jnp.zeros((1, 3), jnp.float32),
        jnp.ones((1, 1), jnp.float32),
        jnp.ones((1, 1), jnp.float32),
    )
    assert vx.project(blob, vx.Pose.identity(), vx.Grid(8, 1.0)).dtype == jnp.float32
