"""Filters as arrays on the half spectrum, and the verb that applies one.

Making a filter and applying it are two steps: a filter is made once for a grid,
multiplied with others, and applied to as many images as one likes.
"""

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from .._checks import NOT_NEGATIVE, Rule, check_ranks, checked, checked_number
from .._typing import ScalarLike
from ._edge import falling_edge
from ._grid import Grid
from ._radial_profile import RadialProfile
from ._radius import frequency_radius
from ._scalar import as_scalar


# An infinite one passes the mean alone.
_RESOLUTION = Rule(lambda x: x > 0, "positive")


def low_pass(
    grid: Grid, resolution: ScalarLike, edge: ScalarLike | None = None
) -> Float[Array, "..."]:
    """Return the filter that passes details larger than `resolution`.

    It is 1/2 at the frequency 1 / `resolution`, with a cosine edge about it.

    Args:
        grid: of the images or volumes to filter.
        resolution: Å. (For a frequency f in 1/Å pass 1 / f.)
        edge: full width of the edge, 1/Å; 0 for a step; two Fourier pixels by default.

    Raises:
        ValueError: if the resolution isn't positive, or the edge is negative.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.grid import low_pass
        >>> grid = vx.Grid((1, 8), pixel_size=1.0)
        >>> low_pass(grid, resolution=4.0)[0].round(3).tolist()
        [1.0, 1.0, 0.5, 0.0, 0.0]
    """
    return _low_pass("low_pass", grid, resolution, edge)


def high_pass(
    grid: Grid, resolution: ScalarLike, edge: ScalarLike | None = None
) -> Float[Array, "..."]:
    """Return the filter that passes details smaller than `resolution`, 1 - `low_pass`.

    Args:
        grid: of the images or volumes to filter.
        resolution: Å. (For a frequency f in 1/Å pass 1 / f.)
        edge: full width of the edge, 1/Å; 0 for a step; two Fourier pixels by default.

    Raises:
        ValueError: if the resolution isn't positive, or the edge is negative.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.grid import high_pass
        >>> grid = vx.Grid((1, 8), pixel_size=1.0)
        >>> high_pass(grid, resolution=4.0)[0].round(3).tolist()
        [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    return 1 - _low_pass("high_pass", grid, resolution, edge)


def _low_pass(
    verb: str, grid: Grid, resolution: ScalarLike, edge: ScalarLike | None
) -> Float[Array, "..."]:
    """Return `low_pass`, its errors in the name of `verb`."""
    grid = checked(verb, grid=grid)
    resolution = checked_number(
        verb, "resolution", resolution, _RESOLUTION, "give it in Å"
    )
    radius = frequency_radius(grid)
    cutoff = 1 / as_scalar("resolution", resolution, radius)
    if edge is None:
        width = 2 / (max(grid.shape) * grid.pixel_size)
    else:
        width = checked_number(verb, "edge", edge, NOT_NEGATIVE, "give it in 1/Å")
        width = as_scalar("edge", width, radius)
    return falling_edge(radius - (cutoff - 0.5 * width), width)


def b_factor_envelope(grid: Grid, b_factor: ScalarLike) -> Float[Array, "..."]:
    r"""Return $e^{-Bk^2/4}$; negative $B$ sharpens.

    Args:
        grid: of the images or volumes to filter.
        b_factor: $B$, Å².

    Example:
        >>> import vitrax as vx
        >>> from vitrax.grid import b_factor_envelope
        >>> envelope = b_factor_envelope(vx.Grid((1, 10), pixel_size=1.0), 100.0)
        >>> round(float(envelope[0, 2]), 6)
        0.367879
    """
    check_ranks("b_factor_envelope", grid=grid)
    squared = grid.frequency_squared()
    return jnp.exp(-0.25 * as_scalar("b_factor", b_factor, squared) * squared)


def whitening(power: RadialProfile, grid: Grid) -> Float[Array, "..."]:
    r"""Return the filter $1/\sqrt{P(k)}$ that makes noise of power $P$ white.

    Noise of that power comes out with variance 1. Zero frequency is set to 0, so that
    the mean is removed, as are frequencies with no power to speak of (below 1e-10 of
    the largest), such as those beyond the band of a resampled micrograph.

    Args:
        power: for example `power_profile(micrograph, pixel_size)`. One profile serves
            the grid of the micrograph and that of a template.
        grid: of the images to filter.

    Raises:
        TypeError: if `power` isn't a profile, or `grid` isn't a grid.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> from vitrax.grid import apply_filter, power_profile, whitening
        >>> micrograph = 3.0 * jax.random.normal(jax.random.key(0), (64, 64))
        >>> power = power_profile(micrograph, pixel_size=1.5)
        >>> white = apply_filter(micrograph, whitening(power, vx.Grid((64, 64), 1.5)))
        >>> white.var().round(1).item()
        1.0
    """
    if not (isinstance(power, RadialProfile) and isinstance(grid, Grid)):
        raise TypeError(
            f"cannot make a whitening filter because power and grid are "
            f"{type(power).__name__} and {type(grid).__name__}; do "
            f"whitening(power_profile(micrograph, pixel_size), grid)"
        )
    check_ranks("whitening", power=power, grid=grid)
    density = power.on(grid)
    kept = (density > 1e-10 * jnp.max(power.values)) & (grid.frequency_squared() > 0)
    return jnp.where(kept, 1 / jnp.sqrt(jnp.where(kept, density, 1)), 0)


def apply_filter(
    values: Float[Array, "..."], transfer: Float[Array, "..."] | Complex[Array, "..."]
) -> Float[Array, "..."]:
    """Return an image or volume of which each frequency is multiplied by a filter.

    Args:
        values: an image [y, x] or a volume [z, y, x].
        transfer: the filter, at each frequency of the half spectrum of `values`.

    Raises:
        ValueError: if the filter wasn't made for the shape of `values`.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.grid import apply_filter, high_pass
        >>> transfer = high_pass(vx.Grid((4, 4), pixel_size=1.0), resolution=4.0)
        >>> apply_filter(jnp.ones((4, 4)), transfer).max().item()
        0.0
    """
    half = (*values.shape[:-1], values.shape[-1] // 2 + 1)
    if values.ndim not in (2, 3) or transfer.shape != half:
        raise ValueError(
            f"cannot apply a filter of shape {transfer.shape} to values of shape "
            f"{values.shape} because it isn't on their half spectrum; do make it with "
            f"Grid({values.shape}, pixel_size), or jax.vmap(apply_filter) for a batch"
        )
    spectrum = jnp.fft.rfftn(values)
    filtered = spectrum * transfer.astype(spectrum.dtype)
    return jnp.fft.irfftn(filtered, s=values.shape)
