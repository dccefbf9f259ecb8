"""Every part of the lens's transfer at the magnified frequency, in closed form."""

import numpy as np
import pytest

import vitrax as vx
from vitrax.optics import envelope, odd_phase, phase_error, thon_rings, transfer


GRID = vx.Grid((14, 13), 1.2)
MATRIX = np.array([[1.1, 0.2], [-0.1, 0.9]])
WAVELENGTH = 0.0197


def plane():
    """Return (x, y) of all frequencies."""
    ky, kx = (np.asarray(k) for k in GRID.frequency_axes())
    return np.stack(np.broadcast_arrays(kx[None, :], ky[:, None]))


def gamma(k):
    """Return the phase error with defocus 9000 ± 400 Å at 25° and one even term."""
    x, y = k
    squared, azimuth = x**2 + y**2, np.arctan2(y, x)
    defocus = 9e3 + 400.0 * np.cos(2 * (azimuth - np.deg2rad(25.0)))
    error = np.pi * WAVELENGTH * defocus * squared + np.arcsin(0.07)
    error -= 0.5 * np.pi * 2.7e7 * WAVELENGTH**3 * squared**2
    return error - 3.0 * squared * np.cos(2 * azimuth)


def odd(k):
    x, y = k
    squared, azimuth = x**2 + y**2, np.arctan2(y, x)
    strength = 2e-3 * np.pi * 2.7e7 * WAVELENGTH**2
    tilt = -strength * squared * (0.7 * x - 1.1 * y)
    return tilt + 2.0 * squared**1.5 * np.sin(3 * azimuth)


def rings(k):
    contrast = np.sinc(WAVELENGTH * 300.0 * (k**2).sum(0))
    return 0.5 * (1 - contrast * np.cos(2 * gamma(k)))


def decay(k):
    """Return the envelope of B-factor and convergence, the slope by differences."""
    squared = (k**2).sum(0)
    step = 1e-6
    slopes = [
        (gamma(k + step * unit) - gamma(k - step * unit)) / (2 * step)
        for unit in np.eye(2)[:, :, None, None]
    ]
    return np.exp(
        -7.5 * squared
        - 0.5 * (2e-4 / WAVELENGTH) ** 2 * (slopes[0] ** 2 + slopes[1] ** 2)
    )


PARTS = {
    "phase error": (phase_error, gamma),
    "odd phase": (odd_phase, odd),
    "envelope": (envelope, decay),
    "transfer": (transfer, lambda k: -np.sin(gamma(k)) * decay(k)),
    "Thon rings": (lambda *each: thon_rings(*each, 300.0), rings),
}


@pytest.mark.parametrize("part", PARTS)
def test_it_is_the_closed_form_at_the_magnified_frequency(part):
    ours, closed = PARTS[part]
    lens = {"b_factor": 30.0, "convergence": 0.2, "beam_tilt": (0.7, -1.1)}
    lens |= {"even_zernike": (0.0, 0.0, 0.0, 3.0), "odd_zernike": (0.0, 0.0, 2.0)}
    there = np.einsum("ij,jyx->iyx", MATRIX, plane())
    for matrix, frequency in ((MATRIX, there), (None, plane())):
        lens_of = vx.Lens(9e3, 800.0, 25.0, magnification=matrix, **lens)
        actual = ours(lens_of, GRID, WAVELENGTH)
        np.testing.assert_allclose(actual, closed(frequency), atol=1e-7)


def test_the_identity_changes_nothing():
    lens = {"b_factor": 30.0, "chromatic_aberration": 2.7, "energy_spread": 0.9}
    lens |= {"aperture": 8.0, "convergence": 0.2, "even_zernike": (0.0, 1.0, 2.0)}
    plain, same = (
        transfer(vx.Lens(9e3, 800.0, 25.0, magnification=m, **lens), GRID, WAVELENGTH)
        for m in (None, np.eye(2))
    )
    np.testing.assert_allclose(plain, same, atol=1e-13)
