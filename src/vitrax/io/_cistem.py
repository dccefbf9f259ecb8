"""Particles as cisTEM's parameter files describe them."""

import dataclasses
import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._files import InputError, InputWarning
from ..image import OpticsGroup, ParticleStack
from ._aberrations import read_aberrations
from ._cistem_labels import (
    AMPLITUDE_CONTRAST,
    ANGLES,
    BEAM_TILT,
    COLUMNS,
    DEFAULTS,
    DEFOCUS,
    IMAGE_SHIFT,
    OTHER_LABELS,
    PHASE_SHIFT,
    PIXEL_SIZE,
    POSITION,
    SHIFTS,
    SPHERICAL_ABERRATION,
    STACK,
    TEXT as TEXT_KIND,
    VOLTAGE,
)
from ._columns import lacks, number, rows_in_words, text_column, together
from ._foreign_columns import unpacked
from ._further_tables import tables_in_order
from ._labels import ABERRATIONS, PREMULTIPLIED
from ._microscope_numbers import check_microscope
from ._optics_of_particles import grouped_optics, named_groups, warn_of_premultiplied
from ._particle_source import HOW_TO_GIVE, ParticleSource
from ._stack_images import StackImages
from ._star_table import StarTable


# Of RELION's columns of optics groups, what cisTEM has no column for.
RESIDUAL = tuple(name for name in ABERRATIONS if not name.startswith("rlnBeamTilt"))
# The fields of an optics group, their columns here, and RELION's names of them.
_OF_GROUPS = {
    "pixel_size": (PIXEL_SIZE, "rlnImagePixelSize"),
    "voltage": (VOLTAGE, "rlnVoltage"),
    "spherical_aberration": (SPHERICAL_ABERRATION, "rlnSphericalAberration"),
    "amplitude_contrast": (AMPLITUDE_CONTRAST, "rlnAmplitudeContrast"),
}


def is_cistem(tables: Mapping[str, StarTable]) -> bool:
    """Return whether the tables of a STAR file are cisTEM's, told by its columns.

    Args:
        tables: of the file.
    """
    names = [name for table in tables.values() for name in table]
    own = any(name in COLUMNS or name in OTHER_LABELS for name in names)
    return own and "rlnImageName" not in names


def read_cistem(
    source: ParticleSource, tables: Mapping[str, StarTable]
) -> ParticleStack:
    r"""Return the particles of a parameter file of cisTEM.

    phi, theta and psi are RELION's rot, tilt and psi; a shift is where the particle is,
    less the image shift where there is beam tilt, as project3d applies both; defocus,
    phase shift (degrees) and beam tilt (mrad) are RELION's. Protein is dark: cisTEM's
    CTF is $-\sin\gamma$ and it turns images only where it is told that protein is
    white. Its wavelength is 3e-5 shorter; this library's own is used. All particles
    are kept, also those that cisTEMImageActivity says to leave out (negative).

    Args:
        source: the file, and what the caller says about it.
        tables: that it holds.

    Raises:
        InputError: naming column, rows and file, for what is missing or cannot be.
    """
    name = source.name
    held = _table_of(tables, name)
    table = _relabelled(held, name)
    if not table.rows:
        raise InputError(
            f"cannot read particles of {name} because its table has no rows; do check "
            "that it is whole"
        )
    columns, of_groups = unpacked(table, name)
    reader = _reader(table, source)
    optics, groups = _optics(table, of_groups, reader, source)
    firsts = np.unique(groups, return_index=True)[1]
    optics_columns = {each: values[firsts] for each, values in of_groups.items()}
    columns = {each: v for each, v in columns.items() if each not in RESIDUAL}
    warn_of_premultiplied(optics, name)
    sizes = np.array([group.pixel_size for group in optics])[groups]
    missing: dict[str, str] = {}
    return ParticleStack(
        reader=reader if reader is not None else _NoImages(name),
        rows=np.arange(table.rows),
        optics=named_groups(optics, optics_columns),
        groups=groups,
        angles=together(table, ANGLES, "angles", name, missing),
        shifts=_shifts(table, name),
        defocus=_defocus(table, name, missing),
        phase_shifts=_phase_shifts(table, name),
        b_factors=number(table, "rlnCtfBfactor", name, 0.0),
        scales=number(table, "rlnCtfScalefactor", name, 1.0),
        columns={**relion_columns(table, sizes), **columns},
        optics_columns=optics_columns,
        tables=tables_in_order(tables, held, name),
        missing=missing
        | {
            "box": f"cannot know the box because {name} doesn't say it and its stack "
            "isn't found; do give the stack as stack= (--stack)"
        },
    )


