"""The rules of the house that a machine can check."""

import ast
import importlib
import inspect
import pathlib
import pkgutil
import tomllib
import warnings

import equinox as eqx
import grimp
import jax
import jax.numpy as jnp
import pytest

import vitrax as vx


ROOT = pathlib.Path(__file__).parents[1]
SOURCE = ROOT / "src" / "vitrax"
FILES = sorted(SOURCE.rglob("*.py"))
NAMES = [str(path.relative_to(SOURCE)) for path in FILES]
STAGES = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
FORBIDDEN = {"utils", "util", "helpers", "core", "common", "base", "misc"}

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 7


class SizeWarning(UserWarning):
    """Something is larger than it usually is here."""


each_file = pytest.mark.parametrize("path", FILES, ids=NAMES)


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def functions_of(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, kinds)]


def test_imports_run_one_way():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    graph = grimp.build_graph(
        "vitrax", cache_dir=None, exclude_type_checking_imports=True
    )
    listed = [name.strip() for layer in layers for name in layer.split(":")]
    assert set(graph.find_children("vitrax")) <= set(listed)
    illegal = graph.find_illegal_dependencies_for_layers(
        layers=[
            grimp.Layer(*[name.strip() for name in layer.split(":")], independent=False)
            for layer in layers
        ]
    )
    assert not illegal, [(each.importer, each.imported) for each in illegal]


@each_file
def test_other_stages_are_imported_as_wholes(path):
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.ImportFrom):
            continue
        stage, _, inside = (node.module or "").removeprefix("vitrax.").partition(".")
        other = stage in STAGES and (node.level == 2 or node.level == 0)
        assert not (other and inside), f"line {node.lineno}: from ..{node.module}"


@each_file
def test_annotations_are_not_postponed(path):
    imports = [n for n in ast.walk(tree_of(path)) if isinstance(n, ast.ImportFrom)]
    assert "__future__" not in {node.module for node in imports}


