"""The console script, before the command line is loaded."""

import pathlib
import subprocess
import sys
import tomllib

import pytest


PROJECT = pathlib.Path(__file__).parents[2] / "pyproject.toml"

# Raises as Ctrl-C does while a package is imported.
INTERRUPTED = """
import sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
from vitrax.__main__ import main
sys.argv = ["vitrax", "doctor"]
sys.exit(main())
"""


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize("name", ["vitrax.cli", "cyclopts", "pydantic", "jax"])
def test_ctrl_c_while_loading_is_one_line_and_130(name):
    ended = python(INTERRUPTED.format(name=name))
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("vitrax: cannot go on because of Ctrl-C; do run")


def test_the_script_starts_in_a_module_that_imports_nothing_heavy():
    scripts = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts == {"vitrax": "vitrax.__main__:main"}
    code = (
        "import sys; from vitrax.__main__ import main\n"
        "heavy = {'numpy', 'jax', 'cyclopts', 'pydantic', 'rich', 'vitrax.cli'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    ended = python(code)
    assert ended.returncode == 0, ended.stderr


def test_the_module_runs_as_the_command():
    call = [sys.executable, "-m", "vitrax", "--version"]
    ended = subprocess.run(call, capture_output=True, text=True)
    assert ended.returncode == 0
    assert ended.stdout[:1].isdigit()
