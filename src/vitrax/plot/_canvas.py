"""Figures in one style, as PNG inside a web page. Imports matplotlib when it draws."""

import base64
import contextlib
import io
from collections.abc import Iterator
from typing import Any

from jaxtyping import Float
from numpy import ndarray


BLUE, ORANGE, GREEN, RED, GREY = "#2563a8", "#d9822b", "#2a9d6f", "#c0392b", "#8a94a0"
INK, RULE = "#22303c", "#d8dee4"

_STYLE: dict[Any, Any] = {
    "font.size": 9.5,
    "font.family": "sans-serif",
    "axes.edgecolor": "#9aa5b1",
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": "#5b6875",
    "ytick.color": "#5b6875",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "white",
    "legend.fontsize": 9,
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "savefig.dpi": 160,
}


def can_draw() -> bool:
    """Return whether figures can be drawn here.

    Example:
        >>> from vitrax import plot
        >>> plot.can_draw()
        True
    """
    import importlib.util

    return all(importlib.util.find_spec(name) for name in ("matplotlib", "jinja2"))


@contextlib.contextmanager
def canvas(
    rows: int = 1,
    columns: int = 1,
    size: tuple[float, float] = (7.2, 3.2),
    **options: Any,
) -> Iterator[tuple[Any, Any]]:
    """Give a figure and its axes in the style of the report.

    Args:
        rows: of axes.
        columns: of axes.
        size: (width, height) in inches.
        options: for `matplotlib.figure.Figure.subplots`.

    Raises:
        ModuleNotFoundError: naming the extra to install, if matplotlib is missing.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "cannot draw because matplotlib isn't installed; do pip install "
            "'vitrax[view]'"
        ) from error
    # Figure, not pyplot: no global state, no window system.
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, columns, **options)
        yield figure, axes


def as_data_uri(figure: Any) -> str:
    """Return a figure as the address of a PNG that holds itself."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(
        "ascii"
    )


def marker_area(count: int, least: float) -> float:
    """Return the area of a dot, larger where few are drawn so that each is seen.

    Args:
        count: of the dots.
        least: area where there are many, in square points.
    """
    return float(min(max(2500 / max(count, 1), least), 45))


def show_image(
    axes: Any, image: Float[ndarray, "y x"], limits: tuple[float, float] | None = None
) -> Any:
    """Draw an image in grey, first row at the top as RELION shows it, without axes.

    Args:
        axes: to draw on.
        image: to draw.
        limits: values of black and white; by default all but 0.1 % at either end.
    """
    import numpy as np

    low, high = np.percentile(image, [0.1, 99.9]) if limits is None else limits
    axes.set_axis_off()
    return axes.imshow(
        image, cmap="gray", vmin=low, vmax=high, interpolation="bilinear"
    )


def resolution_axis(axes: Any) -> None:
    """Put the resolution, 1 / frequency, along the top of a plot over frequency."""
    import numpy as np

    top = axes.secondary_xaxis("top")
    limit = axes.get_xlim()[1]
    candidates = np.array(
        [100, 50, 30, 20, 15, 10, 8, 6, 5, 4, 3.5, 3, 2.5, 2, 1.5, 1.2, 1]
    )
    places = 1 / candidates
    kept = [0.0]
    shown = []
    for place, value in zip(places, candidates, strict=True):
        if place <= limit and place - kept[-1] > 0.07 * limit:
            kept.append(place)
            shown.append(f"{value:g}")
    top.set_xticks(kept[1:], shown)
    top.set_xlabel("resolution (Å)")
    top.spines["top"].set_visible(True)
    top.spines["top"].set_color("#9aa5b1")
