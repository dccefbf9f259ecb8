"""Power spectra, and averages over circles, spheres and Fourier shells."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int

from .._checks import check_ranks
from .._typing import default_float
from ._grid import Grid, sum_of_squares


def hermitian_weights(n: int) -> Float[Array, " kx"]:
    """Return how often each column of a half spectrum stands in the full one.

    Columns stand for themselves and for their mirror at -kx: twice, but once for kx = 0
    and, where `n` is even, for the Nyquist frequency.

    Args:
        n: number of pixels along the halved axis.

    Example:
        >>> from vitrax.grid import hermitian_weights
        >>> hermitian_weights(6).tolist(), hermitian_weights(5).tolist()
        ([1.0, 2.0, 2.0, 1.0], [1.0, 2.0, 2.0])
    """
    column = jnp.arange(n // 2 + 1)
    single = (column == 0) | (2 * column == n)
    return jnp.where(single, 1, 2).astype(default_float())


def power_spectrum(values: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""Return $|F_k|^2/N$ at each frequency of a half spectrum.

    White noise has its variance at each frequency; the sum over all of them, weighted
    with `hermitian_weights`, is the sum of the squared values (Parseval).

    Args:
        values: an image or a volume.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import power_spectrum
        >>> power_spectrum(jnp.ones((2, 2))).tolist()
        [[4.0, 0.0], [0.0, 0.0]]
    """
    return squared_modulus(jnp.fft.rfftn(values)) / values.size


def squared_modulus(spectrum: Complex[Array, "..."]) -> Float[Array, "..."]:
    """Return |F|², differentiable at 0."""
    return spectrum.real**2 + spectrum.imag**2


def radial_power_spectrum(
    values: Float[Array, "..."], n_shells: int | None = None
) -> Float[Array, " shells"]:
    """Return the mean of `power_spectrum` in each Fourier shell.

    Args:
        values: an image or a volume.
        n_shells: number of shells; up to Nyquist by default, `corner_shells(shape)` for
            all frequencies. Their frequencies are `shell_frequencies(grid, n_shells)`.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import radial_power_spectrum
        >>> radial_power_spectrum(jnp.ones((4, 4))).tolist()
        [16.0, 0.0, 0.0]
    """
    return shell_average(power_spectrum(values), values.shape, n_shells)


def amplitude_left(
    values: Float[Array, "..."], reference: Float[Array, "..."]
) -> Float[Array, " shells"]:
    r"""Return the amplitude of `values` over that of `reference` in each Fourier shell.

    $$\sqrt{\langle |F_k|^2 \rangle / \langle |G_k|^2 \rangle}$$

    Shells in which `reference` is empty get 0.

    Args:
        values: an image or a volume.
        reference: another of the same shape.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import amplitude_left
        >>> amplitude_left(jnp.ones((4, 4)), 2 * jnp.ones((4, 4))).tolist()
        [0.5, 0.0, 0.0]
    """
    power = radial_power_spectrum(values)
    original = radial_power_spectrum(reference)
    kept = (original > 0) & (power > 0)
    ratio = jnp.where(kept, power, 1) / jnp.where(kept, original, 1)
    return jnp.where(kept, jnp.sqrt(ratio), 0)


def shell_average(
    values: Float[Array, "..."], shape: tuple[int, ...], n_shells: int | None = None
) -> Float[Array, " shells"]:
    """Return the mean over each shell of the full spectrum, given half of it.

    Shell i holds the frequencies that round to i / max(shape) cycles per pixel. A shell
    without any has mean 0.

    Args:
        values: at each frequency of a half spectrum, the same at k and -k.
        shape: of the image or volume.
        n_shells: number of shells; up to Nyquist by default.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import shell_average
        >>> shell_average(jnp.ones((4, 3)), (4, 4)).tolist()
        [1.0, 1.0, 1.0]
    """
    count = nyquist_shells(shape) if n_shells is None else n_shells
    weights = _column_weights(shape, values)
    index = shell_index(shape)
    total = _sums(weights * values, index, count)
    return _safe_ratio(total, _sums(weights, index, count))


