r"""Fourier ring and shell correlation.

$$\mathrm{FSC}(s) = \frac{\mathrm{Re}\sum_{k \in s} F_k G_k^*}
{\sqrt{\sum_{k \in s} |F_k|^2 \sum_{k \in s} |G_k|^2}}$$

With $f = F/\sqrt{\sum|F|^2}$ and $g$ likewise this is $1 - \tfrac12 \sum |f - g|^2$,
the form used here: it is 1 to the last bit for identical maps, in whatever order a
device adds.

References:
    Harauz & van Heel (1986), Optik 73, 146.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from .._typing import Image, Volume
from ._spectra import shell_index, shell_sums, squared_modulus


def frc(first: Image, second: Image) -> Float[Array, " shells"]:
    """Return the Fourier ring correlation of two images, up to Nyquist.

    Args:
        first: an image.
        second: another of the same shape.

    Returns:
        The correlation in each ring, at `shell_frequencies(grid)`. A ring that is empty
        in either image has correlation 0.

    Raises:
        ValueError: if the arguments aren't two images of the same shape.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import frc
        >>> image = jnp.zeros((4, 4)).at[2, 2].set(1.0)
        >>> frc(image, image).tolist()
        [1.0, 1.0, 1.0]
    """
    _check_pair("frc", first, second, 2)
    return _correlation(first, second)


def fsc(first: Volume, second: Volume) -> Float[Array, " shells"]:
    """Return the Fourier shell correlation of two volumes, up to Nyquist.

    Args:
        first: a volume.
        second: another of the same shape.

    Returns:
        The correlation in each shell, at `shell_frequencies(grid)`. A shell that is
        empty in either volume has correlation 0.

    Raises:
        ValueError: if the arguments aren't two volumes of the same shape.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import fsc
        >>> volume = jnp.zeros((4, 4, 4)).at[2, 2, 2].set(1.0)
        >>> fsc(volume, 2 * volume).tolist()
        [1.0, 1.0, 1.0]
    """
    _check_pair("fsc", first, second, 3)
    return _correlation(first, second)


def _correlation(
    first: Float[Array, "..."], second: Float[Array, "..."]
) -> Float[Array, " shells"]:
    """Return the correlation of two arrays in each Fourier shell."""
    shape = first.shape
    f, any_f = _normalised(first)
    g, any_g = _normalised(second.astype(first.dtype))
    correlation = 1 - 0.5 * shell_sums(squared_modulus(f - g), shape)
    return jnp.where(any_f & any_g, correlation, 0)


def _normalised(
    values: Float[Array, "..."],
) -> tuple[Complex[Array, "..."], Bool[Array, " shells"]]:
    """Return the half spectrum with unit power in each shell, and which had any."""
    spectrum = jnp.fft.rfftn(values)
    power = shell_sums(squared_modulus(spectrum), values.shape)
    filled = power > 0
    scale = jnp.where(filled, 1 / jnp.sqrt(jnp.where(filled, power, 1)), 0)
    factor = scale.at[shell_index(values.shape)].get(mode="fill", fill_value=0)
    return spectrum * factor.astype(spectrum.dtype), filled


def _check_pair(
    verb: str, first: Float[Array, "..."], second: Float[Array, "..."], ndim: int
) -> None:
    """Raise if the arrays differ in shape, or don't have `ndim` axes."""
    if first.ndim != ndim or first.shape != second.shape:
        items = "images [y, x]" if ndim == 2 else "volumes [z, y, x]"
        raise ValueError(
            f"cannot compute the {verb} of arrays of shapes {first.shape} and "
            f"{second.shape} because it takes two {items} of one shape; do "
            f"jax.vmap({verb}) for a batch, or resample"
        )
