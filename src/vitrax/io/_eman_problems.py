"""What is wrong with EMAN2's files of images and lists of them."""

import os
import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from .._files import InputError, InputWarning
from ._contents import Path, read_whole
from ._eman_hdf import HdfStack, holds_images
from ._eman_list import list_lines, said_length
from ._particles import read_particles
from ._problem import Problem
from ._stack_images import StackImages


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
    name = os.fspath(path)
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
            found.append(Problem.of_error(error, name))
    warned = [each for each in caught if issubclass(each.category, InputWarning)]
    return found + [
        Problem.of_error(InputError(str(each.message)), name) for each in warned
    ]


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
                "name the project's folder (--project) or map it (--path-map)",
                False,
            )
            continue
        path = reader.search.find(name)
        indices = np.unique(reader.index_of[reader.stack_of == number]).tolist()
        try:
            if holds_images(path):
                HdfStack(path).check_pixels(indices)
        except InputError as error:
            yield Problem.of_error(error, f"stack {name}")
