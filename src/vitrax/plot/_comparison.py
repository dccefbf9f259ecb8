"""Pictures of measured images beside their simulations."""

import numpy as np
from jaxtyping import Float

from ._canvas import (
    BLUE,
    GREY,
    INK,
    as_data_uri,
    canvas,
    marker_area,
    show_image,
)


def draw_pairs(
    observed: Float[np.ndarray, "images y x"],
    simulated: Float[np.ndarray, "images y x"],
    captions: list[str],
) -> str:
    """Return a picture of images, each above its simulation.

    Args:
        observed: measured.
        simulated: of the same particles.
        captions: one for each pair.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> images = np.random.default_rng(0).normal(size=(2, 8, 8))
        >>> plot.draw_pairs(images, images, ["first", "second"])[:22]
        'data:image/png;base64,'
    """
    count = len(observed)
    side = 9.6 / max(count, 4)
    with canvas(2, count, (side * count, 2 * side + 0.65), squeeze=False) as (
        figure,
        axes,
    ):
        for row, images, name in (
            (axes[0], observed, "image"), (axes[1], simulated, "simulation"),
        ):  # fmt: skip
            for ax, image in zip(row, images, strict=True):
                show_image(ax, image)
            row[0].set_title(name)
        for ax, caption in zip(axes[1], captions, strict=True):
            ax.text(
                0.5, -0.04, caption, transform=ax.transAxes, ha="center", va="top",
                fontsize=8.5, color=INK,
            )  # fmt: skip
        return as_data_uri(figure)


def draw_correlations(
    correlations: dict[str, Float[np.ndarray, " images"]],
) -> str:
    """Return a picture of correlations under several conventions.

    Args:
        correlations: of each image with its simulation, by convention; the one that the
            file's angles were read with first.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> plot.draw_correlations({"as given": np.array([0.3, 0.4])})[:22]
        'data:image/png;base64,'
    """
    names = list(correlations)
    with canvas(1, 1, (9.6, 0.45 * len(names) + 1.0)) as (figure, ax):
        for place, name in enumerate(names):
            values = np.asarray(correlations[name])
            colour = BLUE if place == 0 else GREY
            mean = float(values.mean())
            ax.barh(place, mean, color=colour, height=0.55, alpha=0.85)
            spread = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else [0.0]
            size = marker_area(4 * len(values), 8)
            places = place + np.asarray(spread)
            ax.scatter(values, places, s=size, color=INK, alpha=0.45,
                       linewidths=0, zorder=3)  # fmt: skip
        ax.axvline(0, color=INK, lw=0.8)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("correlation of image and simulation (bar: mean, dots: images)")
        return as_data_uri(figure)
