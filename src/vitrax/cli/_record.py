"""What a run was made from, for run.json."""

import datetime
import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform
import sys
from typing import Any

from .. import __version__
from ._specimen_options import SpecimenOptions


PACKAGES = ("jax", "jaxlib", "equinox", "numpy", "scipy", "gemmi", "mrcfile")


def versions() -> dict[str, str]:
    """Return the versions of vitrax, Python and the packages that it computes with."""
    found = {"vitrax": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def devices() -> list[str]:
    """Return the devices that jax computes on, in words."""
    import jax

    return [
        f"{device.platform}:{device.id} {device.device_kind}"
        for device in jax.devices()
    ]


def sha256(path: pathlib.Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Args:
        path: of the file.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def input_entry(path: pathlib.Path) -> dict[str, Any]:
    """Return path, size and SHA-256 of an input file.

    Args:
        path: of the file.
    """
    return {
        "path": str(path.absolute()),
        "bytes": path.stat().st_size,
        "sha256": sha256(path),
    }


def provenance() -> dict[str, Any]:
    """Return when, where and by which command something is made."""
    return {
        "command": ["vitrax", *sys.argv[1:]],
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "platform": platform.platform(),
        "devices": devices(),
    }


def run_record(
    recipe: SpecimenOptions, results: dict[str, Any], warnings: tuple[str, ...]
) -> dict[str, Any]:
    """Return what the record of a run holds.

    Paths among the parameters hold from any folder, so that the run can be repeated.

    Args:
        recipe: the parameters, resolved.
        results: what was measured.
        warnings: for the reader.
    """
    inputs = recipe.input_files()
    used = recipe.options_used()
    absolute = {k: os.path.abspath(path) for k, path in inputs.items() if k in used}
    return {
        "parameters": used | absolute,
        "results": results,
        "warnings": list(warnings),
        "inputs": [input_entry(path) for path in inputs.values()],
        **provenance(),
    }


def as_json(record: Any) -> str:
    """Return a record as indented JSON, in which paths are text.

    Args:
        record: of a run, or of what was found in files.
    """
    return json.dumps(
        record, indent=2, default=str, ensure_ascii=False, allow_nan=False
    )
