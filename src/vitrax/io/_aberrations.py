"""Higher aberrations of optics groups, as RELION's columns have them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from .._files import InputError
from ..image import OpticsGroup, aberration_arrays
from ._columns import lacks, number, rows_in_words, text_column
from ._labels import BEAM_TILT, MAGNIFICATION, ZERNIKE
from ._star_table import TEXT, StarTable


_IDENTITY = (1.0, 0.0, 0.0, 1.0)


def read_aberrations(optics: StarTable, where: str) -> list[dict[str, Any]]:
    """Return the aberrations of each optics group, as fields of `OpticsGroup`.

    What does nothing (zeros, the identity) is left out.

    Args:
        optics: the table of groups.
        where: it stands, for messages.

    Raises:
        InputError: if a column can't be read, or one of the magnification's is absent.
    """
    tilts = np.stack([number(optics, name, where, 0.0) for name in BEAM_TILT], -1)
    matrices = _magnifications(optics, where)
    terms = {field: _lists(optics, name, where) for field, name in ZERNIKE.items()}
    groups = []
    for row in range(optics.rows):
        found: dict[str, Any] = {"beam_tilt": tuple(tilts[row].tolist())}
        matrix = tuple(matrices[row].tolist())
        found["magnification"] = () if matrix == _IDENTITY else matrix
        found |= {field: lists[row] for field, lists in terms.items()}
        groups.append({k: v for k, v in found.items() if any(v)})
    return groups


def aberration_columns(
    optics: Sequence[OpticsGroup], also: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """Return RELION's columns of the aberrations that some group has.

    Args:
        optics: the groups.
        also: columns to give even if they say that there is nothing.
    """
    arrays, count = aberration_arrays(optics), len(optics)
    columns: dict[str, np.ndarray] = {}
    if "beam_tilt" in arrays or set(BEAM_TILT) & set(also):
        tilts = arrays.get("beam_tilt", np.zeros((count, 2)))
        columns |= dict(zip(BEAM_TILT, tilts.T, strict=True))
    for field, name in ZERNIKE.items():
        if field in arrays or name in also:
            padded = arrays.get(field, np.zeros((count, 6)))
            own = [getattr(group, field) for group in optics]
            rows = [each or none for each, none in zip(own, padded, strict=True)]
            columns[name] = np.array([_in_brackets(row) for row in rows], TEXT)
    if "magnification" in arrays or set(MAGNIFICATION) & set(also):
        matrices = arrays.get(
            "magnification", np.broadcast_to(np.eye(2), (count, 2, 2))
        )
        columns |= dict(zip(MAGNIFICATION, matrices.reshape(-1, 4).T, strict=True))
    return columns


def with_tilt_of_particles(
    particles: StarTable, optics: StarTable, groups: np.ndarray, source: str
) -> tuple[StarTable, StarTable]:
    """Return the tables with the beam tilt in that of optics groups.

    Old files have it per particle.

    Args:
        particles: the table that may have it.
        optics: the table to have it; if it has, nothing is moved.
        groups: row in `optics` of each particle.
        source: the file, for messages.

    Raises:
        InputError: if the particles of a group differ.
    """
    names = [name for name in BEAM_TILT if name in particles]
    if not names or any(name in optics for name in BEAM_TILT):
        return particles, optics
    moved = dict(optics)
    for name in names:
        values = number(particles, name, source)
        of_groups = np.zeros(optics.rows)
        # From the last to the first particle, so that the first of a group stays.
        of_groups[groups[::-1]] = values[::-1]
        differing = np.abs(values - of_groups[groups]) > 1e-6
        if differing.any():
            raise InputError(
                f"cannot read {source} because {name} of {rows_in_words(differing)} "
                f"differs from that of others in the optics group, which has one beam "
                f"tilt; do make an optics group for each"
            )
        moved[name] = of_groups
    kept = {name: column for name, column in particles.items() if name not in names}
    return StarTable(kept), StarTable(moved)


def _magnifications(optics: StarTable, where: str) -> np.ndarray:
    """Return four numbers for each group, those of the identity where there is none."""
    absent = [name for name in MAGNIFICATION if name not in optics]
    if len(absent) == len(MAGNIFICATION):
        return np.tile(_IDENTITY, (optics.rows, 1))
    if absent:
        raise InputError(lacks(optics, absent, where))
    return np.stack([number(optics, name, where) for name in MAGNIFICATION], -1)


def _lists(optics: StarTable, name: str, where: str) -> list[tuple[float, ...]]:
    """Return the numbers of a column of lists, `[1,2,3]`, none where it is absent."""
    if name not in optics:
        return [()] * optics.rows
    lists, wrong = [], np.zeros(optics.rows, bool)
    for row, text in enumerate(text_column(optics, name, where).tolist()):
        words = text.strip().removeprefix("[").removesuffix("]").replace(",", " ")
        try:
            lists.append(tuple(float(word) for word in words.split()))
        except ValueError:
            lists.append(())
            wrong[row] = True
        wrong[row] |= not np.isfinite(lists[-1]).all()
    if wrong.any():
        raise InputError(
            f"cannot use {name} of {where} because it isn't a list of numbers, such as "
            f"[0.1,0.2], in {rows_in_words(wrong)}; do correct it"
        )
    return lists


def _in_brackets(numbers: Iterable[float]) -> str:
    return "[" + ",".join(f"{number:.12g}" for number in numbers) + "]"
