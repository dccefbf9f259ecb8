"""Noise that is independent from pixel to pixel."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from .._checks import check_ranks, is_concrete
from .._typing import HalfSpectrum, Image, Scalar, as_float
from ..grid import Grid, to_fourier
from ._noise import (
    AbstractNoise,
    check_image,
    check_spectrum,
    full_weights,
    residual,
    squared_modulus,
)


class WhiteNoise(AbstractNoise):
    r"""Gaussian noise of the same variance at each pixel, all pixels independent.

    $$\log p(y \mid x) = -\frac{1}{2v} \sum_j (y_j - x_j)^2 - \frac{N}{2} \log 2\pi v$$

    Args:
        variance: $v$ of one pixel, in the squared unit of the image.

    Raises:
        ValueError: if the variance isn't positive.

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

    variance: Scalar = eqx.field(converter=as_float)

    def __check_init__(self) -> None:
        if is_concrete(self.variance) and not np.all(np.asarray(self.variance) > 0):
            raise ValueError(
                f"cannot make white noise of variance {self.variance} because a "
                f"variance is positive; do pass variance > 0"
            )

    def sample(self, key: PRNGKeyArray, image: Image) -> Image:
        """Return `image` with noise, in its precision.

        Args:
            key: one for each image.
            image: noise-free.

        Raises:
            ValueError: if the noise or the image is a batch.
        """
        check_ranks("WhiteNoise.sample", noise=self)
        check_image("WhiteNoise.sample", image)
        deviation = jnp.sqrt(self.variance).astype(image.dtype)
        return image + deviation * jr.normal(key, image.shape, image.dtype)

    def log_likelihood(self, observed: Image, predicted: Image) -> Scalar:
        """Return the normalised log-density of `observed`, given the noise-free image.

        Raises:
            ValueError: if the noise or an image is a batch, or the images differ in
                shape.
        """
        check_ranks("WhiteNoise.log_likelihood", noise=self)
        difference = residual("WhiteNoise.log_likelihood", observed, predicted)
        return self._log_density(jnp.sum(difference**2), difference.size)

    def sample_fourier(
        self, key: PRNGKeyArray, spectrum: HalfSpectrum, grid: Grid
    ) -> HalfSpectrum:
        """Return the half spectrum of an image on `grid`, with noise.

        Raises:
            ValueError: if an argument is a batch, or the spectrum isn't on `grid`.
        """
        check_ranks("WhiteNoise.sample_fourier", noise=self, grid=grid)
        check_spectrum("WhiteNoise.sample_fourier", spectrum, grid)
        nothing = jnp.zeros(grid.shape, spectrum.real.dtype)
        return spectrum + to_fourier(self.sample(key, nothing))

    def log_likelihood_fourier(
        self, observed: HalfSpectrum, predicted: HalfSpectrum, grid: Grid
    ) -> Scalar:
        """Return `log_likelihood` of two images on `grid`, given their half spectra.

        Raises:
            ValueError: if an argument is a batch, or a spectrum isn't on `grid`.
        """
        verb = "WhiteNoise.log_likelihood_fourier"
        check_ranks(verb, noise=self, grid=grid)
        check_spectrum(verb, predicted, grid)
        difference = residual(verb, observed, predicted)
        power = full_weights(grid.shape, difference) * squared_modulus(difference)
        return self._log_density(jnp.sum(power) / grid.size, grid.size)

    def _log_density(self, sum_of_squares: Scalar, n: int) -> Scalar:
        """Return the log-density of `n` pixels with a sum of squared residuals."""
        variance = self.variance.astype(sum_of_squares.dtype)
        return -0.5 * (sum_of_squares / variance + n * jnp.log(2 * math.pi * variance))
