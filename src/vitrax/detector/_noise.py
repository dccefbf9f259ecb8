r"""The interface of noise, and its checks.

A noise object adds noise to a noise-free image (`sample`), and tells how probable an
observed image is (`log_likelihood`), as a normalised log-density over the pixels. Both
exist in Fourier space too, on half spectra in the layout and scale of
`vitrax.grid.to_fourier`: `log_likelihood_fourier` returns the same number (the density
is still that of the pixels), and `sample_fourier` the spectrum of the same sample for
the same key.
"""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from .._checks import check_ranks
from .._typing import HalfImage, HalfSpectrum, Image, Scalar
from ..grid import Grid, hermitian_weights, to_fourier, to_real


class AbstractNoise(eqx.Module):
    """What makes noisy images of a noise-free one, and how probable each is."""

    @abc.abstractmethod
    def sample(self, key: PRNGKeyArray, image: Image) -> Image:
        """Return `image` with noise."""

    @abc.abstractmethod
    def log_likelihood(self, observed: Image, predicted: Image) -> Scalar:
        """Return the log-density of `observed`, given the noise-free image."""

    @abc.abstractmethod
    def sample_fourier(
        self, key: PRNGKeyArray, spectrum: HalfSpectrum, grid: Grid
    ) -> HalfSpectrum:
        """Return the half spectrum of an image on `grid`, with noise."""

    @abc.abstractmethod
    def log_likelihood_fourier(
        self, observed: HalfSpectrum, predicted: HalfSpectrum, grid: Grid
    ) -> Scalar:
        """Return `log_likelihood` of two images on `grid`, given their half spectra."""


def noisy_spectrum(
    noise: AbstractNoise, key: PRNGKeyArray, spectrum: HalfSpectrum, grid: Grid
) -> HalfSpectrum:
    """Return `sample_fourier` of noise that is drawn in real space."""
    verb = f"{type(noise).__name__}.sample_fourier"
    check_ranks(verb, noise=noise, grid=grid)
    check_spectrum(verb, spectrum, grid)
    nothing = jnp.zeros(grid.shape, spectrum.real.dtype)
    return spectrum + to_fourier(noise.sample(key, nothing))


def sampled_spectrum(
    noise: AbstractNoise, key: PRNGKeyArray, spectrum: HalfSpectrum, grid: Grid
) -> HalfSpectrum:
    """Return `sample_fourier` of a noise, drawn in real space.

    Args:
        noise: has `sample`.
        key: as of `sample`.
        spectrum: centred half spectrum of a noise-free image.
        grid: of the image.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.detector import sampled_spectrum
        >>> noise, grid = vx.PoissonNoise(), vx.Grid(8, 1.0)
        >>> spectrum = vx.grid.to_fourier(jnp.full((8, 8), 5.0))
        >>> sampled_spectrum(noise, jax.random.key(0), spectrum, grid).shape
        (8, 5)
    """
    verb = f"{type(noise).__name__}.sample_fourier"
    check_ranks(verb, noise=noise, grid=grid)
    check_spectrum(verb, spectrum, grid)
    return to_fourier(noise.sample(key, to_real(spectrum, grid.shape)))


def density_of_spectra(
    noise: AbstractNoise, observed: HalfSpectrum, predicted: HalfSpectrum, grid: Grid
) -> Scalar:
    """Return `log_likelihood_fourier` of a noise, by its density in real space.

    Args:
        noise: has `log_likelihood`.
        observed: centred half spectrum of the observed image.
        predicted: that of the noise-free one.
        grid: of the images.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.detector import density_of_spectra
        >>> noise, grid = vx.WhiteNoise(variance=1.0), vx.Grid(8, 1.0)
        >>> spectrum = vx.grid.to_fourier(jnp.ones((8, 8)))
        >>> round(float(density_of_spectra(noise, spectrum, spectrum, grid)), 2)
        -58.81
    """
    verb = f"{type(noise).__name__}.log_likelihood_fourier"
    check_ranks(verb, noise=noise, grid=grid)
    check_spectrum(verb, observed, grid)
    check_spectrum(verb, predicted, grid)
    images = (to_real(spectrum, grid.shape) for spectrum in (observed, predicted))
    return noise.log_likelihood(*images)


def spectrum_residual(
    verb: str, observed: HalfSpectrum, predicted: HalfSpectrum, grid: Grid
) -> HalfSpectrum:
    """Return observed - predicted of two half spectra on `grid`.

    Raises:
        TypeError: if one isn't complex.
        ValueError: if one isn't on `grid`.
    """
    check_ranks(verb, grid=grid)
    check_spectrum(verb, predicted, grid)
    check_spectrum(verb, observed, grid)
    return observed.astype(predicted.dtype) - predicted


def residual(verb: str, observed: Image, predicted: Image) -> Image:
    """Return observed - predicted in the precision of `predicted`.

    Raises:
        TypeError: if `predicted` isn't made of floats.
        ValueError: if they aren't single images of the same shape.
    """
    observed, predicted = images_of_one_shape(verb, observed, predicted)
    return observed - predicted


def images_of_one_shape(
    verb: str, observed: Image, predicted: Image
) -> tuple[Image, Image]:
    """Return both images in the precision of `predicted`.

    Raises:
        TypeError: if `predicted` isn't made of floats.
        ValueError: if they aren't single images of the same shape.
    """
    check_one(verb, observed)
    check_image(verb, predicted)
    if observed.shape != predicted.shape:
        raise ValueError(
            f"cannot {verb} because the observed image has shape {observed.shape}, the "
            f"predicted one {predicted.shape}; do crop, pad or resample either"
        )
    return observed.astype(predicted.dtype), predicted


def check_image(verb: str, image: Array) -> None:
    """Raise if `image` isn't a single one, of floats."""
    check_one(verb, image)
    if not jnp.issubdtype(image.dtype, jnp.floating):
        raise TypeError(
            f"cannot {verb} because the image is made of {image.dtype} where floats "
            f"belong; do image.astype(float)"
        )


def check_one(verb: str, image: Array) -> None:
    """Raise if `image` (or half spectrum) isn't a single one."""
    if image.ndim != 2:
        raise ValueError(
            f"cannot {verb} because the image has shape {image.shape} where one image "
            f"has rank 2; do jax.vmap({verb}, in_axes=...) for a batch"
        )


def check_spectrum(verb: str, spectrum: Array, grid: Grid) -> None:
    """Raise if `spectrum` isn't on the half spectrum of `grid`."""
    check_one(verb, spectrum)
    if not jnp.issubdtype(spectrum.dtype, jnp.complexfloating):
        raise TypeError(
            f"cannot {verb} because the spectrum is made of {spectrum.dtype} where "
            f"complex numbers belong; do vitrax.grid.to_fourier of the image"
        )
    if grid.ndim != 2 or spectrum.shape != grid.half_shape:
        raise ValueError(
            f"cannot {verb} because the spectrum has shape {spectrum.shape}, the half "
            f"spectrum of the grid {grid.half_shape}; do pass the grid of the image"
        )


def full_weights(grid_shape: tuple[int, ...], like: Array) -> HalfImage:
    """Return how often each frequency of a half spectrum stands in the full one."""
    rows, columns = grid_shape
    weights = hermitian_weights(columns).astype(like.real.dtype)
    return jnp.broadcast_to(weights[None], (rows, columns // 2 + 1))


def squared_modulus(spectrum: HalfSpectrum) -> Float[Array, "y kx"]:
    """Return |F|², differentiable at 0."""
    return spectrum.real**2 + spectrum.imag**2
