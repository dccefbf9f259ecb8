"""The classes that a model on disk may hold, by the names that stand there."""

import dataclasses
import enum
import importlib
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import equinox as eqx

from ._model_defaults import default_of


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


# Of the library's classes that have gained fields: the present version, and the version
# in which each later field came. tests/io/model_fields.txt holds all versions to it.
VERSIONS: dict[str, tuple[int, dict[str, int]]] = {}


class Entry(NamedTuple):
    """What a name stands for.

    Attributes:
        name: in files.
        thing: a class, or an object of its own.
        kind: a noun is built field by field, a value by its class, an object is there.
        fields: of a noun or a value.
        version: of the class, which counts its changes.
        added: version in which each field came that the first version hadn't.
    """

    name: str
    thing: Any
    kind: Literal["noun", "value", "enum", "object"]
    fields: tuple[str, ...] = ()
    version: int = 1
    added: Mapping[str, int] = types.MappingProxyType({})

    def fields_at(self, version: int) -> tuple[str, ...]:
        """Return the fields that a version of the class has, in order."""
        return tuple(name for name in self.fields if self.added.get(name, 1) <= version)


_by_name: dict[str, Entry] = {}


def register_model(
    thing: Any = None,
    *,
    name: str | None = None,
    fields: Sequence[str] | None = None,
    version: int = 1,
    added: Mapping[str, int] | None = None,
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
        version: of the class, to be raised when it gains a field. Files say it.
        added: of each field that came after version 1, in which version. It needs a
            default, which it gets where a file is older. A field that goes, moves or
            changes its meaning makes another class: give that another name.

    Returns:
        The thing, so that this is a decorator, with or without arguments.

    Raises:
        ValueError: if the name is taken, is vitrax's own or can't be found out, fields
            are lacking, or an added one isn't there, has no default or came in no
            version from 2 to the present one.

    Example:
        >>> import equinox as eqx, tempfile
        >>> import vitrax as vx
        >>> @vx.io.register_model(name="mylab.Slit")
        ... class Slit(eqx.Module):
        ...     width: float = eqx.field(static=True)
        >>> vx.io.write_model(tempfile.mkdtemp() + "/slit.json", Slit(20.0))
    """
    if thing is None:
        return lambda later: register_model(
            later, name=name, fields=fields, version=version, added=added
        )
    found = _entry(thing, name or _default_name(thing), fields)
    entry = _versioned(found, version, dict(added or {}))
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
        entry = _entry(thing, name, _VALUES.get(name))
        return _versioned(entry, *VERSIONS[name]) if name in VERSIONS else entry
    return None


def _versioned(entry: Entry, version: int, added: dict[str, int]) -> Entry:
    """Return an entry with its version, if that and its later fields can be."""
    problem = None
    if type(version) is not int or version < 1:
        problem = f"version is {version!r}, not a whole number from 1"
    elif (version > 1 or added) and entry.kind not in ("noun", "value"):
        problem = "only classes with fields have versions"
    for name, since in added.items():
        if name not in entry.fields:
            problem = f"it has no field {name!r}, which is said to be added"
        elif type(since) is not int or not 2 <= since <= version:
            problem = f"{name} is said to be added in version {since!r} of {version}"
        elif default_of(entry.thing, name) is None:
            problem = f"{name} was added and has no default for older files"
    if problem is not None:
        raise ValueError(
            f"cannot register {entry.name} because {problem}; do correct version= and "
            "added="
        )
    return entry._replace(version=version, added=types.MappingProxyType(added))


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
