"""What the optics do to a data set: how far signal spreads, how much is left."""

import math

import numpy as np

from ..image import ParticleStack
from ..physics import CODATA, Constants, interaction_parameter, wavelength
from ._batches import known


def delocalisation(
    frequency: np.ndarray, defocus: float, voltage: float, spherical_aberration: float
) -> np.ndarray:
    r"""Return how far the CTF carries detail of each frequency from its place, Å.

    $$R(k) = |\lambda\,\Delta f\,k - C_s \lambda^3 k^3|$$

    Args:
        frequency: $k$, 1/Å.
        defocus: $\Delta f$, Å.
        voltage: kV.
        spherical_aberration: $C_s$, mm.
    """
    length = float(wavelength(voltage))
    cubic = spherical_aberration * 1e7 * length**3
    return np.abs(length * defocus * frequency - cubic * frequency**3)


def spread_warning(
    particles: ParticleStack,
    box: int,
    pixel_size: float,
    diameter: float,
    resolution: float | None,
) -> str | None:
    """Return a warning if the CTF spreads the particle beyond the box, else None.

    Args:
        particles: to simulate.
        box: pixels along a side.
        pixel_size: Å.
        diameter: of the particle, Å.
        resolution: finest detail in the map, Å; Nyquist where None.
    """
    mean, astigmatism, _ = known(particles.defocus).T
    worst = int(np.argmax(mean + np.abs(astigmatism) / 2))
    defocus = float(mean[worst] + abs(astigmatism[worst]) / 2)
    optics = particles.optics[particles.groups[worst]]
    finest = max(resolution or 0.0, 2 * pixel_size)
    frequency = np.linspace(0, 1 / finest, 2000)
    spread = delocalisation(
        frequency, defocus, optics.voltage, optics.spherical_aberration
    )
    room = 0.5 * (box * pixel_size - diameter)
    if spread.max() <= room:
        return None
    kept = frequency[int((np.maximum.accumulate(spread) > room).argmax())]
    needed = 2 * math.ceil((diameter + 2 * float(spread.max())) / pixel_size / 2)
    limit = f"{1 / kept:.1f} Å" if kept > 0 else "every resolution"
    return (
        f"The CTF spreads beyond the box: at a defocus of {defocus:.0f} Å, detail of "
        f"{finest:.1f} Å lands up to {spread.max():.0f} Å away, and there are "
        f"{max(room, 0):.0f} Å between the particle and the edge. Beyond {limit} "
        f"signal wraps round (or is cut off with --ctf-pad). A box of {needed} pixels "
        "holds all."
    )


def envelope_left(
    particles: ParticleStack, resolutions: tuple[float, ...]
) -> tuple[float, ...]:
    """Return the mean amplitude that the envelopes leave at some resolutions.

    Args:
        particles: to simulate.
        resolutions: Å.
    """
    return tuple(
        float(np.exp(-particles.b_factors / (4 * d**2)).mean()) for d in resolutions
    )


def contrast_per_map(
    particles: ParticleStack, pixel_size: float, constants: Constants = CODATA
) -> list[float]:
    r"""Return, for each optics group, contrast over the sum of voxels along the beam.

    For a map in volts the weak-phase image is $2\sigma p \sum_z V$ before the CTF, so
    that a reconstruction from the images is the map times this.

    Args:
        particles: to simulate.
        pixel_size: Å.
        constants: which set fixes the wavelength.
    """
    return [
        2 * float(interaction_parameter(group.voltage, constants)) * pixel_size
        for group in particles.optics
    ]
