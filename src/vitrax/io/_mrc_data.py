"""The numbers of an MRC file, in and out."""

import os
from typing import BinaryIO

import numpy as np
from jaxtyping import Float, Float32, Int
from mrcfile.dtypes import HEADER_DTYPE

from .._files import InputError
from ._contents import open_raw, unpack
from ._mrc import HEADER_SIZE, MrcHeader


_LABEL_LENGTH = 80


def read_sections(
    header: MrcHeader, indices: Int[np.ndarray, " sections"]
) -> Float32[np.ndarray, "sections rows columns"]:
    """Return some sections of an MRC file as float32, as they are stored.

    Only these are read, each once where it is asked for once.

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
    images = np.empty((len(indices), *header.shape[1:]), np.float32)
    if header.compressed:
        size = header.offset + header.shape[0] * header.section_size
        content = memoryview(unpack(header.path, size))
        for image, index in zip(images, indices, strict=True):
            first = header.offset + int(index) * header.section_size
            image[...] = _decode(header, content[first : first + header.section_size])
        return images
    with open_raw(header.path) as file:
        for place in np.argsort(indices, kind="stable"):
            file.seek(header.offset + int(indices[place]) * header.section_size)
            images[place] = _decode(header, file.read(header.section_size))
    return images


def _decode(
    header: MrcHeader, data: bytes | memoryview
) -> Float32[np.ndarray, "rows columns"]:
    """Return one section of its bytes."""
    if len(data) != header.section_size:
        raise InputError(
            f"cannot read {header.path} because its data end early; it is a truncated "
            f"copy: do copy it again"
        )
    _, rows, columns = header.shape
    numbers = np.frombuffer(data, header.dtype)
    if header.mode == 101:
        # The first of two pixels is in the lower half of a byte.
        pairs = numbers.reshape(rows, -1)
        numbers = np.stack([pairs & 15, pairs >> 4], axis=-1).reshape(rows, -1)
        numbers = numbers[:, :columns]
    return numbers.reshape(rows, columns).astype(np.float32)


def check_finite(
    values: Float[np.ndarray, "..."], path: str | os.PathLike, what: str
) -> None:
    """Raise if there are NaN or infinite values.

    Args:
        values: from the file.
        path: the file, for the message.
        what: what the values are: "voxels" or "pixels".

    Raises:
        InputError: with their number.
    """
    bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if bad:
        raise InputError(
            f"cannot use {os.fspath(path)} because {bad} of its {values.size} {what} "
            "are NaN or infinite; do repair it with the program that wrote it"
        )


class MrcSink:
    """Writes the sections of an MRC file one after another, and the header at the end.

    Statistics are summed in float64 on the way, so any number of sections pass through
    in the memory of one batch. Plain writes rather than a memory map, because a full
    disk then is an error and not a crash.

    Args:
        file: open for writing, at its beginning.
        shape: (sections, rows, columns) of the whole.
        voxel_size: Å.
        is_volume: whether the sections are a volume rather than images.
        origin: (x, y, z) of the first voxel, Å.
    """

    def __init__(
        self,
        file: BinaryIO,
        shape: tuple[int, int, int],
        voxel_size: float,
        *,
        is_volume: bool,
        origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ):
        self._file = file
        self._shape = shape
        self._voxel_size = voxel_size
        self._is_volume = is_volume
        self._origin = origin
        self._written = 0
        self._smallest, self._largest = np.inf, -np.inf
        self._sum = self._sum_of_squares = 0.0
        file.write(bytes(HEADER_SIZE))

    @property
    def written(self) -> int:
        """Sections written so far."""
        return self._written

    def append(self, sections: Float[np.ndarray, "sections rows columns"]) -> None:
        """Write some sections, as float32.

        Args:
            sections: the next ones.

        Raises:
            ValueError: if they don't fit, or aren't finite.
        """
        block = np.ascontiguousarray(sections, "<f4")
        if block.shape[1:] != self._shape[1:] or (
            self._written + len(block) > self._shape[0]
        ):
            raise ValueError(
                f"cannot write sections of shape {sections.shape} after "
                f"{self._written} because the file was promised as {self._shape}; do "
                "give the true count and box"
            )
        if not np.isfinite(block).all():
            raise ValueError(
                "cannot write images because some pixels are NaN or infinite in "
                "float32; do check the simulation's inputs"
            )
        if block.size:
            self._smallest = min(self._smallest, float(block.min()))
            self._largest = max(self._largest, float(block.max()))
            self._sum += float(block.sum(dtype=np.float64))
            self._sum_of_squares += float(np.square(block, dtype=np.float64).sum())
        self._file.write(block.data)
        self._written += len(block)

    def finish(self) -> None:
        """Write the header.

        Raises:
            ValueError: if fewer sections came than were promised.
        """
        if self._written != self._shape[0]:
            raise ValueError(
                f"cannot finish the file because {self._written} of {self._shape[0]} "
                f"sections were written; do write them all"
            )
        self._file.seek(0)
        self._file.write(self._header().tobytes())
        self._file.flush()

    def _header(self) -> np.ndarray:
        sections, rows, columns = self._shape
        sampling = (columns, rows, sections if self._is_volume else 1)
        count = max(sections * rows * columns, 1)
        mean = self._sum / count
        header = np.zeros((), HEADER_DTYPE.newbyteorder("<"))
        header["nx"], header["ny"], header["nz"] = columns, rows, sections
        header["mx"], header["my"], header["mz"] = sampling
        header["cella"] = tuple(n * self._voxel_size for n in sampling)
        header["cellb"] = (90.0, 90.0, 90.0)
        header["mode"] = 2
        header["mapc"], header["mapr"], header["maps"] = 1, 2, 3
        header["dmin"], header["dmax"], header["dmean"] = (
            self._smallest,
            self._largest,
            mean,
        )
        header["rms"] = np.sqrt(max(self._sum_of_squares / count - mean**2, 0.0))
        header["ispg"] = 1 if self._is_volume else 0
        header["nversion"] = 20141
        header["origin"] = self._origin
        header["map"] = b"MAP "
        header["machst"] = (0x44, 0x44, 0, 0)
        header["nlabl"] = 1
        # No date: the same run gives the same bytes.
        header["label"][0] = b"written by vitrax".ljust(_LABEL_LENGTH)
        return header
