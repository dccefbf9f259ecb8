"""The examples in docstrings give what they say."""

import ast
import doctest
import importlib
import pathlib

import jax
import pytest


ROOT = pathlib.Path(__file__).parents[1]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples():
    """Return the docstrings with examples, found without importing anything."""
    found = []
    for path in sorted((ROOT / "src" / "vitrax").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = str(path.relative_to(ROOT / "src"))
        found += [
            doctest.DocTestParser().get_doctest(text, {}, name, where, line)
            for name, text, line in docstrings(tree)
            if ">>>" in text
        ]
    return found


def docstrings(tree, prefix=""):
    """Yield (name, docstring, line) of a module, its classes and functions."""
    if ast.get_docstring(tree) is not None:
        yield prefix or "module", ast.get_docstring(tree), getattr(tree, "lineno", 1)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield from docstrings(node, f"{prefix}.{node.name}".lstrip("."))


@pytest.mark.parametrize("example", examples(), ids=lambda e: f"{e.filename}:{e.name}")
def test_example(example):
    if not jax.config.read("jax_enable_x64"):
        pytest.skip("printed in double precision")
    module = example.filename.removesuffix(".py").replace("/", ".")
    module = module.removesuffix(".__init__")
    example.globs = dict(vars(importlib.import_module(module)))
    report = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=FLAGS)
    runner.run(example, out=report.append)
    assert runner.failures == 0, "".join(report)
