"""Particles as RELION's STAR files describe them."""

import warnings
from collections.abc import Mapping

import numpy as np

from .._files import InputError, InputWarning
from ..image import OpticsGroup, ParticleStack
from ._aberrations import read_aberrations, with_tilt_of_particles
from ._columns import did_you_mean, lacks, number, rows_in_words, text_column, together
from ._further_tables import tables_in_order
from ._labels import (
    ANGLES,
    DEFOCUS,
    OPTICS_OF_30,
    PIXEL_SIZES,
    PREMULTIPLIED,
    SHIFTS,
    SHIFTS_IN_PIXELS,
)
from ._microscope_numbers import check_microscope
from ._optics_of_particles import warn_of_premultiplied
from ._particle_source import HOW_TO_GIVE, ParticleSource
from ._split_columns import joined_columns
from ._stack_images import StackImages, split_image_names
from ._star_kinds import other_kind, tomography
from ._star_table import TEXT, StarTable


# What old files have instead of a pixel size is as positive.
_LENGTHS = ("rlnMagnification", "rlnDetectorPixelSize")


def read_relion(
    source: ParticleSource, tables: Mapping[str, StarTable]
) -> ParticleStack:
    """Return the particles of a RELION STAR file, 3.0 to 5.

    Beam tilt, Zernike terms and magnification are those of the optics groups; beam tilt
    that stands in the table of particles, as in old files, becomes its group's.

    Args:
        source: the file, and what the caller says about it.
        tables: that it holds.

    Raises:
        InputError: naming column, rows and file, for what is missing or cannot be.
    """
    name, given = source.name, source.given
    particles, optics = split_tables(tables, name)
    refuse_tomography(tables, particles, optics, name)
    held = tables_in_order(tables, particles, name)
    if optics is None:
        for each in filter(particles.__contains__, HOW_TO_GIVE):
            check_microscope(number(particles, each, name), each, each, name)
        particles, optics = optics_of_particles(particles, name, given)
    particles = shifts_in_angstroms(particles, optics, name, given)
    groups = group_of_each(particles, optics, name)
    particles, optics = with_tilt_of_particles(particles, optics, groups, name)
    names = text_column(particles, "rlnImageName", name)
    stacks, stack_of, index_of = split_image_names(names, name)
    boxes = _boxes(optics, name)
    reader = StackImages(
        search=source.search,
        stacks=stacks,
        stack_of=stack_of,
        index_of=index_of,
        signs=source.signs(particles, "relion"),
        boxes=boxes[groups],
    )
    missing: dict[str, str] = {}
    found = _found_boxes(reader, groups, boxes)
    _warn_of_odd_boxes(found, name)
    _check_optics(optics, source)
    kinds = _optics_groups(optics, name, given, found)
    warn_of_premultiplied(kinds, name)
    return ParticleStack(
        reader=reader,
        rows=np.arange(len(names)),
        optics=kinds,
        groups=groups,
        angles=together(particles, ANGLES, "angles", name, missing),
        shifts=-np.stack([number(particles, each, name, 0.0) for each in SHIFTS], -1),
        defocus=_defocus(particles, name, missing),
        phase_shifts=number(particles, "rlnPhaseShift", name, 0.0),
        b_factors=number(particles, "rlnCtfBfactor", name, 0.0),
        scales=number(particles, "rlnCtfScalefactor", name, 1.0),
        columns=joined_columns(particles),
        optics_columns=dict(optics),
        tables=held,
        missing=missing
        | {
            "box": f"cannot know the box because {name} doesn't say "
            "rlnImageSize and its stacks aren't found; do go to the folder from which "
            "RELION was run, or pass it as project="
        },
    )


def split_tables(
    tables: Mapping[str, StarTable], source: str
) -> tuple[StarTable, StarTable | None]:
    """Return the table of particles, and that of optics groups where there is one."""
    if "rlnImageName" in tables.get("particles", ()):
        return tables["particles"], tables.get("optics")
    held = [table for table in tables.values() if "rlnImageName" in table]
    if len(held) == 1:
        return held[0], tables.get("optics")
    columns = [name for table in tables.values() for name in table]
    hint, other = did_you_mean("rlnImageName", columns), other_kind(tables)
    if other is not None and not hint:
        raise InputError(
            f"cannot read particles of {source} because it is {other[0]} and names no "
            f"images of particles (rlnImageName); do {other[1]}"
        )
    if "particles" in tables:
        raise InputError(lacks(tables["particles"], ["rlnImageName"], source))
    raise InputError(
        f"cannot read particles of {source} because it has no table data_particles, "
        f"and not one table with a column rlnImageName{hint}; do check that it is a "
        "particle file"
    )


