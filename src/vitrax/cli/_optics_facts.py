"""What the optics do to a data set: how far signal spreads, how much is left."""

import math

import numpy as np

from ..image import ParticleStack
from ..physics import CODATA, Constants, interaction_parameter, wavelength
from ._batches import known


# A defocus below this is almost in focus, Å: nobody records so, but 1.2 is of µm.
_LEAST = 100.0


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


def defocus_warnings(
    particles: ParticleStack, largest: float | None = None
) -> list[str]:
    """Return warnings of a defocus in µm, and of an astigmatism beyond the defocus.

    Args:
        particles: with a defocus.
        largest: defocus that may be drawn, Å; None where all are from a file.
    """
    mean, astigmatism, _ = known(particles.defocus).T
    found = []
    if largest is None:
        small = (mean != 0) & (np.abs(mean) < _LEAST)
        if small.any():
            found.append(
                f"Warning: {small.sum()} of {len(mean)} particles have a defocus "
                f"below {_LEAST:g} Å ({mean[small][0]:g} Å for particle "
                f"{np.flatnonzero(small)[0] + 1}), which is almost in focus: is it "
                f"µm? Defocus is in Å, 12000 for 1.2 µm."
            )
    elif 0 < abs(largest) < _LEAST:
        found.append(
            f"Warning: a defocus of {largest:g} Å is almost in focus: is it µm? "
            f"--defocus is in Å, 12000 for 1.2 µm."
        )
    crossed = np.abs(astigmatism) > 2 * np.abs(mean)
    if crossed.any():
        first = np.flatnonzero(crossed)[0]
        found.append(
            f"Warning: {crossed.sum()} of {len(mean)} particles have an astigmatism "
            f"so large that defocus U and V are on either side of focus (U "
            f"{mean[first] + astigmatism[first] / 2:g} Å, V "
            f"{mean[first] - astigmatism[first] / 2:g} Å for particle {first + 1}): is "
            f"U - V in Å?"
        )
    return found


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
