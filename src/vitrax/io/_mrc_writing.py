"""MRC files, written section by section."""

from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Num
from mrcfile.dtypes import HEADER_DTYPE

from ._mrc_fields import HEADER_SIZE


# No date: the same run gives the same bytes.
OUR_LABEL = "written by vitrax"
_LABEL_LENGTH = 80
_MOST_LABELS = 10
_MODES = {"int8": 0, "int16": 1, "float32": 2, "uint16": 6, "float16": 12}


def new_header(
    shape: tuple[int, int, int],
    voxel_size: float,
    *,
    is_volume: bool,
    dtype: Any = np.float32,
) -> np.ndarray:
    """Return the header of a new MRC 2014 file; the caller may change its fields.

    Args:
        shape: (sections, rows, columns) of the whole.
        voxel_size: Å.
        is_volume: whether the sections are a volume rather than images.
        dtype: of the numbers.
    """
    sections, rows, columns = shape
    sampling = (columns, rows, sections if is_volume else 1)
    header = np.zeros((), HEADER_DTYPE.newbyteorder("<"))
    header["nx"], header["ny"], header["nz"] = columns, rows, sections
    header["mx"], header["my"], header["mz"] = sampling
    header["cella"] = tuple(n * voxel_size for n in sampling)
    header["cellb"] = (90.0, 90.0, 90.0)
    header["mode"] = _MODES[np.dtype(dtype).name]
    header["mapc"], header["mapr"], header["maps"] = 1, 2, 3
    header["ispg"] = 1 if is_volume else 0
    header["nversion"] = 20141
    header["map"] = b"MAP "
    header["machst"] = (0x44, 0x44, 0, 0)
    set_labels(header, (OUR_LABEL,))
    return header


def set_labels(header: np.ndarray, labels: Iterable[str]) -> None:
    """Write the labels of a header; of too many, the last is kept.

    Args:
        header: to change.
        labels: texts.
    """
    texts = list(dict.fromkeys(labels))
    texts = texts[: _MOST_LABELS - 1] + texts[_MOST_LABELS - 1 :][-1:]
    header["nlabl"] = len(texts)
    header["label"] = b""
    for place, text in enumerate(texts):
        header["label"][place] = text.encode("ascii", "replace").ljust(_LABEL_LENGTH)


class MrcSink:
    """Writes the sections of an MRC file one after another, and the header at the end.

    Statistics are summed in float64 on the way, so any number of sections pass through
    in the memory of one batch. Plain writes rather than a memory map, because a full
    disk then is an error and not a crash.

    Args:
        file: open for writing, at its beginning.
        header: from `new_header`; its statistics are filled in.
        extended: bytes of the extended header, in pieces.
    """

    def __init__(
        self, file: BinaryIO, header: np.ndarray, extended: Iterable[bytes] = ()
    ):
        self._file = file
        self._fields = header
        self._shape = tuple(int(header[name]) for name in ("nz", "ny", "nx"))
        mode = int(header["mode"])
        (name,) = (name for name, number in _MODES.items() if number == mode)
        self._dtype = np.dtype(name).newbyteorder("<")
        self._written = 0
        self._smallest, self._largest = np.inf, -np.inf
        self._sum = self._sum_of_squares = 0.0
        file.write(bytes(HEADER_SIZE))
        for piece in extended:
            file.write(piece)
        header["nsymbt"] = file.tell() - HEADER_SIZE

    @property
    def written(self) -> int:
        """Sections written so far."""
        return self._written

    def append(self, sections: Num[np.ndarray, "sections rows columns"]) -> None:
        """Write some sections, as the file's type.

        Args:
            sections: the next ones.

        Raises:
            ValueError: if they don't fit, or aren't finite.
        """
        with np.errstate(over="ignore"):
            block = np.ascontiguousarray(sections, self._dtype)
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
                f"{self._dtype.name}; do check the simulation's inputs{self._advice}"
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

    @property
    def _advice(self) -> str:
        if self._dtype.name != "float16":
            return ""
        return ", or write float32 (float16 ends at 65504)"

    def _header(self) -> np.ndarray:
        header = self._fields
        count = max(int(np.prod(self._shape, dtype=object)), 1)
        mean = self._sum / count
        header["dmin"], header["dmax"] = self._smallest, self._largest
        header["dmean"] = mean
        header["rms"] = np.sqrt(max(self._sum_of_squares / count - mean**2, 0.0))
        return header


def checked_dtype(dtype: Any) -> np.dtype:
    """Return how the numbers of a map or image are written.

    Raises:
        ValueError: if they are neither float32 nor float16.
    """
    found = np.dtype(dtype)
    if found.name not in ("float32", "float16"):
        raise ValueError(
            f"cannot write {found.name} because maps and images are written as float32 "
            "(mode 2) or float16 (mode 12); do give one of these as dtype="
        )
    return found
