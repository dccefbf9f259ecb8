"""What `vitrax info` says of STAR files."""

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import io
from .._files import InputError
from ._reading import Reading
from ._remarks import as_remarks


Tables = Mapping[str, io.StarTable]

_SPREAD = (
    "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnAngleRot", "rlnAngleTilt",
    "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst", "rlnPhaseShift",
    "rlnCtfBfactor",
)  # fmt: skip
_COUNTED = ("rlnMicrographName", "rlnOpticsGroup", "rlnRandomSubset")
_OF_OPTICS = (
    "rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast", "rlnImagePixelSize",
    "rlnImageSize", "rlnCtfDataAreCtfPremultiplied",
)  # fmt: skip
_ABERRATIONS = (
    "rlnBeamTiltX", "rlnBeamTiltY", "rlnOddZernike", "rlnEvenZernike", "rlnMagMat00",
)  # fmt: skip
_OF_30 = ("rlnDetectorPixelSize", "rlnMagnification")
_MOST_COLUMNS = 20


def star_facts(
    path: pathlib.Path, reading: Reading
) -> tuple[dict[str, Any], list[str]]:
    """Return what is in a STAR file, and what is odd about it.

    Args:
        path: of the file.
        reading: how it is read.
    """
    tables = io.read_star(path, **reading.limit)
    main = _largest(tables)
    if main is None:
        return {"tables": _sizes(tables)}, ["there is no table in it"]
    columns = _column_facts(main, list(main)[:_MOST_COLUMNS])
    return {"tables": _sizes(tables), "columns": columns}, [*_not_finite(tables)]


def relion_facts(
    path: pathlib.Path, reading: Reading, places: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return what is in RELION's particles, and what is odd about them.

    Args:
        path: of the file.
        reading: how it is read.
        places: where its stacks are looked for.
    """
    tables = io.read_star(path, **reading.limit)
    facts: dict[str, Any] = {"tables": _sizes(tables)}
    held = {n: table for n, table in tables.items() if "rlnImageName" in table}
    particles = _largest(held)
    if particles is None:
        return star_facts(path, reading)
    facts |= {"particles": particles.rows} | _stacks(particles)
    optics = tables.get("optics")
    if optics is not None:
        facts |= _optics_facts(optics)
    else:
        facts |= _pixel_size_of_30(particles)
    facts["columns"] = _column_facts(particles, _SPREAD)
    remarks = as_remarks(io.star_problems(path, **places, **reading.limit), path)
    said = " ".join(remarks)
    more = [each for name, each in _not_finite_by_column(tables) if name not in said]
    return facts, [*remarks, *more, *_unused_groups(optics, particles)]


def star_table_problems(path: pathlib.Path, **limit: Any) -> list[io.Problem]:
    """Return what is wrong with the tables of a STAR file that isn't particles.

    Args:
        path: of the file.
        limit: as `read_star` takes it.
    """
    try:
        tables = io.read_star(path, **limit)
        if any("rlnMtfValue" in table for table in tables.values()):
            io.read_mtf(path, **limit)
            return []
    except InputError as error:
        return [io.Problem.of_message(str(error), path)]
    return [
        io.Problem("file", what, "correct these rows", False)
        for what in _not_finite(tables)
    ]


def _largest(tables: Tables) -> io.StarTable | None:
    """Return the table of most rows."""
    return max(tables.values(), key=lambda table: table.rows, default=None)


def _sizes(tables: Tables) -> dict[str, Any]:
    return {
        name: {"rows": table.rows, "columns": len(table)}
        for name, table in tables.items()
    }


def _stacks(particles: io.StarTable) -> dict[str, int]:
    """Return how many stacks a table names."""
    names = map(str, particles["rlnImageName"].tolist())
    return {"stacks": len({name.rpartition("@")[2] for name in names})}


def _optics_facts(optics: io.StarTable) -> dict[str, Any]:
    """Return what the optics groups are like."""
    values = {
        name: list(dict.fromkeys(optics[name].tolist()))
        for name in _OF_OPTICS
        if name in optics
    }
    given = [name for name in _ABERRATIONS if name in optics]
    return {"optics": values} | ({"aberrations": given} if given else {})


def _pixel_size_of_30(particles: io.StarTable) -> dict[str, Any]:
    """Return the pixel size of images that RELION 3.0 says by the magnification, Å."""
    if not all(name in particles and _is_number(particles[name]) for name in _OF_30):
        return {}
    detector, magnification = (particles[name].astype(float) for name in _OF_30)
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = detector * 1e4 / magnification
    found = io.value_range(sizes)
    found["of"] = " · 1e4 / ".join(_OF_30)
    return {"pixel_size": found}


def _column_facts(table: io.StarTable, names: Sequence[str]) -> dict[str, Any]:
    """Return the ranges of some columns, and how many values others have."""
    if not table.rows:
        return {}
    facts: dict[str, Any] = {
        name: io.value_range(table[name])
        for name in names
        if name in table and _is_number(table[name])
    }
    for name in _COUNTED:
        if name in table:
            facts[name] = {"different": len(dict.fromkeys(table[name].tolist()))}
    return facts


def _is_number(column: np.ndarray) -> bool:
    return column.dtype.kind in "if"


def _not_finite(tables: Tables) -> Iterator[str]:
    """Yield the columns of numbers that aren't all finite."""
    for _, remark in _not_finite_by_column(tables):
        yield remark


def _not_finite_by_column(tables: Tables) -> Iterator[tuple[str, str]]:
    for block, table in tables.items():
        for name, column in table.items():
            if column.dtype.kind != "f" or np.isfinite(column).all():
                continue
            bad = np.flatnonzero(~np.isfinite(column)) + 1
            yield (
                name,
                f"data_{block}: {name} is NaN or infinite in {len(bad)} of "
                f"{table.rows} rows, first in row {bad[0]}",
            )


def _unused_groups(
    optics: io.StarTable | None, particles: io.StarTable
) -> Iterator[str]:
    """Yield the optics groups that no particle is in."""
    name = "rlnOpticsGroup"
    if optics is None or name not in optics or name not in particles:
        return
    used = set(particles[name].tolist())
    idle = [group for group in optics[name].tolist() if group not in used]
    if idle:
        listed = ", ".join(map(str, idle[:5])) + (", …" if len(idle) > 5 else "")
        yield f"data_optics: {len(idle)} groups have no particles: {listed}"
