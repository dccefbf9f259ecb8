"""CryoSPARC's aberrations and RELION's, as phases on the pixel grid."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.io._cs_aberrations import (
    CryoSparcTerms,
    RelionTerms,
    rest_in_lens,
    to_cryosparc,
    to_relion,
    wavelengths,
)
from vitrax.optics import odd_phase, phase_error, zernike_sum


VOLTAGES = np.array([300.0, 200.0, 100.0])
# The last microscope has a corrector.
SPHERICAL = np.array([2.7, 2.0, 0.0])
NONE = {
    "shift": np.zeros((3, 2)),
    "tilt": np.zeros((3, 2)),
    "trefoil": np.zeros((3, 2)),
    "tetra": np.zeros((3, 4)),
    "rest": np.zeros((3, 5)),
}
GRID = vx.Grid(16, 1.0)


def some(**terms):
    return CryoSparcTerms(**NONE | terms)


def random_terms():
    rng = np.random.default_rng(0)
    return CryoSparcTerms(
        shift=rng.normal(size=(3, 2)),
        tilt=3e3 * rng.normal(size=(3, 2)),
        trefoil=3e3 * rng.normal(size=(3, 2)),
        tetra=1e4 * rng.normal(size=(3, 4)),
        rest=np.zeros((3, 5)),
    )


def polar():
    ky, kx = (np.asarray(axis) for axis in GRID.frequency_axes())
    return np.hypot(ky[:, None], kx[None]), np.arctan2(
        *np.broadcast_arrays(ky[:, None], kx[None])
    )


def phases(terms, row):
    """Return the odd and the even phase by the formulas in the file's head."""
    k, angle = polar()
    wave = wavelengths(VOLTAGES)[row]
    x, y = k * np.cos(angle), k * np.sin(angle)
    shift, tilt, trefoil, tetra = (
        getattr(terms, name)[row] for name in ("shift", "tilt", "trefoil", "tetra")
    )
    odd = -2 * np.pi * (shift[0] * x + shift[1] * y)
    odd += 2 * np.pi * wave**2 * k**2 * (tilt[0] * x + tilt[1] * y)
    threefold = trefoil[0] * np.cos(3 * angle) + trefoil[1] * np.sin(3 * angle)
    odd += 2 * np.pi / 3 * wave**2 * k**3 * threefold
    twofold = tetra[0] * np.cos(2 * angle) + tetra[1] * np.sin(2 * angle)
    fourfold = tetra[2] * np.cos(4 * angle) + tetra[3] * np.sin(4 * angle)
    return odd, np.pi * wave**3 * k**4 * (2 * twofold + fourfold / 2)


@pytest.mark.parametrize("row", range(3))
def test_phases_of_relion_s_terms_are_those_of_cryosparc_s(row):
    terms = random_terms()
    relion = to_relion(terms, VOLTAGES, SPHERICAL)
    odd, even = phases(terms, row)
    wave = float(wavelengths(VOLTAGES)[row])
    lens = vx.Lens(
        0.0,
        spherical_aberration=SPHERICAL[row],
        beam_tilt=relion.tilt[row],
        odd_zernike=relion.odd[row],
    )
    ky, kx = GRID.frequency_axes()
    found = zernike_sum(jnp.asarray(relion.even[row]), "even", ky, kx)
    rtol = 1e-5 if ky.dtype == np.float32 else 1e-10
    np.testing.assert_allclose(found, even, atol=rtol * np.abs(even).max())
    found = odd_phase(lens, GRID, wave)
    np.testing.assert_allclose(found, odd, atol=rtol * np.abs(odd).max())


def test_tilt_of_a_microscope_without_spherical_aberration_is_zernike_terms():
    relion = to_relion(random_terms(), VOLTAGES, SPHERICAL)
    assert relion.tilt[:2].all()
    assert not relion.tilt[2].any()
    assert not relion.odd[:2, 3:5].any()
    assert relion.odd[2, 3:5].all()


def test_beam_tilt_is_opposite_to_tilt():
    """The sign of SPECTER; pyem has the other one."""
    terms = some(tilt=np.tile([[2.7e3, -5.4e3]], (3, 1)))
    relion = to_relion(terms, VOLTAGES, np.full(3, 2.7))
    np.testing.assert_allclose(relion.tilt, np.tile([[-0.1, 0.2]], (3, 1)))
    assert not relion.odd.any()


def test_shift_moves_the_particle_along_itself():
    """As Pose.shift does."""
    relion = to_relion(some(shift=np.full((3, 2), 1.5)), VOLTAGES, SPHERICAL)
    lens = vx.Lens(0.0, odd_zernike=relion.odd[0])
    ky, kx = GRID.frequency_axes()
    expected = -2 * np.pi * 1.5 * (ky[:, None] + kx[None, :])
    found = odd_phase(lens, GRID, 0.02)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_there_and_back():
    terms = random_terms()
    back = to_cryosparc(to_relion(terms, VOLTAGES, SPHERICAL), VOLTAGES, SPHERICAL)
    for field in dataclasses.fields(terms):
        values = getattr(terms, field.name)
        np.testing.assert_allclose(getattr(back, field.name), values, atol=1e-9)


def test_back_and_there():
    rng = np.random.default_rng(1)
    even, odd = rng.normal(size=(3, 9)), rng.normal(size=(3, 6))
    terms = to_cryosparc(RelionTerms(np.zeros((3, 2)), odd, even), VOLTAGES, SPHERICAL)
    back = to_relion(terms, VOLTAGES, np.zeros(3))
    np.testing.assert_allclose(back.even, even, atol=1e-12)
    np.testing.assert_allclose(back.odd, odd, atol=1e-12)


def test_a_lens_takes_the_rest():
    """Defocus, astigmatism, spherical aberration and phase shift, with no Zernike."""
    even = np.zeros((3, 9))
    even[:, :4], even[:, 6] = np.random.default_rng(2).normal(size=(3, 4)), 3.0
    none = RelionTerms(np.zeros((3, 2)), np.zeros((3, 6)), even)
    rest = to_cryosparc(none, VOLTAGES, SPHERICAL).rest
    waves = wavelengths(VOLTAGES)
    phase, defocus, spherical = (each[0] for each in rest_in_lens(rest, waves))
    with_terms = vx.Lens(1e4, even_zernike=even[0])
    astigmatism = 2 * np.hypot(*defocus[1:])
    without = vx.Lens(
        1e4 + defocus[0],
        astigmatism=astigmatism,
        astigmatism_angle=np.rad2deg(np.arctan2(defocus[2], defocus[1])) / 2,
        spherical_aberration=2.7 + spherical,
        phase_shift=np.rad2deg(phase),
    )
    error = jax.jit(phase_error)
    found, expected = (error(each, GRID, waves[0]) for each in (without, with_terms))
    rtol = 1e-5 if found.dtype == np.float32 else 1e-9
    np.testing.assert_allclose(found, expected, atol=rtol * np.abs(expected).max())


def test_wavelengths_are_the_library_s():
    expected = [float(vx.physics.wavelength(voltage)) for voltage in VOLTAGES]
    np.testing.assert_allclose(wavelengths(VOLTAGES), expected, rtol=1e-6)
