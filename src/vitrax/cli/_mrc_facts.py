"""What `vitrax info` says of maps, stacks and movies."""

import pathlib
import warnings
from typing import Any

import numpy as np

from .. import io
from .._files import InputError, InputWarning
from ._reading import Reading
from ._remarks import as_remarks


# How many sections are looked at, and bytes of them.
_SECTIONS, _BYTES = 64, 2**30
# The mode of numbers of four bits.
_HALF_BYTES = 101


def mrc_facts(path: pathlib.Path, reading: Reading) -> tuple[dict[str, Any], list[str]]:
    """Return what is in an MRC file, and what is odd about it.

    Args:
        path: of the file.
        reading: how it is read.
    """
    with warnings.catch_warnings():
        # The remarks say it.
        warnings.simplefilter("ignore", InputWarning)
        header = io.read_header(path, **reading.of_header)
        values = _values_of(header)
    facts = {
        "shape": list(header.shape),
        "axes": ["?xyz"[axis] for axis in header.axes],
        "mode": header.mode,
        "dtype": "uint4" if header.mode == _HALF_BYTES else header.dtype.name,
        "byte_order": "big" if header.dtype.byteorder == ">" else "little",
        "packed": header.compressed,
        "voxel_size": [size or None for size in header.voxel_size],
        "intervals": list(header.sampling),
        "cell": list(header.cell),
        "angles": list(header.angles),
        "start": list(header.start),
        "origin": list(header.origin),
        "space_group": header.space_group,
        "extended_header_bytes": header.offset - 1024,
        "labels": list(header.labels),
        "values": values,
    }
    count = values["of_sections"]
    problems = io.mrc_problems(path, sections=count, **reading.of_header)
    return facts, [*as_remarks(problems, path), *_oddities(header)]


def _values_of(header: io.MrcHeader) -> dict[str, Any]:
    """Return what the values of the first sections are."""
    count = min(header.shape[0], _SECTIONS, max(1, _BYTES // header.section_size))
    seen = io.mrc_values(header, count)
    known = seen.finite > 0
    return {
        "min": seen.smallest if known else None,
        "max": seen.largest if known else None,
        "mean": seen.mean if known else None,
        "sd": seen.deviation if known else None,
        "not_finite": seen.not_finite,
        "of_sections": seen.sections,
        "sections": header.shape[0],
    }


def movie_facts(
    path: pathlib.Path, reading: Reading
) -> tuple[dict[str, Any], list[str]]:
    """Return what is in a TIFF or EER file, and what is odd about it.

    Args:
        path: of the file.
        reading: how it is read.
    """
    movie = io.read_movie(path, nan_policy="mask", **reading.limit)
    first = movie[0]
    facts = {
        "shape": list(movie.shape),
        "values": {
            "min": float(first.min()),
            "max": float(first.max()),
            "mean": float(first.mean(dtype=np.float64)),
            "sd": float(first.std(dtype=np.float64)),
            "of_frames": 1,
            "frames": len(movie),
        },
    }
    return facts, ["the file doesn't say its pixel size, as TIFF files don't"]


def movie_problems(path: pathlib.Path, **limit: Any) -> list[io.Problem]:
    """Return what is wrong with a movie, up to the first frame that can't be used.

    Args:
        path: of the file.
        limit: as `read_movie` takes it.
    """
    where = "file"
    try:
        movie = io.read_movie(path, **limit)
        where = "frame 1"
        for number, _ in enumerate(movie, 2):
            where = f"frame {number}"
    except InputError as error:
        return [io.Problem.of_message(str(error), path, where)]
    return []


def _oddities(header: io.MrcHeader) -> list[str]:
    """Return what is odd about an MRC header, but nothing to mend."""
    found = []
    if abs(header.voxel_size[0] - 1.0) < 1e-6:
        found.append("a voxel size of exactly 1 Å is often a placeholder")
    if any(header.start):
        found.append(
            "the map doesn't start at index 0; vitrax takes voxel N // 2 as origin"
        )
    is_stack = header.shape[0] > 1 and header.space_group == 0
    if is_stack and header.shape[1] != header.shape[2]:
        found.append("rows and columns differ in number: not a particle stack")
    return found
