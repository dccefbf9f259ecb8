"""JSON that means one thing: strict when it is read, with short lines when written."""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from .._files import InputError


# What a file may be and hold: a parsed value takes up to some hundred bytes.
MAX_TEXT = 256 * 2**20
MAX_VALUES = 4_000_000

_WIDTH = 88


class Twice(NamedTuple):
    """Stands in a parsed object for a key that was there more than once."""

    key: str


def parse_json(content: bytes, source: str) -> Any:
    """Return what a JSON text says.

    An object in which a key comes twice holds a `Twice` under it.

    Args:
        content: UTF-8.
        source: what it is, for messages.

    Raises:
        InputError: if it isn't JSON, holds NaN, an infinite number or more than
            `MAX_VALUES` values, or is nested too deep.
    """
    commas = sum(content.count(mark) for mark in (b",", b"[", b"{"))
    if commas > MAX_VALUES:
        raise InputError(
            f"cannot read {source} because it holds more than {MAX_VALUES} values; do "
            "keep many nouns as one whose arrays have a leading axis"
        )
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
        )
    except RecursionError as error:
        raise InputError(
            f"cannot read {source} because it is nested too deep; do check that it is "
            "the right file"
        ) from error
    except ValueError as error:
        raise InputError(
            f"cannot read {source} because it isn't JSON: {error}; do check that it is "
            "the right file, and whole"
        ) from error


def format_json(value: Any) -> str:
    """Return JSON text of which what is short stands on one line."""
    return "".join(_pieces(value, "", 0)) + "\n"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = Twice(key) if key in found else value
    return found


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _pieces(value: Any, indent: str, before: int) -> Iterator[str]:
    """Yield the text of a value that follows `before` characters on its line."""
    if not isinstance(value, dict | list) or not value:
        yield json.dumps(value, allow_nan=False)
        return
    if (line := _one_line(value)) and len(line) + before + len(indent) < _WIDTH:
        yield line
        return
    is_object = isinstance(value, dict)
    deeper = indent + " "
    mark = "{" if is_object else "["
    for item in value:
        key = f"{json.dumps(item)}: " if is_object else ""
        yield f"{mark}\n{deeper}{key}"
        yield from _pieces(value[item] if is_object else item, deeper, len(key))
        mark = ","
    yield f"\n{indent}" + ("}" if is_object else "]")


def _one_line(value: Any) -> str | None:
    """Return a value on one line, None if it is too long for that."""
    return (
        json.dumps(value, allow_nan=False) if _is_short(value, [_WIDTH // 3]) else None
    )


def _is_short(value: Any, left: list[int]) -> bool:
    """Return whether few values are in `value`, without looking at more of them."""
    left[0] -= len(value) // 8 + 1 if isinstance(value, str) else 1
    if left[0] < 0:
        return False
    inside = value.values() if isinstance(value, dict) else value
    return not isinstance(value, dict | list) or all(_is_short(x, left) for x in inside)
