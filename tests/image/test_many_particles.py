"""Many particles in one field of view."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.image import random_places
from vitrax.wave import EwaldSphere, StrongPhase, WeakPhase


GRID = vx.Grid((48, 40), 1.5)
LENS = vx.Lens(6_000.0, 400.0, 20.0, phase_shift=10.0)
SPOT = vx.Gaussians(
    [[3.0, -1.0, 5.0], [-2.0, 2.0, -4.0]], [[9.0], [6.0]], [[9.0], [12.0]]
)
OTHER = vx.Gaussians([[0.0, 0.0, 0.0]], [[20.0]], [[9.0]])


@ft.cache
def micrograph(box=16):
    return jax.jit(ft.partial(vx.simulate_micrograph, box=box))


WEAK = WeakPhase()


def scope(theory=WEAK):
    return vx.Microscope(GRID, 300.0, LENS, scattering=theory)


def pose(x, y, height, angles=(20.0, 50.0, -70.0)):
    turned = vx.Pose.from_euler(*angles)
    return vx.Pose(turned.rotation, (x, y), height)


def stacked(*poses):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *poses)


@pytest.mark.parametrize("theory", [WeakPhase(), StrongPhase(), EwaldSphere()])
@pytest.mark.parametrize("place", [(0.0, 0.0), (7.3, -11.9)])
def test_a_micrograph_of_one_particle_is_its_image(theory, place):
    one = pose(*place, 150.0)
    image = micrograph(40)([(SPOT, stacked(one))], scope(theory))
    expected = jax.jit(vx.simulate)(SPOT, one, scope(theory))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(image, expected, atol=1e-5 * scale)


@pytest.mark.slow
def test_linear_images_of_several_species_add_up():
    here, there = pose(10.0, 5.0, 100.0), pose(-12.0, -8.0, -200.0, (0.0, 90.0, 0.0))
    third = pose(0.0, 9.0, 0.0)
    species = [(SPOT, stacked(here, there)), (OTHER, stacked(third))]
    image = micrograph(40)(species, scope())
    simulate = jax.jit(vx.simulate)
    expected = sum(simulate(SPOT, p, scope()) for p in (here, there))
    expected = expected + simulate(OTHER, third, scope())
    np.testing.assert_allclose(image, expected, atol=1e-5 * np.abs(expected).max())


def test_a_box_that_holds_the_structure_suffices():
    species = [(SPOT, stacked(pose(10.0, 5.0, 0.0), pose(-12.0, -8.0, 90.0)))]
    small, large = (micrograph(box)(species, scope()) for box in (32, 40))
    np.testing.assert_allclose(small, large, atol=2e-5 * np.abs(large).max())


def test_particles_outside_the_field_are_not_seen():
    inside = stacked(pose(0.0, 0.0, 0.0))
    both = stacked(pose(0.0, 0.0, 0.0), pose(500.0, 0.0, 0.0))
    a, b = (micrograph(16)([(SPOT, poses)], scope()) for poses in (inside, both))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("theory", [WeakPhase(), StrongPhase()])
def test_a_layer_is_imaged_at_its_height(theory):
    blob = vx.Gaussians([[4.0, -3.0, 0.0]], [[20.0]], [[9.0]])
    at = pose(0.0, 0.0, 300.0, (0.0, 0.0, 0.0))
    potential = 47.877647 * vx.project(blob, vx.Pose.identity(), GRID)
    image = micrograph(16)([], scope(theory), layers=[(potential, 300.0)])
    expected = jax.jit(vx.simulate)(blob, at, scope(theory))
    np.testing.assert_allclose(image, expected, atol=1e-5 * np.abs(expected).max())


def test_a_gradient_reaches_poses_and_structures():
    def total(strength, x, height):
        blob = vx.Gaussians(OTHER.positions, strength[None, None], OTHER.variances)
        poses = stacked(vx.Pose(vx.Pose.identity().rotation, (x, 2.0), height))
        image = vx.simulate_micrograph([(blob, poses)], scope(), 16)
        return jnp.sum(image * jnp.cos(0.3 * jnp.arange(40.0))[None, :])

    at = tuple(map(jnp.asarray, (20.0, 5.2, 100.0)))
    gradient = jax.jit(jax.grad(total, argnums=(0, 1, 2)))(*at)
    value = jax.jit(total)
    for i, slope in enumerate(gradient):
        step = 1e-4
        above, below = (
            value(*[x + s * (i == j) for j, x in enumerate(at)]) for s in (step, -step)
        )
        assert float(slope) == pytest.approx(
            float(above - below) / (2 * step), rel=1e-5
        )


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"shift has shape \(2,\) where a batch"):
        vx.simulate_micrograph([(SPOT, pose(0.0, 0.0, 0.0))], scope(), 16)
    with pytest.raises(ValueError, match=r"cannot add a layer of shape \(8, 8\)"):
        vx.simulate_micrograph([], scope(), 16, [(jnp.ones((8, 8)), 0.0)])


def test_places_are_apart_inside_and_the_same_for_a_key():
    key = jax.random.key(3)
    places = random_places(key, (600.0, 900.0), 60, 60.0)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert apart[~np.eye(60, dtype=bool)].min() >= 60.0
    assert np.abs(places[:, 0]).max() <= 450.0
    assert np.abs(places[:, 1]).max() <= 300.0
    # Wider along x than a field of its height would let them be.
    assert np.abs(places[:, 0]).max() > 300.0
    np.testing.assert_array_equal(places, random_places(key, (600.0, 900.0), 60, 60.0))


def test_more_places_than_fit_are_refused():
    with pytest.raises(ValueError, match="cannot place 100 particles 100 Å apart"):
        random_places(jax.random.key(0), (500.0, 500.0), 100, 100.0)
