"""Centred real FFTs, and cropping and padding in either space."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Inexact


def to_fourier(values: Float[Array, "..."]) -> Complex[Array, "..."]:
    r"""Return the half spectrum of an image or volume whose origin is pixel N // 2.

    $$F_k = \sum_j f_j\, e^{-2\pi i k (j - \lfloor N/2 \rfloor)/N}$$

    Args:
        values: an image [y, x] or a volume [z, y, x].

    Returns:
        The spectrum in the layout of `jax.numpy.fft.rfftn`.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import to_fourier
        >>> point = jnp.zeros((5, 4)).at[2, 2].set(1.0)
        >>> bool(jnp.allclose(to_fourier(point), 1.0))
        True
    """
    odd = [axis for axis, n in enumerate(values.shape) if n % 2]
    spectrum = jnp.fft.rfftn(jnp.fft.ifftshift(values, odd))
    return spectrum * _half_turns(spectrum, values.shape)


def to_real(
    spectrum: Complex[Array, "..."], shape: tuple[int, ...]
) -> Float[Array, "..."]:
    """Return the image or volume of a half spectrum; the inverse of `to_fourier`.

    Args:
        spectrum: in the layout of `jax.numpy.fft.rfftn`.
        shape: of the result. The spectrum alone doesn't tell even from odd.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import to_real
        >>> float(to_real(jnp.ones((5, 3), complex), (5, 4))[2, 2])
        1.0
    """
    odd = [axis for axis, n in enumerate(shape) if n % 2]
    spectrum = spectrum * _half_turns(spectrum, shape)
    return jnp.fft.fftshift(jnp.fft.irfftn(spectrum, s=shape), odd)


def _half_turns(
    spectrum: Complex[Array, "..."], shape: tuple[int, ...]
) -> Complex[Array, "..."]:
    """Return (-1)^(k_x + k_y + ...) over the even axes: a shift by half of each.

    A product with signs costs no pass over memory of its own; moving the values does.
    """
    signs = jnp.ones((1,) * len(shape), spectrum.real.dtype)
    for axis, n in enumerate(shape):
        if n % 2 == 0:
            parity = (jnp.arange(spectrum.shape[axis]) % 2).astype(signs.dtype)
            others = [i for i in range(len(shape)) if i != axis]
            signs = signs * jnp.expand_dims(1 - 2 * parity, others)
    return signs.astype(spectrum.dtype)


def both_halves(half: Inexact[Array, "y kx"], columns: int) -> Inexact[Array, "y x"]:
    r"""Return the full spectrum of a real image, $F(-k) = \overline{F(k)}$.

    Args:
        half: in the layout of `jax.numpy.fft.rfft2`; complex, or real and even.
        columns: number of pixels along x.

    Returns:
        In the layout of `jax.numpy.fft.fft2`.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import both_halves
        >>> image = jnp.arange(20.0).reshape(4, 5)
        >>> half = jnp.fft.rfft2(image)
        >>> bool(jnp.allclose(both_halves(half, 5), jnp.fft.fft2(image), atol=1e-4))
        True
    """
    others = np.arange(columns // 2 + 1, columns)
    opposite = half[-np.arange(half.shape[0]) % half.shape[0]][:, columns - others]
    return jnp.concatenate([half, jnp.conj(opposite)], axis=1)


def crop(
    values: Inexact[Array, "..."], shape: tuple[int, ...]
) -> Inexact[Array, "..."]:
    """Return the central part of an image or volume, origin on origin.

    Raises:
        ValueError: if `shape` is larger on any axis.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import crop
        >>> crop(jnp.arange(5.0)[None], (1, 3)).tolist()
        [[1.0, 2.0, 3.0]]
    """
    if any(new > old for new, old in zip(shape, values.shape, strict=True)):
        raise ValueError(
            f"cannot crop {values.shape} to {shape} because it is larger; do use pad"
        )
    starts = [old // 2 - new // 2 for new, old in zip(shape, values.shape, strict=True)]
    return values[tuple(slice(s, s + n) for s, n in zip(starts, shape, strict=True))]


def pad(
    values: Float[Array, "..."], shape: tuple[int, ...], fill: float = 0.0
) -> Float[Array, "..."]:
    """Return an image or volume in the middle of a larger one, origin on origin.

    Raises:
        ValueError: if `shape` is smaller on any axis.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import pad
        >>> pad(jnp.ones((1, 2)), (1, 5)).tolist()
        [[0.0, 1.0, 1.0, 0.0, 0.0]]
    """
    if any(new < old for new, old in zip(shape, values.shape, strict=True)):
        raise ValueError(
            f"cannot pad {values.shape} to {shape} because it is smaller; do use crop"
        )
    before = [new // 2 - old // 2 for new, old in zip(shape, values.shape, strict=True)]
    widths = [
        (b, new - old - b)
        for b, new, old in zip(before, shape, values.shape, strict=True)
    ]
    return jnp.pad(values, widths, constant_values=fill)


def resample(
    values: Float[Array, "..."], shape: tuple[int, ...]
) -> Float[Array, "..."]:
    r"""Return the same field of view on another number of pixels, keeping the mean.

    The spectrum is cropped (larger pixels) or padded with zeros (smaller ones). A
    cropped frequency that has no partner on the new grid (Nyquist of an even size)
    keeps the mean of the two that meet there, so that the result stays real and no
    power is counted twice.

    Multiply by the ratio of the pixel numbers to keep the sum instead of the mean.

    Args:
        values: an image or a volume.
        shape: new numbers of pixels.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import resample
        >>> resample(jnp.ones((4, 4)), (2, 2)).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    spectrum = jnp.fft.fftn(jnp.fft.ifftshift(values))
    for axis, (old, new) in enumerate(zip(values.shape, shape, strict=True)):
        spectrum = _resized(spectrum, axis, old, new)
    scale = math.prod(shape) / values.size
    return (jnp.fft.fftshift(jnp.fft.ifftn(spectrum)).real * scale).astype(values.dtype)


def _resized(
    spectrum: Complex[Array, "..."], axis: int, old: int, new: int
) -> Complex[Array, "..."]:
    """Return `spectrum` with `new` frequencies along one axis."""
    if new == old:
        return spectrum
    spectrum = jnp.moveaxis(spectrum, axis, 0)
    kept = min(old, new)
    positive = spectrum[: (kept + 1) // 2]
    negative = spectrum[old - (kept - 1) // 2 :]
    middle = []
    if kept % 2 == 0 and new < old:
        nyquist = 0.5 * (spectrum[kept // 2] + spectrum[old - kept // 2])
        middle = [nyquist[None]]
    elif kept % 2 == 0:
        halved = 0.5 * spectrum[kept // 2][None]
        gap = jnp.zeros((new - kept - 1, *spectrum.shape[1:]), spectrum.dtype)
        middle = [halved, gap, halved]
    else:
        middle = [jnp.zeros((max(new - kept, 0), *spectrum.shape[1:]), spectrum.dtype)]
    return jnp.moveaxis(jnp.concatenate([positive, *middle, negative]), 0, axis)
