"""A file of particles, with what the caller says about it."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from .._files import InputError
from ._columns import number, rows_in_words
from ._contrast import contrast_sign
from ._labels import SIGN
from ._microscope_numbers import check_stated
from ._stack_search import StackSearch
from ._star_table import StarTable


# How to give what a file lacks, in Python and on the command line.
HOW_TO_GIVE = {
    "rlnImagePixelSize": "pixel_size= (--angpix)",
    "rlnVoltage": "voltage= (--kv)",
    "rlnSphericalAberration": "spherical_aberration= (--cs)",
    "rlnAmplitudeContrast": "amplitude_contrast= (--q0)",
}


# The same by the names of the arguments.
_ARGUMENTS = {
    "pixel_size": "rlnImagePixelSize",
    "voltage": "rlnVoltage",
    "spherical_aberration": "rlnSphericalAberration",
    "amplitude_contrast": "rlnAmplitudeContrast",
}
# Numbers that differ by less, of 1, are the same one, written with other digits.
_SAME = 1e-4


@dataclasses.dataclass(frozen=True)
class ParticleSource:
    """What a reader of one format is given.

    Raises:
        ValueError: if `contrast` is neither white nor dark, or the box isn't positive.

    Attributes:
        path: the file.
        search: where its stacks are looked for.
        contrast: of protein in the stacks, None where the format or the file says it.
        stated: values for what the file lacks, by RELION's names, None where unknown;
            the file mustn't have others.
        defaults: likewise; the file may have others.
        passthrough: further files about the same particles.
        stack: the images, for files that don't name them.
        box: pixels along an edge of images that are cut out of micrographs.
        max_unpacked: bytes that the content of a packed table may have, None for what
            its reader takes by default.
    """

    path: pathlib.Path
    search: StackSearch
    contrast: str | None = None
    stated: Mapping[str, float | None] = dataclasses.field(default_factory=dict)
    defaults: Mapping[str, float | None] = dataclasses.field(default_factory=dict)
    passthrough: tuple[pathlib.Path, ...] = ()
    stack: pathlib.Path | None = None
    box: int | None = None
    max_unpacked: int | None = None

    def __post_init__(self):
        if self.contrast is not None:
            contrast_sign(self.contrast)
        if self.box is not None and not 0 < self.box < 2**16:
            raise ValueError(
                f"cannot use box={self.box!r} because images have 1 to 65535 pixels "
                "along an edge; do give the number of pixels"
            )

    @property
    def given(self) -> dict[str, float | None]:
        """Values for what the file lacks, by RELION's names."""
        return {
            name: self.defaults.get(name) if value is None else value
            for name, value in self.stated.items()
        }

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return os.fspath(self.path)

    def check_stated(
        self, name: str, values: Float[np.ndarray, " rows"], column: str
    ) -> None:
        """Raise if the file has another value than the caller states.

        Args:
            name: RELION's, of a column of optics.
            values: that the file has.
            column: of the file that holds them, for the message.

        Raises:
            InputError: if some differ.
        """
        stated = self.stated.get(name)
        if stated is None:
            return
        other = ~np.isclose(values, stated, rtol=_SAME, atol=1e-9)
        if other.any():
            where = "" if other.all() else f" in {rows_in_words(other)}"
            raise InputError(
                f"cannot use {HOW_TO_GIVE[name]} {stated:g} for {self.name} because "
                f"its {column} is {values[other][0]:g}{where}; do leave it out, or "
                "correct the file"
            )

    def sign(self, contrast: str) -> int:
        """Return the sign that turns the file's images into physical ones.

        Args:
            contrast: that the format has, where the caller doesn't say.
        """
        return contrast_sign(self.contrast or contrast)

    def signs(self, table: StarTable, contrast: str) -> Int[np.ndarray, " rows"]:
        """Return the sign of each image, which CryoSPARC's column may say.

        Args:
            table: of the particles.
            contrast: that the format has, where neither caller nor table says.

        Raises:
            InputError: if the column says neither.
        """
        if self.contrast is None and SIGN in table:
            return self.signs_said(number(table, SIGN, self.name))
        return np.full(table.rows, self.sign(contrast))

    def signs_said(
        self, values: Float[np.ndarray, " rows"]
    ) -> Int[np.ndarray, " rows"]:
        """Return the sign of each image, of the values of blob/sign.

        Args:
            values: -1 where protein is dark, 1 where it is white.

        Raises:
            InputError: if they are neither.
        """
        wrong = np.abs(values) != 1
        if wrong.any():
            raise InputError(
                f"cannot use {SIGN} of {self.name} because it is neither -1 (protein "
                f"dark) nor 1 (white) in {rows_in_words(wrong)}; do pass contrast= "
                "(--contrast)"
            )
        return -values.astype(np.int64)


def under_labels(
    values: Mapping[str, float | None], argument: str = "{}"
) -> dict[str, float | None]:
    """Return values for what a file lacks under RELION's names.

    Args:
        values: by the names of the arguments of `read_particles`.
        argument: how messages call an argument, with its name for {}.

    Raises:
        ValueError: if one is of something else, or can't be that of a microscope.
    """
    unknown = set(values) - set(_ARGUMENTS)
    if unknown:
        raise ValueError(
            f"cannot use {argument.format(', '.join(sorted(unknown)))} because there "
            f"are those of {', '.join(_ARGUMENTS)} only; do leave out the others"
        )
    for name, value in values.items():
        check_stated(value, _ARGUMENTS[name], argument.format(name))
    return {_ARGUMENTS[name]: value for name, value in values.items()}
