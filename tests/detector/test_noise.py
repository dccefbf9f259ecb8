"""White and coloured noise: their samples, and their densities."""

import inspect
import os

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

from vitrax.detector import ColouredNoise, WhiteNoise
from vitrax.grid import (
    Grid,
    RadialProfile,
    apply_filter,
    b_factor_envelope,
    hermitian_weights,
    power_spectrum,
    radial_power_spectrum,
    to_fourier,
)


X64 = os.environ.get("JAX_ENABLE_X64", "1") != "0"
PARITIES = [(16, 18), (17, 15)]


def half_shape(shape):
    return shape[0], shape[1] // 2 + 1


def steep(shape):
    """Return coloured noise whose power falls by 30, stronger along y than along x."""
    ky, kx = Grid(shape, 1.0).frequency_axes()
    return ColouredNoise(0.1 + 3 * jnp.exp(-8 * (ky[:, None] ** 2 + 3 * kx[None] ** 2)))


def constant(shape, variance=2.0):
    return ColouredNoise(jnp.full(half_shape(shape), variance))


ALL_NOISES = {
    "white": lambda shape: WhiteNoise(2.0),
    "constant": constant,
    "steep": steep,
}
all_noises = pytest.mark.parametrize("make", ALL_NOISES.values(), ids=ALL_NOISES)


def draws(noise, shape, n, seed=0):
    """Return `n` samples of noise alone."""
    keys = jr.split(jr.key(seed), n)
    nothing = jnp.zeros(shape)
    return np.asarray(jax.jit(jax.vmap(lambda key: noise.sample(key, nothing)))(keys))


