"""EMAN2's HDF5 files, written one image after another."""

import contextlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from jaxtyping import Float

from .._files import atomic_path, check_free_space
from ._contents import Path
from ._eman_header import ctf_text


# A Transform, by rows.
_TRANSFORM = np.dtype([(f"{i}{j}", np.float32) for i in range(3) for j in range(4)])
_HEADER_SIZE = 4096
_LARGEST = 2**31


class HdfWriter:
    """Writes images and their headers to one HDF5 file, as EMAN2 does.

    A context manager: the file appears under its name when the block ends, all images
    are there and no error was raised, and not before.

    Args:
        path: the file.
        headers: attributes of each image, without EMAN2's prefix.
        box: pixels along an edge of all images.

    Raises:
        ImportError: if h5py isn't installed.
        OSError: with errno ENOSPC if the disk hasn't room for all of it.
    """

    def __init__(self, path: Path, headers: Sequence[Mapping[str, Any]], box: int):
        self._path = path
        self._headers = headers
        self._box = box
        self._written = 0
        self._exits = contextlib.ExitStack()
        self._images: Any = None

    def __enter__(self) -> Self:
        try:
            import h5py
        except ModuleNotFoundError as error:
            raise ImportError(
                f"cannot write {self._path} because it is HDF5 and the package h5py "
                'isn\'t installed; do pip install "vitrax[eman2]"'
            ) from error
        size = 4 * self._box**2 + _HEADER_SIZE
        check_free_space(self._path, size * len(self._headers))
        place = self._exits.enter_context(atomic_path(self._path))
        file = self._exits.enter_context(h5py.File(place, "x"))
        self._images = file.create_group("MDF/images")
        last = np.array([len(self._headers) - 1], np.int32)
        self._images.attrs.create("imageid_max", last)
        return self

    def append(self, images: Float[np.ndarray, "images y x"]) -> None:
        """Write the next images.

        Args:
            images: of the box, finite.

        Raises:
            ValueError: if they are too many, of another shape, or not finite.
        """
        pixels = np.asarray(images, np.float32)
        edges = (self._box, self._box)
        is_room = self._written + len(pixels) <= len(self._headers)
        if not is_room or pixels.shape[1:] != edges or not np.isfinite(pixels).all():
            raise ValueError(
                f"cannot write images of shape {pixels.shape} to {self._path} because "
                f"it is for {len(self._headers)} finite ones of {edges}; do check them"
            )
        size = {"nx": self._box, "ny": self._box, "nz": 1, "is_complex": 0}
        for image in pixels:
            group = self._images.create_group(str(self._written))
            group.create_dataset("image", data=image)
            for name, value in {**self._headers[self._written], **size}.items():
                group.attrs.create(f"EMAN.{name}", _as_attribute(value))
            self._written += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._written != len(self._headers):
            failure = ValueError(
                f"cannot finish {self._path} because {self._written} of "
                f"{len(self._headers)} images were written; do append the others"
            )
            self._exits.__exit__(type(failure), failure, None)
            raise failure
        self._exits.__exit__(kind, error, trace)


def _as_attribute(value: Any) -> Any:
    """Return a value as HDF5 keeps it, of the type that EMAN2 gives it."""
    if isinstance(value, Mapping):
        return np.bytes_(ctf_text(value).encode() + b"\0")
    if isinstance(value, str):
        return np.bytes_(value.encode() + b"\0")
    if isinstance(value, np.ndarray) and value.shape == (3, 4):
        numbers = value.astype(np.float32).ravel().tolist()
        return np.array([tuple(numbers)], _TRANSFORM)
    array = np.atleast_1d(np.asarray(value))
    if array.dtype.kind in "iub" and bool((np.abs(array) < _LARGEST).all()):
        return array.astype(np.int32)
    short = array.astype(np.float32)
    return short if len(array) > 1 or short == array else array.astype(np.float64)
