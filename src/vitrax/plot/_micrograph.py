"""Pictures of a micrograph, and of its power spectrum."""

import numpy as np
from jaxtyping import Float, Int

from ._canvas import BLUE, ORANGE, as_data_uri, canvas, resolution_axis, show_image


def draw_micrograph(
    image: Float[np.ndarray, "y x"],
    pixel_size: float,
    places: Float[np.ndarray, "particles 2"],
    diameters: Float[np.ndarray, " particles"],
    kinds: Int[np.ndarray, " particles"] | None = None,
) -> str:
    """Return a picture of a micrograph, and the same with its particles marked.

    Args:
        image: as small as it is to be shown.
        pixel_size: of `image`, Å.
        places: (x, y) of the particles, in pixels of `image`.
        diameters: of the particles, Å.
        kinds: a number for each particle, by which it has its colour.

    Returns:
        The address of a PNG that holds itself.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> field = np.random.default_rng(0).normal(size=(16, 16))
        >>> places, sizes = np.array([[4.0, 8.0]]), np.array([20.0])
        >>> plot.draw_micrograph(field, 4.0, places, sizes)[:22]
        'data:image/png;base64,'
    """
    from matplotlib.patches import Circle

    y, x = image.shape
    kinds = np.zeros(len(places), int) if kinds is None else kinds
    colours = ("#ffd166", "#5ad1e6", "#ef7fa5", "#9be564")
    with canvas(1, 2, (9.6, 4.8 * y / x + 0.3)) as (figure, (left, right)):
        limits = tuple(np.percentile(image, [0.3, 99.7]))
        show_image(left, image, limits)
        show_image(right, image, limits)
        for (px, py), diameter, kind in zip(places, diameters, kinds, strict=True):
            radius, colour = diameter / 2 / pixel_size, colours[kind % 4]
            right.add_patch(
                Circle((px, py), radius, fill=False, color=colour, lw=0.7, alpha=0.9)
            )
        left.set_title(f"{x * pixel_size / 1e3:.3g} x {y * pixel_size / 1e3:.3g} kÅ")
        right.set_title(f"{len(places)} particles of the truth")
        for axes in (left, right):
            axes.set_xlim(-0.5, x - 0.5)
            axes.set_ylim(y - 0.5, -0.5)
        return as_data_uri(figure)


def draw_thon_rings(
    power: Float[np.ndarray, "y x"],
    transfer: Float[np.ndarray, "y x"],
    curves: tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]],
    frequencies: Float[np.ndarray, " k"],
) -> str:
    """Return a picture of a power spectrum and the CTF² that its rings follow.

    Args:
        power: of a micrograph, zero frequency at pixel N // 2, Nyquist at the edge.
        transfer: CTF² on the same frequencies: shown in the left half.
        curves: means over rings of the power, and of CTF².
        frequencies: of the rings, 1/Å, the first zero.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> k = np.linspace(0, 0.5, 9)
        >>> plane = np.ones((16, 16))
        >>> plot.draw_thon_rings(plane, plane, (1 + k, k), k)[:22]
        'data:image/png;base64,'
    """
    n, nyquist = power.shape[0], float(frequencies[-1])
    background = np.interp(
        np.hypot(*np.indices(power.shape) - n // 2) * 2 * nyquist / n,
        frequencies,
        _smooth(curves[0]),
    )
    plane = power / background
    low, high = np.percentile(plane, [2, 98])
    plane = np.clip((plane - low) / max(high - low, 1e-12), 0, 1)
    plane[:, : n // 2] = transfer[:, : n // 2]
    ratios = {"width_ratios": (1, 1.9)}
    with canvas(1, 2, (9.6, 3.5), gridspec_kw=ratios) as (figure, (left, right)):
        left.imshow(
            plane, cmap="gray", vmin=0, vmax=1,
            extent=(-nyquist, nyquist, nyquist, -nyquist), interpolation="bilinear",
        )  # fmt: skip
        left.grid(visible=False)
        left.set_title("CTF² | power, flattened")
        left.set_xlabel("kx (1/Å)")
        left.set_ylabel("ky (1/Å)")
        start = max(2, int(np.searchsorted(frequencies, 1 / 100)))
        start = min(start, len(frequencies) - 2)
        shown = slice(start, None)
        right.semilogy(frequencies[shown], curves[0][shown], color=BLUE, lw=1.2)
        for ticks in (right.yaxis.set_major_formatter, right.yaxis.set_minor_formatter):
            ticks("{x:g}")
        right.set_xlim(0, nyquist)
        right.set_xlabel("spatial frequency (1/Å)")
        right.set_ylabel("power over that of the electrons", color=BLUE)
        other = right.twinx()
        other.fill_between(frequencies, curves[1], color=ORANGE, alpha=0.25, lw=0)
        other.set_ylim(0, 2.5)
        other.set_yticks([0, 1])
        other.set_ylabel("CTF²", color=ORANGE, loc="bottom")
        other.grid(visible=False)
        resolution_axis(right)
        return as_data_uri(figure)


def _smooth(curve: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Return a curve without its oscillations."""
    width = max(3, len(curve) // 12)
    padded = np.pad(np.log(np.maximum(curve, 1e-12)), width, mode="edge")
    return np.exp(
        np.convolve(padded, np.ones(2 * width + 1) / (2 * width + 1), "valid")
    )