def relion_columns(
    table: Mapping[str, np.ndarray], pixel_sizes: np.ndarray
) -> dict[str, np.ndarray]:
    """Return RELION's columns that mean what some of cisTEM's do.

    Args:
        table: with cisTEM's columns.
        pixel_sizes: Å, of each particle.
    """
    found = {}
    pairs = {
        "rlnMicrographName": "cisTEMOriginalImageFilename",
        "rlnClassNumber": "cisTEMBest2DClass",
        "rlnRandomSubset": "cisTEMAssignedSubset",
    }
    for relion, own in pairs.items():
        is_text = COLUMNS[own][0] == TEXT_KIND
        if own in table and (table[own].dtype.kind == "T") == is_text:
            values = table[own]
            # Nought, or no name, stands for what isn't known.
            if all(values.tolist()):
                found[relion] = values
    positions = [table.get(f"cisTEMOriginal{axis}Position") for axis in "XY"]
    if all(p is not None and p.dtype.kind in "if" for p in positions):
        x, y = (np.asarray(p, np.float64) for p in positions)
        if x.any() or y.any():
            found["rlnCoordinateX"] = x / pixel_sizes
            found["rlnCoordinateY"] = y / pixel_sizes
    return found


@dataclasses.dataclass(frozen=True)
class _NoImages:
    """Stands for the images of a file that doesn't say where they are."""

    source: str

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Raise, saying how to give them."""
        del rows
        raise InputError(
            f"cannot read images of {self.source} because it doesn't name their stack, "
            "as cisTEM's files seldom do; do give it as stack= (--stack)"
        )


def _table_of(tables: Mapping[str, StarTable], source: str) -> StarTable:
    """Return the table with cisTEM's columns."""
    held = [t for t in tables.values() if any(n in COLUMNS for n in t)]
    if len(held) != 1:
        raise InputError(
            f"cannot read particles of {source} because it has {len(held)} tables with "
            "columns of cisTEM; do leave one"
        )
    return held[0]


def _relabelled(table: StarTable, source: str) -> StarTable:
    """Return the table with its columns under their present labels."""
    both = [old for old, new in OTHER_LABELS.items() if old in table and new in table]
    if both:
        raise InputError(
            f"cannot read {source} because it has both {both[0]} and "
            f"{OTHER_LABELS[both[0]]}; do remove one"
        )
    return StarTable({OTHER_LABELS.get(n, n): column for n, column in table.items()})


def _reader(table: StarTable, source: ParticleSource) -> StackImages | None:
    """Return what reads the images, None where nothing says in which stack they are."""
    names = text_column(table, STACK, source.name) if STACK in table else None
    if source.stack is not None and (names is None or len(set(names.tolist())) == 1):
        names = np.full(table.rows, os.fspath(source.stack))
    if names is None:
        return None
    names = np.asarray(names.tolist(), object)
    if not all(names):
        return None
    positions = number(table, POSITION, source.name)
    wrong = (positions < 1) | (positions != np.floor(positions)) | (positions > 2**31)
    if wrong.any():
        raise InputError(
            f"cannot use {POSITION} of {source.name} because it isn't 1 or more in "
            f"{rows_in_words(wrong)}; do correct it: images are counted from 1"
        )
    stacks = {stack: place for place, stack in enumerate(dict.fromkeys(names))}
    return StackImages(
        search=source.search,
        stacks=tuple(stacks),
        stack_of=np.fromiter((stacks[n] for n in names), np.int64, len(names)),
        index_of=positions.astype(np.int64) - 1,
        signs=source.signs(table, "dark"),
        boxes=np.zeros(table.rows, np.int64),
    )


def _optics(
    table: StarTable,
    of_groups: Mapping[str, np.ndarray],
    reader: StackImages | None,
    source: ParticleSource,
) -> tuple[tuple[OpticsGroup, ...], np.ndarray]:
    """Return the optics groups, and which each particle is in."""
    values: dict[str, np.ndarray] = {
        field: _of_microscope(table, *labels, source)
        for field, labels in _OF_GROUPS.items()
    }
    values["beam_tilt"] = np.stack(
        [number(table, name, source.name, 0.0) for name in BEAM_TILT], -1
    )
    values |= _residual(table, source.name)
    values["box"] = _boxes(values["pixel_size"], of_groups, reader, source.name)
    values["premultiplied"] = np.zeros(table.rows)
    if PREMULTIPLIED in of_groups:
        values["premultiplied"] = _of_group(of_groups, PREMULTIPLIED, source.name) != 0
    numbers = None
    if "rlnOpticsGroup" in table:
        numbers = number(table, "rlnOpticsGroup", source.name)
    return grouped_optics(values, source.name, numbers)


