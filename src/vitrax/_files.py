"""Outputs that appear whole or not at all, and the error of an unusable file."""

import contextlib
import errno
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterator
from typing import BinaryIO


class InputError(ValueError):
    """A file or folder that cannot be used; the message names it and the place in it.

    The command line ends with exit code 3 on it.

    Example:
        >>> import vitrax as vx
        >>> try:
        ...     vx.io.read_map("missing.mrc")
        ... except ValueError as error:
        ...     print(error)
        cannot read missing.mrc because there is no such file; do check the path
    """


class InputWarning(UserWarning):
    """Something in a file that was understood, but not by what the file itself says."""


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Give a temporary path that becomes `path` when the block ends without an error.

    The temporary name lies in the same folder and keeps the suffix. On an error, a full
    disk included, it is removed and what stood under `path` before is untouched.

    Args:
        path: the final name.

    Yields:
        The name to write to.

    Raises:
        InputError: if the folder of `path` doesn't exist, or `path` is a folder.
    """
    target = pathlib.Path(path)
    _check_can_hold(target)
    temporary = target.with_name(f".{secrets.token_hex(4)}.part.{target.name}")
    try:
        yield temporary
        synchronise(temporary)
        os.replace(temporary, target)
        synchronise(target.parent)
    except OSError as error:
        if error.filename == os.fspath(temporary):
            error.filename = os.fspath(target)
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Give an open file that becomes `path` when the block ends without an error.

    Args:
        path: the final name.

    Yields:
        The file, open for writing and reading.
    """
    with atomic_path(path) as temporary, open(temporary, "x+b") as file:
        yield file


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Give a temporary folder whose content becomes `path` when the block ends well.

    Nothing stands under a final name before everything is whole and on the disk. A new
    folder is written beside its place and renamed in one step, so that after a kill
    there is nothing at `path`, and the same command can be given again. Where `path` is
    an empty folder, which may be somebody's working directory, it is kept and its files
    are moved in.

    Args:
        path: the folder to make; it may exist if it is empty.

    Yields:
        The folder to write into.

    Raises:
        InputError: if `path` is a file or holds something already.
    """
    target = pathlib.Path(path)
    check_output_folder(target)
    existed = target.exists()
    beside = target if existed else target.absolute().parent
    beside.mkdir(parents=True, exist_ok=True)
    work = beside / f".{target.absolute().name}.{secrets.token_hex(4)}.part"
    work.mkdir()
    try:
        yield work
        _synchronise_tree(work)
        if existed:
            _move_entries(work, target)
        else:
            _rename_folder(work, target)
        synchronise(beside)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def check_output_folder(path: str | os.PathLike) -> None:
    """Raise if a folder of outputs cannot be made at `path`.

    Args:
        path: the folder; it may be absent or empty.

    Raises:
        InputError: if `path` is a file or holds something already.
    """
    target = pathlib.Path(path)
    if target.exists() and not target.is_dir():
        raise InputError(
            f"cannot write the folder {target} because a file has that name; do choose "
            f"another name"
        )
    held = next(target.iterdir(), None) if target.is_dir() else None
    if held is not None:
        raise InputError(
            f"cannot write into the folder {target} because it isn't empty (it holds "
            f"{held.name}); do choose a new folder, or empty this one"
        )


def check_free_space(path: str | os.PathLike, size: int) -> None:
    """Raise if `size` bytes don't fit on the disk of `path`, before any is written.

    Args:
        path: the file or folder that will be written.
        size: bytes.

    Raises:
        OSError: with errno ENOSPC, as a full disk gives.
    """
    folder = pathlib.Path(path).absolute()
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OSError(
            errno.ENOSPC,
            f"cannot write {size / 1e9:.3g} GB because the disk has {free / 1e9:.3g} "
            "GB left; do free some space, or choose another disk",
            str(path),
        )


def synchronise(path: pathlib.Path) -> None:
    """Have the system put a file, or a folder's list of names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot synchronise folders, and say so in these ways.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def _check_can_hold(target: pathlib.Path) -> None:
    """Raise if a file cannot be made under this name."""
    if target.is_dir():
        raise InputError(
            f"cannot write {target} because a folder has that name; do choose another "
            "name"
        )
    if not target.parent.is_dir():
        raise InputError(
            f"cannot write {target} because there is no folder {target.parent}; do "
            "make it first"
        )


def _synchronise_tree(folder: pathlib.Path) -> None:
    for root, _, files in os.walk(folder):
        for name in files:
            synchronise(pathlib.Path(root) / name)
        synchronise(pathlib.Path(root))


def _move_entries(work: pathlib.Path, target: pathlib.Path) -> None:
    """Move what is in `work` up into `target`, the folder that holds it."""
    taken = [entry.name for entry in target.iterdir() if entry != work]
    if taken:
        raise InputError(
            f"cannot write into the folder {target} because {taken[0]} appeared in it "
            f"meanwhile; do give each job a folder of its own"
        )
    for entry in sorted(work.iterdir()):
        os.replace(entry, target / entry.name)


def _rename_folder(work: pathlib.Path, target: pathlib.Path) -> None:
    try:
        os.rename(work, target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        raise InputError(
            f"cannot write the folder {target} because something appeared there "
            f"meanwhile; do give each job a folder of its own"
        ) from error
