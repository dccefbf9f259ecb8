"""What `EMAN2` lists hold beside EMAN2's own attributes, taken back."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..image import OpticsGroup
from ._aberrations import read_aberrations
from ._columns import number
from ._eman_columns import PREFIX
from ._eman_rows import FOREIGN
from ._foreign_columns import unpacked
from ._labels import ABERRATIONS, IMAGE_SIZE, PREMULTIPLIED, SHIFTS
from ._optics_of_particles import grouped_optics, named_groups
from ._star_table import StarTable


_MARK = PREFIX + FOREIGN
# What stands in the stack rather than in its columns.
_TAKEN = (
    *ABERRATIONS,
    *SHIFTS,
    IMAGE_SIZE,
    PREMULTIPLIED,
    "rlnAmplitudeContrast",
    "rlnVoltage",
    "rlnSphericalAberration",
)


@dataclasses.dataclass(frozen=True)
class Foreign:
    """Columns of a list under names that begin with "vitrax.".

    Attributes:
        table: of those with one value per particle, under their own names.
        columns: of particles, those that the stack doesn't say otherwise.
        of_groups: of optics groups, per particle.
        count: of particles.
        source: the file, for messages.
    """

    table: StarTable
    columns: dict[str, np.ndarray]
    of_groups: dict[str, np.ndarray]
    count: int
    source: str

    def number(self, name: str, default: float) -> np.ndarray:
        """Return a column as numbers, a default where there is none.

        Args:
            name: RELION's.
            default: for all particles.

        Raises:
            InputError: if it isn't finite numbers.
        """
        if name not in self.table:
            return np.full(self.count, default)
        return number(self.table, name, self.source, default)

    def contrasts_and_phases(
        self, contrasts: np.ndarray, phases: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return amplitude contrasts and phase shifts as they were before EMAN2's sum.

        Args:
            contrasts: that EMAN2's number means.
            phases: likewise, degrees.
        """
        if not {"rlnPhaseShift", "rlnAmplitudeContrast"} <= set(self.table):
            return contrasts, phases
        both = (
            np.clip(self.number("rlnAmplitudeContrast", 0.0), -1.0, 1.0),
            self.number("rlnPhaseShift", 0.0),
        )
        now, before = (
            np.degrees(np.arcsin(contrast)) + phase
            for contrast, phase in ((contrasts, phases), both)
        )
        is_same = np.abs((now - before + 180.0) % 360.0 - 180.0) < 1e-3
        return (
            np.where(is_same, both[0], contrasts),
            np.where(is_same, both[1], phases),
        )

    def optics(
        self, values: Mapping[str, np.ndarray]
    ) -> tuple[tuple[OpticsGroup, ...], np.ndarray, dict[str, np.ndarray]]:
        """Return optics groups, which each particle is in, and their columns.

        Args:
            values: fields of `OpticsGroup` of each particle.

        Raises:
            InputError: if they can't be those of a microscope.
        """
        fields = {**values, **self._aberrations()}
        if PREMULTIPLIED in self.table:
            fields["premultiplied"] = self.number(PREMULTIPLIED, 0.0) != 0
        numbers = None
        if "rlnOpticsGroup" in self.table:
            numbers = self.number("rlnOpticsGroup", 1.0)
        optics, groups = grouped_optics(fields, self.source, numbers)
        firsts = np.unique(groups, return_index=True)[1]
        columns = {name: column[firsts] for name, column in self.of_groups.items()}
        return named_groups(optics, columns), groups, columns

    def _aberrations(self) -> dict[str, np.ndarray]:
        """Return the aberrations of each particle, those that some has."""
        present = {n: self.table[n] for n in ABERRATIONS if n in self.table}
        if not present:
            return {}
        rows = read_aberrations(StarTable(present), self.source)
        names = dict.fromkeys(name for row in rows for name in row)
        return {n: _padded(n, [row.get(n, ()) for row in rows]) for n in names}


def foreign_of(
    columns: Mapping[str, np.ndarray], count: int, source: str
) -> tuple[Foreign, dict[str, np.ndarray]]:
    """Return what is not EMAN2's, and the other columns.

    Args:
        columns: of the file.
        count: of particles.
        source: the file, for messages.

    Raises:
        InputError: if a column is there twice.
    """
    marked = {
        name.removeprefix(_MARK): column
        for name, column in columns.items()
        if name.startswith(_MARK)
    }
    plain = {name: c for name, c in marked.items() if c.ndim == 1}
    of_particles, of_groups = unpacked(plain, source)
    table = StarTable({n: c for n, c in of_particles.items() if c.ndim == 1})
    kept = {name: c for name, c in of_particles.items() if name not in _TAKEN}
    own = {name: c for name, c in columns.items() if not name.startswith(_MARK)}
    return Foreign(table, kept, of_groups, count, source), own


def _padded(name: str, rows: list[Any]) -> np.ndarray:
    """Return lists of numbers as a table, nothing as what does nothing."""
    longest = max(map(len, rows))
    nothing = (1.0, 0.0, 0.0, 1.0) if name == "magnification" else ()
    filled = np.zeros((len(rows), longest))
    for place, row in enumerate(rows):
        numbers = row or nothing
        filled[place, : len(numbers)] = numbers
    return filled
