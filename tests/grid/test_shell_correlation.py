"""FRC and FSC."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from vitrax.grid import Grid, apply_filter, b_factor_envelope, frc, fsc, low_pass


CASES = [(frc, (24, 24)), (frc, (25, 20)), (fsc, (15, 16, 17))]


@pytest.mark.parametrize(("correlate", "shape"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_identical_maps_correlate_exactly(correlate, shape, dtype):
    values = 1e6 * jr.normal(jr.key(0), shape, dtype)
    correlation = jax.jit(correlate)(values, values)
    assert correlation.dtype == dtype
    assert correlation.shape == (max(shape) // 2 + 1,)
    assert np.all(np.asarray(correlation) == 1.0)


@pytest.mark.parametrize(("correlate", "shape"), CASES)
def test_correlation_is_the_textbook_ratio_over_the_full_spectrum(correlate, shape):
    one, two = jr.normal(jr.key(1), (2, *shape))
    f, g = np.fft.fftn(np.asarray(one)), np.fft.fftn(np.asarray(one + 0.5 * two))
    k = np.meshgrid(*[np.fft.fftfreq(n) * max(shape) for n in shape], indexing="ij")
    shells = np.floor(np.sqrt(sum(a**2 for a in k)) + 0.5 + 1e-4).astype(int)
    expected = [
        (f * g.conj())[shells == i].sum().real
        / np.sqrt((abs(f) ** 2)[shells == i].sum() * (abs(g) ** 2)[shells == i].sum())
        for i in range(max(shape) // 2 + 1)
    ]
    actual = jax.jit(correlate)(one, one + 0.5 * two)
    np.testing.assert_allclose(actual, expected, atol=1e-12)


def test_scale_does_not_matter_and_sign_does():
    one, two = jr.normal(jr.key(2), (2, 16, 16))
    correlate = jax.jit(frc)
    expected = correlate(one, two)
    np.testing.assert_allclose(correlate(one, 3 * two), expected, atol=1e-12)
    np.testing.assert_allclose(correlate(one, -two), -expected, atol=1e-12)


@pytest.mark.slow
def test_map_and_noise_of_its_own_spectrum_correlate_to_root_half():
    grid = Grid((48, 48, 48), 1.0)
    decay = b_factor_envelope(grid, 40.0)
    signal, noise = (
        apply_filter(jr.normal(jr.key(seed), grid.shape), decay) for seed in (3, 4)
    )
    correlation = np.asarray(fsc(signal, signal + noise))
    k = np.meshgrid(*[np.fft.fftfreq(48) * 48] * 3, indexing="ij")
    shells = np.rint(np.sqrt(sum(a**2 for a in k))).astype(int)
    n = np.bincount(shells.ravel())[: correlation.size]
    assert np.all(np.abs(correlation - np.sqrt(0.5)) < 4 * 0.5 / np.sqrt(n))


def test_low_passed_and_empty_maps_are_finite():
    grid = Grid((24, 24, 24), 1.0)
    volume = jr.normal(jr.key(5), grid.shape)
    smooth = apply_filter(volume, low_pass(grid, 6.0, edge=0.0))
    band = fsc(volume, smooth)
    assert bool(jnp.all(jnp.isfinite(band)))
    np.testing.assert_allclose(band[:4], 1.0, atol=1e-12)
    assert fsc(volume, jnp.zeros_like(volume)).tolist() == [0.0] * 13
    assert fsc(jnp.zeros_like(volume), jnp.zeros_like(volume)).tolist() == [0.0] * 13
    gradient = jax.grad(lambda v: fsc(v, jnp.zeros_like(v)).sum())(volume)
    assert bool(jnp.all(jnp.isfinite(gradient)))


def test_correlation_refuses_what_is_not_a_pair():
    one = jnp.zeros((8, 8))
    with pytest.raises((ValueError, TypeError), match=r"frc"):
        frc(one, jnp.zeros((8, 9)))
    with pytest.raises((ValueError, TypeError), match=r"fsc"):
        fsc(one, one)
