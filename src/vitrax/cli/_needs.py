"""What a command takes of disk, memory and time, and whether it is there."""

import dataclasses
import os
import pathlib
import shutil

from ..plot import can_draw
from ._exit import ResourceError, UsageError


# Memory of Python, jax and what it compiles, bytes.
AT_REST = 300_000_000


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a command needs.

    Args:
        disk: bytes by file.
        memory: bytes at the peak, about.
        seconds: of computing, None where it wasn't measured.
    """

    disk: dict[str, int]
    memory: int
    seconds: float | None = None


def check_needs(plan: Plan, out: pathlib.Path, smaller: tuple[str, str]) -> None:
    """Raise if the disk can't hold the outputs, or memory what is computed.

    Args:
        plan: what is needed.
        out: where the outputs go.
        smaller: options that lower the need of disk, and of memory.

    Raises:
        ResourceError: naming what is short and by how much.
    """
    folder = out.absolute()
    while not folder.is_dir():
        folder = folder.parent
    free, needed = shutil.disk_usage(folder).free, sum(plan.disk.values())
    if needed > free:
        raise ResourceError(
            f"cannot write {as_bytes(needed)} into {out} because the disk has "
            f"{as_bytes(free)} left; do free space, choose another --out or lower "
            f"{smaller[0]}"
        )
    memory = total_memory()
    if memory is not None and plan.memory > memory:
        raise ResourceError(
            f"cannot compute because about {as_bytes(plan.memory)} of memory are "
            f"needed and the machine has {as_bytes(memory)}; do lower {smaller[1]}"
        )


def total_memory() -> int | None:
    """Return the bytes of memory of this machine, None where it doesn't say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def plan_lines(
    plan: Plan, title: str, out: pathlib.Path, notes: tuple[str, ...]
) -> str:
    """Return a plan in words.

    Args:
        plan: what is needed.
        title: what is made, in words.
        out: where the outputs go.
        notes: for the reader.
    """
    lines = [
        title,
        f"disk    {as_bytes(sum(plan.disk.values()))} in {out}",
        *(f"        {as_bytes(size):>9}  {name}" for name, size in plan.disk.items()),
        f"memory  about {as_bytes(plan.memory)}",
    ]
    if plan.seconds is not None:
        lines.append(f"time    about {as_duration(plan.seconds)}, by one batch")
    lines += [f"note    {note}" for note in notes]
    return "\n".join(lines)


def as_bytes(count: float) -> str:
    """Return a number of bytes in words.

    Example:
        >>> as_bytes(1_500_000)
        '1.5 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def as_duration(seconds: float) -> str:
    """Return a time in words.

    Example:
        >>> as_duration(75.0)
        '1 min 15 s'
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def check_pictures(*, wanted: bool) -> None:
    """Raise if a report is wanted and can't be drawn.

    Args:
        wanted: whether there is to be a report.

    Raises:
        UsageError: if what draws it isn't installed.
    """
    if wanted and not can_draw():
        raise UsageError(
            "cannot write report.html because matplotlib or jinja2 isn't installed; do "
            "pip install 'vitrax[view]', or pass --no-report"
        )
