"""Radiation damage: critical exposure, filters of frames, weights of their sum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from vitrax.detector import (
    critical_exposure,
    dose_weights,
    exposure_filter,
    frame_filters,
)
from vitrax.grid import Grid


GRID = Grid((8, 7), 0.9)
PARITIES = [(8, 8), (8, 7), (7, 8), (7, 7)]


def critical(k, scale=1.0):
    return scale * (0.24499 * k**-1.6649 + 2.8141)


def radii(grid):
    """Return |k| at each frequency, from numpy."""
    size = float(grid.pixel_size)
    ky = np.fft.fftfreq(grid.shape[0], size)
    kx = np.fft.rfftfreq(grid.shape[1], size)
    return np.hypot(ky[:, None], kx[None])


@pytest.mark.parametrize(
    ("voltage", "scale"), [(300.0, 1.0), (200.0, 0.8), (100.0, 0.532)]
)
def test_the_critical_exposure_is_that_of_grant_and_grigorieff(voltage, scale):
    k = np.asarray([0.01, 0.1, 0.25, 0.5])
    ours = critical_exposure(jnp.asarray(k), voltage)
    np.testing.assert_allclose(ours, critical(k, scale), rtol=1e-12)


def test_between_the_voltages_it_grows_without_kinks():
    volts = jnp.linspace(80.0, 400.0, 33)
    scale = jax.vmap(lambda v: critical_exposure(0.2, v))(volts) / critical(0.2)
    steps = np.diff(scale)
    assert np.all(steps > 0)
    assert np.ptp(np.diff(steps)) < 1e-12
    np.testing.assert_allclose(scale[jnp.asarray([0, -1])], [0.47024, 1.132], 1e-10)


def test_nothing_harms_zero_frequency():
    value, slope = jax.value_and_grad(critical_exposure)(0.0, 300.0)
    assert (float(value), float(slope)) == (np.inf, 0.0)
    assert float(exposure_filter(GRID, 1e4, 300.0)[0, 0]) == 1.0


@pytest.mark.parametrize("shape", PARITIES)
def test_the_filter_is_its_formula_at_each_frequency(shape):
    grid = Grid(shape, 0.9)
    with np.errstate(divide="ignore"):
        expected = np.exp(-0.5 * 17.0 / critical(radii(grid), 0.8))
    ours = exposure_filter(grid, 17.0, 200.0)
    assert ours.shape == grid.half_shape
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("dose", [0.01, 3.0, 40.0])
def test_a_frame_s_filter_is_the_mean_over_its_exposure(dose):
    ours = np.asarray(frame_filters(GRID, dose, 3, 300.0))
    for i in range(3):
        for y, x in [(0, 1), (2, 3), (4, 0)]:
            nc = critical(radii(GRID)[y, x])
            area, _ = quad(
                lambda n, nc=nc: np.exp(-0.5 * n / nc), i * dose, (i + 1) * dose
            )
            assert ours[i, y, x] == pytest.approx(area / dose, rel=1e-10)
    np.testing.assert_array_equal(ours[:, 0, 0], 1.0)


@pytest.mark.float32
@pytest.mark.parametrize("dose", [0.0, 1e-6, 1.0, 2.6, 100.0])
def test_the_mean_and_its_slope_are_right_for_small_and_large_doses(dose):
    grid = Grid((1, 4), 2.0)
    nc = critical(0.125)

    def value(d):
        return frame_filters(grid, d, 1, 300.0)[0, 0, 1]

    x = np.float64(dose) / (2 * nc)
    exact = -np.expm1(-x) / x if x > 1e-4 else 1 - x / 2 + x**2 / 6
    slope = np.exp(-x) / x - exact / x if x > 1e-2 else -0.5 + x / 3 - x**2 / 8
    ours = jax.value_and_grad(value)(jnp.asarray(dose))
    tolerance = 1e-12 if ours[0].dtype == np.float64 else 2e-6
    np.testing.assert_allclose(ours, [exact, slope / (2 * nc)], rtol=30 * tolerance)


def test_many_short_frames_sum_to_one_long_one():
    short = frame_filters(GRID, 0.5, 40, 300.0).mean(0)
    np.testing.assert_allclose(
        short, frame_filters(GRID, 20.0, 1, 300.0)[0], rtol=1e-12
    )


def test_weights_are_the_filters_over_the_root_of_their_squares():
    filters = np.asarray(frame_filters(GRID, 4.0, 5, 300.0))
    expected = filters / np.sqrt((filters**2).sum(0))
    ours = dose_weights(GRID, 4.0, 5, 300.0)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    np.testing.assert_allclose(ours[:, 0, 0], 1 / np.sqrt(5), rtol=1e-12)
    at_the_end = [exposure_filter(GRID, 4.0 * (i + 1), 300.0) for i in range(5)]
    other = np.stack(at_the_end) / np.sqrt(np.sum(np.square(at_the_end), 0))
    np.testing.assert_allclose(ours, other, rtol=1e-12)


@pytest.mark.float32
def test_weights_are_finite_where_nothing_is_left():
    weights = dose_weights(Grid((4, 4), 0.5), 1e4, 3, 300.0)
    np.testing.assert_allclose((weights**2).sum(0), 1.0, rtol=1e-6)
    assert float(weights[0, 2, 2]) == pytest.approx(1.0)


def test_no_dose_leaves_all_frames_alike():
    np.testing.assert_array_equal(frame_filters(GRID, 0.0, 4, 300.0), 1.0)
    np.testing.assert_allclose(dose_weights(GRID, 0.0, 4, 300.0), 0.5, rtol=1e-12)


@pytest.mark.parametrize("voltage", [79.0, 401.0, 300_000.0, float("nan")])
def test_voltages_far_from_the_measured_are_errors(voltage):
    with pytest.raises(ValueError, match=r"voltage is .*, not within 80 and 400 kV"):
        exposure_filter(GRID, 1.0, voltage)
    with pytest.raises(ValueError, match="cannot critical_exposure because voltage"):
        critical_exposure(0.1, voltage)


def test_negative_doses_and_no_frames_are_errors():
    with pytest.raises(ValueError, match=r"dose_per_frame is -1\.0, not 0 or more"):
        frame_filters(GRID, -1.0, 2, 300.0)
    with pytest.raises(ValueError, match="cannot dose_weights because n_frames is 0"):
        dose_weights(GRID, 1.0, 0, 300.0)


@pytest.mark.usefixtures("unchecked")
def test_a_traced_number_of_frames_says_what_to_do():
    with pytest.raises(
        TypeError, match=r"do jax.jit\(dose_weights, static_argnames='n"
    ):
        jax.jit(dose_weights)(GRID, 1.0, 2, 300.0)
    with pytest.raises(ValueError, match="cannot use dose because it has shape"):
        exposure_filter(GRID, jnp.ones(3), 300.0)
