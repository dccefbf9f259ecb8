"""Soft masks: exactly 1 inside, exactly 0 outside, a cosine edge between."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import NOT_NEGATIVE, POSITIVE, check_ranks, checked_number
from .._typing import Image, ScalarLike, Volume
from ._edge import falling_edge
from ._grid import Grid, along
from ._radius import centred_axes, pixel_radius
from ._scalar import as_scalar


Point = tuple[ScalarLike, ...] | Float[Array, " dim"]


def circular_mask(
    grid: Grid, radius: ScalarLike, edge: ScalarLike = 0.0, centre: Point | None = None
) -> Image:
    """Return a disc: 1 within `radius`, 0 beyond `radius + edge`.

    Args:
        grid: of an image.
        radius: Å.
        edge: width of the cosine edge outside `radius`, Å; 0 for a hard mask.
        centre: (x, y) relative to the origin, Å; the origin by default.

    Raises:
        ValueError: if `grid` isn't that of an image, `radius` isn't positive, or `edge`
            is negative.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.grid import circular_mask
        >>> circular_mask(vx.Grid((3, 3), 1.0), radius=1.0).tolist()
        [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]
    """
    _check_grid("circular_mask", grid, 2, "spherical_mask")
    return _round_mask("circular_mask", grid, radius, edge, centre)


def spherical_mask(
    grid: Grid, radius: ScalarLike, edge: ScalarLike = 0.0, centre: Point | None = None
) -> Volume:
    """Return a ball: 1 within `radius`, 0 beyond `radius + edge`.

    Args:
        grid: of a volume.
        radius: Å.
        edge: width of the cosine edge outside `radius`, Å; 0 for a hard mask.
        centre: (x, y, z) relative to the origin, Å; the origin by default.

    Raises:
        ValueError: if `grid` isn't that of a volume, `radius` isn't positive, or `edge`
            is negative.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.grid import spherical_mask
        >>> float(spherical_mask(vx.Grid((5, 5, 5), 2.0), radius=2.0).sum())
        7.0
    """
    _check_grid("spherical_mask", grid, 3, "circular_mask")
    return _round_mask("spherical_mask", grid, radius, edge, centre)


def rectangular_mask(
    grid: Grid, sides: Point, edge: ScalarLike = 0.0, centre: Point | None = None
) -> Float[Array, "..."]:
    """Return a rectangle or box: 1 within `sides`, 0 beyond `edge` from each side.

    The mask is the product of one soft edge along each axis.

    Args:
        grid: of an image or a volume.
        sides: full lengths (x, y) or (x, y, z), Å.
        edge: width of the cosine edge outside the sides, Å; 0 for a hard mask.
        centre: (x, y) or (x, y, z) relative to the origin, Å; the origin by default.

    Raises:
        ValueError: if `sides` or `centre` doesn't have a number for each axis, or a
            side or `edge` is negative.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.grid import rectangular_mask
        >>> rectangular_mask(vx.Grid((3, 4), 1.0), sides=(2.0, 0.0)).tolist()
        [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    verb = "rectangular_mask"
    check_ranks(verb, grid=grid)
    edge = checked_number(verb, "edge", edge, NOT_NEGATIVE, "give its width in Å")
    lengths = [
        as_scalar(
            "sides",
            checked_number(verb, f"sides[{i}]", side, NOT_NEGATIVE, "give it in Å"),
            grid.pixel_size,
        )
        for i, side in enumerate(sides)
    ]
    if len(lengths) != grid.ndim:
        raise ValueError(
            f"cannot make a rectangular mask of {len(lengths)} sides because the grid "
            f"has {grid.ndim} axes; do pass one length for each, x first"
        )
    mask = jnp.ones(grid.shape, grid.pixel_size.dtype)
    axes = centred_axes(grid, centre)
    for i, (axis, side) in enumerate(zip(axes, lengths[::-1], strict=True)):
        beyond = jnp.abs(axis) - 0.5 * side
        mask = mask * falling_edge(beyond, edge).reshape(along(i, grid.ndim))
    return mask


def _round_mask(
    verb: str, grid: Grid, radius: ScalarLike, edge: ScalarLike, centre: Point | None
) -> Float[Array, "..."]:
    """Return 1 within `radius` of `centre`, falling to 0 at `radius + edge`."""
    radius = checked_number(verb, "radius", radius, POSITIVE, "give it in Å")
    edge = checked_number(verb, "edge", edge, NOT_NEGATIVE, "give its width in Å")
    distance = pixel_radius(grid, centre)
    return falling_edge(distance - as_scalar("radius", radius, distance), edge)


def _check_grid(verb: str, grid: Grid, ndim: int, instead: str) -> None:
    """Raise if `grid` is a batch or doesn't have `ndim` axes."""
    check_ranks(verb, grid=grid)
    if grid.ndim != ndim:
        raise ValueError(
            f"cannot {verb} because the grid of shape {grid.shape} has {grid.ndim} "
            f"axes; do use {instead}"
        )
