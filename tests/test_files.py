import errno
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest

import vitrax as vx
from vitrax._files import (
    InputError,
    atomic_folder,
    atomic_path,
    check_free_space,
)


class Stop(Exception):
    pass


def write_and_stop(path, content):
    path.write_text(content)
    raise Stop


def fill(folder):
    folder.mkdir(exist_ok=True)
    (folder / "theirs.txt").write_text("theirs")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "out.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
        assert temporary.suffix == ".txt"
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names(tmp_path) == ["out.txt"]


def test_an_error_leaves_what_was_there(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(Stop), atomic_path(target) as temporary:
        write_and_stop(temporary, "half")
    assert target.read_text() == "old"
    assert names(tmp_path) == ["out.txt"]


def test_a_file_cannot_replace_a_folder(tmp_path):
    with (
        pytest.raises(InputError, match="a folder has that name"),
        atomic_path(tmp_path),
    ):
        pass


def test_a_file_needs_its_folder(tmp_path):
    missing = tmp_path / "no" / "out.txt"
    with pytest.raises(InputError, match="there is no folder"), atomic_path(missing):
        pass


def test_a_new_folder_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "deep" / "job"
    with atomic_folder(target) as work:
        (work / "a.txt").write_text("a")
        (work / "sub").mkdir()
        assert not target.exists()
    assert names(target) == ["a.txt", "sub"]
    assert names(tmp_path / "deep") == ["job"]


def test_an_empty_folder_is_filled_in_place(tmp_path):
    target = tmp_path / "job"
    target.mkdir()
    inode = target.stat().st_ino
    with atomic_folder(target) as work:
        (work / "a.txt").write_text("a")
        assert not (target / "a.txt").exists()
    assert names(target) == ["a.txt"]
    assert target.stat().st_ino == inode


@pytest.mark.parametrize("exists", [False, True])
def test_an_error_leaves_no_folder_content(tmp_path, exists):
    target = tmp_path / "job"
    if exists:
        target.mkdir()
    with pytest.raises(Stop), atomic_folder(target) as work:
        write_and_stop(work / "a.txt", "half")
    assert target.exists() == exists
    assert not exists or names(target) == []
    assert names(tmp_path) == (["job"] if exists else [])


def test_a_folder_with_content_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    refused = pytest.raises(InputError, match=r"isn't empty \(it holds mine.txt\)")
    with refused, atomic_folder(tmp_path):
        pass
    assert names(tmp_path) == ["mine.txt"]


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "job").write_text("mine")
    refused = pytest.raises(InputError, match="a file has that name")
    with refused, atomic_folder(tmp_path / "job"):
        pass


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_filled_meanwhile_is_kept(tmp_path, exists):
    target = tmp_path / "job"
    if exists:
        target.mkdir()
    with pytest.raises(InputError, match="meanwhile"), atomic_folder(target):
        fill(target)
    assert names(target) == ["theirs.txt"]


def test_a_killed_job_leaves_no_final_name(tmp_path):
    code = (
        "import os, signal, sys\n"
        "from vitrax._files import atomic_folder\n"
        "with atomic_folder(sys.argv[1]) as work:\n"
        "    (work / 'a.txt').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    target = tmp_path / "job"
    ended = subprocess.run([sys.executable, "-c", code, target], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not target.exists()
    with atomic_folder(target) as work:
        (work / "a.txt").write_text("whole")
    assert (target / "a.txt").read_text() == "whole"


def test_too_little_space_is_an_error_before_writing(tmp_path):
    with pytest.raises(OSError, match="the disk has") as caught:
        check_free_space(tmp_path / "new" / "x.mrc", 10**18)
    assert caught.value.errno == errno.ENOSPC


@pytest.fixture
def small_files():
    """Make the system refuse to write files beyond 64 KiB, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def write_map(path):
    vx.io.write_map(path, vx.VoxelMap(np.zeros((32, 32, 32)), voxel_size=1.0))


def write_stack(path):
    with vx.io.StackWriter(path, (32, 32, 32), pixel_size=1.0) as writer:
        for _ in range(32):
            writer.append(np.zeros((1, 32, 32)))


def write_star(path):
    vx.io.write_star(path, {"": vx.io.StarTable({"a": np.arange(10_000)})})


def write_particles(path):
    optics = vx.image.OpticsGroup(pixel_size=1.0, voltage=300.0, box=32)
    with vx.io.ParticleWriter(path, 32, [optics]) as writer:
        for _ in range(32):
            writer.append(np.zeros((1, 32, 32)))


@pytest.mark.parametrize("write", [write_map, write_stack, write_star, write_particles])
def test_a_failed_write_leaves_nothing(tmp_path, small_files, write):
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        write(tmp_path / "out.star")
    assert names(tmp_path) == []
