"""What is wrong with an MRC file."""

import math
import pathlib

import numpy as np

from .._files import InputError
from ._contents import MAX_UNPACKED, Path, first_bytes, open_content
from ._maps import ISOTROPY, has_right_angles
from ._mrc import TRAILING, MrcHeader, read_header_leniently
from ._mrc_fields import Mode0
from ._mrc_values import MrcValues, mrc_values
from ._not_finite import HOW_TO_SAY, NanPolicy, check_policy, fate
from ._problem import Problem


# Suffixes that say what the sections are.
_OF_STACKS, _OF_VOLUMES = (".mrcs", ".st"), (".map", ".ccp4", ".rec")
# How far statistics in a header may be off, of the range of the values.
_ROUNDING = 1e-4


def mrc_problems(
    path: Path,
    *,
    pixel_size: float | None = None,
    mode0: Mode0 | None = None,
    nan_policy: NanPolicy = "error",
    max_unpacked: int = MAX_UNPACKED,
    sections: int | None = None,
) -> list[Problem]:
    """Return what is wrong or odd in an MRC file, header and data.

    All numbers are looked at, one section in memory at a time.

    Args:
        path: the file; it may be packed with gzip or bzip2.
        pixel_size: Å, that `write_mended_mrc` would write.
        mode0: whether bytes are "signed" or "unsigned"; None to infer it, as
            `read_header` does.
        nan_policy: that `write_mended_mrc` would follow.
        max_unpacked: bytes that the content of a packed file may have.
        sections: how many sections are looked at, from the first; None for all.

    Returns:
        The problems; none for a sound file. What can't be read at all is one of them.

    Raises:
        InputError: if there is no such file.

    Example:
        >>> import jax.numpy as jnp, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/map.mrc"
        >>> vx.io.write_map(path, vx.VoxelMap(jnp.ones((4, 4, 4)), voxel_size=1.5))
        >>> [problem.what for problem in vx.io.mrc_problems(path)]
        ['all values are 1']
    """
    first_bytes(path, 1)
    check_policy(nan_policy)
    try:
        header, found = read_header_leniently(path, mode0, max_unpacked)
    except InputError as error:
        return [Problem.of_message(str(error), path)]
    found += header_problems(header, pixel_size)
    try:
        seen = mrc_values(header, sections)
        if seen.sections < header.shape[0]:
            return [*found, *_of_numbers(header, seen, nan_policy)]
        found += bytes_follow(header)
    except InputError as error:
        return [*found, Problem.of_message(str(error), path)]
    numbers = _of_numbers(header, seen, nan_policy)
    return [*found, *numbers, *_of_statistics(header, seen)]


def header_problems(header: MrcHeader, pixel_size: float | None) -> list[Problem]:
    """Return what is wrong with what a header says of voxels, cell and sections.

    Args:
        header: of the file.
        pixel_size: Å, that fixing would write.
    """
    return [
        *_of_voxels(header, pixel_size),
        *_of_the_cell(header),
        *_of_the_kind(header),
    ]


def bytes_follow(header: MrcHeader) -> list[Problem]:
    """Return whether something follows the data of a packed file.

    Args:
        header: of the file.
    """
    if not header.compressed:
        return []
    with open_content(header.path) as file:
        file.seek(header.offset + header.shape[0] * header.section_size)
        if not file.read(1):
            return []
    what = "bytes follow the data and are ignored"
    return [Problem(TRAILING, what, "fixing leaves them out", True)]


def statistics_problems(
    header: MrcHeader, actual: tuple[float, float, float, float]
) -> list[Problem]:
    """Return whether the statistics in the header are those of the values.

    Those that a program says it didn't determine, as MRC 2014 defines it, are no
    problem.

    Args:
        header: of the file.
        actual: smallest, largest and mean value and standard deviation.
    """
    smallest, largest, mean, deviation = header.stated
    known = {
        "min": not largest < smallest,
        "max": not largest < smallest,
        "mean": not mean < min(smallest, largest),
        "rms": not deviation < 0,
    }
    extent = max(abs(actual[0]), abs(actual[1]))
    wrong = [
        f"{name} is stated as {stated:.6g}, and is {found:.6g}"
        for name, stated, found in zip(known, header.stated, actual, strict=True)
        if known[name] and not abs(stated - found) <= _ROUNDING * extent
    ]
    if not wrong:
        return []
    if not any(header.stated):
        wrong = [f"all are stated as 0; values are {actual[0]:.6g} to {actual[1]:.6g}"]
    return [Problem("statistics", "; ".join(wrong), "fixing writes them", True)]


def not_finite(header: MrcHeader, count: int, nan_policy: NanPolicy) -> list[Problem]:
    """Return whether values are NaN or infinite.

    Args:
        header: of the file.
        count: of these values.
        nan_policy: that fixing would follow.
    """
    if not count:
        return []
    what = f"{count} of {math.prod(header.shape)} values are NaN or infinite"
    becomes = fate(nan_policy, "the section")
    if becomes is None:
        remedy = f"say what becomes of them: {HOW_TO_SAY}"
        return [Problem("values", what, remedy, False)]
    remedy = f"fixing sets {count} that are NaN or infinite to {becomes}"
    return [Problem("values", what, remedy, True)]


