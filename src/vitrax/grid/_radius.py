"""Distance from the origin in either space, with finite derivatives there too."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_ranks
from .._typing import ScalarLike
from ._grid import Grid, sum_of_squares
from ._scalar import as_scalar


def safe_root(squared: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the square root, its derivative at 0 taken as 0 instead of infinity."""
    positive = squared > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squared, 1)), 0)


def frequency_radius(grid: Grid) -> Float[Array, "..."]:
    r"""Return $|k|$ in 1/Å at each frequency of a half spectrum on `grid`.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.grid import frequency_radius
        >>> frequency_radius(vx.Grid((2, 4), pixel_size=0.5))[0].tolist()
        [0.0, 0.5, 1.0]
    """
    check_ranks("frequency_radius", grid=grid)
    return safe_root(grid.frequency_squared())


def centred_axes(
    grid: Grid, centre: tuple[ScalarLike, ...] | Float[Array, " dim"] | None
) -> tuple[Float[Array, " _"], ...]:
    """Return the coordinates of pixels relative to `centre` (x, y, ...), both in Å.

    Raises:
        ValueError: if `centre` doesn't have a coordinate for each axis.
    """
    axes = grid.axes()
    if centre is None:
        return axes
    point = [as_scalar("centre", c, axes[0]) for c in centre]
    if len(point) != grid.ndim:
        raise ValueError(
            f"cannot centre on {len(point)} coordinates because the grid has "
            f"{grid.ndim} axes; do pass {'(x, y)' if grid.ndim == 2 else '(x, y, z)'}"
        )
    return tuple(axis - c for axis, c in zip(axes, point[::-1], strict=True))


def pixel_radius(
    grid: Grid, centre: tuple[ScalarLike, ...] | Float[Array, " dim"] | None
) -> Float[Array, "..."]:
    """Return the distance of each pixel from `centre`, in Å."""
    return safe_root(sum_of_squares(centred_axes(grid, centre)))
