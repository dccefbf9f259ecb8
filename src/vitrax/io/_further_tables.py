"""Tables of a file of particles beside those of the particles and of their optics."""

import os
import warnings
from collections.abc import Mapping
from typing import Any

from .._files import InputError, InputWarning
from ..image import ParticleStack
from ._contents import Path
from ._star_table import StarTable


_OWN = ("optics", "particles")


def tables_in_order(
    tables: Mapping[str, StarTable], particles: StarTable, source: str
) -> dict[str, StarTable]:
    """Return the tables of a file for a stack of its particles.

    Those of the particles and their optics groups are empty and have the names that
    RELION has for them; the stack's other fields hold them.

    Args:
        tables: of the file.
        particles: which of them is that of the particles.
        source: the file, for messages.

    Raises:
        InputError: if another table has the name of that of the particles.
    """
    held = {}
    for name, table in tables.items():
        if table is not particles and name == "particles":
            raise InputError(
                f"cannot read particles of {source} because another of its tables "
                "names images and data_particles doesn't; do rename either"
            )
        is_own = table is particles or name == "optics"
        held["particles" if table is particles else name] = (
            StarTable({}, is_loop=False) if is_own else table
        )
    return held


def in_their_places(
    made: Mapping[str, StarTable], held: Mapping[str, Mapping[str, Any]]
) -> dict[str, StarTable]:
    """Return tables where those of their names were in a file, with its others.

    Args:
        made: the tables of optics groups and particles.
        held: of the file, as `tables_in_order` gives them.
    """
    placed: dict[str, StarTable] = {}
    for name, table in held.items():
        if name == "particles" and "optics" not in held:
            placed["optics"] = made["optics"]
        other = table if isinstance(table, StarTable) else StarTable(table)
        placed[name] = made.get(name, other)
    return placed | {name: t for name, t in made.items() if name not in placed}


def warn_of_further_tables(particles: ParticleStack, path: Path) -> None:
    """Warn of tables that a file won't hold.

    Args:
        particles: to be written.
        path: of the file.
    """
    lost = [f"data_{name}" for name in particles.tables if name not in _OWN]
    if lost:
        warnings.warn(
            f"{os.fspath(path)}: it has no room for {', '.join(lost)} of the file that "
            "the particles come from, which RELION's layout (--to relion) keeps",
            InputWarning,
            stacklevel=3,
        )
