"""Nouns on the disk, as JSON with their arrays beside it or inside."""

import base64
import os
import pathlib
import warnings
from typing import Any

import numpy as np

from .._files import (
    InputError,
    InputWarning,
    atomic_file,
    check_free_space,
)
from ._contents import (
    Path,
    check_content,
    is_compressed,
    open_raw,
)
from ._model_arrays import (
    ArraysBeside,
    ArraysInside,
    as_bytes,
    as_stored,
)
from ._model_building import ArraysAtHand, Builder
from ._model_encoding import Encoder
from ._model_place import REWRITE, Place, shown
from ._model_target import (
    ARRAYS_NAME,
    JSON_NAME,
    check_target,
    followed,
    write_folder,
)
from ._model_text import MAX_TEXT, Twice, format_json, parse_json


FORMAT = "vitrax model"
# Version 1 had no versions of classes: all of them were at their first.
VERSION = 2

_KEYS = {
    1: {"format", "version", "vitrax", "model", "arrays"},
    2: {"format", "version", "vitrax", "classes", "model", "arrays"},
}


def write_model(path: Path, noun: Any, *, overwrite: bool = False) -> None:
    """Write a noun, or nouns in lists, tuples and dicts: JSON and its arrays.

    A path that ends in `.json` is one file, with the arrays as base64 in it: for an
    instrument, or some poses. Any other is a folder with `model.json` and the arrays
    in `arrays.safetensors`: for maps. Both hold every bit. A model that stands there is
    replaced, in one step when all is written.

    Batches, as `jax.vmap` makes them, are kept as they are. An array that is in the
    noun twice is written once. Weak types of jax get lost: arrays are strongly typed.
    An array of numpy where the class has one of jax, as `jax.device_get` puts it there,
    is read as one of jax, with the same bits and dtype.

    Args:
        path: `NAME.json`, or a folder that is absent, empty or a model.
        noun: of vitrax or of a class given to `register_model`, with numbers, text,
            bytes, None, tuples, lists, dicts, enums and arrays in its fields.
        overwrite: whether a file of this name that isn't a model may be replaced. A
            folder with other files in it never is.

    Raises:
        InputError: if something stands there already that isn't a model.
        ValueError: naming class and field, if a class isn't registered, a field holds a
            function, something traced or a value that its class wouldn't take, or the
            arrays are too many for one file.

    Example:
        >>> import tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/lens.json"
        >>> vx.io.write_model(path, vx.Lens(defocus=12_000.0))
        >>> float(vx.io.read_model(path).defocus)
        12000.0
    """
    target = followed(pathlib.Path(path))
    is_folder = target.suffix.lower() != ".json"
    check_target(target, is_folder, overwrite)
    place = Place("write", str(target))
    encoder = Encoder()
    model = encoder.encode(noun, place)
    # What can't be read again isn't written.
    Builder(ArraysAtHand(encoder.arrays), encoder.versions).build(model, place)
    arrays = {name: np.asarray(array) for name, array in encoder.arrays.items()}
    size = sum(array.nbytes for array in arrays.values())
    if is_folder:
        check_free_space(target, size)
        text = _text(encoder.versions, model, ARRAYS_NAME, target)
        write_folder(target, text, arrays)
        return
    _check_size(4 * size // 3, target)
    inside = {
        name: base64.b64encode(as_bytes(as_stored(array))).decode("ascii")
        for name, array in arrays.items()
    }
    text = _text(encoder.versions, model, inside, target)
    check_free_space(target, len(text))
    with atomic_file(target) as file:
        file.write(text)


def read_model(path: Path) -> Any:
    """Return what `write_model` wrote.

    Nouns are put together by the names of their fields, which must be those of the
    class and in its order, without converters and `__init__`; classes are those of
    vitrax and those given to `register_model`. Dtype, number of axes and fixed sizes of
    each array are compared with its annotation, numbers with the rules of their fields,
    and `__check_init__` is asked. Where the file has an older version of a class, the
    fields that came later get their defaults, with a warning.

    Args:
        path: the JSON file or the folder.

    Returns:
        The noun, its arrays on jax's default device.

    Raises:
        InputError: naming file, class and field, if the file is damaged or too new, has
            a class, field or array that isn't known, lacks one, has fields in another
            order, or holds what the class wouldn't take; or if it has numbers of 64
            bits and jax has them switched off.

    Example:
        >>> import tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/grid"
        >>> vx.io.write_model(path, [vx.Grid(8, 1.5)])
        >>> vx.io.read_model(path)[0].shape
        (8, 8)
    """
    source = pathlib.Path(path)
    if os.path.isdir(source):
        source = source / JSON_NAME
    for _ in range(_TRIES):
        before = _identity(source)
        try:
            return _read(source)
        except InputError:
            # Somebody may have written it again meanwhile, and this have read of both.
            if _identity(source) == before:
                raise
    return _read(source)


_TRIES = 10


def _identity(source: pathlib.Path) -> tuple[int, int] | None:
    """Return what tells a file from one that takes its place, None if there is none."""
    try:
        status = os.stat(source)
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_ctime_ns


def _read(source: pathlib.Path) -> Any:
    """Return the model of a JSON file."""
    document = _parsed(source)
    place = Place("read", str(source))
    arrays = _arrays_of(document, source)
    builder = Builder(arrays, _versions_of(document, source))
    model = builder.build(document["model"], place)
    builder.finish(place)
    if builder.filled:
        warnings.warn(
            f"{source}, written by vitrax {shown(document['vitrax'])}, is older than "
            f"fields, which get their defaults: {', '.join(builder.filled)}",
            InputWarning,
            stacklevel=3,
        )
    return model


def _text(
    versions: dict[str, int], model: Any, arrays: Any, target: pathlib.Path
) -> bytes:
    """Return the JSON of a model."""
    from .. import __version__

    document = {
        "format": FORMAT,
        "version": VERSION,
        "vitrax": __version__,
        "classes": dict(sorted(versions.items())),
        "model": model,
        "arrays": arrays,
    }
    text = format_json(document).encode("ascii")
    _check_size(len(text), target)
    try:
        parse_json(text, str(target))
    except InputError as error:
        raise ValueError(
            f"cannot write {target} because it couldn't be read again: {error}"
        ) from error
    return text


def _check_size(size: int, target: pathlib.Path) -> None:
    if size > MAX_TEXT:
        raise ValueError(
            f"cannot write {target} because its JSON has {size / 2**20:.0f} MiB, more "
            f"than {MAX_TEXT // 2**20}; do write it to a folder (a path without .json)"
        )


def _parsed(source: pathlib.Path) -> dict[str, Any]:
    """Return the JSON of a model, whose format and version are known."""
    document = parse_json(_content(source), str(source))
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(
            f"cannot read {source} because it isn't a model: it has no "
            f'"format": "{FORMAT}"; do check that it is the right file'
        )
    version, writer = document.get("version"), document.get("vitrax")
    if type(version) is not int or version < 1:
        raise InputError(
            f"cannot read {source} because its version is {shown(version)}; do "
            f"{REWRITE}"
        )
    if version > VERSION:
        raise InputError(
            f"cannot read {source} because vitrax {shown(writer)} wrote it in version "
            f"{version} of the format, and this vitrax reads up to {VERSION}; do "
            "upgrade vitrax"
        )
    wrong = set(document) ^ _KEYS[version]
    twice = {key for key, value in document.items() if isinstance(value, Twice)}
    if wrong or twice:
        raise InputError(
            f"cannot read {source} because {shown(min(wrong | twice))} is missing in "
            f"it, unknown or there twice; do {REWRITE}"
        )
    return document


def _content(source: pathlib.Path) -> bytes:
    """Return what is in the file of a model's JSON, if it can be that."""
    if source.suffix.lower() == ".safetensors":
        raise InputError(
            f"cannot read {source} because it holds arrays alone; do read the folder "
            f"that it is in, with its {JSON_NAME}"
        )
    with open_raw(source) as file:
        if os.fstat(file.fileno()).st_size > MAX_TEXT:
            raise InputError(
                f"cannot read {source} because it has more than {MAX_TEXT // 2**20} "
                "MiB; do check that it is the JSON of a model"
            )
        content = file.read(MAX_TEXT)
    if is_compressed(content):
        raise InputError(
            f"cannot read {source} because it is packed, which models aren't; do "
            "unpack it first"
        )
    check_content(source, content[:1024])
    return content


def _versions_of(
    document: dict[str, Any], source: pathlib.Path
) -> dict[str, int] | None:
    """Return the versions of a model's classes, None where all are the first."""
    if document["version"] == 1:
        return None
    versions = document["classes"]
    is_fit = isinstance(versions, dict) and all(
        type(version) is int and version > 0 for version in versions.values()
    )
    if not is_fit:
        raise InputError(
            f"cannot read {source} because its classes are {shown(versions)}, not "
            f"names with a version each; do {REWRITE}"
        )
    return versions


def _arrays_of(document: dict[str, Any], source: pathlib.Path) -> Any:
    """Return where the arrays of a model are."""
    arrays = document["arrays"]
    if arrays == ARRAYS_NAME:
        return ArraysBeside(source.with_name(ARRAYS_NAME))
    if not isinstance(arrays, dict):
        raise InputError(
            f"cannot read {source} because its arrays are neither in it nor in "
            f"{ARRAYS_NAME}; do {REWRITE}"
        )
    return ArraysInside(arrays)
