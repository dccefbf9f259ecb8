"""Models in odd places: links, pipes, other files, two writers, full disks."""

import errno
import gzip
import os

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from test_models import assert_same, full_lens, gaussians

import vitrax as vx
from vitrax.io import InputError, _models, read_model, write_model


pytestmark = pytest.mark.skipif(os.name == "nt", reason="of links and permissions")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_pipes_are_neither_read_nor_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match="it is a pipe, not a file"):
        read_model(tmp_path / "pipe.json")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="a pipe or a device has that name"):
            write_model(tmp_path / "pipe.json", full_lens(), overwrite=overwrite)
    write_model(tmp_path / "m", gaussians())
    (tmp_path / "m" / "arrays.safetensors").unlink()
    os.mkfifo(tmp_path / "m" / "arrays.safetensors")
    with pytest.raises(InputError, match=r"safetensors because it is a pipe"):
        read_model(tmp_path / "m")
    with pytest.raises(InputError, match=r"it isn't empty \(it holds"):
        write_model(tmp_path / "m", gaussians())


def test_a_link_to_a_file_stays_one(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    for noun in (gaussians(), full_lens()):
        write_model(tmp_path / "link.json", noun)
        assert (tmp_path / "link.json").is_symlink()
        assert_same(read_model(tmp_path / "real.json"), noun)
    (tmp_path / "notes.json").write_text("mine")
    (tmp_path / "other.json").symlink_to(tmp_path / "notes.json")
    with pytest.raises(InputError, match=r"notes\.json because a file that isn't"):
        write_model(tmp_path / "other.json", full_lens())


def test_links_that_lead_nowhere_are_told(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match="leads round in a circle"):
        write_model(tmp_path / "loop", full_lens())
    with pytest.raises(InputError, match="can't be opened"):
        read_model(tmp_path / "loop")
    write_model(tmp_path / "m", gaussians())
    (tmp_path / "m" / "arrays.safetensors").unlink()
    (tmp_path / "m" / "arrays.safetensors").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"arrays\.safetensors because there is no"):
        read_model(tmp_path / "m")


def test_arrays_behind_a_link_are_read_and_not_written_over(tmp_path):
    write_model(tmp_path / "m", gaussians())
    arrays = tmp_path / "m" / "arrays.safetensors"
    os.rename(arrays, tmp_path / "disk2")
    arrays.symlink_to(tmp_path / "disk2")
    before = (tmp_path / "disk2").read_bytes()
    assert_same(read_model(tmp_path / "m"), gaussians())
    write_model(tmp_path / "m", gaussians(3))
    assert (tmp_path / "disk2").read_bytes() == before
    assert_same(read_model(tmp_path / "m"), gaussians(3))


@pytest.mark.parametrize("name", ["m.safetensors", "m.npz", "m.json.gz", "M.PKL"])
def test_names_of_other_files_are_not_folders(tmp_path, name):
    with pytest.raises(InputError, match=r"a model is NAME\.json or a folder"):
        write_model(tmp_path / name, full_lens())
    assert not names(tmp_path)


def test_a_packed_model_and_bare_arrays_are_told(tmp_path):
    write_model(tmp_path / "m.json", full_lens())
    packed = tmp_path / "m.json.gz"
    packed.write_bytes(gzip.compress((tmp_path / "m.json").read_bytes()))
    with pytest.raises(InputError, match="it is packed, which models aren't; do unp"):
        read_model(packed)
    write_model(tmp_path / "m", gaussians())
    with pytest.raises(InputError, match="holds arrays alone; do read the folder"):
        read_model(tmp_path / "m" / "arrays.safetensors")


@pytest.mark.parametrize("path", ["a\0b", "a" * 5000, "file/a.json"])
def test_names_that_no_file_has_are_told(tmp_path, path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be opened"):
        read_model(f"{tmp_path}/{path}")


def test_what_an_editor_saved_again_is_a_model_still(tmp_path):
    path = tmp_path / "m.json"
    write_model(path, full_lens())
    marked = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(marked)
    assert_same(read_model(path), full_lens())
    write_model(path, gaussians())
    assert_same(read_model(path), gaussians())


def test_names_of_arrays_are_no_paths(tmp_path):
    given = {"../../x": np.ones(40), "__metadata__": np.zeros(40), "/etc": np.ones(30)}
    write_model(tmp_path / "in" / "m", given)
    assert_same(read_model(tmp_path / "in" / "m"), given)
    assert names(tmp_path / "in") == ["m"]
    assert names(tmp_path / "in" / "m") == ["arrays.safetensors", "model.json"]


def test_a_reader_between_two_writers_gets_one_whole_model(tmp_path, monkeypatch):
    path = tmp_path / "m"
    write_model(path, gaussians(0))
    parsed, count = _models._parsed, []

    def parsed_and_replaced(source):
        document = parsed(source)
        count.append(1)
        if len(count) < 4:
            monkeypatch.setattr(_models, "_parsed", parsed)
            write_model(path, gaussians(len(count)))
            monkeypatch.setattr(_models, "_parsed", parsed_and_replaced)
        return document

    monkeypatch.setattr(_models, "_parsed", parsed_and_replaced)
    assert_same(read_model(path), gaussians(3))
    assert len(count) == 4


def test_a_folder_that_may_not_change_is_left_alone(tmp_path, monkeypatch):
    write_model(tmp_path / "m", gaussians())
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(InputError, match="its permissions forbid it; do cho"):
        write_model(tmp_path / "m", full_lens())
    assert_same(read_model(tmp_path / "m"), gaussians())
    assert names(tmp_path) == ["m"]


def test_a_full_disk_is_an_error_of_the_system(tmp_path, monkeypatch):
    write_model(tmp_path / "m", full_lens())

    def fail(*_):
        # What safetensors says on a full disk.
        raise safetensors.SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        )

    monkeypatch.setattr(safetensors.numpy, "save_file", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write_model(tmp_path / "m", gaussians())
    assert caught.value.errno == errno.ENOSPC
    assert_same(read_model(tmp_path / "m"), full_lens())
    assert names(tmp_path) == ["m"]


def test_a_list_of_too_many_is_refused_before_it_is_written(tmp_path):
    with pytest.raises(ValueError, match="model makes more than 4000000 values; do ke"):
        write_model(tmp_path / "m.json", [0] * 4_000_001)
    with pytest.raises(ValueError, match=r"model\[0\] is a path; do keep its text"):
        write_model(tmp_path / "m.json", [tmp_path])


def test_shapes_and_sizes_that_lie_cost_no_memory(tmp_path):
    write_model(tmp_path / "m", [jnp.ones(30)])
    path = tmp_path / "m" / "model.json"
    path.write_text(
        path.read_text().replace('"shape": [30]', '"shape": [300000000000]')
    )
    with pytest.raises(
        InputError, match=r"model\[0\] has dtype and shape F\d\d \[3000"
    ):
        read_model(tmp_path / "m")
    grid = tmp_path / "grid.json"
    write_model(grid, vx.Grid(8, 1.0))
    grid.write_text(grid.read_text().replace("[8, 8]", f"[8, {'9' * 4000}]"))
    with pytest.raises(InputError, match=r"isn't a vitrax\.grid\.Grid"):
        read_model(grid)
