"""Facts about a file, which are values, in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._needs import as_bytes


# Facts that hold others, and what each of these is called.
_GROUPS = {"tables": "data_{}", "columns": "{}", "optics": "{}", "arrays": "{}"}
_LABELS = {
    "bytes": "size",
    "b_factor": "B-factor",
    "reach": "reach from it",
    "classes_2d": "2D classes",
    "classes_3d": "3D classes",
}
_UNITS = {
    "voxel_size": " Å",
    "pixel_size": " Å",
    "origin": " Å",
    "cell": " Å",
    "centre": " Å",
    "reach": " Å",
    "defocus": " Å",
    "astigmatism": " Å",
    "defocus_1": " Å",
    "defocus_2": " Å",
    "aberrations": " Å",
    "b_factor": " Å²",
    "voltage": " kV",
    "spherical_aberration": " mm",
    "phase_shift": "°",
    "angles": "°",
}
_PRODUCTS = ("shape", "axes", "voxel_size", "cell", "intervals", "image_shapes")
_LISTED = 12


def fact_lines(facts: Mapping[str, Any]) -> list[str]:
    """Return facts in words, a line for each, their values beneath one another.

    Args:
        facts: numbers, texts, and lists and mappings of them.

    Example:
        >>> fact_lines({"shape": [2, 3], "voxel_size": [1.5, 1.5]})
        ['shape       2 × 3', 'voxel size  1.5 × 1.5 Å']
    """
    pairs = list(_pairs(facts))
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"{name:<{width}}  {words}" for name, words in pairs]


def _pairs(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each fact's name and its value in words."""
    for key, value in facts.items():
        if key in _GROUPS:
            for name, held in value.items():
                yield _GROUPS[key].format(name), _in_words(name, held)
        elif key.endswith("bytes"):
            yield _label(key), as_bytes(value)
        elif key == "models" and value > 1:
            yield key, f"{value}, of which the first is read without --model"
        else:
            yield _label(key), _in_words(key, value)


def _label(key: str) -> str:
    """Return what a fact is called."""
    return _LABELS.get(key, key.removesuffix("_bytes").replace("_", " "))


def _in_words(key: str, value: Any) -> str:
    """Return one value in words."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _mapping_in_words(key, value)
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Sequence) and value and isinstance(value[0], list):
        return ", ".join(_sequence_in_words(key, each) for each in value)
    if isinstance(value, Sequence):
        return _sequence_in_words(key, value)
    return f"{_number(value)}{_UNITS.get(key, '')}"


def _sequence_in_words(key: str, values: Sequence[Any]) -> str:
    if not values:
        return "none"
    if set(values) == {None}:
        return "unknown"
    joint = " × " if key in _PRODUCTS else ", "
    unit = "" if isinstance(values[0], str) else _UNITS.get(key, "")
    return joint.join(map(_number, values)) + unit


def _mapping_in_words(key: str, values: Mapping[str, Any]) -> str:
    """Return several values of one thing in words."""
    unit = _UNITS.get(key, "")
    if "min" in values:
        return _spread_in_words(values, unit)
    if "rows" in values:
        counts = {name: values[f"{name}s"] for name in ("row", "column")}
        return ", ".join(f"{n} {name}{'s' * (n != 1)}" for name, n in counts.items())
    if "different" in values:
        return f"{values['different']} different"
    if "dtype" in values:
        shape = " × ".join(map(str, values["shape"])) or "one number"
        return f"{values['dtype']}, {shape}"
    listed = [f"{name} {_number(each)}{unit}" for name, each in values.items()]
    more = [f"{len(listed) - _LISTED} more"] if len(listed) > _LISTED else []
    return ", ".join(listed[:_LISTED] + more) or "none"


def _spread_in_words(values: Mapping[str, Any], unit: str) -> str:
    """Return the range of some values in words, and what else is known of them."""
    low, high = values["min"], values["max"]
    if low is None:
        words = "none is finite"
    elif low == high:
        words = f"{_number(low)}{unit}"
    else:
        words = f"{_number(low)} to {_number(high)}{unit}"
    if "of" in values:
        words += f" ({values['of']})"
    for name in ("median", "mean", "sd"):
        if values.get(name) is not None and low != high:
            words += f", {name} {_number(values[name])}"
    if values.get("not_finite"):
        words += f", {values['not_finite']} not finite"
    for name in ("section", "frame"):
        count = values.get(f"of_{name}s", 0)
        if count < values.get(f"{name}s", 0):
            words += f" (first {count} {name}s)" if count > 1 else f" (first {name})"
    return words


def _number(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(str(value).split())