def _of_microscope(
    table: StarTable, label: str, relion: str, source: ParticleSource
) -> np.ndarray:
    """Return a column; where it is absent or nought, what the caller gives instead."""
    given, default = source.given.get(relion), DEFAULTS.get(label)
    if label in table:
        values = number(table, label, source.name)
        unknown = (values == 0) & (default is None)
    else:
        values, unknown = np.zeros(table.rows), np.ones(table.rows, bool)
    known = np.where(unknown, np.float64(given or 0.0), values)
    check_microscope(np.where(unknown, 1.0, values), relion, label, source.name)
    source.check_stated(relion, known, label)
    if not unknown.any():
        return values
    if given is None and default is None:
        why = (
            f"cannot use {label} of {source.name} because it is 0 in "
            f"{rows_in_words(unknown)}; do correct it"
            if label in table
            else lacks(table, [label], source.name)
        )
        raise InputError(f"{why}, or give {HOW_TO_GIVE[relion]}")
    if given is None:
        given = default
        warnings.warn(
            f"{source.name}: it has no {label}, taken as {default} as cisTEM does",
            InputWarning,
            stacklevel=2,
        )
    return np.where(unknown, np.float64(given or 0.0), values)


def _residual(table: StarTable, source: str) -> dict[str, np.ndarray]:
    """Return the aberrations that stand under RELION's names, per particle."""
    present = [name for name in RESIDUAL if name in table]
    if not present:
        return {}
    columns = [table[name] for name in present]
    keys = np.array(["\t".join(map(str, row)) for row in zip(*columns, strict=True)])
    _, firsts, kinds = np.unique(keys, return_index=True, return_inverse=True)
    some = StarTable({name: table[name][firsts] for name in present})
    found = read_aberrations(some, source)
    values: dict[str, np.ndarray] = {}
    nothing: dict[str, Any] = {"magnification": (1.0, 0.0, 0.0, 1.0)}
    for field in ("odd_zernike", "even_zernike", "magnification"):
        lists = [each.get(field, nothing.get(field, ())) for each in found]
        longest = max(map(len, lists), default=0)
        if longest:
            padded = [tuple(each) + (0.0,) * (longest - len(each)) for each in lists]
            values[field] = np.array(padded)[kinds.reshape(-1)]
    return values


def _of_group(
    of_groups: Mapping[str, np.ndarray], name: str, source: str
) -> np.ndarray:
    """Return a number of each particle's optics group, of a column that is there."""
    return number(StarTable({name: of_groups[name]}), name, source)


def _boxes(
    pixel_sizes: np.ndarray,
    of_groups: Mapping[str, np.ndarray],
    reader: StackImages | None,
    source: str,
) -> np.ndarray:
    """Return the box of each particle; 0 where neither file nor stack says it."""
    boxes = np.zeros(len(pixel_sizes))
    if "rlnImageSize" in of_groups:
        return _of_group(of_groups, "rlnImageSize", source)
    if reader is None:
        return boxes
    # Images of one pixel size are of one stack, as far as cisTEM's programs go.
    for size in np.unique(pixel_sizes):
        rows = np.flatnonzero(pixel_sizes == size)
        if reader.is_there(int(rows[0])):
            boxes[rows] = reader.header(int(rows[0])).shape[-1]
    return boxes


def _shifts(table: StarTable, source: str) -> np.ndarray:
    """Return where each particle is, Å."""
    shifts, images, tilts = (
        np.stack([number(table, name, source, 0.0) for name in names], -1)
        for names in (SHIFTS, IMAGE_SHIFT, BEAM_TILT)
    )
    return shifts - np.where(tilts.any(axis=1, keepdims=True), images, 0.0)


def _defocus(
    table: StarTable, source: str, missing: dict[str, str]
) -> np.ndarray | None:
    """Return mean, U - V and angle of each particle, None where the file has none."""
    values = together(table, DEFOCUS, "defocus", source, missing)
    if values is None:
        return None
    u, v, angle = values.T
    return np.stack([(u + v) / 2, u - v, angle], axis=-1)


def _phase_shifts(table: StarTable, source: str) -> np.ndarray:
    """Return phase shifts in degrees, with a warning if they look like radians."""
    values = number(table, PHASE_SHIFT, source, 0.0)
    if looks_like_radians(values):
        warnings.warn(
            f"{source}: {PHASE_SHIFT} goes up to {np.abs(values).max():.3g} and is "
            "taken as degrees, which cisTEM reads; its versions 2.0 alpha write "
            "radians, so that a phase plate's 90 degrees stand there as 1.57",
            InputWarning,
            stacklevel=3,
        )
    return values


def looks_like_radians(phase_shifts: np.ndarray) -> bool:
    """Return whether phase shifts are as small as radians are, and not all nought.

    Args:
        phase_shifts: of a file's particles.
    """
    largest = float(np.abs(phase_shifts).max(initial=0.0))
    return 0.1 < largest <= 2 * np.pi
