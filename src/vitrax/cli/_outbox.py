"""The folder of a job's outputs, which appear when all of them are whole."""

import contextlib
import os
import pathlib
import secrets
from collections.abc import Iterator

from .._files import atomic_folder, check_output_folder


@contextlib.contextmanager
def outbox(out: pathlib.Path, *, overwrite: bool = False) -> Iterator[pathlib.Path]:
    """Give a temporary folder whose files are in `out` when the block ends well.

    When the block fails, the temporary folder is removed and `out` is as it was.

    Args:
        out: the folder to make.
        overwrite: whether files of the same names in `out` may be replaced.

    Raises:
        InputError: if `out` is a file, or holds something and `overwrite` is false.
    """
    if not (overwrite and out.is_dir() and any(out.iterdir())):
        with atomic_folder(out) as folder:
            yield folder
        return
    finished = out / f".{secrets.token_hex(4)}.new"
    with atomic_folder(finished) as folder:
        yield folder
    for path in sorted(finished.iterdir()):
        os.replace(path, out / path.name)
    finished.rmdir()


def refuse_occupied(out: pathlib.Path, *, overwrite: bool = False) -> None:
    """Raise if a folder can't be made at `out`.

    Args:
        out: the folder to make.
        overwrite: whether it may hold something.

    Raises:
        InputError: if `out` is a file, or holds something and `overwrite` is false.
    """
    if not (overwrite and out.is_dir()):
        check_output_folder(out)