def shell_frequencies(
    grid: Grid, n_shells: int | None = None
) -> Float[Array, " shells"]:
    """Return the frequency of each Fourier shell, in 1/Å.

    Args:
        grid: of the image or volume.
        n_shells: number of shells; up to Nyquist by default.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.grid import shell_frequencies
        >>> shell_frequencies(vx.Grid((4, 4), pixel_size=2.0)).tolist()
        [0.0, 0.125, 0.25]
    """
    check_ranks("shell_frequencies", grid=grid)
    count = nyquist_shells(grid.shape) if n_shells is None else n_shells
    index = jnp.arange(count).astype(grid.pixel_size.dtype)
    return index / (max(grid.shape) * grid.pixel_size)


def nyquist_shells(shape: tuple[int, ...]) -> int:
    """Return the number of Fourier shells up to Nyquist, zero frequency included."""
    return max(shape) // 2 + 1


def corner_shells(shape: tuple[int, ...]) -> int:
    """Return the number of Fourier shells that hold all frequencies.

    Example:
        >>> from vitrax.grid import corner_shells
        >>> corner_shells((64, 64))
        46
    """
    corner = math.hypot(*(n // 2 / n for n in shape)) * max(shape)
    return math.floor(corner + _ROUNDING) + 1


def radial_average(values: Float[Array, "..."]) -> Float[Array, " radii"]:
    """Return the mean at each whole distance, in pixels, from pixel N // 2.

    The distances go from 0 to the largest of which the circle or sphere is whole,
    (min(shape) - 1) // 2.

    Args:
        values: an image or a volume.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import radial_average
        >>> radial_average(jnp.zeros((5, 5)).at[2, 2].set(3.0)).tolist()
        [3.0, 0.0, 0.0]
    """
    count = (min(values.shape) + 1) // 2
    axes = tuple((jnp.arange(n) - n // 2).astype(values.dtype) for n in values.shape)
    index = _rounded(sum_of_squares(axes))
    return _safe_ratio(
        _sums(values, index, count), _sums(jnp.ones_like(values), index, count)
    )


def shell_sums(
    values: Float[Array, "..."], shape: tuple[int, ...]
) -> Float[Array, " shells"]:
    """Return the sums over shells of the full spectrum, up to Nyquist."""
    weighted = _column_weights(shape, values) * values
    return _sums(weighted, shell_index(shape), nyquist_shells(shape))


def shell_index(shape: tuple[int, ...]) -> Int[Array, "..."]:
    """Return the number of the shell of each frequency of a half spectrum."""
    dtype = default_float()
    scale = [max(shape) / n for n in shape]
    signed = [(jnp.arange(n) + n // 2) % n - n // 2 for n in shape[:-1]]
    axes = [*signed, jnp.arange(shape[-1] // 2 + 1)]
    scaled = tuple(k.astype(dtype) * s for k, s in zip(axes, scale, strict=True))
    return _rounded(sum_of_squares(scaled))


# Rectangular grids have frequencies halfway between two shells. Rounding errors shall
# not decide where they go.
_ROUNDING = 0.5 + 1e-4


def _rounded(squared: Float[Array, "..."]) -> Int[Array, "..."]:
    """Return the square root of `squared`, rounded."""
    return jnp.floor(jnp.sqrt(squared) + _ROUNDING).astype(jnp.int32)


def _column_weights(
    shape: tuple[int, ...], values: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Return `hermitian_weights` at each frequency of a half spectrum.

    Raises:
        ValueError: if `values` isn't on the half spectrum of `shape`.
    """
    half = (*shape[:-1], shape[-1] // 2 + 1)
    if values.shape != half:
        raise ValueError(
            f"cannot average {values.shape} over shells because the half spectrum of "
            f"{tuple(shape)} has shape {half}; do pass the shape of the image or volume"
        )
    weights = hermitian_weights(shape[-1]).astype(values.dtype)
    return jnp.broadcast_to(weights.reshape((1,) * (len(shape) - 1) + (-1,)), half)


def _sums(
    values: Float[Array, "..."], index: Int[Array, "..."], count: int
) -> Float[Array, " shells"]:
    """Return the sum of `values` for each index below `count`."""
    return jax.ops.segment_sum(values.ravel(), index.ravel(), num_segments=count)


def _safe_ratio(
    total: Float[Array, " n"], weight: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Return total / weight, 0 where the weight is 0."""
    return jnp.where(weight > 0, total / jnp.where(weight > 0, weight, 1), 0)
