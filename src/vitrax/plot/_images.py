"""Pictures of images and maps."""

import numpy as np
from jaxtyping import Float

from ._canvas import as_data_uri, canvas, show_image


def draw_gallery(
    rows: dict[str, Float[np.ndarray, "images y x"]],
    pixel_size: float,
    captions: list[str] | None = None,
) -> str:
    """Return a picture of a few particles, one row for each kind of image.

    Args:
        rows: images by the name of their kind, as many of each.
        pixel_size: Å, for the scale bar.
        captions: of the columns.

    Returns:
        The address of a PNG that holds itself.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> images = np.random.default_rng(0).normal(size=(2, 8, 8))
        >>> plot.draw_gallery({"noise": images}, pixel_size=1.5)[:22]
        'data:image/png;base64,'
    """
    count = len(next(iter(rows.values())))
    side = 9.6 / count
    with canvas(
        len(rows), count, (9.6, (side + 0.1) * len(rows) + 0.2), squeeze=False
    ) as (figure, axes):
        for line, (name, images) in zip(axes, rows.items(), strict=True):
            limits = tuple(np.percentile(images, [0.1, 99.9]))
            for ax, image in zip(line, images, strict=True):
                show_image(ax, image, limits)
            line[0].set_title(name, loc="left", fontsize=10)
        _draw_scale_bar(axes[0, 0], next(iter(rows.values())).shape[-1], pixel_size)
        for ax, caption in zip(axes[-1], captions or [], strict=False):
            ax.text(
                0.5, -0.04, caption, transform=ax.transAxes, ha="center", va="top",
                fontsize=8.5, color="#5b6875",
            )  # fmt: skip
        return as_data_uri(figure)


def draw_map(values: Float[np.ndarray, "z y x"], voxel_size: float, unit: str) -> str:
    """Return a picture of a map: its projections along z, y and x.

    Args:
        values: of the map.
        voxel_size: Å.
        unit: of the values.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> plot.draw_map(np.ones((4, 4, 4)), voxel_size=1.5, unit="V")[:22]
        'data:image/png;base64,'
    """
    views = {
        "along z": (values.sum(axis=0), ("x", "y")),
        "along y": (values.sum(axis=1), ("x", "z")),
        "along x": (values.sum(axis=2), ("y", "z")),
    }
    with canvas(1, 3, (9.6, 3.3)) as (figure, axes):
        half = 0.5 * values.shape[0] * voxel_size
        for ax, (name, (image, labels)) in zip(axes, views.items(), strict=True):
            ax.imshow(
                image * voxel_size, cmap="gray", extent=(-half, half, half, -half),
                interpolation="bilinear",
            )  # fmt: skip
            ax.set_title(f"{name} ({unit}·Å)")
            ax.set_xlabel(f"{labels[0]} (Å)")
            ax.set_ylabel(f"{labels[1]} (Å)")
            ax.grid(visible=False)
        return as_data_uri(figure)


def _draw_scale_bar(ax, box: int, pixel_size: float) -> None:
    """Draw a bar of a round length, about a quarter of the box."""
    quarter = box * pixel_size / 4
    power = 10 ** np.floor(np.log10(quarter))
    length = power * max(m for m in (1, 2, 5) if m * power <= quarter)
    start, pixels = 0.05 * box, length / pixel_size
    height = 0.94 * box
    ax.plot([start, start + pixels], [height, height], color="white", lw=2.5)
    ax.text(
        start + pixels / 2, 0.915 * box, f"{length:g} Å", color="white", ha="center",
        va="bottom", fontsize=8.5,
    )  # fmt: skip
    ax.set_xlim(-0.5, box - 0.5)
    ax.set_ylim(box - 0.5, -0.5)
