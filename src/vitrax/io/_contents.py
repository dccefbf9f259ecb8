"""What a file really is, decided by its first bytes rather than by its name."""

import bz2
import contextlib
import errno
import gzip
import os
import pathlib
import stat
import zlib
from collections.abc import Iterator
from typing import IO

from .._files import InputError


Path = str | os.PathLike[str]

# The largest content that a compressed file may have. A few megabytes can hold
# terabytes.
MAX_UNPACKED = 8 * 2**30
# Likewise, of text, which is larger still when it is parsed.
MAX_TEXT = 2**29
# No deflate stream is longer than this many times its compressed length.
GZIP_MAX_RATIO = 1032

# Zeros packed with bzip2 reach 1.4 million.
_BZIP2_MAX_RATIO = 2**21
# What CryoSPARC's data sets (.cs) begin with: a NumPy array, a stream of columns.
NUMPY_MAGIC, CSDAT_MAGIC = b"\x93NUMPY", b"\x95CSDAT"

# Names that are too long, lead through what is no folder or round in a circle.
_NO_NAME = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP)

_GZIP, _BZIP2 = b"\x1f\x8b", b"BZh"
_NOT_FILES = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def first_bytes(path: Path, count: int = 1024) -> bytes:
    """Return the first bytes of a file as they stand on the disk.

    Args:
        path: the file.
        count: how many at most.

    Raises:
        InputError: if there is no such file, or it cannot be opened.
    """
    with open_raw(path) as file:
        return file.read(count)


def open_raw(path: Path) -> IO[bytes]:
    """Return a file opened for reading bytes.

    Raises:
        InputError: if there is no such file, it is none that can be gone back in (a
            folder, pipe or device), or it cannot be opened.
    """
    _refuse_pipes(path)
    try:
        return open(path, "rb")
    except FileNotFoundError as error:
        raise InputError(
            f"cannot read {os.fspath(path)} because there is no such file; do check "
            "the path"
        ) from error
    except IsADirectoryError as error:
        raise InputError(
            f"cannot read {os.fspath(path)} because it is a folder; do name a file in "
            "it"
        ) from error
    except PermissionError as error:
        raise InputError(
            f"cannot read {os.fspath(path)} because its permissions forbid it; do ask "
            "its owner"
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_NAME:
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"cannot read {os.fspath(path)!r} because it can't be opened ({reason}); "
            "do check the path"
        ) from error


def _refuse_pipes(path: Path) -> None:
    """Raise for what isn't on a disk, and might keep its reader waiting for ever."""
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
    except (OSError, ValueError):
        # Opening it says what is wrong.
        return
    if kind not in (stat.S_IFREG, stat.S_IFDIR):
        raise InputError(
            f"cannot read {os.fspath(path)} because it is "
            f"{_NOT_FILES.get(kind, 'something else')}, not a file; do write what "
            "comes out of it to a file, and name that"
        )


def is_compressed(start: bytes) -> bool:
    """Return whether a file that begins so is packed with gzip or bzip2."""
    return start.startswith((_GZIP, _BZIP2))


def is_tiff(start: bytes) -> bool:
    """Return whether a file that begins so is TIFF or BigTIFF, as EER is too."""
    return start.startswith(_TIFF)


def largest_ratio(path: Path) -> int:
    """Return how many times its size the content of a packed file may have."""
    return GZIP_MAX_RATIO if first_bytes(path, 2) == _GZIP else _BZIP2_MAX_RATIO


@contextlib.contextmanager
def open_content(path: Path) -> Iterator[IO[bytes] | bz2.BZ2File | gzip.GzipFile]:
    """Give the content of a file for reading, unpacked on the way if it is packed.

    Args:
        path: the file.

    Raises:
        InputError: if it isn't there, or its compression is damaged.
    """
    with open_raw(path) as file:
        start = file.read(3)
        file.seek(0)
        if not is_compressed(start):
            yield file
            return
        opener = gzip.open if start.startswith(_GZIP) else bz2.open
        try:
            with opener(file, "rb") as content:
                yield content
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(
                f"cannot read {os.fspath(path)} because its compression is damaged or "
                "cut short; do fetch it again"
            ) from error


def unpack(path: Path, count: int) -> bytes:
    """Return the first `count` bytes of the content of a compressed file.

    Args:
        path: a file packed with gzip or bzip2.
        count: how many bytes at most; no more is ever held.

    Raises:
        InputError: if the file is damaged.
    """
    parts, left = [], count
    with open_content(path) as file:
        while left > 0 and (part := file.read(min(left, 2**24))):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


def too_large(path: Path, what: str, limit: int) -> InputError:
    """Return the error of a content that is larger than a limit.

    Args:
        path: the file.
        what: is too large, such as "its unpacked content is".
        limit: bytes.
    """
    return InputError(
        f"cannot read {os.fspath(path)} because {what} larger than {in_bytes(limit)}; "
        "do give max_unpacked= (--max-memory) if that is right and there is memory for "
        "it"
    )


def in_bytes(count: int) -> str:
    """Return a number of bytes in words.

    Example:
        >>> in_bytes(2**29), in_bytes(100)
        ('512 MiB', '100 bytes')
    """
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"


def read_whole(path: Path, max_unpacked: int | None = None) -> bytes:
    """Return the content of a file, unpacked if it is compressed.

    Args:
        path: the file.
        max_unpacked: bytes that compressed content may have, by default `MAX_TEXT`.

    Raises:
        InputError: if it cannot be read, is empty, isn't what its name says, or its
            content is larger than `max_unpacked`.
    """
    start = first_bytes(path)
    check_content(path, start)
    if not is_compressed(start):
        return pathlib.Path(path).read_bytes()
    limit = MAX_TEXT if max_unpacked is None else max_unpacked
    content = unpack(path, limit + 1)
    if len(content) > limit:
        raise too_large(path, "its unpacked content is", limit)
    check_unpacked(path, content[:1024])
    return content


def check_unpacked(path: Path, start: bytes) -> None:
    """Raise if unpacked content that begins so isn't data.

    Args:
        path: the packed file, for the message.
        start: the first bytes that were packed.

    Raises:
        InputError: as `check_content`, and if they are packed once more.
    """
    if is_compressed(start):
        raise InputError(
            f"cannot read {os.fspath(path)} because it is packed twice; do unpack it "
            "once, with gunzip or bunzip2"
        )
    check_content(path, start)


def check_content(path: Path, start: bytes) -> None:
    """Raise if a file that begins so isn't data at all.

    Args:
        path: the file, for the message.
        start: its first bytes.

    Raises:
        InputError: for an empty file, a Git LFS pointer, a web page and a CryoSPARC
            data set.
    """
    name = os.fspath(path)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if not start:
        raise InputError(
            f"cannot read {name} because it is empty (0 bytes); do copy it again"
        )
    if text.startswith(b"version https://git-lfs"):
        raise InputError(
            f"cannot read {name} because it is a Git LFS pointer, not the file itself; "
            "do run `git lfs pull` in its repository, or download it"
        )
    if start.startswith((NUMPY_MAGIC, CSDAT_MAGIC)):
        raise InputError(
            f"cannot read {name} because it is a NumPy array, as CryoSPARC's data sets "
            "(.cs) are; do read it with vitrax.io.read_particles, or convert it with "
            "`vitrax convert`"
        )
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        raise InputError(
            f"cannot read {name} because it is a web page saved under that name; do "
            f"download the file itself"
        )
