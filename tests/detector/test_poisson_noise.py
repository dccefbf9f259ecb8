"""Counts: the Poisson distribution and its Gaussian approximation."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

from vitrax.detector import CountingNoise, PoissonNoise
from vitrax.grid import Grid, to_fourier


NOISES = {"poisson": PoissonNoise(), "gaussian": CountingNoise()}
each = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
SHAPE = (6, 7)


def expected(seed=0, low=0.5, high=20.0):
    return jr.uniform(jr.key(seed), SHAPE, minval=low, maxval=high)


def counts(seed=1):
    return PoissonNoise().sample(jr.key(seed), expected())


def draws(noise, image, n):
    keys = jr.split(jr.key(3), n)
    return np.asarray(jax.jit(jax.vmap(lambda key: noise.sample(key, image)))(keys))


def test_the_probability_is_that_of_poisson():
    ours = PoissonNoise().log_likelihood(counts(), expected())
    theirs = scipy.stats.poisson.logpmf(np.asarray(counts()), np.asarray(expected()))
    assert float(ours) == pytest.approx(theirs.sum(), rel=1e-12)


def test_the_density_is_that_of_a_gaussian_with_the_counts_variance():
    ours = CountingNoise().log_likelihood(counts(), expected())
    mean = np.asarray(expected())
    theirs = scipy.stats.norm.logpdf(np.asarray(counts()), mean, np.sqrt(mean))
    assert float(ours) == pytest.approx(theirs.sum(), rel=1e-12)


def test_many_counts_are_gaussian():
    many = jnp.full(SHAPE, 1e6)
    some = many + 500.0
    pair = [float(noise.log_likelihood(some, many)) for noise in NOISES.values()]
    assert pair[0] == pytest.approx(pair[1], abs=42 * 5e-4)
    assert float(PoissonNoise().log_likelihood(jnp.full(SHAPE, 1.0), expected())) != (
        pytest.approx(
            float(CountingNoise().log_likelihood(jnp.full(SHAPE, 1.0), expected())),
            rel=0.1,
        )
    )


@each
@pytest.mark.parametrize("mean", [0.3, 12.5, 300.0])
def test_mean_and_variance_are_the_expected_count(noise, mean):
    samples = draws(noise, jnp.full((40, 40), mean), 25)
    n = samples.size
    assert samples.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean / n))
    spread = np.sqrt((2 * mean**2 + mean) / n)
    assert samples.var() == pytest.approx(mean, abs=5 * spread)


def test_counts_are_whole_and_of_their_frequencies():
    samples = draws(PoissonNoise(), jnp.full((40, 40), 3.0), 25)
    assert np.all(samples == np.round(samples))
    observed = (
        np.bincount(samples.astype(int).ravel(), minlength=12)[:12] / samples.size
    )
    probable = scipy.stats.poisson.pmf(np.arange(12), 3.0)
    np.testing.assert_allclose(
        observed, probable, atol=5 * np.sqrt(0.25 / samples.size)
    )


def test_the_slope_of_the_probability_is_counts_over_expected_minus_1():
    slope = jax.grad(PoissonNoise().log_likelihood, argnums=1)(counts(), expected())
    np.testing.assert_allclose(slope, counts() / expected() - 1, atol=1e-12)


def test_the_slope_of_a_sample_is_that_of_its_mean():
    def sample(image):
        return PoissonNoise().sample(jr.key(4), image)

    value, slope = jax.jvp(sample, (expected(),), (expected(5),))
    np.testing.assert_array_equal(value, sample(expected()))
    np.testing.assert_array_equal(slope, expected(5))


def test_nothing_expected_and_nothing_counted_is_certain():
    nothing = jnp.zeros(SHAPE)
    np.testing.assert_array_equal(PoissonNoise().sample(jr.key(0), nothing), 0.0)
    value, slope = jax.value_and_grad(PoissonNoise().log_likelihood, argnums=1)(
        nothing, nothing
    )
    assert float(value) == 0.0
    np.testing.assert_array_equal(slope, -1.0)
    impossible = PoissonNoise().log_likelihood(jnp.ones(SHAPE), nothing)
    assert float(impossible) == -np.inf


@each
@pytest.mark.parametrize("shape", [(6, 7), (7, 6)])
def test_fourier_space_agrees_with_real_space(noise, shape):
    grid, mean = Grid(shape, 1.3), 1.0 + jr.uniform(jr.key(6), shape)
    observed = noise.sample(jr.key(7), mean)
    spectra = to_fourier(observed), to_fourier(mean)
    assert float(noise.log_likelihood_fourier(*spectra, grid)) == pytest.approx(
        float(noise.log_likelihood(observed, mean)), rel=1e-10
    )
    np.testing.assert_allclose(
        noise.sample_fourier(jr.key(7), spectra[1], grid), spectra[0], atol=1e-11
    )


@pytest.mark.float32
@each
def test_results_have_the_precision_of_the_image(noise):
    image = expected().astype(jnp.float32)
    assert noise.sample(jr.key(0), image).dtype == jnp.float32
    assert noise.log_likelihood(counts(), image).dtype == jnp.float32


@pytest.mark.usefixtures("unchecked")
@each
def test_wrong_arguments_are_errors(noise):
    with pytest.raises(ValueError, match=r"cannot \w+\.sample .* jax.vmap"):
        noise.sample(jr.key(0), jnp.ones((3, *SHAPE)))
    with pytest.raises(
        ValueError, match=r"cannot \w+\.sample because the image\[0, 0\]"
    ):
        noise.sample(jr.key(0), -expected())
    with pytest.raises(ValueError, match=r"as vitrax.expose returns them"):
        noise.log_likelihood(counts(), -expected())
    with pytest.raises(ValueError, match="do crop, pad or resample either"):
        noise.log_likelihood(jnp.ones((6, 6)), expected())
    with pytest.raises(TypeError, match=r"do image.astype\(float\)"):
        noise.sample(jr.key(0), np.ones(SHAPE, int))
    with pytest.raises(TypeError, match=r"do pass jax.random.key\(3\)"):
        noise.sample(3, expected())
    with pytest.raises(ValueError, match="do pass the grid of the image"):
        noise.log_likelihood_fourier(
            jnp.ones((6, 4), complex), jnp.ones((6, 4), complex), Grid((6, 8), 1.0)
        )


@each
def test_run_time_checks_see_traced_counts_below_0(noise, monkeypatch):
    monkeypatch.setenv("VITRAX_ENABLE_CHECKS", "1")
    sample = jax.jit(lambda image: noise.sample(jr.key(0), image))
    assert bool(jnp.isfinite(sample(expected())).all())
    with pytest.raises((RuntimeError, ValueError), match="the image isn't"):
        jax.block_until_ready(sample(-expected()))