def refuse_tomography(
    tables: Mapping[str, StarTable],
    particles: StarTable,
    optics: StarTable | None,
    source: str,
) -> None:
    """Raise if the images are those of tomograms, which aren't single projections."""
    what = tomography(tables, particles, optics, source)
    if what is not None:
        raise InputError(
            f"cannot read particles of {source} because its images are {what}, not "
            "single projections with one CTF each; do give a file of single-particle "
            "images, such as of the tilts one by one, with their poses and defoci"
        )


def optics_of_particles(
    particles: StarTable, source: str, given: Mapping[str, float | None]
) -> tuple[StarTable, StarTable]:
    """Return the tables of 3.1's layout, of a table that keeps all per particle."""
    present = [name for name in OPTICS_OF_30 if name in particles]
    numbered = number(particles, "rlnOpticsGroup", source, 1.0)
    values = np.stack([numbered, *(number(particles, n, source) for n in present)], -1)
    kinds, groups = np.unique(values, axis=0, return_inverse=True)
    if len(np.unique(kinds[:, 0])) < len(kinds):
        kinds[:, 0] = np.arange(1, len(kinds) + 1)
    optics = {
        "rlnOpticsGroup": kinds[:, 0].astype(np.int64),
        "rlnOpticsGroupName": np.array(
            [f"opticsGroup{i}" for i in range(1, len(kinds) + 1)], TEXT
        ),
    }
    optics |= {name: kinds[:, i + 1] for i, name in enumerate(present)}
    if set(_LENGTHS) <= set(present):
        for name in _LENGTHS:
            held = number(particles, name, source)
            check_microscope(held, "rlnImagePixelSize", name, source)
        pixel_size = (
            1e4 * optics.pop("rlnDetectorPixelSize") / optics.pop("rlnMagnification")
        )
        optics.setdefault("rlnImagePixelSize", pixel_size)
    lacking = [name for name in given if name not in optics and given[name] is None]
    if lacking:
        raise InputError(
            f"cannot read particles of {source} because it has no table data_optics "
            f"and no {', '.join(lacking)}; do give "
            f"{', '.join(HOW_TO_GIVE[name] for name in lacking)}"
        )
    if present:
        warnings.warn(
            f"{source}: it is from RELION 3.0 or older and was converted to the 3.1 "
            f"layout ({len(kinds)} optics groups)",
            InputWarning,
            stacklevel=4,
        )
    kept = {name: column for name, column in particles.items() if name not in present}
    kept["rlnOpticsGroup"] = optics["rlnOpticsGroup"][groups.reshape(-1)]
    return StarTable(kept), StarTable(optics)


def shifts_in_angstroms(
    particles: StarTable,
    optics: StarTable,
    source: str,
    given: Mapping[str, float | None],
) -> StarTable:
    """Return the table with RELION 3.0's origins in pixels made Å."""
    if not any(name in particles for name in SHIFTS_IN_PIXELS):
        return particles
    sizes = _pixel_sizes(optics, source, given)[
        group_of_each(particles, optics, source)
    ]
    columns = dict(particles)
    for old, new in zip(SHIFTS_IN_PIXELS, SHIFTS, strict=True):
        if old in columns and new in columns:
            raise InputError(
                f"cannot read {source} because it has both {old} and {new}; do remove "
                "one"
            )
        if old in columns:
            columns[new] = number(particles, old, source) * sizes
            del columns[old]
    return StarTable(columns)


def group_of_each(particles: StarTable, optics: StarTable, source: str) -> np.ndarray:
    """Return the row in the table of optics groups of each particle."""
    numbers = number(optics, "rlnOpticsGroup", f"{source} (data_optics)")
    wanted = number(particles, "rlnOpticsGroup", source)
    order = np.argsort(numbers, kind="stable")
    if len(numbers) != len(np.unique(numbers)) or len(numbers) < min(len(wanted), 1):
        raise InputError(
            f"cannot use data_optics of {source} because its rlnOpticsGroup are "
            f"{numbers.astype(int).tolist()}; do number the groups 1, 2, …"
        )
    places = order[np.minimum(np.searchsorted(numbers[order], wanted), len(order) - 1)]
    unknown = numbers[places] != wanted
    if unknown.any():
        ids = sorted({f"{value:g}" for value in wanted[unknown].tolist()})
        raise InputError(
            f"cannot read {source} because {rows_in_words(unknown)} of data_particles "
            f"name the optics group {', '.join(ids[:5])}, which data_optics doesn't "
            "have; do add it, or correct rlnOpticsGroup"
        )
    return places


def _check_optics(optics: StarTable, source: ParticleSource) -> None:
    """Raise if numbers of optics groups can't be, or aren't what the caller states."""
    where = f"{source.name} (data_optics)"
    for name in HOW_TO_GIVE:
        if name in optics:
            values = number(optics, name, where)
            check_microscope(values, name, name, where)
            source.check_stated(name, values, name)


