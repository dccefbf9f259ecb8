"""Images of particles, cut out of their micrographs when they are asked for."""

import dataclasses
import os

import numpy as np
from jaxtyping import Float32, Int

from .._files import InputError
from ._image_reading import ImageReading
from ._stack_search import StackSearch


@dataclasses.dataclass(frozen=True)
class MicrographImages:
    """Cuts particle images out of micrographs.

    A particle is at pixel box // 2 of its image. Where an image goes beyond the edge of
    the micrograph, it is filled with the micrograph's mean.

    Attributes:
        search: where the micrographs are looked for.
        micrographs: their names, as the table spells them.
        micrograph_of: which of them each row is in.
        centres: (x, y) of each row's particle, pixels of its micrograph from 0.
        sign: 1 if protein is dark in the files, -1 if it is white.
        box: pixels along an edge of the images, None where nobody said.
        reading: how the micrographs are read.
    """

    search: StackSearch
    micrographs: tuple[str, ...]
    micrograph_of: Int[np.ndarray, " rows"]
    centres: Int[np.ndarray, "rows 2"]
    sign: int
    box: int | None
    reading: ImageReading = dataclasses.field(default_factory=ImageReading)

    def __call__(
        self, rows: Int[np.ndarray, " chosen"]
    ) -> Float32[np.ndarray, "chosen y x"]:
        """Return the images of some rows, physical: protein dark.

        Args:
            rows: of the table.

        Raises:
            InputError: if the box isn't known, a micrograph isn't found, or a particle
                lies outside of it.
        """
        if self.box is None:
            raise InputError(
                f"cannot cut images of {self.search.source} out of their micrographs "
                "because the box isn't known; do give it as box= (--box), pixels, or "
                "read the YAML file that says extracted_box_size"
            )
        images = np.empty((len(rows), self.box, self.box), np.float32)
        for number in np.unique(self.micrograph_of[rows]):
            places = np.flatnonzero(self.micrograph_of[rows] == number)
            micrograph = self._read(int(number))
            mean = micrograph.mean(dtype=np.float64)
            for place in places:
                self._check_inside(int(rows[place]), micrograph.shape)
                x, y = self.centres[rows[place]] - self.box // 2
                images[place] = _window(micrograph, int(y), int(x), self.box, mean)
        return images * np.float32(self.sign)

    def is_there(self, row: int) -> bool:
        """Return whether the micrograph of a row is found.

        Args:
            row: of the table.
        """
        return self.search.is_there(self.micrographs[int(self.micrograph_of[row])])

    def _read(self, number: int) -> np.ndarray:
        name = self.micrographs[number]
        images = self.reading.mrc(self.search.find(name))
        if len(images) != 1:
            raise InputError(
                f"cannot cut images of {self.search.source} out of {name} because it "
                f"has {len(images)} sections; do name the sum of its frames"
            )
        return images[0]

    def _check_inside(self, row: int, shape: tuple[int, ...]) -> None:
        x, y = self.centres[row].tolist()
        if not (0 <= x < shape[1] and 0 <= y < shape[0]):
            raise InputError(
                f"cannot cut row {row + 1} of {os.fspath(self.search.source)} out of "
                f"its micrograph because it is at ({x}, {y}) and that has {shape[1]} × "
                f"{shape[0]} pixels; do check that the micrograph is the right one"
            )


def _window(image: np.ndarray, y: int, x: int, box: int, fill: float) -> np.ndarray:
    """Return a square of an image that begins at a pixel, filled outside of it."""
    window = np.full((box, box), fill, np.float32)
    top, left = max(0, -y), max(0, -x)
    part = image[max(0, y) : max(0, y + box), max(0, x) : max(0, x + box)]
    window[top : top + part.shape[0], left : left + part.shape[1]] = part
    return window
