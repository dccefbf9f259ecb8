"""Pictures of contrast transfer and of power over frequency."""

import numpy as np
from jaxtyping import Float

from ._canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    as_data_uri,
    canvas,
    resolution_axis,
)


def draw_ctf(
    curves: dict[str, Float[np.ndarray, " k"]],
    frequencies: Float[np.ndarray, " k"],
    square: Float[np.ndarray, "y x"],
    nyquist: float,
) -> str:
    """Return a picture of CTFs: curves over frequency, and one in the plane.

    Args:
        curves: by name.
        frequencies: of the curves, 1/Å.
        square: CTF with the zero frequency at pixel N // 2.
        nyquist: frequency at the edge of `square`, 1/Å.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> k = np.linspace(0, 0.5, 9)
        >>> plot.draw_ctf({"a wave": np.sin(k)}, k, np.ones((4, 4)), nyquist=0.5)[:22]
        'data:image/png;base64,'
    """
    ratios = {"width_ratios": (2.1, 1)}
    with canvas(1, 2, (9.6, 3.3), gridspec_kw=ratios) as (figure, (left, right)):
        for (name, curve), colour in zip(curves.items(), _COLOURS, strict=False):
            left.plot(frequencies, curve, color=colour, lw=1.0, alpha=0.85, label=name)
        left.axhline(0, color=INK, lw=0.6)
        left.set(xlim=(0, nyquist), ylim=(-1.05, 1.05))
        left.set_xlabel("spatial frequency (1/Å)")
        left.set_ylabel("contrast transfer")
        left.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, handlelength=1.4
        )
        resolution_axis(left)
        right.imshow(
            square, cmap="gray", vmin=-1, vmax=1,
            extent=(-nyquist, nyquist, nyquist, -nyquist), interpolation="bilinear",
        )  # fmt: skip
        right.grid(visible=False)
        right.set_title("of particle 1")
        right.set_xlabel("kx (1/Å)")
        right.set_ylabel("ky (1/Å)")
        return as_data_uri(figure)


def draw_power(
    curves: dict[str, Float[np.ndarray, " k"]], frequencies: Float[np.ndarray, " k"]
) -> str:
    """Return a picture of radial power spectra.

    Args:
        curves: mean power at each frequency, by name.
        frequencies: 1/Å, the first zero.

    Example:
        >>> import numpy as np
        >>> from vitrax import plot
        >>> k = np.linspace(0, 0.5, 9)
        >>> plot.draw_power({"white": np.ones(9)}, k)[:22]
        'data:image/png;base64,'
    """
    with canvas(1, 1, (9.6, 3.3)) as (figure, ax):
        for (name, curve), colour in zip(curves.items(), _COLOURS, strict=False):
            ax.semilogy(frequencies[1:], curve[1:], color=colour, lw=1.3, label=name)
        peak = max(float(curve[1:].max()) for curve in curves.values())
        lowest = min(float(np.median(curve[1:])) for curve in curves.values())
        ax.set_ylim(max(lowest * 1e-2, peak * 1e-9), peak * 3)
        ax.set_xlim(0, frequencies[-1])
        ax.set_xlabel("spatial frequency (1/Å)")
        ax.set_ylabel("power per pixel")
        ax.legend(loc="upper right")
        resolution_axis(ax)
        return as_data_uri(figure)


_COLOURS = (BLUE, ORANGE, GREEN, GREY)