def full_power(noise, shape):
    """Return the power at each frequency of the full spectrum."""
    half = np.asarray(noise.power)
    mirrored = np.roll(half[::-1], 1, axis=0)[:, shape[1] - shape[1] // 2 - 1 : 0 : -1]
    return np.concatenate([half, mirrored], axis=1)


@all_noises
@pytest.mark.parametrize("shape", [(64, 64), (63, 64)])
def test_noise_is_not_its_own_point_reflection(make, shape):
    noise = draws(make(shape), shape, 1)[0]
    mirrored = np.roll(noise[::-1, ::-1], (1, 1), (0, 1))
    whitened = np.fft.fft2(noise) / np.abs(np.fft.fft2(noise))
    for one, two in [(noise, mirrored), *_whitened_pair(whitened)]:
        r = np.corrcoef(one.ravel(), two.ravel())[0, 1]
        spread = 1.0 if make is not steep else _effective(noise)
        assert abs(r) < 4 * np.sqrt(2) / np.sqrt(noise.size) * spread


def _whitened_pair(phases):
    """Return an image with the phases alone, beside its reflection."""
    image = np.fft.ifft2(phases).real
    return [(image, np.roll(image[::-1, ::-1], (1, 1), (0, 1)))]


def _effective(noise):
    """Return sqrt(N / effective number of pixels) of correlated noise."""
    power = np.abs(np.fft.fft2(noise)) ** 2
    return np.sqrt(np.mean(power**2)) / np.mean(power)


@all_noises
@pytest.mark.parametrize("shape", PARITIES)
def test_variance_is_the_same_at_every_pixel(make, shape):
    samples = draws(make(shape), shape, 2000)
    variance = samples.var(axis=0) / samples.var()
    assert np.all(np.abs(variance - 1) < 5 * np.sqrt(2 / 2000))
    # Correlated pixels scatter as much, but their scatter is known less well.
    assert variance.std() == pytest.approx(np.sqrt(2 / 2000), rel=0.35)
    assert abs(samples.mean()) < 5 * samples.std() / np.sqrt(2000)


@all_noises
@pytest.mark.parametrize("shape", PARITIES)
def test_mean_of_the_quadratic_term_is_the_number_of_pixels(make, shape):
    noise, nothing = make(shape), jnp.zeros(shape)
    samples = jnp.asarray(draws(noise, shape, 200, seed=1))
    density = jax.jit(jax.vmap(noise.log_likelihood, in_axes=(0, None)))
    quadratic = density(samples, nothing) - density(0 * samples, nothing)
    n = nothing.size
    assert abs(float(-2 * quadratic.mean()) - n) < 4 * np.sqrt(2 * n / 200)


@all_noises
@pytest.mark.parametrize("shape", [(32, 32), (31, 33)])
def test_sampled_power_is_the_power_at_every_frequency(make, shape):
    noise = make(shape)
    expected = (
        noise.power
        if isinstance(noise, ColouredNoise)
        else jnp.full(half_shape(shape), 2)
    )
    power = jax.jit(jax.vmap(power_spectrum))(draws(noise, shape, 400)).mean(0)
    ratio = np.asarray(power / expected)
    assert np.all(np.abs(ratio - 1) < 0.30)
    assert np.all(np.abs(ratio.mean(axis=0) - 1) < 0.05)
    ring = _ring_means(ratio, shape)
    assert np.all(np.abs(ring - 1) < 0.05)


def _ring_means(half, shape):
    """Return means over rings of the full spectrum with more than 8 frequencies."""
    k = [np.asarray(a) * max(shape) for a in Grid(shape, 1.0).frequency_axes()]
    ring = np.rint(np.hypot(k[0][:, None], k[1][None])).astype(int)
    weights = np.broadcast_to(np.asarray(hermitian_weights(shape[1])), half.shape)
    total = np.bincount(ring.ravel(), (weights * half).ravel())
    count = np.bincount(ring.ravel(), weights.ravel())
    return total[count > 8] / count[count > 8]


@pytest.mark.parametrize("shape", PARITIES)
def test_constant_power_is_white_noise(shape):
    observed, one, two = jr.normal(jr.key(2), (3, *shape))
    white, coloured = WhiteNoise(1.7), constant(shape, 1.7)
    densities = [
        (noise.log_likelihood(observed, one), noise.log_likelihood(observed, two))
        for noise in (white, coloured)
    ]
    np.testing.assert_allclose(*densities, rtol=1e-12)
    differences = [a - b for a, b in densities]
    assert float(differences[0] - differences[1]) == pytest.approx(0, abs=1e-10)
    key = jr.key(3)
    np.testing.assert_allclose(
        white.sample(key, one), coloured.sample(key, one), atol=1e-12
    )


@pytest.mark.parametrize("shape", [(4, 5), (5, 4), (4, 4), (3, 5), (1, 4), (4, 1)])
def test_density_is_that_of_the_multivariate_normal(shape):
    noise = steep(shape)
    observed, predicted = jr.normal(jr.key(4), (2, *shape))
    covariance = _covariance(full_power(noise, shape))
    expected = scipy.stats.multivariate_normal(
        np.asarray(predicted).ravel(), covariance
    ).logpdf(np.asarray(observed).ravel())
    actual = noise.log_likelihood(observed, predicted)
    assert float(actual) == pytest.approx(expected, rel=1e-10)


def _covariance(power):
    """Return the covariance of the pixels of stationary noise."""
    correlation = np.fft.ifft2(power).real
    y, x = (i.ravel() for i in np.indices(power.shape))
    return correlation[y[:, None] - y[None, :], x[:, None] - x[None, :]]


def test_power_that_differs_between_k_and_minus_k_counts_as_its_mean():
    shape = (4, 6)
    power = 1 + jr.uniform(jr.key(5), half_shape(shape))
    mirrored = jnp.roll(power[::-1], 1, axis=0)
    mean = power.at[:, 0].set((0.5 * (power + mirrored))[:, 0])
    mean = mean.at[:, -1].set((0.5 * (power + mirrored))[:, -1])
    assert not np.allclose(mean, power)
    observed, predicted = jr.normal(jr.key(6), (2, *shape))
    given, symmetric = ColouredNoise(power), ColouredNoise(mean)
    np.testing.assert_allclose(
        given.log_likelihood(observed, predicted),
        symmetric.log_likelihood(observed, predicted),
        rtol=1e-12,
    )
    np.testing.assert_allclose(
        given.sample(jr.key(7), observed), symmetric.sample(jr.key(7), observed)
    )


@all_noises
@pytest.mark.parametrize("shape", PARITIES)
def test_fourier_space_agrees_with_real_space(make, shape):
    noise, grid = make(shape), Grid(shape, 1.3)
    observed, predicted = jr.normal(jr.key(8), (2, *shape))
    real = noise.log_likelihood(observed, predicted)
    spectra = to_fourier(observed), to_fourier(predicted)
    fourier = noise.log_likelihood_fourier(*spectra, grid)
    assert float(fourier) == pytest.approx(float(real), rel=1e-10)
    key = jr.key(9)
    np.testing.assert_allclose(
        noise.sample_fourier(key, spectra[1], grid),
        to_fourier(noise.sample(key, predicted)),
        atol=1e-11,
    )


@all_noises
def test_likelihood_is_largest_where_the_images_agree(make):
    shape = (8, 9)
    noise, image = make(shape), jr.normal(jr.key(10), shape)
    slope = jax.grad(noise.log_likelihood, argnums=1)
    np.testing.assert_allclose(slope(image, image), 0.0, atol=1e-14)
    assert float(jnp.vdot(slope(image, 0 * image), image)) > 0


def test_noise_from_a_profile_has_its_power():
    grid = Grid((32, 30), 2.0)
    noise = ColouredNoise.from_profile(RadialProfile([0.0, 0.25], [5.0, 1.0]), grid)
    assert noise.power.shape == grid.half_shape
    np.testing.assert_allclose(noise.power[4, 0], 5 - 16 * 4 / 64)


@pytest.mark.slow
def test_noise_from_a_micrograph_and_from_images_has_their_power():
    large, small = Grid((256, 240), 1.0), Grid((48, 48), 1.0)
    decay = b_factor_envelope(large, 25.0)
    keys = jr.split(jr.key(11), 6)
    images = jnp.stack(
        [4.0 + apply_filter(jr.normal(key, large.shape), decay) + 0.0 for key in keys]
    )
    expected = np.exp(-12.5 * np.asarray(small.frequency_squared()))
    one = np.asarray(ColouredNoise.from_micrograph(images[0], small).power)
    many = np.asarray(ColouredNoise.from_images(images, small).power)
    assert one.shape == many.shape == small.half_shape
    assert np.abs(one / expected - 1)[3:-2, 3:].max() < 0.35
    assert np.abs(many / expected - 1)[3:-2, 3:].max() < 0.12
    assert np.all(one[:2, :2] < 3)


def test_sampled_micrograph_noise_has_its_radial_power():
    grid = Grid((64, 64), 1.0)
    profile = RadialProfile([0.0, 0.1, 0.5], [9.0, 2.0, 1.0])
    noise = ColouredNoise.from_profile(profile, grid)
    samples = jnp.asarray(draws(noise, grid.shape, 100))
    power = jax.jit(jax.vmap(radial_power_spectrum))(samples).mean(0)
    expected = np.interp(np.arange(33) / 64, profile.frequencies, profile.values)
    np.testing.assert_allclose(power[2:], expected[2:], rtol=0.06)


@all_noises
def test_samples_differ_by_key_and_follow_the_image(make):
    shape = (8, 8)
    noise, image = make(shape), jnp.full(shape, 1e3)
    one, again, other = (noise.sample(jr.key(i), image) for i in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert float(jnp.abs(one - other).max()) > 0.1
    assert abs(float(one.mean()) - 1e3) < 3


@pytest.mark.float32
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64] if X64 else [jnp.float32])
@all_noises
def test_results_have_the_precision_of_the_image(make, dtype):
    grid = Grid((8, 9), 1.0)
    noise, image = make(grid.shape), jnp.ones(grid.shape, dtype)
    assert noise.sample(jr.key(0), image).dtype == dtype
    assert noise.log_likelihood(image, image).dtype == dtype
    spectrum = to_fourier(image)
    assert noise.sample_fourier(jr.key(0), spectrum, grid).dtype == spectrum.dtype
    assert noise.log_likelihood_fourier(spectrum, spectrum, grid).dtype == dtype


