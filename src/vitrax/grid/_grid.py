"""The sampling of an image or a volume, in real and in Fourier space."""

import math
import numbers
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import POSITIVE, check_fields, must
from .._typing import Scalar, as_float


def as_shape(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape as a tuple of Python integers."""
    given: Any = shape
    sizes = (given, given) if np.ndim(given) == 0 else tuple(given)
    if len(sizes) not in (2, 3) or not all(_is_size(n) for n in sizes):
        raise ValueError(
            f"cannot make a grid of shape {shape!r} because it isn't two or three "
            f"positive integers; do pass (y, x) or (z, y, x)"
        )
    return tuple(int(n) for n in sizes)


def _is_size(n: Any) -> bool:
    """Return whether `n` is a whole number of pixels, known when a verb is traced."""
    return isinstance(n, numbers.Real) and float(n).is_integer() and float(n) >= 1


class Grid(eqx.Module):
    r"""Sampling of an image `[y, x]` or a volume `[z, y, x]`.

    Pixel $j$ of an axis of $N$ pixels lies at $(j - \lfloor N/2 \rfloor)\,p$. The
    frequencies are those of `jax.numpy.fft.rfftn`: zero in the corner, the last axis
    halved.

    Args:
        shape: numbers of pixels, (y, x) or (z, y, x); one integer means a square image.
        pixel_size: Å.

    Raises:
        ValueError: if a size isn't a positive integer, or the pixel size isn't positive
            and finite.

    Example:
        >>> import vitrax as vx
        >>> grid = vx.Grid((4, 5), pixel_size=2.0)
        >>> [axis.tolist() for axis in grid.axes()]
        [[-4.0, -2.0, 0.0, 2.0], [-4.0, -2.0, 0.0, 2.0, 4.0]]
    """

    shape: tuple[int, ...] = eqx.field(converter=as_shape, static=True)
    pixel_size: Scalar = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "give the size of a pixel in Å")
    )

    def __check_init__(self) -> None:
        check_fields(self)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return math.prod(self.shape)

    @property
    def centre(self) -> tuple[int, ...]:
        """Index of the origin on each axis, N // 2."""
        return tuple(n // 2 for n in self.shape)

    @property
    def half_shape(self) -> tuple[int, ...]:
        """Shape of a half spectrum on this grid."""
        return (*self.shape[:-1], self.shape[-1] // 2 + 1)

    def axes(self) -> tuple[Float[Array, " _"], ...]:
        """Return the coordinates along each axis, in Å, in the order of `shape`."""
        return tuple(
            (jnp.arange(n) - n // 2).astype(self.pixel_size.dtype) * self.pixel_size
            for n in self.shape
        )

    def frequency_axes(self) -> tuple[Float[Array, " _"], ...]:
        """Return the frequencies along each axis, in 1/Å, the last one halved."""
        dtype = self.pixel_size.dtype
        full = [jnp.fft.fftfreq(n, dtype=dtype) for n in self.shape[:-1]]
        half = jnp.fft.rfftfreq(self.shape[-1], dtype=dtype)
        return tuple(f / self.pixel_size for f in (*full, half))

    def frequency_squared(self) -> Float[Array, "..."]:
        """Return k² in 1/Å² at each frequency of a half spectrum."""
        return sum_of_squares(self.frequency_axes())

    def radius_squared(self) -> Float[Array, "..."]:
        """Return r² in Å² at each pixel."""
        return sum_of_squares(self.axes())


def sum_of_squares(axes: tuple[Float[Array, " _"], ...]) -> Float[Array, "..."]:
    """Return the squared distance from the origin on the product of some axes."""
    total = jnp.zeros((1,) * len(axes), axes[0].dtype)
    for i, axis in enumerate(axes):
        total = total + (axis**2).reshape(along(i, len(axes)))
    return total


def along(axis: int, ndim: int) -> tuple[int, ...]:
    """Return the shape that lays a vector along one of `ndim` axes."""
    return tuple(-1 if i == axis else 1 for i in range(ndim))
