"""The verb: a structure and a pose give a projection."""

from jaxtyping import PyTree

from .._batching import cast_floats
from .._checks import check_order, check_structure_given, checked
from .._typing import Image, real_dtype
from ..grid import Grid, crop, to_real
from ..pose import Pose
from ._projector import AbstractProjector, default_projector, projected


def project(
    structure: PyTree,
    pose: Pose,
    grid: Grid,
    projector: AbstractProjector | None = None,
) -> Image:
    r"""Return the projection of `structure` along the beam.

    $$P(x, y) = \int f(A^{-1} (x - s_x, y - s_y, z))\, dz$$

    Args:
        structure: `Atoms`, `Gaussians`, `FourierMap`, `VoxelMap`, or a type of your
            own.
        pose: rotation $A$ and shift $s$; a magnification $M$ puts $M^{-\mathsf{T}}$ of
            the distance from $s$ in the place of it, and divides by $|\det M|$.
        grid: sampling of the image.
        projector: how; by default `default_projector(structure)`.

    Returns:
        Of a map, its line integral: values × Å. Of atoms and Gaussians, Å per Å²: the
        sum over the image times the pixel area is the sum of the amplitudes.

    Raises:
        TypeError: if `structure` can't be projected, or another argument isn't what it
            should be.
        ValueError: if an argument is batched, the grid isn't that of an image, or a map
            doesn't fit it.

    Example:
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> image = vx.project(blob, vx.Pose.identity(), vx.Grid(16, 0.5))
        >>> round(float(image.sum()) * 0.25, 3)
        2.5
    """
    call = "project(structure, pose, grid)"
    check_order(call, pose=(pose, Pose), grid=(grid, Grid))
    check_structure_given(call, structure)
    projector = default_projector(structure) if projector is None else projector
    nouns = checked("project", structure=structure, pose=pose, grid=grid)
    if grid.ndim != 2:
        raise ValueError(
            f"cannot project onto a grid of shape {grid.shape} because an image has "
            f"two axes; do pass Grid((y, x), pixel_size)"
        )
    structure, pose, grid = cast_floats(nouns, real_dtype(structure))
    spectrum, working = projected(structure, pose, grid, projector)
    return crop(to_real(spectrum, working.shape), grid.shape)
