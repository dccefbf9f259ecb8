"""The numbers of an MRC file, read section by section."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Int, Num

from .._files import InputError
from ._contents import open_content
from ._mrc import MrcHeader
from ._mrc_fields import FOUR_BITS


# Bytes that putting the axes in order may take at a time.
_AT_A_TIME = 2**28


def read_sections(
    header: MrcHeader, indices: Int[np.ndarray, " sections"]
) -> Float32[np.ndarray, "sections rows columns"]:
    """Return some sections of an MRC file as float32, as they are stored.

    Only these are read; a packed file is unpacked on the way up to the last of them,
    and only one section of it is held besides.

    Args:
        header: of the file, from `read_header`.
        indices: of the sections, from 0, in any order.

    Raises:
        InputError: if there is no such section, or the file has shrunk meanwhile.
    """
    outside = (indices < 0) | (indices >= header.shape[0])
    if outside.any():
        raise InputError(
            f"cannot read image {int(indices[outside][0]) + 1} of {header.path} "
            f"because it holds {header.shape[0]}; do check that it is the right stack"
        )
    try:
        images = np.empty((len(indices), *header.shape[1:]), np.float32)
    except MemoryError as error:
        raise InputError(
            f"cannot hold {len(indices)} sections of {header.path} because they are "
            f"{len(indices) * header.shape[1] * header.shape[2] * 4 / 2**30:.3g} GiB; "
            "do read fewer at a time, if the header is right"
        ) from error
    found, inverse = np.unique(indices, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    ends = np.searchsorted(inverse, np.arange(len(found) + 1), sorter=order)
    for i, section in enumerate(each_section(header, found)):
        images[order[ends[i] : ends[i + 1]]] = section[None]
    return images


def each_section(
    header: MrcHeader, indices: Int[np.ndarray, " sections"] | None = None
) -> Iterator[Num[np.ndarray, "rows columns"]]:
    """Give sections of an MRC file one after another, in the type of their numbers.

    Args:
        header: of the file.
        indices: of the sections, ascending; None for all of them.

    Raises:
        InputError: if the data end early, or their compression is damaged.
    """
    chosen = range(header.shape[0]) if indices is None else indices
    with open_content(header.path) as file:
        for index in chosen:
            file.seek(header.offset + int(index) * header.section_size)
            yield _decode(header, file.read(header.section_size))
            if header.compressed and index == header.shape[0] - 1:
                # The checksum is compared at the end of the stream.
                file.read(1)


def each_plane_block(
    header: MrcHeader,
) -> Iterator[Num[np.ndarray, "planes y x"]]:
    """Give the planes of a map along z, whatever the order that they are stored in.

    Args:
        header: of the file.

    Raises:
        InputError: if the data end early, or their compression is damaged.
    """
    along, rows, _ = header.axes
    if along == 3:
        for section in each_section(header):
            yield (section if rows == 2 else section.T)[None]
        return
    depth, height, width = header.map_shape
    each = max(1, _AT_A_TIME // (height * width * header.dtype.itemsize))
    for first in range(0, depth, each):
        last = min(first + each, depth)
        block = np.empty((last - first, height, width), header.dtype.newbyteorder("="))
        for i, section in enumerate(each_section(header)):
            piece = section[first:last] if rows == 3 else section[:, first:last].T
            if along == 2:
                block[:, i, :] = piece
            else:
                block[:, :, i] = piece
        yield block


def _decode(header: MrcHeader, data: bytes) -> Num[np.ndarray, "rows columns"]:
    """Return one section of its bytes, in the machine's byte order."""
    if len(data) != header.section_size:
        raise InputError(
            f"cannot read {header.path} because its data end early; it is a truncated "
            f"copy: do copy it again"
        )
    _, rows, columns = header.shape
    numbers = np.frombuffer(data, header.dtype)
    if header.mode == FOUR_BITS:
        # The first of two pixels is in the lower half of a byte.
        pairs = numbers.reshape(rows, -1)
        numbers = np.stack([pairs & 15, pairs >> 4], axis=-1).reshape(rows, -1)
        return numbers[:, :columns]
    return numbers.reshape(rows, columns).astype(
        header.dtype.newbyteorder("="), copy=False
    )
