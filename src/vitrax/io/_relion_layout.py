"""Particles as RELION keeps them."""

import dataclasses
import pathlib

import numpy as np

from ..image import ParticleStack
from ._particle_layout import AbstractLayout, ImagePlaces
from ._particle_tables import check_box, image_names, particle_tables
from ._star_table import TEXT
from ._star_text import write_tables


# What RELION writes above each table, by its version.
_VERSIONS = {"3.1": "30001", "5.0": "50001"}


@dataclasses.dataclass(frozen=True)
class Relion(AbstractLayout):
    """RELION's STAR files, with a table of optics groups and one of particles.

    Args:
        version: "3.1" (as 4 writes too) or "5.0".

    Raises:
        ValueError: for another version.

    Example:
        >>> import vitrax as vx
        >>> vx.io.Relion("5.0").contrast
        'white'
    """

    version: str = "3.1"

    def __post_init__(self) -> None:
        if self.version not in _VERSIONS:
            raise ValueError(
                f"cannot write for RELION {self.version} because its layout isn't "
                f"known; do choose one of {', '.join(_VERSIONS)}"
            )

    @property
    def contrast(self) -> str:
        """White, as relion_preprocess makes stacks."""
        return "white"

    @property
    def holds_contrast(self) -> bool:
        """No: RELION has no column for it, though `read_particles` has."""
        return False

    @property
    def holds_tables(self) -> bool:
        """Yes: a STAR file has any number of them."""
        return True

    def checked_box(self, box: int | None, path: pathlib.Path) -> int:
        """Return an even box; of odd ones RELION has another centre."""
        return check_box(box, path)

    def write_table(
        self,
        file: pathlib.Path,
        particles: ParticleStack,
        images: ImagePlaces,
        path: pathlib.Path,
    ) -> None:
        """Write the STAR file."""
        del path
        names = np.empty(len(particles), TEXT)
        for number, stack in enumerate(images.stacks):
            rows = images.stack_of == number
            names[rows] = image_names(images.index_of[rows], stack)
        columns: dict[str, np.ndarray] = {"rlnImageName": names}
        columns |= images.said_signs(self.contrast, particles.columns)
        tables = particle_tables(particles, columns)
        write_tables(file, tables, version=_VERSIONS[self.version])
