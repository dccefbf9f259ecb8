"""What `vitrax info` says of NumPy's archives and of models of vitrax."""

import ast
import pathlib
import struct
import zipfile
from typing import Any

from .. import io
from .._files import InputError


# The header of an array in an archive is never longer than this.
_HEADER = 2**16


def array_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Return the arrays of an .npz file; only their headers are read."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = dict(
                _array_in(archive, entry) for entry in archive.infolist()[:1000]
            )
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        raise InputError(
            f"cannot read {path} because it isn't a sound archive of NumPy arrays "
            f"({error}); do fetch it again"
        ) from error
    return found, ["arrays of NumPy: no command of vitrax takes them"]


def _array_in(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[str, str]:
    """Return the name of an array, and its type and shape in words."""
    name = entry.filename.removesuffix(".npy")
    if not entry.filename.endswith(".npy"):
        return name, f"not an array, {entry.file_size} bytes"
    with archive.open(entry) as file:
        start = file.read(12)
        wide = start[6:7] != b"\x01"
        length = struct.unpack("<I" if wide else "<H", start[8 : 12 if wide else 10])
        text = start[12 if wide else 10 :] + file.read(min(length[0], _HEADER))
    try:
        header = ast.literal_eval(text[: length[0]].decode("latin-1").strip())
        return name, f"{header['descr']} of shape {header['shape']}"
    except (ValueError, SyntaxError, KeyError, TypeError, struct.error):
        return name, "an array whose header can't be read"


def model_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Return which nouns are in a model of vitrax."""
    import jax

    model = io.read_model(path)
    leaves = jax.tree.leaves(model)
    facts = {
        "holds": type(model).__name__,
        "arrays": len(leaves),
        "numbers": sum(leaf.size for leaf in leaves if hasattr(leaf, "size")),
    }
    return facts, []
