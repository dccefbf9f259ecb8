"""Thick and tilted specimens against means over depth and turned planes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.optics import phase_error, specimen_envelope, thon_rings, tilted, transfer


GRID = vx.Grid((16, 15), 1.0)
WAVELENGTH = 0.0197
LENS = vx.Lens(9_000.0, 700.0, 25.0, even_zernike=(0.0, 1.0))
THICKNESS = 900.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def mean_over_depth(function):
    """Return the mean over heights within half the thickness of the middle."""
    heights = 0.5 * THICKNESS * NODES
    values = [np.asarray(function(z)) for z in heights.tolist()]
    return np.tensordot(0.5 * WEIGHTS, values, 1)


def test_the_specimen_envelope_is_the_mean_amplitude_over_depth():
    mean = mean_over_depth(lambda z: transfer(LENS.raised(z), GRID, WAVELENGTH))
    left = specimen_envelope(GRID, WAVELENGTH, THICKNESS)
    expected = left * transfer(LENS, GRID, WAVELENGTH)
    np.testing.assert_allclose(expected, mean, atol=1e-9)
    assert float(jnp.min(left)) < 0.1


def test_thon_rings_are_the_mean_power_over_depth():
    mean = mean_over_depth(lambda z: transfer(LENS.raised(z), GRID, WAVELENGTH) ** 2)
    rings = thon_rings(LENS, GRID, WAVELENGTH, THICKNESS)
    np.testing.assert_allclose(rings, mean, atol=1e-9)
    thin = thon_rings(LENS, GRID, WAVELENGTH, 0.0)
    np.testing.assert_allclose(thin, transfer(LENS, GRID, WAVELENGTH) ** 2, atol=1e-12)
    assert float(jnp.abs(rings - thin).max()) > 0.4


def test_rings_vanish_at_the_node_and_come_back_reversed():
    # λ k² t = 1 at k = 1/4.
    thickness = 16.0 / WAVELENGTH
    grid = vx.Grid((1, 16), 1.0)
    rings = np.asarray(thon_rings(LENS, grid, WAVELENGTH, thickness))[0]
    turn = np.cos(2 * np.asarray(phase_error(LENS, grid, WAVELENGTH))[0])
    assert rings[4] == pytest.approx(0.5, abs=1e-12)
    signs = (0.5 - rings) / turn
    assert (signs[:4] > 0).all()
    assert signs[5] < 0


@pytest.mark.parametrize("tilt", [-35.0, 12.0, 60.0])
@pytest.mark.parametrize("axis", [0.0, 33.0, 90.0, -120.0])
def test_the_defocus_of_a_tilted_specimen_is_that_of_its_height(tilt, axis):
    direction = np.deg2rad(axis)
    vector = tilt * jnp.asarray([np.cos(direction), np.sin(direction), 0.0])
    turn = vx.Rotation.from_axis_angle(vector).as_matrix()
    for place in ((0.0, 0.0), (300.0, -200.0), (-50.0, 700.0)):
        x, y, z = np.asarray(turn) @ np.array([*place, 0.0])
        lens = tilted(LENS, (x, y), tilt, axis)
        assert float(lens.defocus) == pytest.approx(9_000.0 - z, abs=1e-9)
        assert float(lens.astigmatism) == 700.0
        assert lens.even_zernike.tolist() == [0.0, 1.0]


def test_defocus_is_less_where_the_specimen_is_higher():
    raised, lowered = LENS.raised(500.0), LENS.raised(-500)
    assert float(raised.defocus) == 8_500.0
    assert float(lowered.defocus) == 9_500.0
    along_x = tilted(LENS, (0.0, 1_000.0), tilt=45.0, tilt_axis=0.0)
    assert float(along_x.defocus) == pytest.approx(8_000.0)
    along_y = tilted(LENS, (1_000.0, 0.0), tilt=45.0, tilt_axis=90.0)
    assert float(along_y.defocus) == pytest.approx(10_000.0)


def test_a_tilt_of_a_right_angle_is_refused():
    for tilt in (90.0, -95.0, np.nan):
        with pytest.raises(ValueError, match="cannot tilt the lens because tilt is"):
            tilted(LENS, (0.0, 0.0), tilt, 0.0)


def test_lenses_of_many_places():
    places = jnp.asarray([[0.0, 100.0], [0.0, -100.0], [50.0, 0.0]])
    lenses = jax.vmap(lambda place: tilted(LENS, place, 45.0, 0.0))(places)
    np.testing.assert_allclose(lenses.defocus, [8_900.0, 9_100.0, 9_000.0])
