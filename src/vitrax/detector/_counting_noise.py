"""The noise of many counted electrons, as a Gaussian."""

import math

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import PRNGKeyArray

from .._checks import POSITIVE, check_key, checked_number
from .._typing import HalfSpectrum, Image, Scalar
from ..grid import Grid
from ._noise import (
    AbstractNoise,
    check_image,
    density_of_spectra,
    images_of_one_shape,
    sampled_spectrum,
)


_ADVICE = "pass counts that are expected, as vitrax.expose returns them"


class CountingNoise(AbstractNoise):
    r"""Gaussian noise whose variance is the expected count: `PoissonNoise` of many.

    $$\log p(y \mid n) = -\frac12 \sum_j \left[ \frac{(y_j - n_j)^2}{n_j}
    + \log 2\pi n_j \right]$$

    Its samples can be differentiated. Mean and variance are those of `PoissonNoise`;
    the skewness $1/\sqrt n$ isn't there, and a sample can be negative.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from vitrax.detector import CountingNoise
        >>> noise, expected = CountingNoise(), jnp.full((256, 256), 100.0)
        >>> noise.sample(jax.random.key(0), expected).std().round(0).item()
        10.0
    """

    def sample(self, key: PRNGKeyArray, image: Image) -> Image:
        """Return `image` with noise, in its precision.

        Args:
            key: one for each image.
            image: expected counts, above 0.

        Raises:
            TypeError: if the image isn't made of floats, or `key` isn't a random key.
            ValueError: if the image is a batch, or isn't positive (a traced one, where
                run-time checks are on).
        """
        check_key("CountingNoise.sample", key)
        expected = _expected("CountingNoise.sample", image)
        return expected + jnp.sqrt(expected) * jr.normal(key, image.shape, image.dtype)

    def log_likelihood(self, observed: Image, predicted: Image) -> Scalar:
        """Return the normalised log-density of counts, given the expected ones.

        Raises:
            ValueError: if an image is a batch, they differ in shape, or `predicted`
                isn't positive (a traced one, where run-time checks are on).
        """
        verb = "CountingNoise.log_likelihood"
        counts, expected = images_of_one_shape(verb, observed, predicted)
        expected = _expected(verb, expected)
        squares = (counts - expected) ** 2 / expected
        return -0.5 * jnp.sum(squares + jnp.log(2 * math.pi * expected))

    def sample_fourier(
        self, key: PRNGKeyArray, spectrum: HalfSpectrum, grid: Grid
    ) -> HalfSpectrum:
        """Return the half spectrum of an image on `grid`, with noise.

        Raises:
            ValueError: if an argument is a batch, or the spectrum isn't on `grid`.
        """
        return sampled_spectrum(self, key, spectrum, grid)

    def log_likelihood_fourier(
        self, observed: HalfSpectrum, predicted: HalfSpectrum, grid: Grid
    ) -> Scalar:
        """Return `log_likelihood` of two images on `grid`, given their half spectra.

        Raises:
            ValueError: if an argument is a batch, or a spectrum isn't on `grid`.
        """
        return density_of_spectra(self, observed, predicted, grid)


def _expected(verb: str, image: Image) -> Image:
    """Return expected counts, checked."""
    check_image(verb, image)
    return checked_number(verb, "the image", image, POSITIVE, _ADVICE)