def _optics_groups(
    optics: StarTable,
    source: str,
    given: Mapping[str, float | None],
    boxes: np.ndarray,
) -> tuple[OpticsGroup, ...]:
    """Return the optics groups of their table."""
    where = f"{source} (data_optics)"
    if "rlnOpticsGroupName" in optics:
        names = text_column(optics, "rlnOpticsGroupName", where).tolist()
    else:
        names = [f"opticsGroup{i + 1}" for i in range(optics.rows)]
    columns = [
        _number_or_given(optics, name, where, given)
        for name in ("rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast")
    ]
    sizes = _pixel_sizes(optics, source, given)
    _warn_of_other_pixel_sizes(optics, given, where)
    multiplied = number(optics, PREMULTIPLIED, where, 0.0) != 0
    rows = zip(sizes, *columns, boxes, names, multiplied.tolist(), strict=True)
    try:
        return tuple(
            OpticsGroup(
                pixel_size=float(pixel),
                voltage=float(voltage),
                spherical_aberration=float(aberration),
                amplitude_contrast=float(amplitude),
                box=int(box) or None,
                name=name,
                premultiplied=premultiplied,
                **more,
            )
            for (
                (pixel, voltage, aberration, amplitude, box, name, premultiplied),
                more,
            ) in zip(rows, read_aberrations(optics, where), strict=True)
        )
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"cannot use {where}: {error}") from error


def _pixel_sizes(
    optics: StarTable, source: str, given: Mapping[str, float | None]
) -> np.ndarray:
    """Return the pixel size of each optics group, Å."""
    where = f"{source} (data_optics)"
    name, others = PIXEL_SIZES[0], [each for each in PIXEL_SIZES if each in optics]
    if others and given.get(name) is None:
        name = others[0]
    sizes = _number_or_given(optics, name, where, given)
    check_microscope(sizes, PIXEL_SIZES[0], name, where)
    return sizes


def _number_or_given(
    optics: StarTable, name: str, where: str, given: Mapping[str, float | None]
) -> np.ndarray:
    """Return a column, or what the caller gives where the file has none."""
    if name not in optics and given.get(name) is None:
        how = HOW_TO_GIVE[name]
        raise InputError(f"{lacks(optics, [name], where)}, or give {how}")
    return number(optics, name, where, given.get(name))


def _boxes(optics: StarTable, source: str) -> np.ndarray:
    """Return rlnImageSize of each optics group, 0 where the file doesn't say."""
    where = f"{source} (data_optics)"
    boxes = number(optics, "rlnImageSize", where, 0.0)
    wrong = (boxes < 0) | (boxes != np.floor(boxes)) | (boxes >= 2**16)
    if wrong.any():
        raise InputError(
            f"cannot use rlnImageSize of {where} because it is {boxes[wrong][0]:g} in "
            f"{rows_in_words(wrong)}, not a number of pixels; do correct it, or leave "
            "out the column"
        )
    return boxes.astype(np.int64)


def _found_boxes(
    reader: StackImages, groups: np.ndarray, boxes: np.ndarray
) -> np.ndarray:
    """Return the boxes, those that the table doesn't say from a stack of the group."""
    found = boxes.copy()
    for group in np.flatnonzero(boxes == 0):
        rows = np.flatnonzero(groups == group)
        if len(rows) and reader.is_there(int(rows[0])):
            found[group] = reader.header(int(rows[0])).shape[-1]
    return found


def _warn_of_odd_boxes(boxes: np.ndarray, source: str) -> None:
    odd = sorted(set(boxes[boxes % 2 == 1].tolist()))
    if odd:
        warnings.warn(
            f"{source}: boxes of {odd} pixels are odd, and RELION's programs put their "
            f"centre one pixel beyond N // 2, which isn't corrected for",
            InputWarning,
            stacklevel=4,
        )


def _warn_of_other_pixel_sizes(
    optics: StarTable, given: Mapping[str, float | None], where: str
) -> None:
    """Warn if the pixel size of micrographs has to stand for that of images."""
    name = PIXEL_SIZES[0]
    other = next((each for each in PIXEL_SIZES if each in optics), name)
    if other != name and given.get(name) is None:
        warnings.warn(
            f"{where}: it has no {name}{did_you_mean(name, list(optics))}; {other} was "
            f"taken, which is wrong if the particles were binned: give "
            f"{HOW_TO_GIVE[name]}",
            InputWarning,
            stacklevel=5,
        )


def _defocus(
    particles: StarTable, source: str, missing: dict[str, str]
) -> np.ndarray | None:
    """Return mean, U - V and angle of each particle, None where the file has none."""
    values = together(particles, DEFOCUS, "defocus", source, missing)
    if values is None:
        return None
    u, v, angle = values.T
    return np.stack([(u + v) / 2, u - v, angle], axis=-1)
