"""The coordinates and frequencies of a grid."""

import itertools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from vitrax.grid import Grid, frequency_radius, to_fourier, to_real


PARITIES = list(itertools.product((8, 9), (6, 7)))


@pytest.mark.parametrize("shape", PARITIES)
def test_origin_is_pixel_n_over_2(shape):
    grid = Grid(shape, 1.5)
    row, column = shape[0] // 2, shape[1] // 2
    assert grid.centre == (row, column)
    assert float(grid.axes()[0][row]) == 0.0
    assert float(grid.axes()[1][column]) == 0.0
    assert int(jnp.argmin(grid.radius_squared())) == row * shape[1] + column


@pytest.mark.parametrize("shape", PARITIES)
def test_frequencies_are_those_of_rfft(shape):
    y, x = Grid(shape, 2.0).frequency_axes()
    np.testing.assert_allclose(y, np.fft.fftfreq(shape[0], 2.0), atol=1e-15)
    np.testing.assert_allclose(x, np.fft.rfftfreq(shape[1], 2.0), atol=1e-15)
    assert Grid(shape, 2.0).frequency_squared().shape == Grid(shape, 2.0).half_shape


@pytest.mark.parametrize("shape", [*PARITIES, (4, 5, 6)])
def test_flat_spectrum_is_a_point_at_the_origin(shape):
    grid = Grid(shape, 1.0)
    point = to_real(jnp.ones(grid.half_shape, complex), shape)
    expected = jnp.zeros(shape).at[grid.centre].set(1.0)
    np.testing.assert_allclose(point, expected, atol=1e-12)


def test_phase_ramp_moves_the_peak_along_x_and_y():
    grid = Grid((64, 48), 1.0)
    ky, kx = (axis[:, None] if i == 0 else axis[None, :]
              for i, axis in enumerate(grid.frequency_axes()))  # fmt: skip
    ramp = jnp.exp(-2j * jnp.pi * (kx * 5.0 + ky * -7.0).astype(complex))
    peak = jnp.unravel_index(jnp.argmax(to_real(ramp, grid.shape)), grid.shape)
    assert (int(peak[0]), int(peak[1])) == (25, 29)


@pytest.mark.parametrize("shape", [(4, 6), (5, 6), (4, 7), (3, 4, 5)])
def test_spectrum_of_grid_matches_explicit_sum(shape):
    grid = Grid(shape, 1.7)
    values = jr.normal(jr.key(0), shape)
    index = tuple(1 for _ in shape)
    phase = sum(
        np.multiply.outer(np.ones(shape[:i]), np.multiply.outer(
            np.asarray(k)[1] * np.asarray(x), np.ones(shape[i + 1 :])))
        for i, (x, k) in enumerate(zip(grid.axes(), grid.frequency_axes(), strict=True))
    )  # fmt: skip
    expected = np.sum(np.asarray(values) * np.exp(-2j * np.pi * phase))
    np.testing.assert_allclose(to_fourier(values)[index], expected, rtol=1e-10)


def test_one_integer_is_a_square_and_sizes_follow():
    grid = Grid(6, pixel_size=1)
    assert (grid.shape, grid.size, grid.ndim) == ((6, 6), 36, 2)
    assert grid.half_shape == (6, 4)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "shape", [(4,), (0, 4), (4, -1), (1, 2, 3, 4), 0, 4.5, (4.5, 4), "ab", (4, np.nan)]
)
def test_grid_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"cannot make a grid of shape .* because"):
        Grid(shape, 1.0)


def test_frequency_radius_has_finite_derivatives_at_zero():
    def total(pixel_size):
        return frequency_radius(Grid((5, 6), pixel_size)).sum()

    first = jax.grad(total)(1.3)
    assert float(first) == pytest.approx(-float(total(1.3)) / 1.3)
    assert bool(jnp.isfinite(jax.grad(jax.grad(total))(1.3)))


@pytest.mark.usefixtures("unchecked")
def test_sizes_may_be_numpy_s():
    assert Grid(np.int64(6), 1.0).shape == Grid((np.int32(6), 6.0), 1.0).shape == (6, 6)


@pytest.mark.parametrize("pixel_size", [0.0, -1.5, np.nan, np.inf])
def test_a_pixel_size_that_is_no_length_is_refused(pixel_size):
    message = f"cannot make Grid because pixel_size is {pixel_size}, not positive"
    with pytest.raises(ValueError, match=message):
        Grid(8, pixel_size)
