"""Waves in vacuum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.wave import AngularSpectrum, Fresnel, Wave, propagate


WAVELENGTH = 0.02
GRID = vx.Grid((12, 11), 0.8)


def some_wave():
    spectrum = jax.random.normal(jax.random.key(1), GRID.shape, jnp.complex128)
    return Wave(spectrum, GRID)


@pytest.mark.parametrize("propagation", [Fresnel(), AngularSpectrum()])
def test_propagation_keeps_the_power_and_adds_up(propagation):
    wave = some_wave()
    twice = propagate(
        propagate(wave, WAVELENGTH, 300.0, propagation), WAVELENGTH, 200.0, propagation
    )
    once = propagate(wave, WAVELENGTH, 500.0, propagation)
    np.testing.assert_allclose(twice.spectrum, once.spectrum, atol=1e-12)
    power = [np.sum(np.abs(np.asarray(w.spectrum)) ** 2) for w in (wave, once)]
    assert power[0] == pytest.approx(power[1], rel=1e-12)


def test_a_gaussian_beam_spreads_as_its_closed_form():
    grid = vx.Grid(64, 1.0)
    y, x = np.meshgrid(*[np.asarray(axis) for axis in grid.axes()], indexing="ij")
    variance, distance = 9.0, 400.0
    start = Wave.from_scattered(
        jnp.asarray(np.exp(-(x**2 + y**2) / (2 * variance)) + 0j), grid
    )
    there = propagate(start, WAVELENGTH, distance, Fresnel())
    # Of exp(-2π²s k²): propagation adds an imaginary part to the variance.
    complex_variance = variance + 1j * WAVELENGTH * distance / (2 * np.pi)
    expected = (
        variance / complex_variance * np.exp(-(x**2 + y**2) / (2 * complex_variance))
    )
    np.testing.assert_allclose(there.scattered(), expected, atol=1e-8)


def test_defocus_is_propagation_backwards():
    lens = vx.Lens(defocus=3_000.0, spherical_aberration=0.0, amplitude_contrast=0.0)
    wave = some_wave()
    back = propagate(wave, WAVELENGTH, -3_000.0, Fresnel())
    turned = vx.optics.wave_transfer(lens, wave, jnp.asarray(WAVELENGTH))
    # At the Nyquist row of an even axis the two halves share one frequency.
    np.testing.assert_allclose(wave.spectrum * turned, back.spectrum, atol=1e-9)


def test_the_exact_phase_is_the_paraxial_one_at_small_angles():
    exact = np.asarray(AngularSpectrum()(GRID, jnp.asarray(WAVELENGTH)))
    paraxial = np.asarray(Fresnel()(GRID, jnp.asarray(WAVELENGTH)))
    k2 = -paraxial / (np.pi * WAVELENGTH)
    closed = 2 * np.pi * (np.sqrt(1 / WAVELENGTH**2 - k2) - 1 / WAVELENGTH)
    np.testing.assert_allclose(exact, closed, atol=1e-10)
    np.testing.assert_allclose(exact, paraxial, rtol=1e-4)
    assert np.abs(exact - paraxial).max() > 0


def test_waves_that_do_not_travel_have_finite_phases():
    phase = AngularSpectrum()(vx.Grid(8, 0.005), jnp.asarray(0.05))
    assert bool(jnp.all(jnp.isfinite(phase)))
