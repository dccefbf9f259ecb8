"""The public names: a sorted list, and what it costs to import them.

To accept a change: python tests/test_public_api.py > tests/public_api.txt
"""

import ast
import importlib
import pathlib
import subprocess
import sys
import types

import pytest

import vitrax as vx


SNAPSHOT = pathlib.Path(__file__).with_name("public_api.txt")
SOURCE = pathlib.Path(__file__).parents[1] / "src" / "vitrax"
STAGES = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))


def public_names():
    """Return the sorted public names of the package and of each stage."""
    names = [f"vitrax.{name}" for name in vx.__all__]
    for stage in STAGES:
        module = importlib.import_module(f"vitrax.{stage}")
        names += [
            f"vitrax.{stage}.{name}"
            for name in dir(module)
            if not name.startswith("_")
            and not isinstance(getattr(module, name), types.ModuleType)
        ]
    return sorted(names)


def test_names_are_those_of_the_snapshot():
    expected = SNAPSHOT.read_text(encoding="utf-8").split()
    actual = public_names()
    assert set(actual) - set(expected) == set(), "new names: see the head of this file"
    assert set(expected) - set(actual) == set(), "lost names: see the head of this file"
    assert actual == expected


def test_every_lazy_name_is_there():
    for name in vx.__all__:
        assert getattr(vx, name) is not None
    assert dir(vx) == sorted(vx.__all__)
    with pytest.raises(AttributeError, match="no attribute 'flux_capacitor'"):
        _ = vx.flux_capacitor


def test_lazy_names_agree_with_what_type_checkers_see():
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    seen = {(node.module, alias.asname) for node in block.body for alias in node.names}
    lazy = {(home, name) for name, home in vx._HOME.items()}
    assert seen == lazy | {(None, name) for name in vx._SUBPACKAGES}


def test_a_missing_extra_is_named(monkeypatch):
    def absent(name, package):
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")

    monkeypatch.setattr(vx.importlib, "import_module", absent)
    with pytest.raises(
        ImportError, match=r"cannot import vitrax.plot .* 'vitrax\[view\]'"
    ):
        vx.__getattr__("plot")


def seconds(code, tries=3):
    """Return the number that `code` prints in a new process, the least of some."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(tries)
    ]
    return min(float(each.split()[-1]) for each in printed)


def test_import_adds_less_than_a_second_to_jax():
    # Processor time: wall-clock time is that of the neighbours too.
    added = seconds(
        "import time, jax, equinox\n"
        "start = time.process_time()\n"
        "import vitrax\n"
        "[getattr(vitrax, name) for name in vitrax._HOME]\n"
        "print(time.process_time() - start)\n"
    )
    assert added < 1.0


def test_package_alone_imports_no_jax():
    code = "import vitrax, sys; print(int('jax' in sys.modules))"
    assert seconds(code, tries=1) == 0


def test_help_takes_less_than_half_a_second_and_no_jax():
    code = (
        "import contextlib, io, sys, time\n"
        "from vitrax.cli import main\n"
        "sys.argv = ['vitrax', '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    main()\n"
        "assert 'jax' not in sys.modules\n"
        "print(time.process_time())\n"
    )
    assert seconds(code) < 0.5


if __name__ == "__main__":
    print("\n".join(public_names()))
