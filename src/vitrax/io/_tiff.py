"""The pages of a TIFF or EER file, checked before they are unpacked."""

import contextlib
import dataclasses
import logging
import math
import os
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from jaxtyping import Float32, Int

from .._files import InputError
from ._contents import open_raw, too_large
from ._eer import EER, eer_frame


# How many bytes one packed byte may hold, by compression: a run of LZW fills its table,
# deflate repeats 258 bytes, PackBits 128, Zstandard and EER say a run in some bytes.
_RATIOS = {1: 1, 5: 2**12, 8: 1032, 32946: 1032, 32773: 2**7, 50000: 2**16}
_EER_RATIO = 2**13
_NAMES = {
    1: "none",
    5: "LZW",
    6: "JPEG",
    7: "JPEG",
    8: "deflate",
    32773: "PackBits",
    50000: "Zstandard",
}
# Values of the tag that says where row 0 is: top left, and bottom left.
_TOP_LEFT, _BOTTOM_LEFT = 1, 4
_MILLION = 10**6
# Pixels that a tile may have though the image is smaller.
_LEAST_TILE = 2**20


@dataclasses.dataclass(frozen=True)
class TiffPages:
    """Pages of a TIFF or EER file that are frames, all of one shape.

    Args:
        path: the file.
        shape: (frames, rows, columns).
        dtype: of the stored numbers.
        compression: by TIFF's number.
        first: page that is the first frame: 1 in EER that begins with a sum.
        is_turned: whether row 0 is at the top.
        max_unpacked: bytes that a frame may have.
    """

    path: str
    shape: tuple[int, int, int]
    dtype: np.dtype
    compression: int
    first: int
    is_turned: bool
    max_unpacked: int

    @classmethod
    def of(cls, path: str, max_unpacked: int) -> Self:
        """Return the pages of a file.

        Args:
            path: the file.
            max_unpacked: bytes that a frame may have.

        Raises:
            ImportError: if the packages aren't there that read TIFF.
            InputError: if the file is damaged, or its pages aren't such frames.
        """
        with _opened(path) as file:
            count = _count(path, file)
            page, first = file.pages[0], 0
            if page.compression == 1 and count > 1:
                second = file.pages[1]
                if second.compression in EER:
                    page, first = second, 1
            _check_kind(path, page)
            _check_whole(path, file, count)
            rows, columns = page.shape
            is_eer = page.compression in EER
            found = cls(
                path=path,
                shape=(count - first, rows, columns),
                dtype=np.dtype(page.dtype).newbyteorder("="),
                compression=int(page.compression),
                first=first,
                is_turned=not is_eer and _is_top_left(path, page),
                max_unpacked=max_unpacked,
            )
            found._check_page(page)
        return found

    @property
    def pixel_size(self) -> None:
        """None: what TIFF says of resolution is that of a printer."""
        return None

    def as_stored(
        self, indices: Int[np.ndarray, " frames"]
    ) -> Iterator[Float32[np.ndarray, "y x"]]:
        """Give some frames one after another.

        Args:
            indices: of the frames, from 0, all of them there.

        Raises:
            InputError: if a frame is damaged or differs from the first.
        """
        with _opened(self.path) as file:
            for index in indices:
                with _damage(self.path, f"frame {int(index) + 1}"):
                    page = file.pages[self.first + int(index)]
                    self._check_page(page, int(index))
                    frame = np.array(self._stored(file, page), np.float32)
                yield np.ascontiguousarray(frame[::-1]) if self.is_turned else frame

    def _stored(self, file: Any, page: Any) -> np.ndarray:
        """Return the numbers of a page."""
        if self.compression not in EER:
            return page.asarray().reshape(self.shape[1:])
        pieces = []
        for start, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            file.filehandle.seek(start)
            pieces.append(file.filehandle.read(count))
        return eer_frame(b"".join(pieces), self.shape[1:], page)

    def _check_page(self, page: Any, index: int = 0) -> None:
        """Raise if a page isn't such a frame, or can't be held by its bytes."""
        kind = (page.shape, np.dtype(page.dtype).newbyteorder("="), page.compression)
        if kind != (self.shape[1:], self.dtype, self.compression):
            raise InputError(
                f"cannot read frame {index + 1} of {self.path} because it is "
                f"{_as_words(*kind)} where the first is "
                f"{_as_words(self.shape[1:], self.dtype, self.compression)}; do check "
                "that it is a movie"
            )
        rows, columns = self.shape[1:]
        size = rows * columns * 4
        if size > self.max_unpacked:
            what = f"one frame, {columns} × {rows} pixels, is"
            raise too_large(self.path, what, self.max_unpacked)
        held = _held_bytes(page, os.path.getsize(self.path))
        bits = page.bitspersample if self.compression not in EER else 8
        ratio = _RATIOS.get(self.compression, _EER_RATIO)
        if held is None or math.ceil(rows * columns * bits / 8) > ratio * held:
            raise InputError(
                f"cannot read frame {index + 1} of {self.path} because the file hasn't "
                f"the bytes of its {columns} × {rows} pixels; it is a truncated copy, "
                "or damaged: do copy it again"
            )


