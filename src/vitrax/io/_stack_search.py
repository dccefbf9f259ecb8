"""Where the stacks that a particle table names are looked for."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Self

from .._files import InputError
from ._contents import Path


_LISTED = 3
# What to do about stacks that a check doesn't find.
HOW_TO_FIND = "name the project's folder (--project) or map it (--path-map)"


@dataclasses.dataclass(frozen=True)
class StackSearch:
    """How names of stacks become paths.

    A name is tried as the table spells it (relative to the current folder), then in the
    project's folder, then beside the table; each with the beginnings of `path_map`
    replaced first. A `>` before a name, as CryoSPARC's exports have it, is left out.

    Attributes:
        source: the table that names the stacks.
        project: the folder that names are relative to, where it is neither the current
            one nor that of the table.
        path_map: (old, new) beginnings of names, such as of disks that are mounted
            elsewhere now.
        is_strict: whether names that lead out of these folders are refused.
        said: a stack that the caller names, which may lead anywhere.
    """

    source: str
    project: str | None = None
    path_map: tuple[tuple[str, str], ...] = ()
    is_strict: bool = False
    said: str | None = None

    @classmethod
    def of(
        cls,
        source: Path,
        project: Path | None,
        path_map: Mapping[str, str] | None,
        *,
        is_strict: bool = False,
        said: Path | None = None,
    ) -> Self:
        """Return where the stacks of a table are looked for, of a reader's arguments.

        Args:
            source: the table.
            project: folder, or None.
            path_map: old to new beginnings of names, or None.
            is_strict: whether names that lead elsewhere are refused.
            said: a stack, or None.
        """
        return cls(
            source=os.fspath(source),
            project=None if project is None else os.fspath(project),
            path_map=tuple((path_map or {}).items()),
            is_strict=is_strict,
            said=None if said is None else os.fspath(said),
        )

    def tried(self, name: str) -> list[pathlib.Path]:
        """Return the paths at which a stack is looked for, in order.

        Args:
            name: of the stack, as the table spells it.

        Raises:
            InputError: if the search is strict and the name leads elsewhere.
        """
        paths = list(
            dict.fromkeys(
                folder / each for each in self._mapped(name) for folder in self.folders
            )
        )
        if not self.is_strict or name == self.said:
            return paths
        inside = [path for path in paths if self._is_inside(path)]
        if not any(map(_is_file, inside)) and (not inside or any(map(_is_file, paths))):
            raise InputError(
                f"cannot read images of {self.source} because {name!r} leads out of "
                f"the folders {', '.join(map(str, self.folders))}, which strict paths "
                "forbid; do map it to a place inside, or allow it"
            )
        return inside

    def is_there(self, name: str) -> bool:
        """Return whether a stack is found.

        Args:
            name: of the stack, as the table spells it.
        """
        return any(map(_is_file, self.tried(name)))

    def find(self, name: str) -> pathlib.Path:
        """Return the path of a stack.

        Args:
            name: as the table spells it.

        Raises:
            InputError: if it isn't found, with the paths tried.
        """
        tried = self.tried(name)
        for path in tried:
            if _is_file(path):
                return path
        listed = ", ".join(map(str, tried))
        raise InputError(
            f"cannot read images of {self.source} because the stack {name} isn't found "
            f"(tried {listed}); do go to the folder from which the table's program was "
            "run, pass it as project= (--project), or map the beginning of the name "
            "with path_map= (--path-map OLD=NEW)"
        )

    def lost_in_words(self, lost: Sequence[str], count: int) -> tuple[str, str]:
        """Return which stacks aren't found, and where the first was looked for.

        Args:
            lost: their names, at least one.
            count: of all stacks.
        """
        tried = " and ".join(str(path) for path in self.tried(lost[0]))
        where = f"{lost[0]} was looked for as {tried}"
        if count == 1:
            return f"its stack {lost[0]} isn't found", where
        listed = ", ".join(lost[:_LISTED]) + (", …" if len(lost) > _LISTED else "")
        return f"{len(lost)} of {count} stacks aren't found: {listed}", where

    @property
    def folders(self) -> tuple[pathlib.Path, ...]:
        """The folders in which names are looked up, in order."""
        beside = pathlib.Path(self.source).absolute().parent
        if self.project is None:
            return pathlib.Path(), beside
        return pathlib.Path(), pathlib.Path(self.project), beside

    def _mapped(self, name: str) -> list[str]:
        """Return a name with each beginning that applies replaced, then as it is."""
        name = name.removeprefix(">")
        replaced = [
            new + name[len(old) :] for old, new in self.path_map if name.startswith(old)
        ]
        return [*replaced, name]

    def _is_inside(self, path: pathlib.Path) -> bool:
        real = pathlib.Path(os.path.realpath(path))
        return any(
            real.is_relative_to(os.path.realpath(folder)) for folder in self.folders
        )


def _is_file(path: pathlib.Path) -> bool:
    """Return whether there is a file; not for a name that no system allows."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
