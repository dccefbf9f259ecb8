import pathlib

import pytest

from vitrax.cli._exit import ResourceError
from vitrax.cli._job import prepare
from vitrax.cli._needs import as_bytes, as_duration
from vitrax.cli._plan import as_text, check_resources, plan_of, timed_plan
from vitrax.cli._recipe import Recipe


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    path = tmp_path_factory.mktemp("atoms") / "one.pdb"
    line = "ATOM      1  N   ALA A   1      12.000  20.000  31.000  1.00 15.00"
    path.write_text(line + "           N\n")
    out = pathlib.Path("nowhere") / "out"
    return prepare(Recipe(structure=path, out=out, n=5, box=24, angpix=2.0))


def test_disk_is_that_of_the_files(job):
    assert plan_of(job).disk["particles.mrcs"] == 1024 + 5 * 24 * 24 * 4
    assert plan_of(job).disk["map.mrc"] == 1024 + 24**3 * 4


def test_time_is_measured(job):
    plan = timed_plan(job)
    assert plan.seconds is not None
    assert 0 < plan.seconds < 100
    assert "time" in as_text(job, plan)


def test_full_disk_is_foreseen(job, monkeypatch):
    usage = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(ResourceError, match=r"because the disk has 10 kB left"):
        check_resources(job)


def test_lack_of_memory_is_foreseen(job, monkeypatch):
    monkeypatch.setattr("vitrax.cli._needs.total_memory", lambda: 1000)
    with pytest.raises(ResourceError, match="--batch-size"):
        check_resources(job)


@pytest.mark.parametrize(
    ("count", "text"), [(5, "5 B"), (1500, "1.5 kB"), (2.62e10, "26.2 GB")]
)
def test_bytes_in_words(count, text):
    assert as_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(7.2, "7 s"), (75.0, "1 min 15 s"), (7300.0, "2 h 1 min")]
)
def test_duration_in_words(seconds, text):
    assert as_duration(seconds) == text
