"""Images and stacks of images on the disk."""

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Float32, Int

from .._files import InputError, atomic_file, check_free_space
from ._contents import MAX_UNPACKED, Path
from ._mrc import MrcHeader, read_header, shortest
from ._mrc_data import each_section, read_sections
from ._mrc_fields import HEADER_SIZE, Mode0
from ._mrc_writing import MrcSink, checked_dtype, new_header
from ._not_finite import NanPolicy, check_policy, made_finite


class ImageStack:
    """Images of one MRC file, read when they are asked for.

    Iterating goes through the file once, one image at a time. A packed file is unpacked
    from its beginning at every other access.

    Args:
        header: of the file.
        nan_policy: what becomes of pixels that are NaN or infinite: "error"; "zero"; or
            "mask", the mean of the others in the image.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/stack.mrcs"
        >>> with vx.io.StackWriter(path, (3, 8, 8), pixel_size=1.5) as writer:
        ...     writer.append(np.ones((3, 8, 8)))
        >>> stack = vx.io.read_stack(path)
        >>> stack.shape, stack.pixel_size, stack[1:].shape
        ((3, 8, 8), 1.5, (2, 8, 8))
    """

    def __init__(self, header: MrcHeader, nan_policy: NanPolicy = "error"):
        if header.axes not in ((3, 2, 1), (3, 1, 2)):
            raise InputError(
                f"cannot read {header.path} as images because its sections aren't "
                f"along z (axes {header.axes[::-1]}); do read it as a map"
            )
        self.header = header
        self.nan_policy: NanPolicy = check_policy(nan_policy)

    def __len__(self) -> int:
        return self.header.shape[0]

    @property
    def path(self) -> str:
        """The file."""
        return self.header.path

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of images, rows (y) and columns (x)."""
        count, rows, columns = self.header.shape
        return (count, rows, columns) if not self._is_turned else (count, columns, rows)

    @property
    def pixel_size(self) -> float | None:
        """Å, None where the header doesn't say.

        Raises:
            InputError: if the header's differ along x and y.
        """
        x, y, _ = self.header.voxel_size
        if x == 0.0 or y == 0.0:
            return None
        if abs(x - y) > 1e-3 * min(x, y):
            raise InputError(
                f"cannot use the pixel size of {self.header.path} because it is "
                f"anisotropic: {x:.6g} Å along x, {y:.6g} Å along y; do give it"
            )
        return shortest((x + y) / 2)

    def __getitem__(
        self, index: int | slice | Int[np.ndarray, " images"]
    ) -> Float32[np.ndarray, "..."]:
        """Return one image, or some, as float32.

        Args:
            index: an integer gives `[y, x]`; a slice or an array `[images, y, x]`.

        Raises:
            InputError: if there is no such image, or some pixels aren't finite.
        """
        if isinstance(index, slice):
            index = np.arange(len(self))[index]
        one = np.ndim(index) == 0
        indices = np.atleast_1d(np.asarray(index, dtype=np.int64))
        images = read_sections(self.header, indices)
        for image in images:
            made_finite(image, self.nan_policy, self.header.path, "pixels")
        images = images.transpose(0, 2, 1) if self._is_turned else images
        return images[0] if one else images

    def __iter__(self) -> Iterator[Float32[np.ndarray, "y x"]]:
        for image in self.as_stored(np.arange(len(self))):
            yield made_finite(image, self.nan_policy, self.header.path, "pixels")

    def as_stored(
        self, indices: Int[np.ndarray, " images"]
    ) -> Iterator[Float32[np.ndarray, "y x"]]:
        """Give some images one after another, with their NaN and infinite pixels.

        Args:
            indices: of the images, from 0, all of them there.
        """
        for section in each_section(self.header, indices):
            yield np.array(section.T if self._is_turned else section, np.float32)

    @property
    def _is_turned(self) -> bool:
        return self.header.axes == (3, 1, 2)


def read_stack(
    path: Path,
    *,
    mode0: Mode0 | None = None,
    nan_policy: NanPolicy = "error",
    max_unpacked: int = MAX_UNPACKED,
) -> ImageStack:
    """Return the images in an MRC file, read when they are asked for.

    Args:
        path: an .mrcs or .mrc file. The sections are images whatever the header's space
            group says, because programs differ in what they write there.
        mode0: whether bytes are "signed" or "unsigned"; None to infer it, as
            `read_header` does.
        nan_policy: what becomes of pixels that are NaN or infinite: "error"; "zero"; or
            "mask", the mean of the others in the image. A warning counts them.
        max_unpacked: bytes that the content of a packed file may have.

    Raises:
        InputError: if the file isn't MRC, is damaged or cut short.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/stack.mrcs"
        >>> with vx.io.StackWriter(path, (3, 8, 8), pixel_size=1.5) as writer:
        ...     writer.append(np.ones((3, 8, 8)))
        >>> len(vx.io.read_stack(path))
        3
    """
    header = read_header(path, mode0=mode0, max_unpacked=max_unpacked)
    return ImageStack(header, nan_policy)


class StackWriter:
    """Writes images one batch after another to one MRC file, in bounded memory.

    A context manager: the file appears under its name when the block ends, all images
    are there and no error was raised, and not before.

    Args:
        path: the file.
        shape: (images, y, x) of the whole.
        pixel_size: Å.
        dtype: float32 (mode 2), or float16 (mode 12): half the size, three digits.

    Raises:
        OSError: with errno ENOSPC if the disk hasn't room for all of it.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/stack.mrcs"
        >>> with vx.io.StackWriter(path, (4, 8, 8), pixel_size=1.5) as writer:
        ...     writer.append(np.zeros((3, 8, 8)))
        ...     writer.append(np.ones((1, 8, 8)))
        >>> float(vx.io.read_stack(path)[3].mean())
        1.0
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        pixel_size: float,
        *,
        dtype: Any = np.float32,
    ):
        self._path = path
        self._dtype = checked_dtype(dtype)
        self._shape = shape
        self._pixel_size = float(pixel_size)
        self._exits = contextlib.ExitStack()
        self._sink: MrcSink | None = None

    def __enter__(self) -> Self:
        size = self._dtype.itemsize * int(np.prod(self._shape))
        check_free_space(self._path, HEADER_SIZE + size)
        file = self._exits.enter_context(atomic_file(self._path))
        header = new_header(
            self._shape, self._pixel_size, is_volume=False, dtype=self._dtype
        )
        self._sink = MrcSink(file, header)
        return self

    def append(self, images: Float[np.ndarray, "images y x"]) -> None:
        """Write the next images.

        Args:
            images: as float32 or float64.

        Raises:
            ValueError: if they are too many, of another shape, or not finite as the
                type of the file.
        """
        if self._sink is None:
            raise ValueError(
                "cannot write images because the stack isn't open; do write inside "
                "`with StackWriter(...) as writer:`"
            )
        self._sink.append(images)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._sink is not None:
            try:
                self._sink.finish()
            except BaseException as failure:
                self._exits.__exit__(type(failure), failure, failure.__traceback__)
                raise
        self._exits.__exit__(kind, error, trace)
