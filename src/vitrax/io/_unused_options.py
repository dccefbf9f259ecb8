"""What the caller says about a file of particles that has no use for it."""

import dataclasses
import os
from collections.abc import Iterator, Sequence

from .._files import InputError
from ..image import ParticleStack
from ._micrograph_images import MicrographImages
from ._particle_source import ParticleSource
from ._stack_images import StackImages


def refuse_unused(source: ParticleSource, stack: ParticleStack) -> None:
    """Raise if something was given that had no effect on the particles of a file.

    Args:
        source: the file, and what the caller says about it.
        stack: that was read.

    Raises:
        InputError: naming what was given, why it can't be used and what to do.
    """
    for given, because, remedy in _unused(source, stack):
        raise InputError(
            f"cannot use {given} for {source.name} because {because}; do {remedy}"
        )


def found_again(source: ParticleSource, stack: ParticleStack) -> ParticleStack:
    """Return particles whose one stack, if it isn't found, is that of the caller.

    Args:
        source: the file, and what the caller says about it.
        stack: that was read.
    """
    reader, given = stack.reader, source.stack
    if given is None or not isinstance(reader, StackImages) or len(reader.stacks) != 1:
        return stack
    if reader.search.is_there(reader.stacks[0]):
        return stack
    moved = dataclasses.replace(reader, stacks=(os.fspath(given),))
    return dataclasses.replace(stack, reader=moved)


def refuse_passthrough(source: ParticleSource) -> None:
    """Raise if further files are named for one that isn't CryoSPARC's.

    Args:
        source: a file of another program, and what the caller says about it.

    Raises:
        InputError: if there are any.
    """
    if source.passthrough:
        raise InputError(
            f"cannot use passthrough= (--passthrough) {source.passthrough[0]} for "
            f"{source.name} because only CryoSPARC's data sets (.cs) are joined by the "
            "uids of their particles; do leave it out"
        )


def _unused(
    source: ParticleSource, stack: ParticleStack
) -> Iterator[tuple[str, str, str]]:
    """Yield what had no effect, why, and what to do."""
    reader, search = stack.reader, source.search
    names = _names(stack)
    if not names and len(stack):
        for given, value in {
            "project= (--project)": search.project,
            "path_map= (--path-map)": search.path_map,
            "strict_paths= (--strict-paths)": search.is_strict,
            "contrast= (--contrast)": source.contrast,
        }.items():
            if value:
                because = "it names no stack of images"
                yield given, because, "leave it out, or give the stack as well"
    if names and source.stack is not None and not _is_it(source, names):
        kind = "micrographs" if isinstance(reader, MicrographImages) else "stacks"
        yield (
            f"stack= (--stack) {source.stack}",
            f"it names its {kind} itself ({names[0]})",
            "leave it out, or say with path_map= (--path-map OLD=NEW) where they are",
        )
    is_cut_out = source.box is None or isinstance(reader, MicrographImages)
    if not is_cut_out and (stack.boxes != source.box).any():
        yield (
            f"box={source.box}",
            "its images aren't cut out of micrographs, and have a box of their own",
            "leave it out",
        )


def _names(stack: ParticleStack) -> Sequence[str]:
    """Return the names of the files that images are read from."""
    reader = stack.reader
    if isinstance(reader, StackImages):
        return reader.stacks
    return reader.micrographs if isinstance(reader, MicrographImages) else ()


def _is_it(source: ParticleSource, names: Sequence[str]) -> bool:
    """Return whether the stack that was given is the one that the file names."""
    given, named = source.stack, set(names)
    if given is None or len(named) != 1:
        return False
    name = named.pop()
    if os.fspath(given) == name:
        return True
    is_there = given.is_file() and source.search.is_there(name)
    return is_there and source.search.find(name).samefile(given)
