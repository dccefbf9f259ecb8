"""Strong phases, and the wave behind the lens."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.wave import Beam, StrongPhase, Wave, WeakPhase, scattered_by


ASTIGMATIC = vx.Lens(9_000.0, 500.0, 30.0, phase_shift=20.0, b_factor=30.0)
COMATIC = vx.Lens(
    9_000.0,
    beam_tilt=(3.0, 1.0),
    odd_zernike=(1.0, 2.0, 3.0),
    even_zernike=(0.0, 1.0),
)


def molecule(strength=1.0):
    return vx.Gaussians(
        [[3.0, 1.0, 0.0], [-4.0, 2.0, 0.0]],
        [[2.5 * strength], [1.5 * strength]],
        [[2.0], [3.0]],
    )


def scope(lens, scattering, n=24):
    return vx.Microscope(vx.Grid(n, 1.0), 300.0, lens, scattering=scattering)


@ft.cache
def compiled():
    return jax.jit(vx.simulate)


@pytest.mark.parametrize("lens", [ASTIGMATIC, COMATIC], ids=["even", "odd"])
@pytest.mark.parametrize("height", [None, 250.0])
@pytest.mark.parametrize("n", [24, 25])
def test_a_phase_object_becomes_the_weak_one(lens, height, n):
    turned = vx.Pose.from_euler(20.0, 40.0, 50.0, shift=(1.0, 2.0))
    pose = vx.Pose(turned.rotation, turned.shift, height)
    strength = 1e-5
    weak, strong = (
        compiled()(molecule(strength), pose, scope(lens, theory, n))
        for theory in (WeakPhase(), StrongPhase())
    )
    # What is left is of second order in the strength.
    assert np.abs(strong - weak).max() < 1e-3 * strength * np.abs(weak).max() / 1e-5


def test_the_linear_term_of_the_phase_object_is_the_weak_contrast():
    pose = vx.Pose.identity()

    # Odd, so that each frequency has its opposite on the grid.
    strong, weak = (
        scope(ASTIGMATIC, theory, 25) for theory in (StrongPhase(), WeakPhase())
    )

    def image(strength):
        return vx.simulate(molecule(strength), pose, strong)

    _, slope = jax.jvp(image, (0.0,), (1.0,))
    expected = vx.simulate(molecule(), pose, weak)
    np.testing.assert_allclose(slope, expected, atol=1e-12 * np.abs(expected).max())


def test_a_height_is_a_defocus():
    raised = vx.Pose(vx.Pose.identity().rotation, (0.0, 0.0), 400.0)
    for theory in (WeakPhase(), StrongPhase()):
        image = compiled()(molecule(), raised, scope(ASTIGMATIC, theory))
        expected = compiled()(
            molecule(), vx.Pose.identity(), scope(ASTIGMATIC.raised(400.0), theory)
        )
        np.testing.assert_allclose(image, expected, atol=1e-10)


@pytest.mark.parametrize("q", [0.0, 0.1, 0.5])
def test_scattering_by_a_phase_is_that_of_the_complex_exponential(q):
    phase = np.linspace(-3.0, 3.0, 12).reshape(3, 4)
    expected = np.exp(1j * phase * np.exp(1j * np.arcsin(q))) - 1
    got = scattered_by(jnp.asarray(phase), jnp.asarray(q))
    np.testing.assert_allclose(got, expected, atol=1e-14)


def test_a_small_phase_keeps_its_digits_in_single_precision():
    phase = jnp.full((1, 1), 1e-6, jnp.float32)
    got = complex(scattered_by(phase, jnp.asarray(0.0, jnp.float32))[0, 0])
    assert got.imag == pytest.approx(1e-6, rel=1e-6)
    assert got.real == pytest.approx(-5e-13, rel=1e-6)


def test_a_pure_phase_object_loses_no_electrons():
    grid = vx.Grid(24, 1.0)
    wave = StrongPhase()(molecule(), vx.Pose.identity(), grid, Beam(300.0))
    np.testing.assert_allclose(np.abs(wave.values()), 1.0, atol=1e-12)


def test_amplitude_contrast_absorbs():
    grid = vx.Grid(24, 1.0)
    wave = StrongPhase()(molecule(), vx.Pose.identity(), grid, Beam(300.0, 0.1))
    intensity = np.abs(np.asarray(wave.values())) ** 2
    unabsorbed = StrongPhase()(molecule(), vx.Pose.identity(), grid, Beam(300.0))
    phase = np.angle(unabsorbed.values())
    np.testing.assert_allclose(intensity, np.exp(-0.2 * phase), atol=1e-12)
    assert intensity.min() < 0.9995


def test_a_map_of_arbitrary_scale_has_no_phase():
    density = vx.VoxelMap(jnp.ones((8, 8, 8)), 1.0)
    with pytest.raises(ValueError, match="because its unit is arbitrary; do scale"):
        vx.simulate(density, vx.Pose.identity(), scope(ASTIGMATIC, StrongPhase(), 8))


def test_values_of_a_wave_are_its_scattered_part_and_one():
    values = jax.random.normal(jax.random.key(0), (6, 5), jnp.complex128)
    wave = Wave.from_scattered(values, vx.Grid((6, 5), 1.0))
    np.testing.assert_allclose(wave.scattered(), values, atol=1e-14)
    np.testing.assert_allclose(wave.values(), values + 1, atol=1e-14)
