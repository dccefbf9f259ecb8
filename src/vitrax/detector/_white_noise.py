"""Noise that is independent from pixel to pixel."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import PRNGKeyArray

from .._checks import POSITIVE, check_fields, check_key, checked, must
from .._typing import HalfSpectrum, Image, Scalar, as_float
from ..grid import Grid
from ._noise import (
    AbstractNoise,
    check_image,
    full_weights,
    noisy_spectrum,
    residual,
    spectrum_residual,
    squared_modulus,
)


class WhiteNoise(AbstractNoise):
    r"""Gaussian noise of the same variance at each pixel, all pixels independent.

    $$\log p(y \mid x) = -\frac{1}{2v} \sum_j (y_j - x_j)^2 - \frac{N}{2} \log 2\pi v$$

    Args:
        variance: $v$ of one pixel, in the squared unit of the image.

    Raises:
        ValueError: if the variance isn't positive and finite.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> noise = vx.WhiteNoise(variance=4.0)
        >>> image = noise.sample(jax.random.key(0), jnp.zeros((256, 256)))
        >>> image.std().round(1).item()
        2.0
        >>> float(noise.log_likelihood(image, image) / image.size)  # -log(8 pi) / 2
        -1.6120857...
    """

    variance: Scalar = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "pass variance > 0")
    )

    def __check_init__(self) -> None:
        check_fields(self)

    def sample(self, key: PRNGKeyArray, image: Image) -> Image:
        """Return `image` with noise, in its precision.

        Args:
            key: one for each image.
            image: noise-free.

        Raises:
            TypeError: if the image isn't made of floats, or `key` isn't a random key.
            ValueError: if the noise or the image is a batch.
        """
        noise = checked("WhiteNoise.sample", noise=self)
        check_key("WhiteNoise.sample", key)
        check_image("WhiteNoise.sample", image)
        deviation = jnp.sqrt(noise.variance).astype(image.dtype)
        return image + deviation * jr.normal(key, image.shape, image.dtype)

    def log_likelihood(self, observed: Image, predicted: Image) -> Scalar:
        """Return the normalised log-density of `observed`, given the noise-free image.

        Raises:
            ValueError: if the noise or an image is a batch, or the images differ in
                shape.
        """
        noise = checked("WhiteNoise.log_likelihood", noise=self)
        difference = residual("WhiteNoise.log_likelihood", observed, predicted)
        return noise._log_density(jnp.sum(difference**2), difference.size)

    def sample_fourier(
        self, key: PRNGKeyArray, spectrum: HalfSpectrum, grid: Grid
    ) -> HalfSpectrum:
        """Return the half spectrum of an image on `grid`, with noise.

        Raises:
            ValueError: if an argument is a batch, or the spectrum isn't on `grid`.
        """
        return noisy_spectrum(self, key, spectrum, grid)

    def log_likelihood_fourier(
        self, observed: HalfSpectrum, predicted: HalfSpectrum, grid: Grid
    ) -> Scalar:
        """Return `log_likelihood` of two images on `grid`, given their half spectra.

        Raises:
            ValueError: if an argument is a batch, or a spectrum isn't on `grid`.
        """
        verb = "WhiteNoise.log_likelihood_fourier"
        noise = checked(verb, noise=self)
        difference = spectrum_residual(verb, observed, predicted, grid)
        power = full_weights(grid.shape, difference) * squared_modulus(difference)
        return noise._log_density(jnp.sum(power) / grid.size, grid.size)

    def _log_density(self, sum_of_squares: Scalar, n: int) -> Scalar:
        """Return the log-density of `n` pixels with a sum of squared residuals."""
        variance = self.variance.astype(sum_of_squares.dtype)
        return -0.5 * (sum_of_squares / variance + n * jnp.log(2 * math.pi * variance))
