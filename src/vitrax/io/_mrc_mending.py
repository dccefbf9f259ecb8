"""A sound MRC file made of a faulty one."""

import warnings
from collections.abc import Iterator

import numpy as np

from .._files import InputWarning, atomic_file, check_free_space
from ._contents import MAX_UNPACKED, Path, open_content, unpack
from ._mrc import MrcHeader, read_header_leniently
from ._mrc_data import each_plane_block
from ._mrc_fields import (
    FOUR_BITS,
    HEADER_SIZE,
    IMOD_STAMP,
    SIGNED_BYTES,
    Mode0,
    fields_of,
    three,
)
from ._mrc_problems import (
    bytes_follow,
    header_problems,
    is_volume,
    not_finite,
    statistics_problems,
)
from ._mrc_writing import MrcSink, new_header, set_labels
from ._not_finite import NanPolicy, check_policy, made_finite
from ._problem import Problem


_LABEL = "mended by vitrax"
# Bytes of a line of symmetry operators.
_SYMMETRY = 80


def write_mended_mrc(
    path: Path,
    target: Path,
    *,
    pixel_size: float | None = None,
    mode0: Mode0 | None = None,
    nan_policy: NanPolicy = "error",
    max_unpacked: int = MAX_UNPACKED,
) -> list[str]:
    """Write what is in an MRC file as sound, little-endian MRC 2014.

    Numbers keep their type, except half bytes, which become bytes, and unsigned bytes,
    which become 16-bit integers (mode 6), since MRC 2014 has none. Sections are put
    along z, rows along y. Start, ORIGIN, cell, labels and the extended header are kept.
    It is done section by section, and the target appears only when whole.

    Args:
        path: the file.
        target: the file to write; it is replaced if it exists.
        pixel_size: Å, to write for the header's.
        mode0: whether bytes are "signed" or "unsigned"; None to infer it, as
            `read_header` does.
        nan_policy: what becomes of values that are NaN or infinite: "error"; "zero"; or
            "mask", the mean of the others in the section.
        max_unpacked: bytes that the content of a packed file may have.

    Returns:
        What was changed; nothing for a file that was sound, but for the statistics in
        its header.

    Raises:
        InputError: if the file can't be read, or values aren't finite and `nan_policy`
            doesn't say what becomes of them.
        ValueError: if the pixel size isn't positive.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path, mended = (tempfile.mkdtemp() + "/a.mrcs" for _ in range(2))
        >>> with vx.io.StackWriter(path, (2, 4, 4), pixel_size=1.0) as writer:
        ...     writer.append(np.arange(32.0).reshape(2, 4, 4))
        >>> vx.io.write_mended_mrc(path, mended, pixel_size=1.5)
        ['voxel size: writes 1.5 Å']
    """
    check_policy(nan_policy)
    if pixel_size is not None and not 0 < pixel_size < np.inf:
        raise ValueError(
            f"cannot write {target} with pixel_size={pixel_size} because it isn't "
            f"positive; do give it in Å"
        )
    header, problems = read_header_leniently(path, mode0, max_unpacked)
    problems += [*header_problems(header, pixel_size), *bytes_follow(header)]
    fields = _mended(header, pixel_size)
    extended = _extended_type(header, mode0)
    changes = [*_conversions(header), *_of_the_extended_header(header, extended)]
    count = int(np.prod(header.shape, dtype=object))
    size = header.offset + count * _written_type(header).itemsize
    check_free_space(target, size)
    wrong = 0
    with atomic_file(target) as file:
        kept = () if extended is None else _extended_bytes(header)
        sink = MrcSink(file, fields, kept)
        fields["exttyp"] = extended or b""
        for block in each_plane_block(header):
            for plane in block:
                wrong += plane.size - int(np.isfinite(plane).sum())
                sink.append(_as_written(header, plane, nan_policy)[None])
        sink.finish()
    problems += not_finite(header, wrong, nan_policy)
    smallest, largest, mean = three(fields[["dmin", "dmax", "dmean"]], float)
    actual = (smallest, largest, mean, float(fields["rms"]))
    problems += statistics_problems(header, actual)
    return [_as_change(each) for each in problems if each.is_fixable] + changes


def _as_change(problem: Problem) -> str:
    return f"{problem.where}: {problem.remedy.removeprefix('fixing ')}"


