"""What a field is where a file, older than the field, lacks it."""

import dataclasses
import inspect
from typing import Any, NamedTuple


class Default(NamedTuple):
    """A default, which may be None.

    Attributes:
        value: as the field holds it.
    """

    value: Any


def default_of(cls: type, name: str) -> Default | None:
    """Return the default of a field, through its converter; None if it has none.

    Args:
        cls: a dataclass, or one whose signature has the defaults.
        name: of the field.
    """
    if not dataclasses.is_dataclass(cls):
        parameter = inspect.signature(cls).parameters.get(name)
        is_there = parameter is not None and parameter.default is not parameter.empty
        return Default(parameter.default) if parameter and is_there else None
    (field,) = (x for x in dataclasses.fields(cls) if x.name == name)
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    elif field.default is not dataclasses.MISSING:
        default = field.default
    else:
        return None
    converter = field.metadata.get("converter")
    return Default(default if converter is None else converter(default))
