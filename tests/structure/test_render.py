"""Rendering atoms and Gaussians to a map in volts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.physics import POTENTIAL_FACTOR


BLOB = vx.Gaussians([[1.0, -2.0, 3.0]], [[2.5]], [[2.0]])


def test_the_potential_of_a_gaussian_in_volts():
    potential = vx.render(BLOB, vx.Grid((24, 24, 24), 0.5))
    peak = POTENTIAL_FACTOR * 2.5 * (2 * np.pi * 2.0) ** -1.5
    assert potential.unit == "V"
    # The average over a voxel of 0.5 Å lies below the peak by p²/8s.
    assert float(potential.values.max()) == pytest.approx(
        peak * (1 - 0.25 / 16), rel=1e-3
    )
    assert np.unravel_index(np.argmax(potential.values), (24, 24, 24)) == (18, 8, 14)


def test_the_integral_of_the_map_is_that_of_the_amplitudes():
    atoms = vx.Atoms(
        [[0.0, 0.0, 0.0], [1.2, 0.0, 0.0]], [6, 8], [10.0, 20.0], [1.0, 0.5]
    )
    potential = vx.render(atoms, vx.Grid((26, 26, 26), 0.8))
    integral = float(potential.values.sum()) * 0.8**3 / POTENTIAL_FACTOR
    assert integral == pytest.approx(2.5088 + 0.5 * 1.9834, abs=1e-4)


def test_atoms_become_gaussians_with_the_b_factor_in_the_variance():
    atoms = vx.Atoms([[0.0, 0.0, 0.0]], [6], [30.0], [0.5])
    gaussians = atoms.to_gaussians()
    table = vx.physics.PENG_1996
    np.testing.assert_allclose(gaussians.amplitudes, 0.5 * table.amplitudes(b"\x06"))
    widths = (table.b_factors(b"\x06") + 30.0) / (8 * np.pi**2)
    np.testing.assert_allclose(gaussians.variances, widths)


def test_rendering_then_projecting_is_projecting():
    atoms = vx.Atoms(
        np.random.default_rng(0).normal(size=(20, 3)) * 4,
        [6] * 20,
        [80.0] * 20,
        [1.0] * 20,
    )
    grid = vx.Grid(36, 1.0)
    potential = jax.jit(vx.render)(atoms, vx.Grid((36, 36, 36), 1.0))
    fourier_map = vx.FourierMap.from_map(potential, vx.structure.SliceKernel(4, 1.5))
    pose = vx.Pose.identity()
    project = jax.jit(vx.project)
    of_map = project(fourier_map, pose, grid)
    of_atoms = project(atoms, pose, grid) * POTENTIAL_FACTOR
    assert float(jnp.abs(of_map - of_atoms).max() / jnp.abs(of_atoms).max()) < 3e-3


def test_an_image_grid_is_refused():
    with pytest.raises(ValueError, match="cannot render onto a grid of shape"):
        vx.render(BLOB, vx.Grid(8, 1.0))


def test_a_map_is_refused():
    with pytest.raises(TypeError, match="cannot render a VoxelMap"):
        vx.render(vx.VoxelMap(jnp.ones((4, 4, 4)), 1.0), vx.Grid((4, 4, 4), 1.0))


def test_a_batch_without_vmap_is_refused():
    batch = jax.tree.map(lambda x: jnp.stack([x, x]), BLOB)
    with pytest.raises(ValueError, match="cannot render because structure"):
        vx.render(batch, vx.Grid((4, 4, 4), 1.0))
