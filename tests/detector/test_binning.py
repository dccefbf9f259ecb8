"""Counts on larger pixels: sums of squares, and cropped spectra."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from vitrax.detector import bin_pixels, resample_counts
from vitrax.grid import resample


def test_bins_are_sums_of_squares_of_pixels():
    image = np.asarray(jr.normal(jr.key(0), (6, 9)))
    ours = np.asarray(bin_pixels(jnp.asarray(image), 3))
    assert ours.shape == (2, 3)
    for y in range(2):
        for x in range(3):
            square = image[3 * y : 3 * y + 3, 3 * x : 3 * x + 3]
            assert ours[y, x] == pytest.approx(square.sum(), abs=1e-14)


def test_a_bin_of_one_pixel_is_the_image():
    image = jr.normal(jr.key(0), (5, 4))
    np.testing.assert_array_equal(bin_pixels(image, 1), image)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (16, 10)])
def test_resampled_counts_keep_the_sum_and_resampled_contrast_the_mean(shape):
    image = 1.0 + jr.uniform(jr.key(1), (8, 8))
    counts, mean = resample_counts(image, shape), resample(image, shape)
    assert float(counts.sum()) == pytest.approx(float(image.sum()), rel=1e-12)
    assert float(mean.mean()) == pytest.approx(float(image.mean()), rel=1e-12)
    np.testing.assert_allclose(counts, mean * 64 / (shape[0] * shape[1]), rtol=1e-12)


def test_white_noise_of_counts_stays_white():
    # Of 4 times the variance in pixels of 4 times the area.
    noise = jr.normal(jr.key(2), (400, 400))
    assert float(resample_counts(noise, (200, 200)).var()) == pytest.approx(4, rel=0.05)
    assert float(bin_pixels(noise, 2).var()) == pytest.approx(4, rel=0.05)


@pytest.mark.float32
@pytest.mark.parametrize(
    "binned", [lambda x: bin_pixels(x, 2), lambda x: resample_counts(x, (2, 3))]
)
def test_precision_stays(binned):
    assert binned(jnp.ones((4, 6), jnp.float32)).dtype == jnp.float32


def test_what_does_not_divide_is_an_error():
    with pytest.raises(
        ValueError, match=r"shape \(6, 9\) by 2 because it doesn't divide"
    ):
        bin_pixels(jnp.ones((6, 9)), 2)
    with pytest.raises(ValueError, match="because factor is 0, not positive"):
        bin_pixels(jnp.ones((6, 9)), 0)


@pytest.mark.usefixtures("unchecked")
def test_batches_and_fractions_are_errors():
    with pytest.raises(ValueError, match=r"do jax.vmap\(bin_pixels, in_axes=\.\.\.\)"):
        bin_pixels(jnp.ones((2, 6, 9)), 3)
    with pytest.raises(
        ValueError, match="cannot resample_counts because the image has"
    ):
        resample_counts(jnp.ones((2, 6, 9)), (3, 3))
    with pytest.raises(TypeError, match=r"factor is 1\.5, not an integer known now"):
        bin_pixels(jnp.ones((6, 9)), 1.5)
