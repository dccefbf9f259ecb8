"""Exit codes, and the one sentence that a failure prints."""

import errno
import os
import pathlib
import tempfile
import traceback


OK = 0
UNEXPECTED = 1
USAGE = 2
BAD_INPUT = 3
NUMERICAL = 4
RESOURCES = 5
TERMINATED = 143
BROKEN_PIPE = 141
INTERRUPTED = 130

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM)


class Terminated(BaseException):
    """The process was told to end, as a scheduler does before it kills."""


class UsageError(ValueError):
    """The command was called in a way that makes no sense."""


class NumericalError(ArithmeticError):
    """A result isn't finite."""


class ResourceError(RuntimeError):
    """There isn't enough disk or memory."""


def explain(error: BaseException) -> tuple[int, str]:
    """Return the exit code of an error, and one line about it."""
    for recognise in (_own, _of_resources, _of_files):
        found = recognise(error)
        if found is not None:
            return found[0], one_line(found[1])
    return UNEXPECTED, one_line(_unexpected(error))


def one_line(text: str) -> str:
    """Return `text` with every run of white space made a single space."""
    return " ".join(text.split())


def _own(error: BaseException) -> tuple[int, str] | None:
    """Recognise the errors that vitrax raises on purpose."""
    from .._files import InputError

    codes = {
        UsageError: USAGE,
        InputError: BAD_INPUT,
        NumericalError: NUMERICAL,
        FloatingPointError: NUMERICAL,
        ResourceError: RESOURCES,
    }
    for kind, code in codes.items():
        if isinstance(error, kind):
            return code, str(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, (
            "cannot go on because of Ctrl-C; do run the command again, nothing was left"
        )
    if isinstance(error, Terminated):
        return TERMINATED, (
            "cannot go on because the process was told to end (SIGTERM); do run the "
            "command again, nothing was left"
        )
    return None


def _of_resources(error: BaseException) -> tuple[int, str] | None:
    """Recognise a full disk and exhausted memory."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return RESOURCES, (
            f"cannot write {error.filename or 'the output'} because "
            f"{os.strerror(error.errno or 0).lower()}; do free space or choose another "
            f"--out, nothing was left half-written"
        )
    out_of_memory = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
    if out_of_memory:
        return RESOURCES, (
            "cannot hold the data because memory is exhausted; do lower --box, or "
            "--batch-size where there is one"
        )
    return None


def _of_files(error: BaseException) -> tuple[int, str] | None:
    """Recognise files that are missing or may not be read."""
    if isinstance(error, OSError) and error.filename is not None:
        reason = os.strerror(error.errno or 0).lower()
        return BAD_INPUT, (
            f"cannot open {error.filename} because of: {reason}; do check the path and "
            f"its permissions"
        )
    return None


def _unexpected(error: BaseException) -> str:
    """Return the sentence for an error that nobody foresaw; keep its traceback."""
    report = _write_traceback(error)
    return (
        f"cannot finish because of an unexpected {type(error).__name__}: {error}; do "
        f"report this as a bug with the file {report} and the output of 'vitrax doctor'"
    )


def _write_traceback(error: BaseException) -> pathlib.Path | str:
    """Write the traceback where a bug report can pick it up."""
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="vitrax-bug-", suffix=".txt", delete=False
        ) as file:
            file.write(text)
    except OSError:
        return "(which could not be written)"
    return pathlib.Path(file.name)
