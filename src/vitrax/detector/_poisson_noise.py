"""The noise of counted electrons."""

import jax.numpy as jnp
import jax.random as jr
from jax import lax
from jax.scipy.special import gammaln
from jaxtyping import PRNGKeyArray

from .._checks import NOT_NEGATIVE, check_key, checked_number
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


class PoissonNoise(AbstractNoise):
    r"""The noise of independent events: counts $y$ of expected counts $\lambda$.

    $$\log p(y \mid \lambda) = \sum_j y_j \log\lambda_j - \lambda_j
    - \log\Gamma(y_j + 1)$$

    The mean and the variance of a pixel's count are both $\lambda_j$. Images are counts
    of electrons here, as `expose` makes them, not contrast.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> noise, expected = vx.PoissonNoise(), jnp.full((64, 64), 12.5)
        >>> counts = noise.sample(jax.random.key(0), expected)
        >>> counts[0, :3].tolist()
        [12.0, 20.0, 7.0]
        >>> bool(noise.log_likelihood(counts, expected) < 0)
        True
    """

    def sample(self, key: PRNGKeyArray, image: Image) -> Image:
        """Return counts, as whole floats in the precision of `image`.

        A count doesn't change a little with what is expected. Its derivative is taken
        as that of the mean, so 1 in the pixel's own expected count.

        Args:
            key: one for each image; of jax's default kind (threefry).
            image: expected counts, 0 or more.

        Raises:
            TypeError: if the image isn't made of floats, or `key` isn't a random key.
            ValueError: if the image is a batch, or counts below 0 are expected (of a
                traced image, where run-time checks are on).
        """
        check_key("PoissonNoise.sample", key)
        expected = _expected("PoissonNoise.sample", image)
        counts = jr.poisson(key, lax.stop_gradient(expected)).astype(image.dtype)
        return counts + (expected - lax.stop_gradient(expected))

    def log_likelihood(self, observed: Image, predicted: Image) -> Scalar:
        """Return the log-probability of counts, given the expected ones.

        Between whole numbers it goes on smoothly, by the gamma function. It is -inf
        where a count was observed and none is expected.

        Raises:
            ValueError: if an image is a batch, they differ in shape, or counts below 0
                are expected (of a traced image, where run-time checks are on).
        """
        verb = "PoissonNoise.log_likelihood"
        counts, expected = images_of_one_shape(verb, observed, predicted)
        expected = _expected(verb, expected)
        some = counts > 0
        logs = jnp.log(jnp.where(some, expected, 1))
        terms = jnp.where(some, counts * logs, 0) - expected - gammaln(counts + 1)
        return jnp.sum(terms)

    def sample_fourier(
        self, key: PRNGKeyArray, spectrum: HalfSpectrum, grid: Grid
    ) -> HalfSpectrum:
        """Return the half spectrum of counts on `grid`, given that of the expected.

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
    return checked_number(verb, "the image", image, NOT_NEGATIVE, _ADVICE)
