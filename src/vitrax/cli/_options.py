"""How an option looks on the command line, and the groups of --help."""

from typing import Any

from cyclopts import Group, Parameter
from pydantic import Field

from ._exit import UsageError


STACK = Group("Particle stack", sort_key=1)
FIELD = Group("Micrograph", sort_key=1)
MAP = Group("Map", sort_key=1)
MICROSCOPE = Group("Microscope", sort_key=2)
SPECIMEN = Group("Specimen", sort_key=3)
SAMPLING = Group("Poses and defocus", sort_key=4)
ICE = Group("Ice", sort_key=4)
CAMERA = Group("Dose and camera", sort_key=5)
NOISE = Group("Noise and scale", sort_key=5)
PROJECTION = Group("Projection", sort_key=5)
CONVERSION = Group("Conversion", sort_key=1)
SAID = Group("What the file doesn't say", sort_key=2)
RUNNING = Group("Running", sort_key=6)


def option(group: Group, *names: str, **more: Any) -> Parameter:
    """Return how one field looks on the command line."""
    return Parameter(name=names or None, group=group, negative=(), **more)


def flag(group: Group, negative: str) -> Parameter:
    """Return how a field that is on or off looks on the command line."""
    return Parameter(group=group, negative=negative)


def field(description: str, default: Any = None, **limits: Any) -> Any:
    """Return a field that is given by name only."""
    return Field(default, kw_only=True, description=description, **limits)


def split_pair(pair: str) -> tuple[str, str]:
    """Return the two sides of OLD=NEW.

    Raises:
        UsageError: if it isn't such a pair.

    Example:
        >>> split_pair("/old=/new")
        ('/old', '/new')
    """
    old, mark, new = pair.partition("=")
    if not old or not mark:
        raise UsageError(
            f"cannot use --path-map {pair} because it isn't OLD=NEW; do write it so, "
            "such as --path-map /old/disk=/new/disk"
        )
    return old, new


def as_option(name: str) -> str:
    """Return a field as the command line names it.

    Example:
        >>> as_option("shift_sd")
        '--shift-sd'
    """
    return f"--{name.replace('_', '-')}"
