"""Classes that a file names, and whether it gives just the fields of their versions."""

from collections.abc import Mapping
from typing import Any

from ._model_place import REWRITE, Place, shown
from ._model_registry import Entry, find_entry
from ._model_text import Twice


def known_entry(name: Any, kind: str, place: Place) -> Entry:
    """Return the entry of a class, enum or object that a file names.

    Args:
        name: in the file.
        kind: class, enum or object.
        place: of what is one of it.

    Raises:
        ValueError: if nobody has registered that.
    """
    entry = find_entry(name) if isinstance(name, str) else None
    kinds = {"class": ("noun", "value")}.get(kind, (kind,))
    if entry is None or entry.kind not in kinds:
        raise place.error(
            f"is of the {kind} {shown(name)}, which isn't registered",
            "import the module that registers it (vitrax.io.register_model), or "
            "upgrade vitrax if it is vitrax's",
        )
    return entry


def check_version(
    entry: Entry, versions: Mapping[str, int] | None, place: Place
) -> int:
    """Return the version of a class that a file was written with.

    Args:
        entry: of the class.
        versions: of all classes of the file; the first of each where None.
        place: of the instance.

    Raises:
        ValueError: if the file doesn't say it, or this library is older.
    """
    if versions is None:
        return 1
    if entry.name not in versions:
        raise place.error(
            f'is a {entry.name}, of which the file\'s "classes" gives no version',
            REWRITE,
        )
    version = versions[entry.name]
    if version > entry.version:
        whose = "vitrax" if entry.name.startswith("vitrax.") else "what it is from"
        raise place.error(
            f"is a {entry.name} of version {version}, and here is version "
            f"{entry.version}",
            f"upgrade {whose}",
        )
    return version


def check_given(given: Any, entry: Entry, version: int, place: Place) -> None:
    """Raise if these aren't the fields of a version of a class, in its order.

    Args:
        given: by name.
        entry: of the class.
        version: of the class.
        place: of the instance.

    Raises:
        ValueError: naming the field that is unknown, missing, there twice or reordered.
    """
    if not isinstance(given, dict):
        raise place.error(f"has no fields of {entry.name} by name", REWRITE)
    wanted = entry.fields_at(version)
    which = f"{entry.name} of version {version}" if entry.version > 1 else entry.name
    for name in given:
        if name not in wanted:
            raise place.error(
                f"has the unknown field {shown(name)}, which {which} hasn't",
                "upgrade the library that the class is from, or take the field out",
            )
    for name in wanted:
        if isinstance(given.get(name), Twice):
            raise place.field(entry.name, name).error(
                "stands twice in the file", "take one of them out"
            )
        if name not in given:
            raise place.field(entry.name, name).error("is missing", REWRITE)
    for name, right in zip(given, wanted, strict=True):
        if name != right:
            raise place.field(entry.name, name).error(
                f"is reordered: it stands where {right} belongs",
                f"put the fields in the order {', '.join(wanted)}",
            )
