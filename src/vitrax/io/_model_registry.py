"""The classes that a model on disk may hold, by the names that stand there."""

import dataclasses
import enum
import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import equinox as eqx


# Stages whose classes are nouns; imported when a file names one of their classes.
_STAGES = (
    "physics",
    "grid",
    "pose",
    "structure",
    "potential",
    "wave",
    "optics",
    "detector",
    "image",
    "likelihood",
    "inference",
)
# Classes of the library that aren't Equinox modules, with the names of their arguments
# where they aren't dataclasses.
_VALUES: dict[str, tuple[str, ...] | None] = {
    "vitrax.image.OpticsGroup": None,
    "vitrax.physics.Constants": None,
    "vitrax.physics.ScatteringFactors": None,
    "vitrax.physics.ScatteringFormula": None,
    "vitrax.structure.DisplacedVolumes": None,
    "vitrax.structure.SliceKernel": ("points", "padding"),
    "vitrax.structure.Trilinear": ("padding",),
}


class Entry(NamedTuple):
    """What a name stands for.

    Attributes:
        name: in files.
        thing: a class, or an object of its own.
        kind: a noun is built field by field, a value by its class, an object is there.
        fields: of a noun or a value.
    """

    name: str
    thing: Any
    kind: Literal["noun", "value", "enum", "object"]
    fields: tuple[str, ...] = ()


_by_name: dict[str, Entry] = {}


def register_model(
    thing: Any = None, *, name: str | None = None, fields: Sequence[str] | None = None
) -> Any:
    """Let `write_model` and `read_model` know a class, or a function, of yours.

    The classes of vitrax are known. A file holds names only: what isn't registered when
    it is read is refused, and nothing is imported or run because a file says so.

    Args:
        thing: an Equinox module; a dataclass, named tuple or enum; a class whose
            instances are made again by keywords (`fields`); or an object that fields
            hold as it is, such as a function.
        name: in files; by default module and name of the thing. Give one if the thing
            may move to another module.
        fields: of a class that is none of these: names both of the arguments that make
            it and of its attributes.

    Returns:
        The thing, so that this is a decorator, with or without arguments.

    Raises:
        ValueError: if the name is taken, is vitrax's own or can't be found out, or
            fields are lacking.

    Example:
        >>> import equinox as eqx, tempfile
        >>> import vitrax as vx
        >>> @vx.io.register_model(name="mylab.Slit")
        ... class Slit(eqx.Module):
        ...     width: float = eqx.field(static=True)
        >>> vx.io.write_model(tempfile.mkdtemp() + "/slit.json", Slit(20.0))
    """
    if thing is None:
        return lambda later: register_model(later, name=name, fields=fields)
    entry = _entry(thing, name or _default_name(thing), fields)
    known = _by_name.get(entry.name)
    if entry.name.startswith("vitrax."):
        raise ValueError(
            f"cannot register {entry.name} because that is a name of vitrax; do give "
            "another: name="
        )
    if known is not None and not _is_redefined(known.thing, thing):
        raise ValueError(
            f"cannot register {thing!r} because the name {entry.name} is that of "
            f"{known.thing!r}; do give another: name="
        )
    _by_name[entry.name] = entry
    return thing


def find_entry(name: str) -> Entry | None:
    """Return what a name in a file stands for, None for a name that nobody knows."""
    return _by_name.get(name) or _library_entry(name)


def entry_of(value: Any) -> Entry | None:
    """Return the entry of a value's class, or of the value; None if there is none."""
    cls = type(value)
    for entry in reversed(_by_name.values()):
        thing = value if entry.kind == "object" else cls
        if entry.thing is thing:
            return entry
    root, _, rest = cls.__module__.partition(".")
    if root != "vitrax":
        return None
    entry = _library_entry(f"vitrax.{rest.partition('.')[0]}.{cls.__name__}")
    return entry if entry is not None and entry.thing is cls else None


def _library_entry(name: str) -> Entry | None:
    """Return a public noun of the library."""
    root, _, rest = name.partition(".")
    stage, _, noun = rest.partition(".")
    if root != "vitrax" or stage not in _STAGES or not noun.isidentifier():
        return None
    thing = vars(importlib.import_module(f"vitrax.{stage}")).get(noun)
    if not isinstance(thing, type) or inspect.isabstract(thing):
        return None
    if name in _VALUES or issubclass(thing, eqx.Module):
        return _entry(thing, name, _VALUES.get(name))
    return None


def _entry(thing: Any, name: str, fields: Sequence[str] | None) -> Entry:
    if not isinstance(thing, type):
        return Entry(name, thing, "object")
    if issubclass(thing, enum.Enum):
        return Entry(name, thing, "enum")
    if issubclass(thing, eqx.Module):
        own = tuple(field.name for field in dataclasses.fields(thing))
        return Entry(name, thing, "noun", own)
    if fields is None and dataclasses.is_dataclass(thing):
        fields = [field.name for field in dataclasses.fields(thing) if field.init]
    if fields is None:
        fields = getattr(thing, "_fields", None) if issubclass(thing, tuple) else None
    if fields is None:
        raise ValueError(
            f"cannot register {name} because it is neither an Equinox module nor a "
            "dataclass; do say which arguments make it: fields=(...)"
        )
    return Entry(name, thing, "value", tuple(fields))


def _default_name(thing: Any) -> str:
    module = getattr(thing, "__module__", None)
    name = getattr(thing, "__qualname__", None)
    is_local = not isinstance(thing, type) and name and "<" in name
    if not (isinstance(module, str) and isinstance(name, str)) or is_local:
        raise ValueError(
            f"cannot register {thing!r} because it has no name at the top of a module; "
            "do give one: name="
        )
    return f"{module}.{name}"


def _is_redefined(known: Any, thing: Any) -> bool:
    """Return whether two things are the same, the second perhaps defined once more."""
    if known is thing:
        return True
    here: list[Callable[[Any], Any]] = [
        lambda x: getattr(x, "__module__", x),
        lambda x: getattr(x, "__qualname__", x),
        type,
    ]
    return all(of(known) == of(thing) for of in here)
