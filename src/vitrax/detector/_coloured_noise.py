"""Noise whose power depends on the frequency."""

import math
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from .._checks import POSITIVE, check_fields, check_key, checked, must
from .._typing import HalfImage, HalfSpectrum, Image, Scalar, as_float
from ..grid import Grid, RadialProfile, power_profile
from ._noise import (
    AbstractNoise,
    check_image,
    full_weights,
    noisy_spectrum,
    residual,
    spectrum_residual,
    squared_modulus,
)


def as_power(power: Float[Array | np.ndarray, "*noises y kx"]) -> Array:
    """Return the power at each frequency of a half spectrum.

    Raises:
        ValueError: if it isn't given for two axes.
    """
    if np.ndim(power) < 2:
        raise ValueError(
            f"cannot make ColouredNoise because power has shape {np.shape(power)}, not "
            f"that of an image's half spectrum; do ColouredNoise.from_profile("
            f"RadialProfile(frequencies, power), grid) for power by frequency, or "
            f"WhiteNoise for one number"
        )
    return as_float(power)


class ColouredNoise(AbstractNoise):
    r"""Stationary Gaussian noise of a given power spectrum.

    With $n_k$ the discrete Fourier transform (numpy's, without a factor) of the noise
    of $N$ pixels, $\langle |n_k|^2 \rangle / N = P_k$ at each frequency, so that
    constant power is white noise of that variance. Over the full spectrum,

    $$\log p(y \mid x) = -\frac12 \sum_k \left[ \frac{|y_k - x_k|^2}{N P_k}
    + \log 2\pi P_k \right].$$

    Give the power as an array, or take it from a `RadialProfile` (`from_profile`), from
    a micrograph (`from_micrograph`) or from images of noise (`from_images`). Power that
    isn't radial can be the mean of `vitrax.grid.power_spectrum` over such images.

    Args:
        power: $P_k$ at each frequency of the half spectrum of the image, in the layout
            of `jax.numpy.fft.rfft2`; in the squared unit of the image. Noise is real,
            so its power at k and -k is the same: where the half spectrum holds both, in
            the columns of $k_x = 0$ and of Nyquist, their mean counts.

    Raises:
        ValueError: if the power isn't positive and finite everywhere, or isn't given
            for a half spectrum.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.grid import RadialProfile
        >>> grid = vx.Grid((128, 128), pixel_size=1.0)
        >>> profile = RadialProfile([0.0, 0.1, 0.5], [9.0, 1.0, 1.0])
        >>> noise = vx.ColouredNoise.from_profile(profile, grid)
        >>> image = noise.sample(jax.random.key(0), jnp.zeros(grid.shape))
        >>> bool(noise.log_likelihood(image, jnp.zeros(grid.shape)) < 0)
        True
    """

    power: HalfImage = eqx.field(
        converter=as_power,
        metadata=must(POSITIVE, "add a small floor, or the image has no density"),
    )

    def __check_init__(self) -> None:
        check_fields(self)

    @classmethod
    def from_profile(cls, profile: RadialProfile, grid: Grid) -> Self:
        """Return the noise with the power of a radial profile.

        Args:
            profile: power per pixel of `grid`, at increasing frequencies in 1/Å;
                interpolated linearly, constant beyond its ends.
            grid: of the images.
        """
        return cls(profile.on(grid))

    @classmethod
    def from_micrograph(cls, micrograph: Float[Array, "Y X"], grid: Grid) -> Self:
        """Return the noise with the radial power spectrum of a micrograph.

        Args:
            micrograph: with the pixel size of `grid`. All that it shows is taken as
                noise.
            grid: of the images.
        """
        return cls.from_profile(power_profile(micrograph, grid.pixel_size), grid)

    @classmethod
    def from_images(cls, images: Float[Array, "images Y X"], grid: Grid) -> Self:
        """Return the noise with the mean radial power of images of noise.

        Args:
            images: with the pixel size of `grid`; their shape may differ from its.
            grid: of the images to come.
        """
        each = jax.vmap(power_profile, in_axes=(0, None))(images, grid.pixel_size)
        mean = jax.tree.map(lambda values: jnp.mean(values, axis=0), each)
        return cls.from_profile(mean, grid)

    def sample(self, key: PRNGKeyArray, image: Image) -> Image:
        """Return `image` with noise, in its precision.

        The noise is real white noise, filtered: coefficients drawn on half a spectrum
        would be correlated where the half holds both k and -k.

        Args:
            key: one for each image.
            image: noise-free.

        Raises:
            TypeError: if the image isn't made of floats, or `key` isn't a random key.
            ValueError: if the noise or the image is a batch, or the power belongs to
                images of another shape.
        """
        noise = checked("ColouredNoise.sample", noise=self)
        check_key("ColouredNoise.sample", key)
        check_image("ColouredNoise.sample", image)
        spectrum = noise._noise_spectrum(key, image.shape, image.dtype)
        return image + jnp.fft.irfft2(spectrum, s=image.shape)

    def log_likelihood(self, observed: Image, predicted: Image) -> Scalar:
        """Return the normalised log-density of `observed`, given the noise-free image.

        Raises:
            ValueError: if the noise or an image is a batch, or shapes differ.
        """
        noise = checked("ColouredNoise.log_likelihood", noise=self)
        difference = residual("ColouredNoise.log_likelihood", observed, predicted)
        return noise._log_density(jnp.fft.rfft2(difference), difference.shape)

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
        verb = "ColouredNoise.log_likelihood_fourier"
        noise = checked(verb, noise=self)
        difference = spectrum_residual(verb, observed, predicted, grid)
        return noise._log_density(difference, grid.shape)

    def _noise_spectrum(
        self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: np.dtype
    ) -> HalfSpectrum:
        """Return the half spectrum of noise, pixel 0 as origin."""
        white = jnp.fft.rfft2(jr.normal(key, shape, dtype))
        return white * jnp.sqrt(self._power_on(shape).astype(dtype)).astype(white.dtype)

    def _log_density(self, difference: HalfSpectrum, shape: tuple[int, ...]) -> Scalar:
        """Return the log-density of a residual, given its half spectrum."""
        power = self._power_on(shape).astype(difference.real.dtype)
        squares = squared_modulus(difference) / (math.prod(shape) * power)
        terms = squares + jnp.log(2 * math.pi * power)
        return -0.5 * jnp.sum(full_weights(shape, difference) * terms)

    def _power_on(self, shape: tuple[int, ...]) -> HalfImage:
        """Return the power for images of `shape`, the same at k and -k.

        Raises:
            ValueError: if it belongs to images of another shape.
        """
        rows, columns = shape
        if self.power.shape != (rows, columns // 2 + 1):
            raise ValueError(
                f"cannot use power of shape {self.power.shape} for images of shape "
                f"{shape} because their half spectrum has shape "
                f"{(rows, columns // 2 + 1)}; do use ColouredNoise.from_profile"
            )
        mirrored = jnp.roll(self.power[::-1], 1, axis=0)
        both = full_weights(shape, self.power) == 1
        return jnp.where(both, 0.5 * (self.power + mirrored), self.power)
