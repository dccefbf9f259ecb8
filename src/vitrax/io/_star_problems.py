"""What is wrong with a RELION file of particles."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Int

from .._files import InputError
from ._contents import Path, first_bytes
from ._findings import Finding, as_numbers, odd
from ._labels import OPTICS_OF_30
from ._optics_findings import old_optics_findings, optics_findings
from ._particle_findings import particle_findings
from ._particle_source import ParticleSource
from ._problem import Problem
from ._relion import refuse_tomography, split_tables
from ._stack_findings import Stacks, look_at_stacks, stack_findings
from ._stack_search import StackSearch
from ._star import read_star
from ._star_table import StarTable


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """A file of particles and all that was found wrong with it.

    Attributes:
        source: the file.
        tables: of it.
        particles: that of the particles.
        optics: that of the optics groups, None where there is none.
        stacks: that it names.
        findings: problems, and the rows that mending leaves out.
    """

    source: ParticleSource
    tables: Mapping[str, StarTable]
    particles: StarTable
    optics: StarTable | None
    stacks: Stacks
    findings: tuple[Finding, ...]


def star_problems(
    path: Path,
    *,
    project: Path | None = None,
    path_map: Mapping[str, str] | None = None,
    max_unpacked: int | None = None,
) -> list[Problem]:
    """Return what is wrong or odd in a RELION file of particles.

    Rows are counted from 1 in their table. Stacks are looked for, and their headers
    compared with the table; no pixels are read.

    Args:
        path: a STAR file.
        project: as in `read_particles`.
        path_map: as in `read_particles`.
        max_unpacked: as in `read_particles`.

    Returns:
        The problems; one alone where the file can't be read as particles at all.

    Raises:
        InputError: if there is no such file, or it can't be opened.

    Example:
        >>> import tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.star"
        >>> table = vx.io.StarTable({"rlnImageName": ["0@a.mrcs"]})
        >>> vx.io.write_star(path, {"particles": table})
        >>> len(vx.io.star_problems(path)) > 3
        True
    """
    first_bytes(path, 1)
    try:
        found = survey(path, project, path_map, max_unpacked)
    except InputError as error:
        return [Problem.of_message(str(error), path)]
    return [each.problem for each in found.findings]


def survey(
    path: Path,
    project: Path | None,
    path_map: Mapping[str, str] | None,
    max_unpacked: int | None,
) -> Survey:
    """Return a file of particles and what is wrong with it.

    Args:
        path: a STAR file.
        project: as in `read_particles`.
        path_map: as in `read_particles`.
        max_unpacked: as in `read_particles`.

    Raises:
        InputError: if it isn't a list of particles.
    """
    search = StackSearch.of(path, project, path_map)
    source = ParticleSource(pathlib.Path(path), search)
    tables = read_star(path, max_unpacked=max_unpacked)
    particles, optics = split_tables(tables, source.name)
    refuse_tomography(tables, particles, optics, source.name)
    stacks = look_at_stacks(particles, source.search)
    findings, groups = [*_of_layout(particles, optics)], None
    if optics is None:
        findings += old_optics_findings(particles)
    if optics is not None:
        findings += optics_findings(optics, particles)
        groups = group_rows(particles, optics)
        findings += _of_boxes(optics, groups, stacks)
    findings += particle_findings(particles)
    findings += stack_findings(stacks, source.search, optics, groups)
    return Survey(source, tables, particles, optics, stacks, tuple(findings))


def group_rows(
    particles: StarTable, optics: StarTable
) -> Int[np.ndarray, " particles"] | None:
    """Return the row in the table of optics groups of each particle, -1 for none.

    Args:
        particles: the table of particles.
        optics: the table of groups.

    Returns:
        None where the tables have no numbers of groups.
    """
    name = "rlnOpticsGroup"
    if name not in particles or name not in optics or not optics.rows:
        return None
    numbers, wanted = as_numbers(optics, name), as_numbers(particles, name)
    order = np.argsort(numbers, kind="stable")
    places = order[np.minimum(np.searchsorted(numbers[order], wanted), len(order) - 1)]
    return np.where(numbers[places] == wanted, places, -1)


def _of_layout(particles: StarTable, optics: StarTable | None) -> Iterator[Finding]:
    """Yield that a file has the layout of RELION 3.0 or older."""
    if optics is not None:
        return
    lacking = lacking_of_30(particles)
    if lacking:
        yield odd(
            "file",
            "there is no table data_optics, and the table of particles has no "
            f"{', '.join(lacking)}",
            "give these (--angpix, --kv, --cs, --q0) to the command that reads it",
        )
        return
    yield odd(
        "file",
        "there is no table data_optics: it has the layout of RELION 3.0 or older",
        "write it in the layout of 3.1",
        is_fixable=True,
    )


def lacking_of_30(particles: StarTable) -> list[str]:
    """Return what the table of a 3.0 file lacks to become one of 3.1.

    Args:
        particles: the table.
    """
    lacking = [name for name in OPTICS_OF_30[:3] if name not in particles]
    parts = ("rlnMagnification", "rlnDetectorPixelSize")
    if "rlnImagePixelSize" not in particles:
        lacking += [name for name in parts if name not in particles]
    return lacking


def _of_boxes(
    optics: StarTable, groups: Int[np.ndarray, " particles"] | None, stacks: Stacks
) -> Iterator[Finding]:
    """Yield that the table of optics groups doesn't say their boxes."""
    if "rlnImageSize" in optics or groups is None:
        return
    known = all(stacks.box_of(groups == group) for group in range(optics.rows))
    yield odd(
        "data_optics",
        "it has no rlnImageSize, which RELION needs",
        "take the boxes of the stacks" if known else "add the column",
        is_fixable=known,
    )
