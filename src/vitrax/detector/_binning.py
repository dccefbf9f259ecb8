"""Counts on larger pixels."""

import math

from jaxtyping import Array, Float

from .._checks import checked_count
from .._typing import Image
from ..grid import resample
from ._noise import check_image


def bin_pixels(image: Image, factor: int) -> Float[Array, "Y X"]:
    """Return the sums of squares of pixels.

    The pixels become larger by `factor`, and hold the counts of all in them. The
    image's coordinates move: the middle of the new pixels lies (factor - 1)/2 old
    pixels from their first one's.

    Args:
        image: [y, x].
        factor: pixels along each side of a square; it must divide the image's.

    Raises:
        TypeError: if the factor isn't a static integer.
        ValueError: if the factor isn't positive, or doesn't divide the image, or the
            image is a batch.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.detector import bin_pixels
        >>> bin_pixels(jnp.ones((2, 4)), 2).tolist()
        [[4.0, 4.0]]
    """
    check_image("bin_pixels", image)
    sides = checked_count("bin_pixels", "factor", factor)
    if any(n % sides for n in image.shape):
        raise ValueError(
            f"cannot bin an image of shape {image.shape} by {sides} because it doesn't "
            f"divide into such squares; do crop it with vitrax.grid.crop, or use "
            f"resample_counts"
        )
    rows, columns = (n // sides for n in image.shape)
    return image.reshape(rows, sides, columns, sides).sum(axis=(1, 3))


def resample_counts(image: Image, shape: tuple[int, int]) -> Float[Array, "Y X"]:
    """Return the same field of view on another number of pixels, keeping the sum.

    The spectrum is cropped or padded, so the origin stays at pixel N // 2 and nothing
    is aliased. It is `vitrax.grid.resample`, which keeps the mean and so suits
    contrast, times the ratio of the areas of the pixels. The pixels' size becomes that
    of the image times the ratio of the numbers of pixels.

    Args:
        image: [y, x].
        shape: new numbers of pixels.

    Raises:
        ValueError: if the image is a batch.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.detector import resample_counts
        >>> resample_counts(jnp.ones((4, 6)), (2, 3)).round(6).tolist()
        [[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]]
    """
    check_image("resample_counts", image)
    return resample(image, shape) * (image.size / math.prod(shape))
