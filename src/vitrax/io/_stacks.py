"""Images and stacks of images on the disk."""

import contextlib
import os
from types import TracebackType
from typing import Self

import numpy as np
from jaxtyping import Float, Float32, Int

from .._files import InputError, atomic_file, check_free_space
from ._contents import Path
from ._mrc import HEADER_SIZE, MrcHeader, read_header, shortest
from ._mrc_data import MrcSink, check_finite, read_sections


class ImageStack:
    """Images of one MRC file, read when they are asked for.

    Args:
        header: of the file.

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

    def __init__(self, header: MrcHeader):
        if header.axes not in ((3, 2, 1), (3, 1, 2)):
            raise InputError(
                f"cannot read {header.path} as images because its sections aren't "
                f"along z (axes {header.axes[::-1]}); do read it as a map"
            )
        self.header = header

    def __len__(self) -> int:
        return self.header.shape[0]

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
        check_finite(images, self.header.path, "pixels")
        images = images.transpose(0, 2, 1) if self._is_turned else images
        return images[0] if one else images

    @property
    def _is_turned(self) -> bool:
        return self.header.axes == (3, 1, 2)


def read_stack(path: Path) -> ImageStack:
    """Return the images in an MRC file, read when they are asked for.

    Args:
        path: an .mrcs or .mrc file. The sections are images whatever the header's space
            group says, because programs differ in what they write there.

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
    return ImageStack(read_header(path))


def read_image(path: Path) -> Float32[np.ndarray, "y x"]:
    """Return the one image of an MRC file, such as a micrograph.

    Args:
        path: the file.

    Raises:
        InputError: if it holds more than one image, or isn't MRC, is damaged or cut
            short.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/micrograph.mrc"
        >>> with vx.io.StackWriter(path, (1, 6, 8), pixel_size=1.5) as writer:
        ...     writer.append(np.ones((1, 6, 8)))
        >>> vx.io.read_image(path).shape
        (6, 8)
    """
    stack = read_stack(path)
    if len(stack) != 1:
        raise InputError(
            f"cannot read {os.fspath(path)} as an image because it has {len(stack)} "
            f"sections; do use vitrax.io.read_stack, or read_map"
        )
    return stack[0]


class StackWriter:
    """Writes images one batch after another to one MRC file, in bounded memory.

    A context manager: the file appears under its name when the block ends, all images
    are there and no error was raised, and not before.

    Args:
        path: the file.
        shape: (images, y, x) of the whole.
        pixel_size: Å.

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

    def __init__(self, path: Path, shape: tuple[int, int, int], pixel_size: float):
        self._path = path
        self._shape = shape
        self._pixel_size = float(pixel_size)
        self._exits = contextlib.ExitStack()
        self._sink: MrcSink | None = None

    def __enter__(self) -> Self:
        check_free_space(self._path, HEADER_SIZE + 4 * int(np.prod(self._shape)))
        file = self._exits.enter_context(atomic_file(self._path))
        self._sink = MrcSink(file, self._shape, self._pixel_size, is_volume=False)
        return self

    def append(self, images: Float[np.ndarray, "images y x"]) -> None:
        """Write the next images.

        Args:
            images: as float32 or float64.

        Raises:
            ValueError: if they are too many, of another shape, or not finite.
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
