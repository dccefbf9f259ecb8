"""EMAN2's lists of images, .lst: where each is, and what else is known of it."""

import ast
import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._files import InputError
from ..pose import euler_from_eman, matrix_from_euler
from ._contents import Path, read_whole


# What a list begins with: that of today, whose lines are equally long, and the old one.
_LISTS = ("#LSX", "#LST")
_LONGEST = 2**20
_LARGEST_INDEX = 2**31 - 1
_ANGLES = ("az", "alt", "phi")


@dataclasses.dataclass(frozen=True)
class ListedImage:
    """A line of a list.

    Attributes:
        index: of the image in its file, from 0.
        path: of the file, as the list spells it.
        values: what stands after it, which goes before the image's own header.
    """

    index: int
    path: str
    values: dict[str, Any]


def is_eman_list(start: bytes) -> bool:
    """Return whether a file that begins so is one of EMAN2's lists.

    Args:
        start: of the file.
    """
    return start.startswith(tuple(mark.encode() for mark in _LISTS))


def read_eman_list(path: Path, max_unpacked: int | None = None) -> list[ListedImage]:
    """Return the lines of one of EMAN2's lists.

    Args:
        path: the file.
        max_unpacked: bytes that the content of a packed list may have.

    Raises:
        InputError: naming the line that isn't a number and the path of a file.
    """
    text = read_whole(path, max_unpacked).decode("utf-8", "replace")
    found = [_image(line, f"line {n} of {path}") for n, line in list_lines(text)]
    if not found:
        raise InputError(
            f"cannot read particles of {path} because it lists no images; do check "
            "that it is whole"
        )
    return found


def list_lines(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines of a list that name images, with their numbers from 1.

    Args:
        text: of the list.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def said_length(text: str) -> int | None:
    """Return how long a list says that its lines are, None for an old one.

    EMAN2's programs look up lines by it.

    Args:
        text: of the list.
    """
    lines = text.split("\n", 3)
    number = lines[2].removeprefix("#").strip() if len(lines) > 2 else ""
    is_new = lines[0].startswith(_LISTS[0])
    return int(number) if is_new and number.isdecimal() and len(number) < 10 else None


def _image(line: str, where: str) -> ListedImage:
    """Return what a line says."""
    if len(line) > _LONGEST:
        raise InputError(
            f"cannot read {where} because it has {len(line)} characters; do check that "
            "the list is whole"
        )
    words = line.strip().split("\t", 2)
    if len(words) < 2:
        words = line.strip().split(None, 2)
    number = words[0].strip()
    is_number = number.isascii() and number.isdigit() and len(number) < 11
    if len(words) < 2 or not is_number or int(number) > _LARGEST_INDEX:
        raise InputError(
            f"cannot read {where} because {line.strip()[:60]!r} isn't the number of an "
            "image and the name of its file; do correct it"
        )
    comment = words[2].strip() if len(words) > 2 else ""
    return ListedImage(int(number), words[1].strip(), _values(comment, where))


def _values(comment: str, where: str) -> dict[str, Any]:
    """Return what stands after the name of a file."""
    if not comment:
        return {}
    try:
        found = json.loads(comment)
    except (ValueError, RecursionError):
        found = _old_values(comment)
    if not isinstance(found, dict):
        return {"lst_comment": comment}
    return {
        str(name): _value(value, f"{name} in {where}") for name, value in found.items()
    }


def _value(value: Any, where: str) -> Any:
    """Return a value; a Transform as the matrix that it is."""
    if not isinstance(value, Mapping) or value.get("__class__") != "Transform":
        return value
    numbers = value.get("matrix")
    if isinstance(numbers, str):
        numbers = _numbers(numbers)
    listed = numbers if isinstance(numbers, list) else []
    if len(listed) != 12 or not all(type(n) in (int, float) for n in listed):
        raise InputError(
            f"cannot use {where} because its matrix isn't twelve numbers; do align "
            "this particle again"
        )
    try:
        return np.array(listed, np.float64).reshape(3, 4)
    except OverflowError:
        return np.full((3, 4), np.inf)


def _numbers(text: str) -> list[float]:
    """Return the numbers of `[1.0,2.0,…]`, none if some aren't."""
    try:
        return [float(word) for word in text.strip().strip("[]").split(",")]
    except ValueError:
        return []


def _old_values(comment: str) -> dict[str, Any] | None:
    """Return what lists of before 2021 say: angles and shifts, as Python spells them.

    Nothing is evaluated but literals.
    """
    score, mark, rest = comment.partition(";Transform(")
    if mark:
        comment = f"Transform({rest}"
    body = comment.removeprefix("Transform(")
    is_transform = body != comment
    try:
        found = ast.literal_eval(body.removesuffix(")") if is_transform else body)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    if not isinstance(found, dict) or found.get("type") != "eman":
        return None
    matrix = _matrix(found)
    if matrix is None:
        return None
    used = (*_ANGLES, "type", "tx", "ty", "tz", "scale", "mirror", "alpha")
    others = {str(n): v for n, v in found.items() if n not in used}
    if mark and (number := _numbers(score)):
        others["score_align"] = number[0]
    return others | {"xform.projection": matrix}


def _matrix(found: Mapping[str, Any]) -> np.ndarray | None:
    """Return the matrix of a Transform's angles (eman), shifts, scale and mirror."""
    defaults = {"scale": 1.0, "mirror": 0}
    names = (*_ANGLES, "tx", "ty", "tz", *defaults)
    numbers = {name: found.get(name, defaults.get(name, 0.0)) for name in names}
    if not all(isinstance(n, int | float) for n in numbers.values()):
        return None
    if not all(math.isfinite(n) and abs(n) < 1e9 for n in numbers.values()):
        return None
    angles = np.array([[numbers[name] for name in _ANGLES]], np.float64)
    turn = matrix_from_euler(euler_from_eman(angles))[0] * numbers["scale"]
    moved = [[numbers[name]] for name in ("tx", "ty", "tz")]
    matrix = np.concatenate([turn, np.array(moved, np.float64)], axis=1)
    if numbers["mirror"]:
        matrix[0] *= -1.0
    return matrix
