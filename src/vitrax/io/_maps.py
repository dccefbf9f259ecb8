"""Maps on the disk."""

import numpy as np

from .._files import InputError, atomic_file, check_free_space
from ..structure import VoxelMap
from ._contents import Path
from ._mrc import HEADER_SIZE, MrcHeader, read_header, shortest
from ._mrc_data import MrcSink, check_finite, read_sections


# How far the three sizes of a voxel may differ, relative: rounding of float32 headers.
_ISOTROPY = 1e-3


def read_map(
    path: Path, *, voxel_size: float | None = None, unit: str = "arbitrary"
) -> VoxelMap:
    """Return the map in an MRC or CCP4 file, as float32.

    The axes are put in the order `[z, y, x]` whatever the file's. The map's origin is
    its voxel N // 2, as in RELION; the place of the map in its cell (start, ORIGIN)
    stays in `read_header`.

    Args:
        path: the file; its content decides what it is. It may be packed with gzip or
            bzip2.
        voxel_size: Å. It goes before the header's, and is needed where that has none.
        unit: "V" if the values are volts; a file doesn't say.

    Returns:
        The map.

    Raises:
        InputError: if the file is no map, is damaged or cut short, has no voxel size or
            an anisotropic one, a cell that isn't rectangular, or values that aren't
            finite.

    Example:
        >>> import jax.numpy as jnp, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/map.mrc"
        >>> vx.io.write_map(path, vx.VoxelMap(jnp.ones((4, 4, 4)), voxel_size=1.5))
        >>> float(vx.io.read_map(path).voxel_size)
        1.5
    """
    header = read_header(path)
    if header.shape[0] == 1:
        raise InputError(
            f"cannot read {header.path} as a map because it has one section, an image; "
            "do give a map (vitrax.io.read_image reads images)"
        )
    _check_right_angles(header)
    size = _voxel_size(header) if voxel_size is None else float(voxel_size)
    if not (np.isfinite(size) and size > 0):
        raise ValueError(
            f"cannot read {header.path} with voxel_size={voxel_size} because it isn't "
            f"positive; do give it in Å"
        )
    values = read_sections(header, np.arange(header.shape[0]))
    check_finite(values, path, "voxels")
    order = [header.axes.index(axis) for axis in (3, 2, 1)]
    values = np.ascontiguousarray(values.transpose(order))
    return VoxelMap(values, size, unit)


def write_map(
    path: Path,
    voxel_map: VoxelMap,
    *,
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    """Write a map as MRC 2014, mode 2 (float32).

    It appears under its name only when whole.

    Args:
        path: the file; it is replaced if it exists.
        voxel_map: the map.
        origin: coordinates (x, y, z) of the first voxel, Å, for programs that show the
            map over a model. RELION ignores it.

    Raises:
        InputError: if the folder doesn't exist.
        ValueError: if values aren't finite.

    Example:
        >>> import jax.numpy as jnp, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/map.mrc"
        >>> vx.io.write_map(path, vx.VoxelMap(jnp.ones((4, 4, 4)), voxel_size=1.5))
    """
    values = np.asarray(voxel_map.values)
    check_free_space(path, HEADER_SIZE + 4 * values.size)
    with atomic_file(path) as file:
        sink = MrcSink(
            file,
            values.shape,
            float(voxel_map.voxel_size),
            is_volume=True,
            origin=origin,
        )
        sink.append(values)
        sink.finish()


def _voxel_size(header: MrcHeader) -> float:
    """Return the one voxel size of a header, Å."""
    sizes = header.voxel_size
    if 0.0 in sizes:
        raise InputError(
            f"cannot use the voxel size of {header.path} because its header has none "
            f"({_in_words(sizes)} Å); do give it: voxel_size= (--map-angpix)"
        )
    if max(sizes) - min(sizes) > _ISOTROPY * min(sizes):
        raise InputError(
            f"cannot use {header.path} because its voxels are anisotropic: "
            f"{_in_words(sizes)} Å along x, y, z; do resample it to cubic voxels, or "
            "give voxel_size= (--map-angpix) if the header is wrong"
        )
    return shortest(sum(sizes) / 3)


def _check_right_angles(header: MrcHeader) -> None:
    """Raise if the axes of the map aren't at right angles."""
    if any(abs(angle - 90.0) > 1e-2 for angle in header.angles if angle != 0.0):
        raise InputError(
            f"cannot use {header.path} because the angles of its cell are "
            f"{_in_words(header.angles)}°, not 90°; do resample it to a rectangular box"
        )


def _in_words(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.6g}" for value in values)
