"""Where a model is written: a file or a folder that may take that name."""

import os
import pathlib
import re
import secrets
import shutil

import numpy as np

from .._files import InputError, atomic_folder, check_output_folder
from ._contents import first_bytes
from ._model_arrays import write_safetensors


JSON_NAME, ARRAYS_NAME = "model.json", "arrays.safetensors"

# Ends of names that say a file, and not one of JSON.
_FILES = {".safetensors", ".npz", ".npy", ".gz", ".bz2", ".zip", ".pkl", ".h5"}
_START = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"format"\s*:\s*"vitrax model"')


def followed(target: pathlib.Path) -> pathlib.Path:
    """Return where a symbolic link leads, which stays one.

    Raises:
        InputError: if it leads round in a circle.
    """
    real = pathlib.Path(os.path.realpath(target)) if target.is_symlink() else target
    if real.is_symlink():
        raise InputError(
            f"cannot write {target} because it is a symbolic link that leads round in "
            "a circle; do take it away"
        )
    return real


def check_target(target: pathlib.Path, is_folder: bool, overwrite: bool) -> None:
    """Raise if something stands under a name that may not be replaced.

    Args:
        target: the name.
        is_folder: whether a folder is to have it.
        overwrite: whether a file that isn't a model may be replaced.

    Raises:
        InputError: if it may not, or the name is that of another kind of file.
    """
    if is_folder and target.suffix.lower() in _FILES:
        raise InputError(
            f"cannot write {target} because a model is NAME.json or a folder, and this "
            "name is neither's; do choose one of them"
        )
    if not target.exists():
        return
    if not target.is_dir() and not target.is_file():
        raise InputError(
            f"cannot write {target} because a pipe or a device has that name; do "
            "choose another name"
        )
    if is_folder:
        _check_folder(target, overwrite)
    elif target.is_file() and not overwrite and not _is_model(target):
        raise InputError(
            f"cannot write {target} because a file that isn't a model has that name; "
            "do choose another name, or pass overwrite=True"
        )


def _check_folder(target: pathlib.Path, overwrite: bool) -> None:
    """Raise if a folder that is there isn't empty, or a model that may be replaced."""
    if not target.is_dir():
        check_output_folder(target)
    others = [
        entry.name
        for entry in target.iterdir()
        if entry.name not in (JSON_NAME, ARRAYS_NAME)
        or (entry.exists() and not entry.is_file())
    ]
    if others or not (overwrite or _is_model(target / JSON_NAME)):
        check_output_folder(target)
    if not _may_change(target):
        raise InputError(
            f"cannot write {target} because its permissions forbid it; do choose "
            "another folder"
        )


def _is_model(path: pathlib.Path) -> bool:
    """Return whether a file is a model, or empty."""
    start = first_bytes(path) if path.is_file() else b"?"
    return not start or _START.match(start) is not None


def write_folder(
    target: pathlib.Path, text: bytes, arrays: dict[str, np.ndarray]
) -> None:
    """Write the two files of a model; a model that is there gives way in one step.

    Args:
        target: the folder.
        text: the JSON.
        arrays: to go beside it.
    """
    target = target.resolve()
    is_held = target.is_dir() and any(target.iterdir())
    token = secrets.token_hex(4)
    new = target.with_name(f".{target.name}.{token}.new") if is_held else target
    with atomic_folder(new) as folder:
        write_safetensors(folder / ARRAYS_NAME, arrays)
        (folder / JSON_NAME).write_bytes(text)
    if not is_held:
        return
    old = target.with_name(f".{target.name}.{token}.old")
    try:
        os.rename(target, old)
        try:
            os.rename(new, target)
        except OSError:
            os.rename(old, target)
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _may_change(folder: pathlib.Path) -> bool:
    """Return whether permissions let this process put files into a folder."""
    is_effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=is_effective)
