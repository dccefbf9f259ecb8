"""Averages over shells and circles: each frequency as often as it is there."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from vitrax.grid import (
    Grid,
    amplitude_left,
    apply_filter,
    b_factor_envelope,
    corner_shells,
    hermitian_weights,
    power_spectrum,
    radial_average,
    radial_power_spectrum,
    shell_average,
    shell_frequencies,
)


SHAPES = [(12, 10), (13, 11), (6, 4), (5, 8, 8), (8, 7, 6)]


def full_shells(shape):
    """Return the shell of each frequency of the full spectrum; ties go up."""
    k = np.meshgrid(*[np.fft.fftfreq(n) * max(shape) for n in shape], indexing="ij")
    return np.floor(np.sqrt(sum(f**2 for f in k)) + 0.5 + 1e-4).astype(int)


@pytest.mark.parametrize("shape", SHAPES)
def test_radial_power_is_the_mean_over_the_full_spectrum(shape):
    values = jr.normal(jr.key(0), shape)
    full = np.abs(np.fft.fftn(np.asarray(values))) ** 2 / values.size
    shells, count = full_shells(shape), corner_shells(shape)
    assert count == shells.max() + 1
    expected = [full[shells == i].mean() for i in range(count)]
    shells = jax.jit(radial_power_spectrum, static_argnums=1)
    np.testing.assert_allclose(shells(values, count), expected, rtol=1e-12)
    nyquist = shells(values)
    assert nyquist.shape == (max(shape) // 2 + 1,)
    np.testing.assert_allclose(nyquist, expected[: nyquist.size], rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_add_up_to_the_full_spectrum(shape):
    weights = hermitian_weights(shape[-1])
    assert float(weights.sum()) == shape[-1]
    values = jr.normal(jr.key(1), shape)
    power = power_spectrum(values)
    shaped = weights.reshape((1,) * (len(shape) - 1) + (-1,))
    assert float((shaped * power).sum()) == pytest.approx(float((values**2).sum()))


def test_power_of_white_noise_is_its_variance():
    noise = 2.0 * jr.normal(jr.key(2), (256, 256))
    power = radial_power_spectrum(noise)
    spread = 5 * 4.0 * np.sqrt(2.0 / (2 * np.pi * np.arange(3, 129)))
    assert np.all(np.abs(np.asarray(power) - 4.0)[3:] < spread)
    assert float(power_spectrum(noise).mean()) == pytest.approx(4.0, rel=0.02)


def test_shell_average_has_finite_values_in_empty_shells():
    average = shell_average(jnp.ones((4, 3)), (4, 4), n_shells=9)
    assert average.tolist() == [1.0] * 4 + [0.0] * 5


def test_shell_average_refuses_another_shape():
    with pytest.raises(ValueError, match=r"cannot average \(4, 4\) over shells"):
        shell_average(jnp.ones((4, 4)), (4, 4))


@pytest.mark.parametrize("shape", [(16, 12), (15, 21)])
def test_shell_frequencies_end_at_nyquist(shape):
    frequencies = shell_frequencies(Grid(shape, 2.0))
    assert frequencies.size == radial_power_spectrum(jnp.ones(shape)).size
    assert float(frequencies[1]) == pytest.approx(1 / (2.0 * max(shape)))
    assert 0.25 * (1 - 1 / max(shape)) <= float(frequencies[-1]) <= 0.25


@pytest.mark.parametrize("shape", [(12, 12), (13, 11), (8, 9, 11)])
def test_radial_average_is_the_mean_over_circles(shape):
    values = np.asarray(jr.normal(jr.key(3), shape))
    axes = np.meshgrid(*[np.arange(n) - n // 2 for n in shape], indexing="ij")
    r = np.rint(np.sqrt(sum(a**2 for a in axes))).astype(int)
    count = (min(shape) + 1) // 2
    expected = [values[r == i].mean() for i in range(count)]
    np.testing.assert_allclose(radial_average(jnp.asarray(values)), expected)


def test_amplitude_left_is_the_filter():
    grid = Grid((64, 64), 1.0)
    image = jr.normal(jr.key(4), grid.shape)
    left = amplitude_left(apply_filter(image, b_factor_envelope(grid, 20.0)), image)
    expected = np.exp(-5.0 * np.asarray(shell_frequencies(grid)) ** 2)
    np.testing.assert_allclose(left, expected, rtol=0.03)
    assert bool(jnp.all(jnp.isfinite(amplitude_left(image, jnp.zeros_like(image)))))
