"""What is wrong with EMAN2's files of images and lists of them."""

import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from .._files import InputError
from ._contents import Path, read_whole
from ._eman_hdf import HdfStack, holds_images
from ._eman_list import list_lines, said_length
from ._particles import read_particles
from ._problem import Problem, problems_of_warnings
from ._stack_images import StackImages
from ._stack_search import HOW_TO_FIND


def eman_problems(
    path: Path,
    *,
    project: Path | None = None,
    path_map: Mapping[str, str] | None = None,
    max_unpacked: int | None = None,
) -> list[Problem]:
    """Return what is wrong with one of EMAN2's HDF5 files or lists, without pixels.

    Args:
        path: of the file. Stacks that a list names are looked for.
        project: as in `read_particles`.
        path_map: as in `read_particles`.
        max_unpacked: as in `read_particles`.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.lst"
        >>> _ = path.write_text("#LSX\\n# a comment\\n# 20\\n0\\tlost.hdf\\n")
        >>> [problem.where for problem in vx.io.eman_problems(path)][0]
        'lines'
    """
    found = [] if holds_images(path) else list(_of_lines(path, max_unpacked))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            reader = read_particles(
                path, project=project, path_map=path_map, max_unpacked=max_unpacked
            ).reader
            if isinstance(reader, StackImages):
                found += _of_stacks(reader)
        except InputError as error:
            found.append(Problem.of_message(str(error), path))
    return found + problems_of_warnings(caught, path)


def _of_lines(path: Path, max_unpacked: int | None) -> Iterator[Problem]:
    """Yield what EMAN2's programs would stumble over in a list."""
    text = read_whole(path, max_unpacked).decode("utf-8", "replace")
    length = said_length(text)
    others = [n for n, line in list_lines(text) if len(line) + 1 != length]
    if text.startswith("#LSX") and others:
        yield Problem(
            "lines",
            f"{len(others)} of them haven't the length of {length} that its third line "
            "says and EMAN2 looks them up by",
            "do have it written again with e2proclst.py",
            False,
        )


def _of_stacks(reader: StackImages) -> Iterator[Problem]:
    """Yield stacks that aren't found, and images whose pixels aren't there."""
    for number, name in enumerate(reader.stacks):
        if not reader.search.is_there(name):
            yield Problem(
                f"stack {name}",
                "it isn't found",
                HOW_TO_FIND,
                False,
            )
            continue
        path = reader.search.find(name)
        indices = np.unique(reader.index_of[reader.stack_of == number]).tolist()
        try:
            if holds_images(path):
                HdfStack(path).check_pixels(indices)
        except InputError as error:
            yield Problem.of_message(str(error), "", f"stack {name}")
