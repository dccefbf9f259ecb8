"""The objective lens and what it makes of what left the specimen."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.optics import image_spectrum, phase_error, transfer
from vitrax.wave import LinearContrast


GRID = vx.Grid((6, 8), 1.5)


def test_its_numbers_become_floats():
    lens = vx.Lens(defocus=12_000, astigmatism=200)
    assert lens.defocus.dtype == lens.b_factor.dtype == jnp.zeros(()).dtype
    assert not lens.defocus.weak_type


def test_its_defaults_are_round_and_at_300_kv_of_a_common_microscope():
    lens = vx.Lens(defocus=12_000.0)
    assert float(lens.spherical_aberration) == pytest.approx(2.7)
    assert float(lens.amplitude_contrast) == pytest.approx(0.07)
    for field in ("astigmatism", "astigmatism_angle", "phase_shift", "b_factor"):
        assert float(getattr(lens, field)) == 0.0


@pytest.mark.parametrize("quarter_turns", [1, 2, -1])
def test_negative_astigmatism_is_positive_at_right_angles(quarter_turns):
    one = transfer(vx.Lens(9e3, 800.0, 25.0), GRID, 0.02)
    sign = -1.0 if quarter_turns % 2 else 1.0
    other = transfer(
        vx.Lens(9e3, sign * 800.0, 25.0 + 90.0 * quarter_turns), GRID, 0.02
    )
    np.testing.assert_allclose(one, other, atol=1e-11)


def test_linear_contrast_is_multiplied_by_the_transfer():
    rng = np.random.default_rng(0)
    spectrum = jnp.asarray(rng.normal(size=GRID.half_shape) + 0j)
    lens = vx.Lens(9e3, 800.0, 25.0, b_factor=30.0)
    imaged = image_spectrum(LinearContrast(spectrum, GRID), lens, jnp.asarray(0.02))
    expected = np.asarray(spectrum) * np.asarray(transfer(lens, GRID, 0.02))
    np.testing.assert_allclose(imaged, expected, atol=1e-14)


def test_the_phase_error_has_the_textbook_terms():
    lens = vx.Lens(1e4, 0.0, 0.0, 2.0, 0.1, 30.0)
    gamma = phase_error(lens, vx.Grid(10, 1.0), 0.02)
    expected = np.pi * 0.02 * 1e4 * 0.01 - 0.5 * np.pi * 2e7 * 0.02**3 * 1e-4
    expected += np.deg2rad(30.0) + np.arcsin(0.1)
    assert float(gamma[1, 0]) == pytest.approx(expected, rel=1e-12)
    assert float(gamma[0, 1]) == pytest.approx(expected, rel=1e-12)


def test_what_no_lens_knows_is_refused():
    with pytest.raises(TypeError, match="cannot image a str because the lens"):
        image_spectrum("wave", vx.Lens(1e4), jnp.asarray(0.02))


@pytest.mark.parametrize("value", [7.0, -1.1, np.nan])
def test_an_amplitude_contrast_that_is_no_sine_is_refused(value):
    message = f"cannot make Lens because amplitude_contrast is {value}, not within -1"
    with pytest.raises(ValueError, match=message):
        vx.Lens(1e4, amplitude_contrast=value)
    assert float(vx.Lens(1e4, amplitude_contrast=-0.01).amplitude_contrast) == -0.01


NUMBERS = [f.name for f in dataclasses.fields(vx.Lens) if f.name != "damping"]


@pytest.mark.parametrize("field", NUMBERS)
def test_aberrations_are_finite(field):
    with pytest.raises(ValueError, match=f"cannot make Lens because {field} is nan"):
        vx.Lens(**{"defocus": 1e4, field: np.nan})
    with pytest.raises(TypeError, match="cannot use 'a' as a float array"):
        vx.Lens(**{"defocus": 1e4, field: "a"})


@pytest.mark.parametrize("value", [2.7e7, -101.0, np.inf])
def test_a_spherical_aberration_in_angstroms_is_refused(value):
    with pytest.raises(
        ValueError, match="not within -100 and 100 mm; do give it in mm"
    ):
        vx.Lens(1e4, spherical_aberration=value)
    with pytest.raises(
        ValueError, match="not within -100 and 100 mm; do give it in mm"
    ):
        vx.Lens(1e4, chromatic_aberration=value, energy_spread=0.7)
    with pytest.raises(ValueError, match=r"spherical_aberration .* 100 mm; do give it"):
        vx.image.OpticsGroup(1.0, 300.0, spherical_aberration=value)


def test_lenses_may_be_nearly_in_focus():
    lens = vx.Lens(1.2, spherical_aberration=-0.01)
    assert float(lens.defocus) == pytest.approx(1.2)
