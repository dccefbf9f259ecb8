"""Projection of assemblies, and of structures in ice."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import vitrax as vx
from vitrax.potential import CopySum, potential_scale
from vitrax.structure import Assembly, Ice, IceField, InIce, helical_operators


GRID = vx.Grid((20, 21), 1.5)
POSE = vx.Pose.from_euler(33.0, 64.0, 12.0, shift=(1.5, -2.5))


HELIX = helical_operators(rise=2.7, twist=31.0, count=7)


def unit(kind=vx.Gaussians):
    positions = 4.0 * jr.normal(jr.key(0), (3, 3))
    if kind is vx.Atoms:
        return vx.Atoms(positions, [6, 7, 16], [40.0] * 3, [1.0] * 3)
    keys = jr.split(jr.key(1))
    return vx.Gaussians(positions, *(1 + jr.uniform(key, (3, 2)) for key in keys))


project = jax.jit(vx.project, static_argnums=3)
simulate = jax.jit(vx.simulate)


@pytest.fixture(scope="module")
def whole():
    """Return the image of a helix as one structure."""
    return project(Assembly(unit(), *HELIX).expanded(), POSE, GRID)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 8])
def test_an_assembly_projects_as_all_its_atoms(whole, batch_size):
    projector = CopySum(batch_size=batch_size)
    image = project(Assembly(unit(), *HELIX), POSE, GRID, projector)
    np.testing.assert_allclose(image, whole, atol=1e-10)


@pytest.mark.slow
def test_gradients_are_those_of_all_atoms():
    weights = jr.normal(jr.key(2), GRID.shape)
    loss = lambda s, pose: jnp.sum(weights * vx.project(s, pose, GRID))
    copies = lambda u, pose: loss(Assembly(u, *HELIX), pose)
    atoms = lambda u, pose: loss(Assembly(u, *HELIX).expanded(), pose)
    one, two = (jax.jit(jax.grad(f, (0, 1)))(unit(), POSE) for f in (copies, atoms))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def test_copies_of_a_map_are_turned_maps():
    values = jr.normal(jr.key(0), (8, 8, 8))
    fourier_map = vx.FourierMap.from_map(vx.VoxelMap(values, 1.5))
    grid, group = vx.Grid(8, 1.5), vx.pose.point_group("D2")
    image = project(Assembly.from_group(fourier_map, group), POSE, grid)
    turned = [
        vx.Pose(POSE.rotation @ vx.Rotation.from_matrix(matrix), POSE.shift)
        for matrix in group
    ]
    expected = sum(project(fourier_map, pose, grid) for pose in turned)
    np.testing.assert_allclose(image, expected, atol=1e-9)


def test_images_are_scaled_as_those_of_the_unit():
    operators = helical_operators(2.7, 31.0, 3)
    assembly = Assembly(unit(vx.Atoms), *operators)
    assert potential_scale(assembly) == potential_scale(assembly.unit) > 47
    scope = vx.Microscope(GRID, 300.0, vx.Lens(defocus=2_000.0))
    image, whole = (simulate(s, POSE, scope) for s in (assembly, assembly.expanded()))
    np.testing.assert_allclose(image, whole, atol=1e-10)


def test_a_batch_holds_a_copy():
    with pytest.raises(ValueError, match="cannot project 0 copies at a time because"):
        CopySum(batch_size=0)


def test_ice_is_seen_as_the_same_potential_in_atoms():
    scope = vx.Microscope(GRID, 300.0, vx.Lens(defocus=2_000.0))
    there = vx.Gaussians(-unit().positions, unit().amplitudes, unit().variances)
    padded = scope.padded_grid()
    volts = potential_scale(there) * vx.project(there, vx.Pose.identity(), padded)
    # The pose turns the structure and leaves the ice.
    image = simulate(InIce(unit(), IceField(volts, padded)), POSE, scope)
    expected = simulate(unit(), POSE, scope) + simulate(
        there, vx.Pose.identity(), scope
    )
    np.testing.assert_allclose(image, expected, atol=1e-10)


def test_ice_adds_to_a_map_in_volts():
    potential = vx.VoxelMap(jr.normal(jr.key(0), (8, 8, 8)), 1.5, unit="V")
    grid = vx.Grid(8, 1.5)
    ice = Ice(200.0).sample(jr.key(0), grid)
    image = project(InIce(potential, ice), POSE, grid)
    alone = project(potential, POSE, grid)
    np.testing.assert_allclose(image - alone, ice.values, atol=1e-9)


def test_ice_is_on_the_grid_of_the_image():
    for grid in (vx.Grid((20, 20), 1.5), vx.Grid(GRID.shape, 1.4)):
        ice = Ice(200.0).sample(jr.key(0), grid)
        with pytest.raises(
            ValueError, match=r"cannot add ice of .* do sample the ice o"
        ):
            vx.project(InIce(unit(), ice), POSE, GRID)