def is_volume(header: MrcHeader) -> bool:
    """Return whether sections are a volume: by the suffix, else by the space group.

    Args:
        header: of the file.
    """
    suffix = _suffix(header.path)
    if suffix in _OF_STACKS or header.shape[0] == 1:
        return False
    return suffix in _OF_VOLUMES or header.space_group > 0


def _of_voxels(header: MrcHeader, pixel_size: float | None) -> list[Problem]:
    """Return what is wrong with the size of a voxel."""
    volume = is_volume(header)
    sizes = header.voxel_size if volume else header.voxel_size[:2]
    given = pixel_size is not None
    advice = "give it: pixel_size= (--angpix)"
    if 0.0 in sizes:
        what = "the header has no voxel size"
    elif max(sizes) - min(sizes) > ISOTROPY * min(sizes):
        listed = ", ".join(f"{size:.6g}" for size in sizes)
        axes = "x, y, z" if volume else "x, y"
        what = f"voxels are anisotropic: {listed} Å along {axes}"
        advice = f"resample it; if the header is wrong, {advice}"
    elif given and abs(sizes[0] - pixel_size) > ISOTROPY * pixel_size:
        what = f"the voxel size is {sizes[0]:.6g} Å, not {pixel_size:.6g} Å"
    else:
        return []
    remedy = f"fixing writes {pixel_size:.6g} Å" if given else advice
    return [Problem("voxel size", what, remedy, given)]


def _of_the_cell(header: MrcHeader) -> list[Problem]:
    """Return what is wrong with the cell and the map's place in it."""
    found = []
    if not has_right_angles(header):
        listed = ", ".join(f"{angle:.6g}" for angle in header.angles)
        what = f"the angles of the cell are {listed}°, not 90°"
        found.append(Problem("cell", what, "resample it to a rectangular box", False))
    elif 0.0 in header.angles:
        what = "the angles of the cell aren't given"
        found.append(Problem("cell", what, "fixing writes 90°", True))
    size = max(header.voxel_size)
    started = [size * start for start in header.start]
    both = any(header.start) and any(header.origin)
    if both and not np.allclose(started, header.origin, rtol=0, atol=0.5 * size):
        what = (
            f"start {header.start} and ORIGIN {header.origin} put the map in two places"
        )
        remedy = "programs differ in which they use; set one of them to 0"
        found.append(Problem("ORIGIN", what, remedy, False))
    return found


def _of_the_kind(header: MrcHeader) -> list[Problem]:
    """Return what is odd about what the sections are, and their size."""
    found, suffix = [], _suffix(header.path)
    sections, rows, columns = header.shape
    volume = header.space_group > 0
    if suffix in _OF_STACKS and volume:
        what = f"the space group is {header.space_group}, a volume; the suffix {suffix}"
        remedy = "fixing writes 0, images"
        found.append(Problem("ISPG", f"{what} says images", remedy, True))
    elif suffix in _OF_VOLUMES and not volume and sections > 1:
        what = f"the space group is 0, images; the suffix {suffix} says a volume"
        found.append(Problem("ISPG", what, "fixing writes 1, a volume", True))
    elif not volume and suffix not in _OF_STACKS and sections == rows == columns:
        what = "the space group is 0, images; the sections are as many as rows, a cube"
        remedy = "say what it is by a suffix, .map or .mrcs"
        found.append(Problem("ISPG", what, remedy, False))
    if sections > 1 and rows == columns and rows % 2:
        what = f"the box of {rows} is odd, and RELION needs even ones"
        found.append(Problem("box", what, "crop or pad it", False))
    return found


def _of_numbers(
    header: MrcHeader, seen: MrcValues, nan_policy: NanPolicy
) -> list[Problem]:
    """Return what is wrong with the values."""
    found = not_finite(header, seen.not_finite, nan_policy)
    if seen.finite and seen.smallest == seen.largest:
        what = f"all values are {seen.smallest:.6g}"
        found.append(Problem("values", what, "make the file again", False))
    elif seen.constant and not is_volume(header):
        what = f"{seen.constant} of {seen.sections} images are of one value"
        found.append(Problem("values", what, "leave them out", False))
    return found


def _of_statistics(header: MrcHeader, seen: MrcValues) -> list[Problem]:
    if not seen.finite:
        return []
    actual = (seen.smallest, seen.largest, seen.mean, seen.deviation)
    return statistics_problems(header, actual)


def _suffix(path: str) -> str:
    """Return the suffix of a file, without that of its packing."""
    name = pathlib.Path(path)
    if name.suffix.lower() in (".gz", ".bz2"):
        name = name.with_suffix("")
    return name.suffix.lower()
