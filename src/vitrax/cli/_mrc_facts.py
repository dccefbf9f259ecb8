"""What `vitrax info` says of maps, stacks and movies."""

import pathlib
from typing import Any

import numpy as np

from .. import io
from .._files import InputError
from ._needs import as_bytes


def mrc_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Return what is in an MRC file, and what is odd about it."""
    header = io.read_header(path)
    sections, rows, columns = header.shape
    facts = {
        "sections × rows × columns": f"{sections} × {rows} × {columns}",
        "numbers": f"mode {header.mode} ({_MODES.get(header.mode, 'unknown')})",
        "voxel size": " × ".join(f"{size:.6g}" for size in header.voxel_size) + " Å",
        "axes (1 x, 2 y, 3 z)": f"sections {header.axes[0]}, rows {header.axes[1]}, "
        f"columns {header.axes[2]}",
        "start": header.start,
        "origin": f"{', '.join(f'{x:g}' for x in header.origin)} Å",
        "cell angles": f"{', '.join(f'{x:g}' for x in header.angles)}°",
        "space group": header.space_group,
        "extended header": as_bytes(header.offset - 1024),
        "values (first sections)": _value_range(path, sections),
    }
    return facts, _mrc_remarks(header, path)


_MODES = {
    0: "bytes",
    1: "16-bit integers",
    2: "32-bit floats",
    6: "16-bit unsigned integers",
    12: "16-bit floats",
    101: "half bytes",
}


def _value_range(path: pathlib.Path, sections: int) -> str:
    """Return minimum, maximum, mean and standard deviation of up to 64 sections."""
    try:
        stack = io.read_stack(path, nan_policy="mask")
    except InputError:
        return "not read: the sections aren't along z"
    return _range_of(stack[: min(sections, 64)].astype(float))


def _range_of(images: np.ndarray) -> str:
    if not images.size:
        return "there are no pixels"
    return (
        f"{images.min():.5g} to {images.max():.5g}, mean {images.mean():.5g}, "
        f"sd {images.std():.5g}"
    )


def movie_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Return what is in a TIFF or EER file, and what is odd about it."""
    movie = io.read_movie(path, nan_policy="mask")
    frames, rows, columns = movie.shape
    facts = {
        "frames × rows × columns": f"{frames} × {rows} × {columns}",
        "values (first frame)": _range_of(movie[0].astype(float)),
    }
    return facts, ["the file has no pixel size; give it (--angpix)"]


def _mrc_remarks(header: Any, path: pathlib.Path) -> list[str]:
    """Return what is odd about an MRC header."""
    found, size = [], header.voxel_size
    volume = header.space_group == 1
    if 0.0 in (size if volume else size[:2]):
        found.append(
            "the header has no voxel size; give --map-angpix (or voxel_size= in Python)"
        )
    elif volume and max(size) - min(size) > 1e-3 * min(size):
        found.append("the voxels aren't cubes")
    elif abs(size[0] - 1.0) < 1e-6:
        found.append("a voxel size of exactly 1 Å is often a placeholder")
    if any(header.start):
        found.append(
            "the map doesn't start at index 0; vitrax takes voxel N // 2 as origin"
        )
    if volume and path.suffix.lower() == ".mrcs":
        found.append("the header says volume, the suffix .mrcs a stack of images")
    if header.shape[1] != header.shape[2]:
        found.append("rows and columns differ in number: not a particle stack")
    elif header.shape[1] % 2:
        found.append("the box is odd; RELION needs even boxes")
    return found
