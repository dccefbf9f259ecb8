"""Maps on the disk."""

import warnings
from typing import Any

import numpy as np

from .._files import InputError, InputWarning, atomic_file, check_free_space
from ..structure import VoxelMap
from ._contents import MAX_UNPACKED, Path
from ._mrc import MrcHeader, read_header, shortest
from ._mrc_data import read_sections
from ._mrc_fields import HEADER_SIZE, Mode0
from ._mrc_writing import OUR_LABEL, MrcSink, checked_dtype, new_header, set_labels
from ._not_finite import NanPolicy, check_policy, made_finite


# How far the three sizes of a voxel may differ, relative: rounding of float32 headers.
ISOTROPY = 1e-3
# Space groups of single volumes; higher ones are of stacks of volumes.
_LAST_GROUP = 230


def read_map(
    path: Path,
    *,
    voxel_size: float | None = None,
    unit: str = "arbitrary",
    mode0: Mode0 | None = None,
    nan_policy: NanPolicy = "error",
    max_unpacked: int = MAX_UNPACKED,
) -> VoxelMap:
    """Return the map in an MRC or CCP4 file, as float32.

    The axes are put in the order `[z, y, x]` whatever the file's; a warning says so.
    The map's origin is its voxel N // 2, as in RELION. The place of the map in its cell
    (start, ORIGIN) and its labels are in `read_header`, and `write_map` takes them
    from there.

    Args:
        path: the file; its content decides what it is, not its suffix or space group.
            It may be packed with gzip or bzip2.
        voxel_size: Å. It goes before the header's, and is needed where that has none.
        unit: "V" if the values are volts; a file doesn't say.
        mode0: whether bytes are "signed" or "unsigned"; None to infer it, as
            `read_header` does.
        nan_policy: what becomes of voxels that are NaN or infinite: "error"; "zero"; or
            "mask", the mean of the others. A warning counts them.
        max_unpacked: bytes that the content of a packed file may have.

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
    check_policy(nan_policy)
    header = read_header(path, mode0=mode0, max_unpacked=max_unpacked)
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
    _warn_of_several(header)
    values = read_sections(header, np.arange(header.shape[0]))
    values = made_finite(values, nan_policy, path, "voxels")
    values = np.ascontiguousarray(values.transpose(header.order))
    return VoxelMap(values, size, unit)


def write_map(
    path: Path,
    voxel_map: VoxelMap,
    *,
    origin: tuple[float, float, float] | None = None,
    header: MrcHeader | None = None,
    dtype: Any = np.float32,
) -> None:
    """Write a map as MRC 2014.

    It appears under its name only when whole.

    Args:
        path: the file; it is replaced if it exists.
        voxel_map: the map.
        origin: coordinates (x, y, z) of the first voxel, Å, for programs that show the
            map over a model. RELION ignores it. None for the header's, else 0.
        header: of the file that the map was read from (`read_header`): what a
            `VoxelMap` doesn't hold is kept as it says there, that is start, ORIGIN, the
            intervals of the cell, space group and labels. Its extended header isn't.
        dtype: float32 (mode 2), or float16 (mode 12): half the size, three digits.

    Raises:
        InputError: if the folder doesn't exist.
        ValueError: if values aren't finite, or the header is of a map of another shape.

    Example:
        >>> import jax.numpy as jnp, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/map.mrc"
        >>> ones = vx.VoxelMap(jnp.ones((4, 4, 4)), voxel_size=1.5)
        >>> vx.io.write_map(path, ones, origin=(-3.0, -3.0, -3.0))
        >>> header = vx.io.read_header(path)
        >>> vx.io.write_map(path, vx.io.read_map(path), header=header)
        >>> vx.io.read_header(path).origin
        (-3.0, -3.0, -3.0)
    """
    values = np.asarray(voxel_map.values)
    dtype = checked_dtype(dtype)
    size = float(voxel_map.voxel_size)
    fields = new_header(values.shape, size, is_volume=True, dtype=dtype)
    if header is not None:
        _keep(fields, header, values.shape, size)
    if origin is not None:
        fields["origin"] = origin
    check_free_space(path, HEADER_SIZE + dtype.itemsize * values.size)
    with atomic_file(path) as file:
        sink = MrcSink(file, fields)
        sink.append(values)
        sink.finish()


def _keep(
    fields: np.ndarray, header: MrcHeader, shape: tuple[int, ...], voxel_size: float
) -> None:
    """Put into a header what another says of the place of the same map."""
    if header.map_shape != shape:
        raise ValueError(
            f"cannot write a map of shape {shape} with the header of {header.path} "
            f"because that is of shape {header.map_shape}; do give origin= instead"
        )
    fields["origin"] = header.origin
    for name, first in zip("xyz", header.start, strict=True):
        fields[f"n{name}start"] = first
    if 0 < header.space_group <= _LAST_GROUP:
        fields["ispg"] = header.space_group
        if min(header.sampling) > 0:
            fields["mx"], fields["my"], fields["mz"] = header.sampling
            fields["cella"] = tuple(n * voxel_size for n in header.sampling)
    set_labels(fields, (*header.labels, OUR_LABEL))


def _warn_of_several(header: MrcHeader) -> None:
    """Warn if the header says that the sections are several volumes."""
    each = header.sampling[2]
    if header.space_group > _LAST_GROUP and 0 < each < header.shape[0]:
        warnings.warn(
            f"{header.path}: its space group {header.space_group} says a stack of "
            f"{header.shape[0] // each} volumes; it was read as one map",
            InputWarning,
            stacklevel=3,
        )


def _voxel_size(header: MrcHeader) -> float:
    """Return the one voxel size of a header, Å."""
    sizes = header.voxel_size
    if 0.0 in sizes:
        raise InputError(
            f"cannot use the voxel size of {header.path} because its header has none "
            f"({_in_words(sizes)} Å); do give it: voxel_size= (--map-angpix)"
        )
    if max(sizes) - min(sizes) > ISOTROPY * min(sizes):
        raise InputError(
            f"cannot use {header.path} because its voxels are anisotropic: "
            f"{_in_words(sizes)} Å along x, y, z; do resample it to cubic voxels, or "
            "give voxel_size= (--map-angpix) if the header is wrong"
        )
    return shortest(sum(sizes) / 3)


def _check_right_angles(header: MrcHeader) -> None:
    """Raise if the axes of the map aren't at right angles."""
    if not has_right_angles(header):
        raise InputError(
            f"cannot use {header.path} because the angles of its cell are "
            f"{_in_words(header.angles)}°, not 90°; do resample it to a rectangular box"
        )


def has_right_angles(header: MrcHeader) -> bool:
    """Return whether the angles of the cell are 90°, or aren't given."""
    return all(angle == 0.0 or abs(angle - 90.0) <= 1e-2 for angle in header.angles)


def _in_words(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.6g}" for value in values)