@pytest.mark.float32
def test_single_precision_density_is_close():
    shape = (64, 64)
    observed, predicted = jr.normal(jr.key(12), (2, *shape), jnp.float32)
    noise = steep(shape)
    residual = np.asarray(observed, np.float64) - np.asarray(predicted, np.float64)
    power = full_power(noise, shape).astype(np.float64)
    squares = np.abs(np.fft.fft2(residual)) ** 2 / (residual.size * power)
    expected = -0.5 * np.sum(squares + np.log(2 * np.pi * power))
    single = noise.log_likelihood(observed, predicted)
    assert float(single) == pytest.approx(expected, rel=2e-6)


def images(seed, shape=(6, 7)):
    return jr.normal(jr.key(seed), shape)


def test_many_noises_by_vmap():
    noises = WhiteNoise(jnp.asarray([1.0, 2.0, 3.0]))
    density = jax.vmap(lambda noise: noise.log_likelihood(images(0), images(1)))
    expected = [WhiteNoise(v).log_likelihood(images(0), images(1)) for v in (1, 2, 3)]
    np.testing.assert_allclose(density(noises), jnp.stack(expected), rtol=1e-12)


@pytest.mark.usefixtures("unchecked")
@all_noises
def test_batched_images_and_other_shapes_are_errors(make):
    noise, image = make((8, 8)), jnp.zeros((8, 8))
    stack = jnp.zeros((3, 8, 8))
    with pytest.raises(ValueError, match=r"cannot \w+\.sample .* jax.vmap"):
        noise.sample(jr.key(0), stack)
    with pytest.raises(ValueError, match=r"cannot \w+\.log_likelihood .* jax.vmap"):
        noise.log_likelihood(stack, stack)
    with pytest.raises(ValueError, match=r"the observed image has shape \(8, 8\)"):
        noise.log_likelihood(image, jnp.zeros((8, 1)))
    grid = Grid((8, 8), 1.0)
    with pytest.raises(ValueError, match="do pass the grid of the image"):
        noise.sample_fourier(jr.key(0), jnp.zeros((8, 4), complex), grid)


