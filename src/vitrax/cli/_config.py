"""A configuration file: options by name, as the command line would give them."""

import pathlib
from collections.abc import Sequence
from typing import Any

from .._files import InputError
from .._yaml import parse_yaml


# Options of two values, lowest and highest; one value stands for both.
_PAIRS = ("defocus",)
# Options of any number of values.
_LISTS = ("size", "n-copies", "structure", "path-map", "passthrough")
_ONE_MICROGRAPH = "simulate-micrograph"


def expand(tokens: Sequence[str]) -> list[str]:
    """Return the command line with the options of its --config file put in.

    What the command line says goes before what the file says.

    Args:
        tokens: the arguments, without the program's name.

    Raises:
        InputError: if the file can't be read as a mapping of options.
    """
    path, rest = _take_config(tokens)
    if path is None:
        return list(tokens)
    given = {_bare(token) for token in rest if token.startswith("--")}
    given |= {"out" for token in rest if token == "-o"}
    pairs = () if _ONE_MICROGRAPH in rest[:1] else _PAIRS
    from_file = []
    for name, value in read_config(path).items():
        option = str(name).replace("_", "-")
        if option in pairs and isinstance(value, int | float):
            value = [value, value]
        if option not in given and value is not None:
            from_file += _as_tokens(option, value, path, pairs)
    return [*rest, *from_file]


def read_config(path: pathlib.Path) -> dict[str, Any]:
    """Return the options of a YAML file, or the parameters of an earlier run.json.

    Args:
        path: of the file.

    Raises:
        InputError: if it isn't plain YAML, repeats a key, or isn't a mapping.
    """
    content = parse_yaml(path.read_bytes(), str(path))
    if isinstance(content, dict) and isinstance(content.get("parameters"), dict):
        content = {k: v for k, v in content["parameters"].items() if k != "out"}
    if not isinstance(content, dict):
        raise InputError(
            f"cannot read {path} because it isn't a mapping; do write one "
            f"'option: value' per line"
        )
    return content


def _take_config(tokens: Sequence[str]) -> tuple[pathlib.Path | None, list[str]]:
    """Return the value of --config and the other tokens."""
    rest, path, pending = [], None, iter(tokens)
    for token in pending:
        if token == "--":
            return path, [*rest, token, *pending]
        if token == "--config":
            path = pathlib.Path(next(pending, ""))
        elif token.startswith("--config="):
            path = pathlib.Path(token.partition("=")[2])
        else:
            rest.append(token)
    return path, rest


def _bare(token: str) -> str:
    """Return the name of an option without dashes, negation and value."""
    return token.partition("=")[0].removeprefix("--").removeprefix("no-")


def _as_tokens(
    option: str, value: Any, path: pathlib.Path, pairs: Sequence[str]
) -> list[str]:
    """Return one option as it would be typed."""
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int | float) for each in values):
        raise InputError(
            f"cannot use {option!r} of {path} because its value isn't a number, a text "
            f"or a list of them; do write it as on the command line"
        )
    if option in _LISTS:
        return [f"--{option}={each}" for each in values]
    wanted = 2 if option in pairs else 1
    if len(values) != wanted:
        raise InputError(
            f"cannot use {option!r} of {path} because it takes "
            f"{'two values' if wanted == 2 else 'one value'}, not "
            f"{', '.join(map(str, values)) or 'none'}; do write {option}: "
            f"{'[lowest, highest]' if wanted == 2 else 'value'}"
        )
    if len(values) == 1:
        return [f"--{option}={values[0]}"]
    return [f"--{option}", *(str(each) for each in values)]
