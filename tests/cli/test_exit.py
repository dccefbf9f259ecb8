import errno
import pathlib

import pytest

from vitrax._files import InputError
from vitrax.cli._exit import NumericalError, ResourceError, UsageError, explain


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("cannot a"), 2),
        (InputError("cannot b"), 3),
        (FileNotFoundError(errno.ENOENT, "no such file", "a.mrc"), 3),
        (PermissionError(errno.EACCES, "denied", "a.mrc"), 3),
        (NumericalError("cannot c"), 4),
        (ResourceError("cannot d"), 5),
        (OSError(errno.ENOSPC, "No space left on device"), 5),
        (MemoryError(), 5),
        (RuntimeError("RESOURCE_EXHAUSTED: out of memory"), 5),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("oops\nover two lines"), 1),
    ],
)
def test_each_error_has_its_code_and_one_line(error, code, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found, message = explain(error)
    assert found == code
    assert message.startswith("cannot ")
    assert "\n" not in message


def test_bug_leaves_its_traceback_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError as error:
        _, message = explain(error)
    (report,) = tmp_path.iterdir()
    assert str(report) in message
    assert "Traceback" in pathlib.Path(report).read_text()
