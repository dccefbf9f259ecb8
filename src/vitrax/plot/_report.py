"""A report: pictures, tables and warnings in one HTML file that holds everything."""

import dataclasses
import functools as ft
from typing import Any


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of text under a header.

    Args:
        header: of the columns; empty for none.
        rows: of cells.

    Example:
        >>> from vitrax import plot
        >>> plot.Table(("name", "value"), (("box", "256"),)).header
        ('name', 'value')
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclasses.dataclass(frozen=True)
class Section:
    """One part of a report.

    Args:
        title: of the part.
        text: what is to be seen, and how to read it.
        picture: address of a PNG, as the functions of `vitrax.plot` return.
        table: shown below the picture.

    Example:
        >>> from vitrax import plot
        >>> plot.Section("Images", "The first particles.").picture is None
        True
    """

    title: str
    text: str = ""
    picture: str | None = None
    table: Table | None = None


@dataclasses.dataclass(frozen=True)
class Report:
    """What a job made.

    Args:
        title: of the report.
        subtitle: one line below it.
        figures: numbers for the head of the page, by name.
        warnings: what the reader should know before using the result.
        sections: in order.
        footer: one line.

    Example:
        >>> from vitrax import plot
        >>> report = plot.Report("Title", "subtitle", {"box": "256"}, (), ())
        >>> report.figures["box"]
        '256'
    """

    title: str
    subtitle: str
    figures: dict[str, str]
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str = ""


def render_report(report: Report) -> str:
    """Return a report as one HTML page that needs no other file.

    Every text is escaped.

    Args:
        report: what to show.

    Raises:
        ModuleNotFoundError: naming the extra to install, if jinja2 is missing.

    Example:
        >>> from vitrax import plot
        >>> report = plot.Report("1 < 2", "subtitle", {}, (), ())
        >>> "<h1>1 &lt; 2</h1>" in plot.render_report(report)
        True
    """
    return _template().render(report=report)


@ft.cache
def _template() -> Any:
    """Return the page's template, which ships with the package."""
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "cannot write a report because jinja2 isn't installed; do pip install "
            "'vitrax[view]'"
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vitrax.plot", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