@each_file
def test_files_are_named_after_things_or_verbs(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    assert len(parts) <= 2, "at most stage/_idea.py"
    assert not FORBIDDEN & {part.strip("_") for part in parts}
    if len(parts) == 2:
        assert parts[1].startswith("_"), "a file of a stage is private: _idea.py"


@pytest.mark.filterwarnings("default::test_architecture.SizeWarning")
@each_file
def test_sizes(path):
    """Warn, for a person to judge."""
    found = []
    lines = path.read_text(encoding="utf-8").count("\n")
    if lines > LONGEST_FILE:
        found.append(f"{lines} lines")
    for function in functions_of(path):
        body = body_lines(function)
        if body > LONGEST_FUNCTION:
            found.append(f"{function.name}: {body} lines of body")
        count = len(function.args.args) + len(function.args.kwonlyargs)
        if count > MOST_PARAMETERS + 1:
            found.append(f"{function.name}: {count} parameters")
    for each in found:
        warnings.warn(SizeWarning(f"{path.relative_to(SOURCE)}: {each}"), stacklevel=1)


def body_lines(function):
    """Return the lines of a function after its docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return function.end_lineno - body[0].lineno + 1 if body else 0


def test_tests_mirror_the_tree():
    for folder in sorted(path for path in (ROOT / "tests").iterdir() if path.is_dir()):
        if folder.name.startswith(("_", ".")):
            continue
        known = folder.name in {*STAGES, "peers"}
        assert known or not list(folder.glob("test_*.py"))
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names)), "two test files share a name"


def all_modules():
    found = pkgutil.walk_packages(vx.__path__, "vitrax.")
    return [
        importlib.import_module(each.name)
        for each in found
        if not each.name.endswith("__main__")
    ]


def module_classes():
    """Return every Equinox module that the package defines."""
    classes = {
        value
        for module in all_modules()
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, eqx.Module)
    }
    own = [cls for cls in classes if cls.__module__.startswith("vitrax")]
    return sorted(own, key=lambda cls: (cls.__module__, cls.__qualname__))


def is_abstract(cls):
    return inspect.isabstract(cls) or cls.__name__.startswith("Abstract")


def test_classes_are_abstract_or_final():
    classes = module_classes()
    for cls in classes:
        parents = [each for each in cls.__mro__[1:] if each in classes]
        assert all(is_abstract(each) for each in parents), (
            f"{cls} extends a final class"
        )
        assert len(parents) <= 1, f"{cls} is deeper than 2"
        assert not [n for each in parents for n in overridden(each, cls)], cls
    for abstract in filter(is_abstract, classes):
        final = [cls for cls in classes if issubclass(cls, abstract)]
        assert len(final) >= 3, f"{abstract} has fewer than two implementations"


def overridden(parent, cls):
    """Return the concrete methods of `parent` that `cls` defines anew."""
    return [
        name
        for name, value in vars(parent).items()
        if inspect.isfunction(value)
        and not name.startswith("__")
        and not getattr(value, "__isabstractmethod__", False)
        and name in vars(cls)
    ]


def example_nouns():
    """Return one of each public noun that is given to pure verbs."""
    grid = vx.Grid((8, 8), pixel_size=2)
    voxels = vx.VoxelMap(jnp.ones((6, 6, 6), int), voxel_size=2)
    lens = vx.Lens(defocus=12_000, phase_shift=True)
    return [
        grid,
        vx.Rotation((1, 0, 0, 0)),
        vx.Pose.from_euler(10, 20, 30, shift=(1, 2)),
        vx.Atoms([[0, 0, 0]], [6], [20], [1]),
        vx.Gaussians([[0, 0, 0]], [[2]], [[1]]),
        vx.Ensemble.from_structures([vx.Gaussians([[0, 0, 0]], [[2]], [[1]])], [1]),
        voxels,
        vx.FourierMap.from_map(voxels),
        lens,
        vx.Microscope(grid, voltage=300, lens=lens),
        vx.WhiteNoise(variance=1),
        vx.ColouredNoise(jnp.ones((4, 3))),
        vx.Camera(vx.detector.GaussianTransfer(1), gain=2, pixel_size=1),
        vx.PoissonNoise(),
    ]


def test_every_public_noun_has_an_example():
    public = {getattr(vx, name) for name in dir(vx)}
    nouns = {x for x in public if inspect.isclass(x) and issubclass(x, eqx.Module)}
    assert nouns <= {type(noun) for noun in example_nouns()}


def test_leaves_are_strong_floats_and_the_rest_is_static():
    for noun in example_nouns():
        for leaf in jax.tree.leaves(noun):
            assert eqx.is_inexact_array(leaf), f"a leaf of {type(noun)}: {leaf!r}"
            assert not leaf.weak_type, f"a weakly typed leaf of {type(noun)}"
        hash(jax.tree.structure(noun))


def documented():
    """Return (name, object) of each public noun and verb."""
    found = []
    for stage in (vx, *[importlib.import_module(f"vitrax.{name}") for name in STAGES]):
        names = dir(stage) if stage is vx else list(vars(stage))
        for name in names:
            value = getattr(stage, name)
            if name.startswith("_") or not (inspect.isclass(value) or callable(value)):
                continue
            if getattr(value, "__module__", "").startswith("vitrax"):
                found.append((f"{stage.__name__}.{name}", value))
    return found


def test_public_names_have_a_docstring_with_an_example():
    without = [
        name
        for name, value in documented()
        if not {"Example", ">>>"} <= words_of(inspect.getdoc(value) or "")
        and not name.rpartition(".")[2].startswith("Abstract")
        and not issubclass_safely(value, Exception)
    ]
    assert not without, "\n".join(without)


def words_of(text):
    return {word.strip(":s") for word in text.split()}


def issubclass_safely(value, kind):
    return inspect.isclass(value) and issubclass(value, kind)
