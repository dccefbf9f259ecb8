"""How a program keeps particles: its table, and protein white or dark in its stacks."""

import abc
import contextlib
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Int

from .._files import InputError
from ..image import ParticleStack
from ._contrast import contrast_sign
from ._labels import SIGN
from ._stacks import StackWriter


@dataclasses.dataclass(frozen=True)
class ImagePlaces:
    """Where the images of a table's particles are.

    Attributes:
        stacks: names of the files, as the table is to spell them.
        stack_of: which of them each particle is in.
        index_of: which image of it, from 0.
        signs: of each particle, 1 if protein is dark in the file, -1 if it is white.

    Example:
        >>> import numpy as np
        >>> import vitrax as vx
        >>> zeros = np.zeros(2, int)
        >>> vx.io.ImagePlaces(("a.mrcs",), zeros, np.arange(2), zeros - 1).names()
        ['a.mrcs', 'a.mrcs']
    """

    stacks: tuple[str, ...]
    stack_of: Int[np.ndarray, " particles"]
    index_of: Int[np.ndarray, " particles"]
    signs: Int[np.ndarray, " particles"]

    def said_signs(
        self, contrast: str, columns: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Return CryoSPARC's column of the contrast, where a table needs it.

        That is where protein isn't as the program expects it, or the column was there.

        Args:
            contrast: that the program expects.
            columns: that the particles had.
        """
        expected = (self.signs == contrast_sign(contrast)).all()
        return {} if expected and SIGN not in columns else {SIGN: -self.signs}

    def names(self) -> list[str]:
        """Return the name of each particle's stack."""
        return [self.stacks[stack] for stack in self.stack_of.tolist()]


def joined(parts: Sequence[tuple[np.ndarray, str, int]], count: int) -> ImagePlaces:
    """Return the places of particles that lie in several stacks, in their order.

    Args:
        parts: the particles in a stack, its name, and the sign of its images.
        count: of all particles.
    """
    stack_of, index_of, signs = (np.zeros(count, np.int64) for _ in range(3))
    for number, (rows, _, sign) in enumerate(parts):
        stack_of[rows], index_of[rows] = number, np.arange(len(rows))
        signs[rows] = sign
    return ImagePlaces(tuple(name for _, name, _ in parts), stack_of, index_of, signs)


def refuse_none(particles: ParticleStack, path: pathlib.Path, program: str) -> None:
    """Raise if there are no particles, and a program's file holds at least one.

    Args:
        particles: to be written.
        path: of the file.
        program: its name.

    Raises:
        InputError: if there are none.
    """
    if not len(particles):
        raise InputError(
            f"cannot write {path} for {program} because there are no particles, and "
            "its files hold at least one; do check what was read, or selected"
        )


class ImageSink(Protocol):
    """What images are given to, one batch after another."""

    def append(self, images: np.ndarray, /) -> None:
        """Write the next images.

        Args:
            images: `[images, y, x]`.
        """


class AbstractLayout(abc.ABC):
    """A program's way to keep particles, for `write_particles`."""

    @property
    @abc.abstractmethod
    def contrast(self) -> str:
        """Of protein in the stacks that the program expects: "white" or "dark"."""

    @property
    @abc.abstractmethod
    def holds_contrast(self) -> bool:
        """Whether the table says of each image whether protein is white or dark."""

    @property
    def names_stacks(self) -> bool:
        """Whether the table names stacks of images; else it names micrographs."""
        return True

    @property
    def holds_tables(self) -> bool:
        """Whether the file has room for tables beside that of the particles."""
        return False

    @property
    def reads_hdf(self) -> bool:
        """Whether the program reads stacks in HDF5; all read MRC."""
        return False

    @property
    def stack_suffix(self) -> str:
        """Of the names of stacks that are written for the program."""
        return ".mrcs"

    def stack_writer(
        self, path: pathlib.Path, particles: ParticleStack, edge: int
    ) -> contextlib.AbstractContextManager[ImageSink]:
        """Return what writes the images of some particles, an MRC file by default.

        Args:
            path: of the stack.
            particles: whose images will be given, in their order.
            edge: pixels along an edge of them.
        """
        shape = (len(particles), edge, edge)
        return StackWriter(path, shape, float(particles.pixel_sizes[0]))

    @abc.abstractmethod
    def checked_box(self, box: int | None, path: pathlib.Path) -> int:
        """Return a box that the program can use.

        Args:
            box: pixels along an edge, None where it isn't known.
            path: of the table, for messages.

        Raises:
            InputError: if it can't.
        """

    @abc.abstractmethod
    def write_table(
        self,
        file: pathlib.Path,
        particles: ParticleStack,
        images: ImagePlaces,
        path: pathlib.Path,
    ) -> None:
        """Write the table.

        Args:
            file: a new one, which gets its name when everything is whole.
            particles: any stack.
            images: where theirs are.
            path: the name that it gets, for messages.

        Raises:
            InputError: if the program's format can't hold what there is.
        """
