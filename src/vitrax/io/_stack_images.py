"""The images that a particle table names, found and read on demand."""

import dataclasses
import os

import numpy as np
from jaxtyping import Float32, Int

from .._files import InputError
from ._columns import rows_in_words
from ._contents import Path
from ._eman_hdf import holds_images
from ._image_reading import ImageReading
from ._mrc import MrcHeader
from ._stack_search import StackSearch


@dataclasses.dataclass(frozen=True)
class StackImages:
    """Reads particle images from the stacks that hold them.

    Attributes:
        search: where the stacks are looked for.
        stacks: their names, as the table spells them.
        stack_of: which stack each row is in.
        index_of: which image of it, from 0.
        signs: of each row, 1 if protein is dark in the file, -1 if it is white.
        boxes: pixels along an edge of each row's image, 0 where the table doesn't say.
        reading: how they are read.

    Example:
        >>> import jax, numpy as np, tempfile
        >>> import vitrax as vx
        >>> poses = vx.Pose.uniform(jax.random.key(0), 3)
        >>> lenses = jax.vmap(vx.Lens)(np.full(3, 1.2e4))
        >>> optics = vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)
        >>> images = np.ones((3, 8, 8))
        >>> stack = vx.ParticleStack.from_arrays(images, poses, lenses, optics)
        >>> path = tempfile.mkdtemp() + "/particles.star"
        >>> vx.io.write_particles(path, stack)
        >>> vx.io.read_particles(path).reader.stacks
        ('particles.mrcs',)
    """

    search: StackSearch
    stacks: tuple[str, ...]
    stack_of: Int[np.ndarray, " rows"]
    index_of: Int[np.ndarray, " rows"]
    signs: Int[np.ndarray, " rows"]
    boxes: Int[np.ndarray, " rows"]
    reading: ImageReading = dataclasses.field(default_factory=ImageReading)

    def __call__(
        self, rows: Int[np.ndarray, " chosen"]
    ) -> Float32[np.ndarray, "chosen y x"]:
        """Return the images of some rows, physical: protein dark.

        Stacks are gone through one after another, the images of each in the order in
        which they lie in it. A stack is opened and its header checked once.

        Args:
            rows: of the table.

        Raises:
            InputError: if a stack isn't found, hasn't the image, or another box.
        """
        images: np.ndarray | None = None
        stacks = self.stack_of[rows]
        order = np.argsort(stacks, kind="stable")
        for places in np.split(order, np.flatnonzero(np.diff(stacks[order])) + 1):
            if not len(places):
                break
            found = self._read(int(stacks[places[0]]), rows[places])
            if images is None:
                images = np.empty((len(rows), *found.shape[1:]), np.float32)
            if found.shape[1:] != images.shape[1:]:
                raise InputError(
                    f"cannot read images of {self.search.source} together because "
                    f"their boxes differ ({found.shape[1:]} and {images.shape[1:]}); "
                    "do go through stack.buckets()"
                )
            images[places] = found
        return np.empty((0, 0, 0), np.float32) if images is None else images

    def header(self, row: int) -> MrcHeader:
        """Return the header of the stack that holds a row.

        Args:
            row: of the table.

        Raises:
            InputError: if the stack isn't found.
        """
        return self.reading.header(self.search.find(self._name(row)))

    def is_there(self, row: int) -> bool:
        """Return whether the stack that holds a row is found.

        Args:
            row: of the table.
        """
        return self.search.is_there(self._name(row))

    def is_hdf(self, name: str) -> bool:
        """Return whether a stack is HDF5; by its name if it isn't found.

        Args:
            name: of the stack, as the table spells it.
        """
        if not self.search.is_there(name):
            return name.lower().endswith((".hdf", ".h5", ".hdf5"))
        return holds_images(self.search.find(name))

    def _name(self, row: int) -> str:
        return self.stacks[int(self.stack_of[row])]

    def _read(self, stack: int, rows: Int[np.ndarray, " chosen"]) -> np.ndarray:
        """Return the images of rows that are all in one stack."""
        name = self.stacks[stack]
        images = self.reading.stack(self.search.find(name))
        indices, boxes = self.index_of[rows], self.boxes[rows]
        beyond = indices >= len(images)
        if beyond.any():
            row = int(rows[beyond][0])
            raise InputError(
                f"cannot read row {row + 1} of {self.search.source} because it asks "
                f"for image {int(indices[beyond][0]) + 1} of {name}, which holds "
                f"{len(images)}; do check that the stack is the right one"
            )
        _, y, x = images.shape
        if y != x or ((boxes != 0) & (boxes != x)).any():
            raise InputError(
                f"cannot read images of {self.search.source} because {name} has images "
                f"of {x} × {y} where the table says {int(boxes.max())} pixels; do "
                "check that the stack is the right one"
            )
        found = images[indices]
        found *= self.signs[rows, None, None].astype(np.float32)
        return found


def split_image_names(
    names: np.ndarray, source: Path
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return the stacks; and of each name, which one it is in and where in it.

    Args:
        names: such as `000001@stack.mrcs`, counted from 1; a name without @ is an image
            of its own.
        source: the file, for messages.

    Raises:
        InputError: with the rows, if a number isn't a positive integer.
    """
    stacks, stack_of, index_of = parsed_image_names(names)
    if (index_of < 0).any():
        rows = rows_in_words(index_of < 0)
        raise InputError(
            f"cannot use rlnImageName of {os.fspath(source)} because the number before "
            f"@ isn't 1 or more in {rows}; do write names such as 000001@stack.mrcs"
        )
    return stacks, stack_of, index_of


def parsed_image_names(
    names: np.ndarray,
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return what `split_image_names` does; -1 where the number isn't one.

    Args:
        names: such as `000001@stack.mrcs`.
    """
    parts = [name.partition("@") for name in names.tolist()]
    files = [stack if mark else number for number, mark, stack in parts]
    numbers = [(number or mark) if stack else mark for number, mark, stack in parts]
    stacks = {name: place for place, name in enumerate(dict.fromkeys(files))}
    # The same numbers come again with every stack.
    values = {number: _image_number(number) for number in set(numbers)}
    stack_of = np.fromiter(map(stacks.__getitem__, files), np.int64, len(files))
    index_of = np.fromiter(map(values.__getitem__, numbers), np.int64, len(numbers)) - 1
    return tuple(stacks), stack_of, index_of


def _image_number(text: str) -> int:
    """Return the number before @, 1 where there is no @, 0 where it isn't a number."""
    if not text:
        return 1
    is_number = text.isascii() and text.isdigit() and len(text) < 12
    return int(text) if is_number else 0
