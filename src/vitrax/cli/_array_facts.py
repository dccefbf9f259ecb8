"""What `vitrax info` says of NumPy's archives and of models of vitrax."""

import pathlib
from typing import Any

from .. import io
from ._reading import Reading
from ._remarks import as_remarks


def array_facts(
    path: pathlib.Path, reading: Reading
) -> tuple[dict[str, Any], list[str]]:
    """Return the arrays of an .npz file.

    Args:
        path: of the file.
        reading: how it is read.
    """
    arrays = {
        name: {"dtype": array.dtype, "shape": list(array.shape), "bytes": array.size}
        for name, array in io.npz_arrays(path).items()
    }
    problems = io.npz_problems(path, **reading.limit)
    no_use = "arrays of NumPy: no command of vitrax takes them"
    return {"arrays": arrays}, [*as_remarks(problems, path), no_use]


def model_facts(path: pathlib.Path, _: Reading) -> tuple[dict[str, Any], list[str]]:
    """Return which nouns are in a model of vitrax.

    Args:
        path: of the file or folder.
    """
    import jax

    model = io.read_model(path)
    leaves = jax.tree.leaves(model)
    facts = {
        "class": type(model).__name__,
        "leaves": len(leaves),
        "numbers": sum(leaf.size for leaf in leaves if hasattr(leaf, "size")),
    }
    return facts, []