def test_power_of_another_shape_is_an_error():
    with pytest.raises(ValueError, match=r"cannot use power of shape \(8, 5\) for"):
        constant((8, 8)).sample(jr.key(0), jnp.zeros((8, 7)))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_variance_and_power_are_positive(value):
    message = f"cannot make WhiteNoise because variance is {value}, not positive"
    with pytest.raises(ValueError, match=message):
        WhiteNoise(value)
    power = np.ones((4, 3))
    power[1, 2] = value
    message = rf"cannot make ColouredNoise because power\[1, 2\] is {value}, not pos"
    with pytest.raises(ValueError, match=message):
        ColouredNoise(power)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("power", [np.ones(5), 2.0])
def test_radial_power_is_told_where_to_go(power):
    with pytest.raises(ValueError, match=r"do ColouredNoise.from_profile\(Radial"):
        ColouredNoise(power)


def test_the_power_s_type_is_printed():
    assert "Float" in str(inspect.signature(ColouredNoise).parameters["power"])


@pytest.mark.usefixtures("unchecked")
@all_noises
def test_images_of_integers_and_spectra_of_floats_are_errors(make):
    noise, counts = make((8, 8)), np.ones((8, 8), np.int32)
    with pytest.raises(TypeError, match=r"cannot \w+.sample because .* int32 where"):
        noise.sample(jr.key(0), counts)
    with pytest.raises(TypeError, match=r"do image.astype\(float\)"):
        noise.log_likelihood(counts, counts)
    with pytest.raises(TypeError, match=r"float64 where\W+complex numbers belong"):
        noise.log_likelihood_fourier(np.ones((8, 5)), np.ones((8, 5)), Grid(8, 1.0))


@pytest.mark.usefixtures("unchecked")
@all_noises
def test_an_integer_is_no_key(make):
    message = r"cannot \w+.sample because key is 3, .* do pass jax.random.key\(3\)"
    with pytest.raises(TypeError, match=message):
        make((8, 8)).sample(3, np.ones((8, 8)))


def test_noise_can_be_made_under_jit_and_grad():
    def density(v):
        return WhiteNoise(v).log_likelihood(images(0), images(1))

    assert bool(jnp.isfinite(jax.jit(jax.grad(density))(2.0)))
    fixed = jnp.ones((6, 4))
    inside = jax.jit(lambda x: ColouredNoise(fixed).log_likelihood(x, x))(images(0))
    outside = ColouredNoise(fixed).log_likelihood(images(0), images(0))
    assert float(inside) == pytest.approx(float(outside))