def _held_bytes(page: Any, size: int) -> int | None:
    """Return how many bytes a page has in the file; None if some are missing."""
    offsets, counts = page.dataoffsets, page.databytecounts
    pieces = math.prod(page.chunked)
    largest = math.prod(page.chunks)
    roomy = max(4 * math.prod(page.shape), _LEAST_TILE)
    if page.compression in EER:
        pieces = largest = len(offsets)
    if not len(offsets) == len(counts) == pieces or largest > roomy:
        return None
    if any(
        start <= 0 or count <= 0 or start + count > size
        for start, count in zip(offsets, counts, strict=True)
    ):
        return None
    return sum(counts)


def _count(path: str, file: Any) -> int:
    """Return the number of pages."""
    count = len(file.pages)
    if not 0 < count <= _MILLION:
        raise InputError(
            f"cannot read {path} because it has {count} pages; it is damaged, do copy "
            f"it again"
        )
    return count


def _check_kind(path: str, page: Any) -> None:
    """Raise if a page is no image of real numbers, or packed in another way."""
    if page.compression not in {*_RATIOS, *EER}:
        name = _NAMES.get(int(page.compression), str(int(page.compression)))
        raise InputError(
            f"cannot read {path} because its compression is {name}; do convert it to "
            f"LZW or deflate, such as with tiffcp -c lzw"
        )
    if len(page.shape) != 2 or page.samplesperpixel != 1:
        raise InputError(
            f"cannot read {path} because its pixels are colours, or its pages volumes "
            f"(shape {page.shape}); do convert it to one number per pixel"
        )
    kind = np.dtype(page.dtype) if page.dtype is not None else None
    kinds = "uifb" if page.compression in EER else "uif"
    if kind is None or kind.kind not in kinds or kind.itemsize > 4:
        raise InputError(
            f"cannot read {path} because its pixels are {kind}; do convert it to "
            f"integers of 8 or 16 bits, or to float32"
        )


def _check_whole(path: str, file: Any, count: int) -> None:
    """Raise if one page stands for many frames, as in large files of ImageJ."""
    if count > 1:
        return
    frames = (file.imagej_metadata or {}).get("images", 1) if file.is_imagej else 1
    shapes = (each.get("shape", ()) for each in file.shaped_metadata or ())
    if file.is_shaped:
        frames = max((math.prod(shape[:-2]) for shape in shapes), default=1)
    if frames != 1:
        raise InputError(
            f"cannot read {path} because its one page says that {frames} frames follow "
            "without pages of their own; do save it with a page for each frame"
        )


def _is_top_left(path: str, page: Any) -> bool:
    """Return whether the first row is the upper one."""
    orientation = page.tags.valueof(274, _TOP_LEFT)
    if orientation not in (_TOP_LEFT, _BOTTOM_LEFT):
        raise InputError(
            f"cannot read {path} because its orientation (tag 274) is {orientation}; "
            "do convert it to 1, rows from top to bottom"
        )
    return orientation == _TOP_LEFT


def _as_words(shape: tuple[int, ...], dtype: np.dtype, compression: int) -> str:
    sizes = " × ".join(str(n) for n in reversed(shape))
    name = "EER" if compression in EER else _NAMES.get(int(compression), compression)
    return f"{sizes} of {dtype} (compression {name})"


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    """Give a TIFF file of the package that reads it."""
    try:
        import imagecodecs  # noqa: F401
        import tifffile
    except ModuleNotFoundError as error:
        raise ImportError(
            f"cannot read {path} because it is TIFF or EER and {error.name} isn't "
            'installed; do pip install "vitrax[movies]"'
        ) from error
    # What it would print of damaged tags is said by our own errors.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    with open_raw(path) as raw, _damage(path, "pages"):
        file = tifffile.TiffFile(raw, name=os.path.basename(path))
        yield file


@contextlib.contextmanager
def _damage(path: str, what: str) -> Iterator[None]:
    """Make an InputError of whatever a damaged file does to the package."""
    try:
        yield
    except (InputError, ImportError, MemoryError):
        raise
    except Exception as error:
        raise InputError(
            f"cannot read {what} of {path} because its TIFF structure or compression "
            f"is damaged ({type(error).__name__}); do copy it again"
        ) from error
