"""A RELION file of particles written anew, without what was wrong with it."""

import os
import warnings
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool

from .._files import InputError, InputWarning
from ._contents import Path
from ._findings import as_numbers
from ._optics_findings import in_volts
from ._particle_findings import NUMBERS
from ._particle_source import HOW_TO_GIVE
from ._problem import Problem
from ._relion import optics_of_particles, shifts_in_angstroms
from ._stack_findings import Stacks
from ._star import write_star
from ._star_kinds import DIMENSIONS
from ._star_problems import Survey, group_rows, lacking_of_30, survey
from ._star_table import StarTable


_BOX = "rlnImageSize"


def write_mended_star(
    path: Path,
    target: Path,
    *,
    project: Path | None = None,
    path_map: Mapping[str, str] | None = None,
    max_unpacked: int | None = None,
) -> list[Problem]:
    """Write a RELION file of particles in the layout of 3.1, mended where it can be.

    What `star_problems` says is fixable is mended: a 3.0 file is converted, rows that
    can't be used are left out, voltages in V become kV, and boxes are those of the
    stacks. All else, names of stacks included, stays as it is.

    Args:
        path: a STAR file.
        target: the new file; another one than `path`.
        project: as in `read_particles`.
        path_map: as in `read_particles`.
        max_unpacked: as in `read_particles`.

    Returns:
        What was mended.

    Raises:
        InputError: if the file isn't a list of particles, nothing of it would be left,
            or the target is the file itself.

    Example:
        >>> import tempfile
        >>> import vitrax as vx
        >>> folder = tempfile.mkdtemp()
        >>> names, angles = ["1@a.mrcs", "2@a.mrcs"], [10.0, float("nan")]
        >>> columns = {"rlnImageName": names, "rlnAngleRot": angles}
        >>> table = vx.io.StarTable(columns)
        >>> vx.io.write_star(folder + "/a.star", {"particles": table})
        >>> vx.io.write_mended_star(folder + "/a.star", folder + "/b.star")[0].where
        'data_particles, row 2'
    """
    if os.path.realpath(path) == os.path.realpath(target):
        raise InputError(
            f"cannot write {os.fspath(target)} because it is the file that is mended; "
            "do choose another name"
        )
    found = survey(path, project, path_map, max_unpacked)
    kept = _kept_rows(found)
    particles, optics = _with_numbers(found.particles.select(kept)), found.optics
    if optics is None and not lacking_of_30(particles):
        particles, optics = _converted(particles, found.source.name)
    if optics is not None:
        optics = _with_boxes(_in_kilovolts(optics), particles, found.stacks, kept)
    write_star(target, _tables(found, particles, optics))
    return [each.problem for each in found.findings if each.problem.is_fixable]


def _kept_rows(found: Survey) -> Bool[np.ndarray, " rows"]:
    """Return whether each row of particles is kept."""
    kept = np.ones(found.particles.rows, bool)
    for each in found.findings:
        if each.dropped is not None:
            kept &= ~each.dropped
    if not kept.any():
        raise InputError(
            f"cannot mend {found.source.name} because none of its "
            f"{found.particles.rows} rows can be used; do make the file anew"
        )
    return kept


def _with_numbers(particles: StarTable) -> StarTable:
    """Return the table with numbers where a dropped row alone had made them text."""
    changed = {}
    for name in NUMBERS:
        if name in particles and particles[name].dtype.kind == "T":
            values = as_numbers(particles, name)
            if np.isfinite(values).all():
                changed[name] = values
    return particles.updated(changed)


def _converted(particles: StarTable, source: str) -> tuple[StarTable, StarTable]:
    """Return the tables of 3.1's layout, of a table of RELION 3.0."""
    given = dict.fromkeys(HOW_TO_GIVE)
    with warnings.catch_warnings():
        # What is returned says it.
        warnings.simplefilter("ignore", InputWarning)
        particles, optics = optics_of_particles(particles, source, given)
    return shifts_in_angstroms(particles, optics, source, given), optics


def _in_kilovolts(optics: StarTable) -> StarTable:
    if not in_volts(optics):
        return optics
    return optics.updated({"rlnVoltage": as_numbers(optics, "rlnVoltage") / 1e3})


def _with_boxes(
    optics: StarTable,
    particles: StarTable,
    stacks: Stacks,
    kept: Bool[np.ndarray, " rows"],
) -> StarTable:
    """Return the table with the boxes of the stacks, where it has none."""
    groups = group_rows(particles, optics)
    if _BOX in optics or groups is None:
        return optics
    rows, boxes = np.flatnonzero(kept), []
    for group in range(optics.rows):
        of_group = np.zeros(len(kept), bool)
        of_group[rows[groups == group]] = True
        boxes.append(stacks.box_of(of_group))
    if not all(boxes):
        return optics
    dimensions = {} if DIMENSIONS in optics else {DIMENSIONS: np.full(len(boxes), 2)}
    return optics.updated({_BOX: boxes, **dimensions})


def _tables(
    found: Survey, particles: StarTable, optics: StarTable | None
) -> dict[str, StarTable]:
    """Return all tables of the file, those of particles and optics replaced."""
    if found.optics is None and optics is not None:
        others = {n: t for n, t in found.tables.items() if t is not found.particles}
        return {"optics": optics, "particles": particles} | others
    replaced = {id(found.particles): particles, id(found.optics): optics}
    return {n: replaced.get(id(t)) or t for n, t in found.tables.items()}
