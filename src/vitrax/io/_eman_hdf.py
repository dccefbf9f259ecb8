"""Images and their headers in EMAN2's HDF5 files."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int

from .._files import InputError
from ._contents import Path, first_bytes
from ._eman_attributes import (
    Value,
    attribute_value,
    attributes,
    number_type,
    one_attribute,
)
from ._eman_columns import OF_PIXELS
from ._not_finite import NanPolicy, made_finite


if TYPE_CHECKING:
    import h5py

# What every HDF5 file begins with.
HDF_MAGIC = b"\x89HDF\r\n\x1a\n"
# Where EMAN2 has its images, one group each, named 0, 1, …
_PLACE = ("MDF", "images")
_LONGEST_EDGE = 2**16 - 1
_LARGEST_CHUNK = 2**28
# No deflate stream is longer than this many times its compressed length.
_MOST_PACKED = 1032
# Deflate, shuffle and checksums; the code of others has trusted what files say.
_FILTERS = (1, 2, 3)


def is_hdf(start: bytes) -> bool:
    """Return whether a file that begins so is HDF5.

    Args:
        start: of the file.
    """
    return start.startswith(HDF_MAGIC)


@dataclasses.dataclass(frozen=True)
class HdfHeader:
    """What a file says of one image.

    Attributes:
        shape: rows (y) and columns (x); more for a volume.
        values: its attributes, without EMAN2's prefix and those that say how its
            pixels are kept, and what they are.
    """

    shape: tuple[int, ...]
    values: dict[str, Value]


class HdfStack:
    """Images of one of EMAN2's HDF5 files, read when they are asked for.

    Nothing outside of the file is followed: links to other files, virtual data sets and
    data kept elsewhere are refused. Sizes are compared with what the file holds before
    room is made for them. Needs `pip install "vitrax[eman2]"`.

    Args:
        path: the file.
        nan_policy: as in `read_stack`.

    Raises:
        InputError: if it isn't one of EMAN2's, or is damaged.
    """

    def __init__(self, path: Path, nan_policy: NanPolicy = "error"):
        self.path = os.fspath(path)
        self._nan_policy: NanPolicy = nan_policy
        with self._images() as images:
            self._count = _count(images, self.path)

    def __len__(self) -> int:
        return self._count

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of images, and of rows (y) and columns (x) of the first.

        Raises:
            InputError: if they are volumes.
        """
        with self._images() as images:
            group = _group(images, "0", self.path)
            shape = _checked_dataset(group, self._name(0)).shape
        return (self._count, *_as_plane(shape, self._name(0)))

    def headers(self, indices: Sequence[int]) -> list[HdfHeader]:
        """Return the headers of some images.

        Args:
            indices: of them, from 0.

        Raises:
            InputError: if there is no such image, or an attribute is none of EMAN2's
                kinds.
        """
        found = []
        with self._images() as images:
            for index in indices:
                group = _group(images, str(index), self.path)
                values = attributes(group.id, self._name(index), OF_PIXELS)
                shape = _said_shape(values)
                if shape is None:
                    shape = _checked_dataset(group, self._name(index)).shape
                found.append(HdfHeader(shape, values))
        return found

    def check_pixels(self, indices: Sequence[int]) -> None:
        """Raise if the pixels of some images cannot be read, without reading them.

        Args:
            indices: of them, from 0.

        Raises:
            InputError: naming the first such image.
        """
        with self._images() as images:
            for index in indices:
                group = _group(images, str(index), self.path)
                dataset = _checked_dataset(group, self._name(index))
                _as_plane(dataset.shape, self._name(index))
                _check_storage(dataset, self._name(index))

    def __getitem__(
        self, indices: Int[np.ndarray, " images"]
    ) -> Float32[np.ndarray, "images y x"]:
        """Return some images.

        Args:
            indices: of them, from 0.

        Raises:
            InputError: if there is no such image, they differ in size, or aren't
                finite.
        """
        planes: list[np.ndarray] = []
        with self._images() as images:
            for index in np.asarray(indices).tolist():
                group = _group(images, str(index), self.path)
                plane = _plane(group, self._name(index))
                if planes and plane.shape != planes[0].shape:
                    raise InputError(
                        f"cannot read images of {self.path} together because image "
                        f"{index} has {plane.shape} pixels, not {planes[0].shape}; do "
                        "go through stack.buckets()"
                    )
                planes.append(made_finite(plane, self._nan_policy, self.path, "pixels"))
        return np.stack(planes) if planes else np.empty((0, 0, 0), np.float32)

    def _name(self, index: int) -> str:
        return f"image {index} of {self.path}"

    @contextlib.contextmanager
    def _images(self) -> Iterator["h5py.Group"]:
        """Give the group of images; errors of the HDF5 library say what is wrong."""
        h5py = _library(self.path)
        try:
            with h5py.File(self.path, "r", locking=False) as file:
                group: Any = file
                for name in _PLACE:
                    group = _group(group, name, self.path)
                yield group
        except (InputError, MemoryError):
            raise
        except Exception as error:
            raise InputError(
                f"cannot read {self.path} because its HDF5 is damaged or cut short "
                f"({type(error).__name__}); do copy it again"
            ) from error