def _written_type(header: MrcHeader) -> np.dtype:
    """Return the type in which the numbers of a file are written."""
    if header.mode == FOUR_BITS:
        return np.dtype("i1")
    if header.dtype == np.uint8:
        return np.dtype("u2")
    return header.dtype.newbyteorder("<")


def _conversions(header: MrcHeader) -> list[str]:
    """Return what of the file's form isn't kept."""
    found = []
    if header.compressed:
        found.append("packing: the file is unpacked")
    if header.dtype.byteorder == ">":
        found.append("byte order: writes little-endian")
    if header.mode == FOUR_BITS:
        found.append("mode: half bytes become bytes (mode 0)")
    elif header.dtype == np.uint8:
        found.append("mode: unsigned bytes become 16-bit integers (mode 6)")
    return found


def _mended(header: MrcHeader, pixel_size: float | None) -> np.ndarray:
    """Return the header to write."""
    volume, dtype = is_volume(header), _written_type(header)
    shape = header.map_shape
    fields = new_header(shape, 0.0, is_volume=volume, dtype=dtype)
    sampling = [n if n > 0 else shape[2 - i] for i, n in enumerate(header.sampling)]
    sizes = list(header.voxel_size)
    if not volume:
        sizes[2] = sizes[2] or sizes[0]
        if header.space_group > 0 or header.sampling[2] <= 0:
            sampling[2] = 1
    if pixel_size is not None:
        sizes = [pixel_size] * 3
    fields["mx"], fields["my"], fields["mz"] = sampling
    fields["cella"] = tuple(n * s for n, s in zip(sampling, sizes, strict=True))
    fields["cellb"] = tuple(angle or 90.0 for angle in header.angles)
    fields["origin"] = header.origin
    for name, first in zip("xyz", header.start, strict=True):
        fields[f"n{name}start"] = first
    if volume:
        fields["ispg"] = max(header.space_group, 1)
    if dtype == np.int8:
        # Other programs take bytes as unsigned, unless IMOD's flag says otherwise.
        flag = np.array([IMOD_STAMP, SIGNED_BYTES], "<i4").tobytes()
        extra = bytes(fields["extra2"]).ljust(fields["extra2"].nbytes, b"\0")
        fields["extra2"] = extra[:40] + flag + extra[48:]
    set_labels(fields, (*header.labels, _LABEL))
    return fields


def _as_written(
    header: MrcHeader, plane: np.ndarray, nan_policy: NanPolicy
) -> np.ndarray:
    """Return one plane in the type that is written, without NaN."""
    if plane.dtype.kind != "f":
        return plane.astype(_written_type(header))
    finite = np.array(plane, np.float32)
    if nan_policy == "zero":
        # A section may have nothing else, though a whole map mustn't.
        finite[~np.isfinite(finite)] = 0.0
    with warnings.catch_warnings():
        # What is returned says it, of all sections together.
        warnings.simplefilter("ignore", InputWarning)
        made_finite(finite, nan_policy, header.path, "values of a section")
    return finite.astype(_written_type(header))


def _extended_type(header: MrcHeader, mode0: Mode0 | None) -> bytes | None:
    """Return the type of an extended header that can be kept; None if none can.

    What is in it isn't known, but for its byte order.
    """
    if header.offset == HEADER_SIZE:
        return None
    start = unpack(header.path, HEADER_SIZE + _SYMMETRY)
    record = fields_of(header.path, start[:HEADER_SIZE], mode0).record
    kind = bytes(record["exttyp"]).strip(b"\0 ")
    first = start[HEADER_SIZE:]
    if not kind and (header.offset - HEADER_SIZE) % _SYMMETRY == 0:
        # Symmetry operators of CCP4 were there before the field that names them.
        kind = b"CCP4" if first.isascii() and first.decode().isprintable() else b""
    is_text = kind == b"CCP4"
    return kind if is_text or record.dtype["nx"].byteorder != ">" else None


def _of_the_extended_header(header: MrcHeader, kind: bytes | None) -> list[str]:
    length = header.offset - HEADER_SIZE
    if length == 0 or kind is not None:
        return []
    return [f"extended header: {length} big-endian bytes are left out"]


def _extended_bytes(header: MrcHeader) -> Iterator[bytes]:
    """Give the extended header in pieces."""
    left = header.offset - HEADER_SIZE
    with open_content(header.path) as file:
        file.seek(HEADER_SIZE)
        while left > 0 and (piece := file.read(min(left, 2**24))):
            left -= len(piece)
            yield piece
