"""How far a job is, and how long it will still take."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(
    title: str, total: int, *, quiet: bool = False
) -> Iterator[Callable[[int], None]]:
    """Give a function to call with the number of items just done.

    On a terminal this is a bar with the time left, on standard error; in a log file, a
    line at each tenth.

    Args:
        title: what is being done.
        total: number of items.
        quiet: say nothing.
    """
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        yield from _bar(title, total)
    else:
        yield _line_writer(title, total)


def say(text: str, *, quiet: bool = False) -> None:
    """Print a line on standard error."""
    if not quiet:
        print(text, file=sys.stderr, flush=True)


def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich import progress as rich_progress
    from rich.console import Console

    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TextColumn("time left"),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)


def _line_writer(title: str, total: int) -> Callable[[int], None]:
    """Return a function that prints a line whenever another tenth is done."""
    state = {"done": 0, "tenth": 0, "start": time.monotonic()}

    def advance(count: int) -> None:
        state["done"] += count
        tenth = 10 * state["done"] // total
        if tenth == state["tenth"]:
            return
        state["tenth"] = tenth
        elapsed = time.monotonic() - state["start"]
        left = elapsed * (total - state["done"]) / state["done"]
        say(f"{title}: {state['done']}/{total}, {left:.0f} s left")

    return advance