def holds_images(path: Path) -> bool:
    """Return whether a file is HDF5.

    Args:
        path: the file.
    """
    return is_hdf(first_bytes(path, len(HDF_MAGIC)))


def _library(path: str) -> Any:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ImportError(
            f"cannot read {path} because it is HDF5 and the package h5py isn't "
            'installed; do pip install "vitrax[eman2]"'
        ) from error
    return h5py


def _count(images: "h5py.Group", path: str) -> int:
    """Return how many images there are, all of which must be there."""
    import h5py

    if not h5py.h5a.exists(images.id, b"imageid_max"):
        raise InputError(
            f"cannot read {path} because it doesn't say imageid_max, the number of its "
            "last image; do check that EMAN2 wrote it"
        )
    attribute = h5py.h5a.open(images.id, b"imageid_max")
    value = attribute_value(attribute, f"imageid_max of {path}")
    held = len(images)
    if not isinstance(value, int) or not -1 <= value < held:
        raise InputError(
            f"cannot read {path} because it says that its last image is {value!s:.40} "
            f"and holds {held}; do write it again with e2proc2d.py"
        )
    return value + 1


def _group(parent: "h5py.Group", name: str, path: str) -> "h5py.Group":
    """Return a group that is in the file itself."""
    import h5py

    found = _member(parent, name, path)
    if not isinstance(found, h5py.h5g.GroupID):
        raise InputError(
            f"cannot read {path} because its {name} isn't a group, as EMAN2 has images "
            "in; do check that EMAN2 wrote it"
        )
    return h5py.Group(found)


def _member(parent: "h5py.Group", name: str, path: str) -> Any:
    """Return what a plain link leads to, and no other link."""
    from h5py import h5l, h5o  # pyright: ignore[reportAttributeAccessIssue]

    key = name.encode()
    if key not in parent.id:
        raise InputError(
            f"cannot read {path} because it has no {name} in {parent.name}, where "
            "EMAN2 keeps its images; do check that EMAN2 wrote it"
        )
    if parent.id.links.get_info(key).type != h5l.TYPE_HARD:
        raise InputError(
            f"cannot read {path} because {name} in it is a link to another place or "
            "file, which isn't followed; do copy the data into one file"
        )
    return h5o.open(parent.id, key)


