import contextlib

import pytest

from vitrax._files import InputError
from vitrax.cli._outbox import outbox, refuse_occupied


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_appear_when_the_block_ends(tmp_path):
    out = tmp_path / "a" / "out"
    with outbox(out) as folder:
        (folder / "one").write_text("1")
        assert not out.exists()
    assert names(out) == ["one"]
    assert names(tmp_path / "a") == ["out"]


def test_failure_leaves_nothing(tmp_path):
    with contextlib.suppress(RuntimeError), outbox(tmp_path / "out") as folder:
        (folder / "one").write_text("1")
        raise RuntimeError
    assert names(tmp_path) == []


def test_occupied_folder_is_refused(tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(InputError, match="isn't empty"), outbox(tmp_path):
        pass
    with pytest.raises(InputError, match="file"):
        refuse_occupied(tmp_path / "mine")
    assert names(tmp_path) == ["mine"]


def test_overwrite_replaces_only_files_of_the_same_names(tmp_path):
    for name in ("mine", "one"):
        (tmp_path / name).write_text("old")
    with outbox(tmp_path, overwrite=True) as folder:
        (folder / "one").write_text("new")
        assert (tmp_path / "one").read_text() == "old"
    assert names(tmp_path) == ["mine", "one"]
    assert (tmp_path / "one").read_text() == "new"
    assert (tmp_path / "mine").read_text() == "old"
