"""The noise of a data set, from the signal-to-noise ratio that is asked for."""

import dataclasses
from collections.abc import Callable

from ..image import ParticleStack
from ._exit import NumericalError
from ._pixel_statistics import PixelStatistics, disc
from ._recipe import Recipe
from ._stream import Noise, Simulator


@dataclasses.dataclass(frozen=True)
class Signal:
    """Variance of the pixels of all noise-free images after the CTF.

    Args:
        box: of all pixels, squared contrast.
        particle: of those within the particle's diameter.
    """

    box: float
    particle: float


def measure_signal(
    simulator: Simulator,
    particles: ParticleStack,
    diameter: float,
    advance: Callable[[int], None],
) -> Signal:
    """Return the variance of the noise-free images of a whole data set.

    The images are made, counted and dropped. They are made once more when they are
    written: that is faster than to read them back, and needs no disk.

    Args:
        simulator: makes the images.
        particles: to simulate.
        diameter: of the particle, Å.
        advance: called with the number of images just done.
    """
    everywhere = PixelStatistics(disc(simulator.box, 2.0 * simulator.box))
    within = PixelStatistics(disc(simulator.box, diameter / simulator.pixel_size))
    for images in simulator.clean(particles):
        everywhere, within = everywhere.add(images), within.add(images)
        advance(len(images))
    return Signal(everywhere.variance(), within.variance())


def noise_for(recipe: Recipe, signal: Signal, vacuum: float = 1.0) -> Noise:
    """Return the noise of the recipe's dose, or of its signal-to-noise ratio.

    Args:
        recipe: the parameters, with a dose or an SNR.
        signal: of the data set.
        vacuum: what the camera records of each electron in vacuum.

    Raises:
        NumericalError: if there is no signal.
    """
    if recipe.dose is not None:
        electrons = recipe.dose * float(recipe.angpix or 0.0) ** 2
        variance = 1 / (electrons * vacuum**2)
        scale = variance**-0.5 if recipe.normalise else 1.0
        return Noise(recipe.seed, variance, scale, recipe.dose)
    meant = signal.box if recipe.snr_mask == "box" else signal.particle
    if recipe.snr is None or not meant > 0:
        raise NumericalError(
            "cannot set the noise because the noise-free images have no variance; do "
            "check the structure with 'vitrax info'"
        )
    variance = meant / recipe.snr
    scale = variance**-0.5 if recipe.normalise else 1.0
    return Noise(recipe.seed, variance, scale)