def _checked_dataset(group: "h5py.Group", name: str) -> "h5py.Dataset":
    """Return the pixels of an image, unread, if they can be what they say."""
    import h5py

    found = _member(group, "image", name)
    if not isinstance(found, h5py.h5d.DatasetID):
        raise InputError(f"cannot read {name} because it has no pixels; do remove it")
    dataset = h5py.Dataset(found)
    if dataset.is_virtual or dataset.external:
        raise InputError(
            f"cannot read {name} because its pixels are in another file, which isn't "
            "followed; do copy them into one file"
        )
    shape = dataset.shape or ()
    are_edges = all(0 < edge <= _LONGEST_EDGE for edge in shape)
    if not 1 <= len(shape) <= 3 or not are_edges:
        raise InputError(
            f"cannot read {name} because its shape is {shape}; do give images of 1 to "
            f"{_LONGEST_EDGE} pixels along an edge"
        )
    if number_type(dataset.id.get_type()) is None:
        raise InputError(
            f"cannot read {name} because its pixels aren't integers or floats of 1 to "
            "8 bytes; do check that EMAN2 wrote it"
        )
    return dataset


def _check_storage(dataset: "h5py.Dataset", name: str) -> None:
    """Raise if an image cannot be in as many bytes as the file has for it."""
    plan = dataset.id.get_create_plist()
    filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
    others = [code for code in filters if code not in _FILTERS]
    chunk = 1 if dataset.chunks is None else int(np.prod(dataset.chunks, dtype=float))
    if others or chunk * dataset.dtype.itemsize > _LARGEST_CHUNK:
        raise InputError(
            f"cannot read {name} because it is packed in a way that EMAN2 doesn't use; "
            "do write it again with e2proc2d.py"
        )
    size = dataset.size * dataset.dtype.itemsize
    held = dataset.id.get_storage_size()
    if held * (_MOST_PACKED if filters else 1) < size:
        raise InputError(
            f"cannot read {name} because its {size} bytes cannot be in the {held} that "
            "the file has for it; do copy it again"
        )


def _as_plane(shape: tuple[int, ...], name: str) -> tuple[int, int]:
    """Return the rows and columns of an image."""
    if len(shape) == 3 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) != 2:
        raise InputError(
            f"cannot read {name} because it is of {' × '.join(map(str, shape))} "
            "pixels, not a plane; do give images of single particles"
        )
    return shape[0], shape[1]


def _plane(group: "h5py.Group", name: str) -> Float32[np.ndarray, "y x"]:
    """Return the pixels of an image; integers that stand for reals as these."""
    dataset = _checked_dataset(group, name)
    shape = _as_plane(dataset.shape, name)
    _check_storage(dataset, name)
    plane = np.asarray(dataset[()]).reshape(shape)
    bits = one_attribute(group.id, "stored_renderbits", name)
    if plane.dtype.kind not in "iu" or not bits:
        with np.errstate(over="ignore"):
            return np.array(plane, np.float32)
    low, high = (
        one_attribute(group.id, f"stored_render{end}", name) for end in ("min", "max")
    )
    numbers = (bits, low, high)
    if not all(isinstance(n, int | float) for n in numbers) or not 0 < bits <= 16:  # pyright: ignore[reportOperatorIssue]
        raise InputError(
            f"cannot read {name} because its pixels are whole numbers of {bits!s:.20} "
            f"bits from {low!s:.20} to {high!s:.20}; do write it again with e2proc2d.py"
        )
    step = (float(high) - float(low)) / (2 ** int(bits) - 1)  # pyright: ignore[reportArgumentType]
    with np.errstate(over="ignore", invalid="ignore"):
        return (plane * step + float(low)).astype(np.float32)  # pyright: ignore[reportArgumentType]


def _said_shape(values: dict[str, Value]) -> tuple[int, ...] | None:
    """Return the shape that a header says, None where it doesn't."""
    edges = [values.get(name) for name in ("nz", "ny", "nx")]
    if not all(isinstance(e, int) and 0 < e <= _LONGEST_EDGE for e in edges):
        return None
    nz, ny, nx = edges
    return (ny, nx) if nz == 1 else (nz, ny, nx)  # pyright: ignore[reportReturnType]
