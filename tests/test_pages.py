"""What the pages say is there: tests, links, versions."""

import importlib.metadata
import pathlib
import re
import tomllib

import pytest

import vitrax as vx


ROOT = pathlib.Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@each_page
def test_tests_that_a_page_names_exist(page):
    for path, name in re.findall(
        r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text("utf-8")
    ):
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{path}::{name}"


def test_each_convention_names_a_test():
    text = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.startswith(("| convention", "| ---"))]
    assert len(rows) > 20
    assert not [row for row in rows if "::test_" not in row.rsplit("| `", 1)[-1]]


@each_page
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    # The pages of the API are written when the site is built.
    files = [each for each in links if "://" not in each and "api/" not in each]
    assert not [link for link in files if not (page.parent / link).exists()]


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 120


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == vx.__version__
    assert importlib.metadata.version("vitrax") == vx.__version__


@pytest.mark.parametrize("lock", ["dev", "oldest", "gpu"])
def test_locks_hold_exact_versions_from_anywhere(lock):
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 5
    assert not [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.+]+", pin)]


def test_the_oldest_lock_holds_the_lowest_versions_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = (ROOT / "requirements" / "oldest.txt").read_text("utf-8").lower()
    for requirement in project["dependencies"]:
        name, lowest = requirement.lower().split(">=")
        pinned = re.search(rf"^{name}==([\d.]+)$", lock, re.MULTILINE)
        assert pinned is not None, name
        assert pinned.group(1).split(".")[:2] == (lowest + ".0").split(".")[:2], name
