"""The verb: a structure gives a map of its electrostatic potential."""

import functools as ft
from typing import Any

from .._batching import cast_floats
from .._checks import check_order, check_structure_given, checked
from .._typing import real_dtype
from ..grid import Grid
from ..physics import POTENTIAL_FACTOR
from ._assembly import Assembly
from ._atoms import Atoms
from ._gaussian_sum import sum_gaussians
from ._gaussians import Gaussians
from ._voxel_map import VOLT, VoxelMap


_CALL = "render(structure, grid)"


@ft.singledispatch
def render(structure: Any, grid: Grid) -> VoxelMap:
    r"""Return the electrostatic potential of `structure`, in volts, on a 3-D grid.

    $$V(r) = 47.8776\,\mathrm{V\,Å^2} \sum_{j,t} a_{jt}\, (2\pi s_{jt})^{-3/2}
    e^{-|r - r_j|^2 / 2 s_{jt}}$$

    averaged over each voxel, so that the map's integral is that of the structure.

    Args:
        structure: `Atoms` or `Gaussians`, or an `Assembly` of them.
        grid: (z, y, x).

    Raises:
        TypeError: if `structure` can't be rendered, or `grid` isn't a grid.
        ValueError: if `grid` isn't three-dimensional, or an argument is batched.

    Example:
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> potential = vx.render(blob, vx.Grid((12, 12, 12), 1.0))
        >>> potential.unit, round(float(potential.values.sum()), 2)
        ('V', 119.69)
    """
    del grid
    check_structure_given(_CALL, structure)
    raise TypeError(
        f"cannot render a {type(structure).__name__} because it isn't Atoms or "
        f"Gaussians; do convert it first, and call {_CALL}"
    )


def _checked(structure: Any, grid: Grid) -> Any:
    """Return the arguments of a call, checked."""
    check_order(_CALL, grid=(grid, Grid))
    return checked("render", structure=structure, grid=grid)


@render.register
def _(structure: Gaussians, grid: Grid) -> VoxelMap:
    structure, grid = _checked(structure, grid)
    if grid.ndim != 3:
        raise ValueError(
            f"cannot render onto a grid of shape {grid.shape} because a map has three "
            f"axes; do pass Grid((n, n, n), voxel_size)"
        )
    structure, grid = cast_floats((structure, grid), real_dtype(structure))
    values = sum_gaussians(
        structure.positions[:, ::-1], structure.amplitudes, structure.variances, grid
    )
    return VoxelMap(values * POTENTIAL_FACTOR, grid.pixel_size, VOLT)


@render.register
def _(structure: Atoms, grid: Grid) -> VoxelMap:
    structure, grid = _checked(structure, grid)
    return render(structure.to_gaussians(), grid)


@render.register
def _(structure: Assembly, grid: Grid) -> VoxelMap:
    structure, grid = _checked(structure, grid)
    return render(structure.expanded(), grid)
