"""Movies on the disk, frame by frame; and single images of any format."""

import os
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Int

from .._files import InputError
from ._contents import MAX_UNPACKED, Path, first_bytes, is_tiff
from ._mrc_fields import Mode0
from ._not_finite import NanPolicy, check_policy, made_finite
from ._stacks import ImageStack, read_stack
from ._tiff import TiffPages


# What the frames of a movie come from.
FrameSource = ImageStack | TiffPages


class MovieFrames:
    """Frames of one movie, read when they are asked for.

    Iterating, and `sum_of`, go through the file with one frame in memory at a time.

    Args:
        source: of the frames.
        nan_policy: what becomes of pixels that are NaN or infinite: "error"; "zero"; or
            "mask", the mean of the others in the frame.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/movie.mrcs"
        >>> with vx.io.StackWriter(path, (5, 8, 8), pixel_size=1.5) as writer:
        ...     writer.append(np.ones((5, 8, 8)))
        >>> movie = vx.io.read_movie(path)
        >>> movie.shape, movie.pixel_size, float(movie.sum_of(slice(0, 3)).max())
        ((5, 8, 8), 1.5, 3.0)
    """

    def __init__(self, source: FrameSource, nan_policy: NanPolicy = "error"):
        self._source = source
        self.nan_policy: NanPolicy = check_policy(nan_policy)

    @property
    def path(self) -> str:
        """The file."""
        return self._source.path

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of frames, rows (y) and columns (x)."""
        return self._source.shape

    @property
    def pixel_size(self) -> float | None:
        """Å, None where the file doesn't say.

        Raises:
            InputError: if the file's differ along x and y.
        """
        return self._source.pixel_size

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Float32[np.ndarray, "y x"]]:
        return self._each(np.arange(len(self)))

    def __getitem__(
        self, index: int | slice | Int[np.ndarray, " frames"]
    ) -> Float32[np.ndarray, "..."]:
        """Return one frame, or some, as float32.

        Args:
            index: an integer gives `[y, x]`; a slice or an array `[frames, y, x]`.

        Raises:
            InputError: if there is no such frame, it is damaged, or some pixels aren't
                finite.
        """
        if isinstance(index, slice):
            index = np.arange(len(self))[index]
        one = np.ndim(index) == 0
        indices = np.atleast_1d(np.asarray(index, dtype=np.int64))
        self._check_are_there(indices)
        if one:
            return next(self._each(indices))
        frames = np.empty((len(indices), *self.shape[1:]), np.float32)
        for place, frame in enumerate(self._each(indices)):
            frames[place] = frame
        return frames

    def sum_of(self, frames: slice = slice(None)) -> Float32[np.ndarray, "y x"]:
        """Return the sum of some frames, added in float64.

        Args:
            frames: which; all of them by default.

        Raises:
            InputError: if a frame is damaged, or some pixels aren't finite.
        """
        total = np.zeros(self.shape[1:], np.float64)
        for frame in self._each(np.arange(len(self))[frames]):
            total += frame
        return total.astype(np.float32)

    def _each(
        self, indices: Int[np.ndarray, " frames"]
    ) -> Iterator[Float32[np.ndarray, "y x"]]:
        for frame in self._source.as_stored(indices):
            yield made_finite(frame, self.nan_policy, self.path, "pixels")

    def _check_are_there(self, indices: Int[np.ndarray, " frames"]) -> None:
        outside = (indices < 0) | (indices >= len(self))
        if outside.any():
            raise InputError(
                f"cannot read frame {int(indices[outside][0]) + 1} of {self.path} "
                f"because it holds {len(self)}; do check that it is the right movie"
            )


def read_movie(
    path: Path,
    *,
    mode0: Mode0 | None = None,
    nan_policy: NanPolicy = "error",
    max_unpacked: int = MAX_UNPACKED,
) -> MovieFrames:
    """Return the frames of a movie, read when they are asked for.

    The content decides what it is: MRC, also packed with gzip or bzip2; TIFF of
    integers or floats, uncompressed or packed with LZW, deflate, PackBits or Zstandard;
    or EER. Frames of EER are those of the camera, some hundred a second of one electron
    here and there, on the physical pixels: sum them (`sum_of`).

    Rows of a TIFF file are turned upside down, because TIFF begins at the top and MRC
    at the bottom: as RELION, IMOD, SerialEM and MotionCor2 do. Those of EER aren't, as
    in RELION. TIFF and EER need `pip install "vitrax[movies]"`.

    Args:
        path: the file.
        mode0: whether bytes of MRC are "signed" or "unsigned"; None to infer it, as
            `read_header` does.
        nan_policy: what becomes of pixels that are NaN or infinite: "error"; "zero"; or
            "mask", the mean of the others in the frame. A warning counts them.
        max_unpacked: bytes that a packed MRC file, or one frame of another, may have.

    Raises:
        ImportError: if the packages aren't there that read TIFF and EER.
        InputError: if the file is none of these, is damaged or cut short.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/movie.mrcs"
        >>> with vx.io.StackWriter(path, (3, 8, 8), pixel_size=1.5) as writer:
        ...     writer.append(np.ones((3, 8, 8)))
        >>> [float(frame.mean()) for frame in vx.io.read_movie(path)]
        [1.0, 1.0, 1.0]
    """
    check_policy(nan_policy)
    if is_tiff(first_bytes(path, 4)):
        return MovieFrames(TiffPages.of(os.fspath(path), max_unpacked), nan_policy)
    stack = read_stack(path, mode0=mode0, max_unpacked=max_unpacked)
    return MovieFrames(stack, nan_policy)


def read_image(
    path: Path,
    *,
    mode0: Mode0 | None = None,
    nan_policy: NanPolicy = "error",
    max_unpacked: int = MAX_UNPACKED,
) -> Float32[np.ndarray, "y x"]:
    """Return the one image of an MRC or TIFF file: a micrograph or a gain reference.

    Args:
        path: the file; rows of TIFF are turned as by `read_movie`.
        mode0: whether bytes are "signed" or "unsigned"; None to infer it, as
            `read_header` does.
        nan_policy: what becomes of pixels that are NaN or infinite: "error"; "zero"; or
            "mask", the mean of the others. A warning counts them.
        max_unpacked: bytes that the content of a packed file may have.

    Raises:
        ImportError: if the packages aren't there that read TIFF.
        InputError: if it holds more than one image, is none of these, is damaged or cut
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
    movie = read_movie(
        path, mode0=mode0, nan_policy=nan_policy, max_unpacked=max_unpacked
    )
    if len(movie) != 1:
        raise InputError(
            f"cannot read {os.fspath(path)} as an image because it has {len(movie)} "
            f"sections; do use vitrax.io.read_stack, read_movie or read_map"
        )
    return movie[0]
