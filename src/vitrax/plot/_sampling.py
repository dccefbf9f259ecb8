"""Pictures of how poses and defoci are spread."""

import functools as ft

import numpy as np
from jaxtyping import Float

from ._canvas import BLUE, ORANGE, as_data_uri, canvas, marker_area


def draw_views(
    rot: Float[np.ndarray, " particles"], tilt: Float[np.ndarray, " particles"]
) -> str:
    """Return a picture of the directions from which the particles are seen.

    The projection is Mollweide's, which keeps areas: uniform views have an even
    density.

    Args:
        rot: degrees.
        tilt: degrees.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> plot.draw_views(np.array([0.0, 90.0]), np.array([45.0, 90.0]))[:22]
        'data:image/png;base64,'
    """
    size = (9.6, 3.9)
    with canvas(1, 1, size, subplot_kw={"projection": "mollweide"}) as (figure, ax):
        longitude = np.deg2rad((np.asarray(rot) + 180) % 360 - 180)
        latitude = np.deg2rad(90 - np.asarray(tilt))
        if len(longitude) <= 5000:
            size = marker_area(len(longitude), 6)
            ax.scatter(
                longitude, latitude, s=size, color=BLUE, alpha=0.55, linewidths=0
            )
        else:
            _draw_density(figure, ax, longitude, latitude)
        ax.set_xticks(np.deg2rad([-120, -60, 0, 60, 120]))
        ax.set_xticklabels(["−120°", "−60°", "0°", "60°", "120°"], fontsize=8.5)
        for label in ax.get_xticklabels():
            label.set_bbox(
                {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}
            )
        ax.set_yticks(np.deg2rad([-60, -30, 0, 30, 60]))
        ax.set_yticklabels(["150°", "120°", "90°", "60°", "30°"], fontsize=8.5)
        ax.set_xlabel("rot", labelpad=8)
        ax.set_ylabel("tilt")
        return as_data_uri(figure)


def draw_spread(
    defocus: Float[np.ndarray, "particles 3"],
    shift: Float[np.ndarray, "particles 2"],
) -> str:
    """Return a picture of defocus, and of astigmatism and shifts where there are any.

    Args:
        defocus: mean of U and V (Å), U - V (Å) and the angle of U (degrees).
        shift: (x, y) of the particle in the image, Å.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> plot.draw_spread(np.array([[1e4, 200.0, 30.0]] * 3), np.ones((3, 2)))[:22]
        'data:image/png;base64,'
    """
    panels = [ft.partial(_draw_defocus, defocus=defocus[:, 0])]
    _, difference, angle = defocus.T
    if difference.any():
        twice = 2 * np.deg2rad(angle)
        points = np.stack([difference * np.cos(twice), difference * np.sin(twice)])
        labels = ("astigmatism along 0° / 90° (Å)", "along 45° / 135° (Å)")
        panels.append(ft.partial(_draw_cloud, points=points, labels=labels))
    if shift.any():
        labels = ("shift along x (Å)", "along y (Å)")
        panels.append(ft.partial(_draw_cloud, points=shift.T, labels=labels))
    with canvas(1, len(panels), (9.6, 3.0), squeeze=False) as (figure, axes):
        for ax, draw in zip(axes[0], panels, strict=True):
            draw(ax)
        return as_data_uri(figure)


def _draw_defocus(ax, defocus: np.ndarray) -> None:
    """Draw how many particles have which defocus."""
    bins = int(min(30, max(8, np.sqrt(len(defocus)))))
    ax.hist(defocus / 1e4, bins=bins, color=BLUE, edgecolor="white", linewidth=0.4)
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("defocus (µm)")
    ax.set_ylabel("particles")


def _draw_cloud(ax, points: np.ndarray, labels: tuple[str, str]) -> None:
    """Draw points on axes of equal scale about zero."""
    shown = points[:, :20000]
    size = marker_area(shown.shape[1], 5)
    ax.scatter(*shown, s=size, color=ORANGE, alpha=0.5, linewidths=0)
    limit = 1.08 * float(np.abs(points).max())
    ax.set(xlim=(-limit, limit), ylim=(limit, -limit), aspect="equal")
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])


def _draw_density(figure, ax, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Draw the number of particles per solid angle, on bins of equal area."""
    edges = np.linspace(-np.pi, np.pi, 73)
    sines = np.linspace(-1, 1, 37)
    counts, _, _ = np.histogram2d(np.sin(latitude), longitude, bins=(sines, edges))
    relative = counts / counts.mean()
    mesh = ax.pcolormesh(
        edges, np.arcsin(sines), relative, cmap="Blues", vmin=0,
        vmax=max(2.0, np.percentile(relative, 99.5)), rasterized=True,
    )  # fmt: skip
    figure.colorbar(mesh, ax=ax, shrink=0.7, pad=0.02, label="density / mean")
