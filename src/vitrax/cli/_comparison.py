"""Images beside their simulations, under several conventions: which one fits?"""

import dataclasses
import math

import numpy as np

from ..image import ParticleStack
from ..structure import FourierMap, VoxelMap
from ._batches import known
from ._job import Job
from ._pixel_statistics import disc
from ._stream import Simulator, ready_to_slice


# Images compared, and of these shown.
COMPARED, SHOWN = 64, 6
# Fewer images than these are too few to be sure.
_ENOUGH = 10
# Finest detail that is compared, Å: beyond it single images hold mostly noise.
_RESOLUTION = 12.0

GIVEN = "as given"
SHIFT = "shift sign flipped"
ROTATION = "rotation transposed"
HAND = "map mirrored (other hand)"
FLIP = "image flipped top to bottom"

_CURE = {
    SHIFT: "negate rlnOriginXAngst and rlnOriginYAngst",
    ROTATION: "invert the rotations: (rot, tilt, psi) becomes (-psi, -tilt, -rot)",
    HAND: "mirror the map, or use the other hand of the structure",
    FLIP: "flip the images, or the rows of the stack, in y",
}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How well images agree with simulations under several conventions.

    Args:
        correlations: of each image, by convention; the given one first.
        same: conventions that give the very images of the given one.
        observed: images to show.
        simulated: their simulations.
        resolution: finest detail compared, Å.
    """

    correlations: dict[str, np.ndarray]
    same: tuple[str, ...]
    observed: np.ndarray
    simulated: np.ndarray
    resolution: float

    @property
    def shown_correlations(self) -> list[float]:
        """Correlations of the images that are shown."""
        return [float(r) for r in self.correlations[GIVEN][: len(self.observed)]]

    def means(self) -> dict[str, float]:
        """Return the mean correlation of each convention."""
        return {name: float(r.mean()) for name, r in self.correlations.items()}

    def rows(self) -> list[tuple[str, str, str]]:
        """Return name, mean and standard error of each convention, in words."""
        found = []
        for name, r in self.correlations.items():
            error = standard_error(r)
            remark = " (the same images here)" if name in self.same else ""
            found.append((name + remark, f"{r.mean():.4f}", f"{error:.4f}"))
        return found

    def winner(self) -> str | None:
        """Return the convention that fits best beyond doubt, None if none does.

        Beyond doubt is a mean of the differences, image by image, of three standard
        errors.
        """
        told_apart = {k: r for k, r in self.correlations.items() if k not in self.same}
        best = max(told_apart, key=lambda name: float(told_apart[name].mean()))
        for name, r in told_apart.items():
            difference = told_apart[best] - r
            error = standard_error(difference)
            if name != best and not difference.mean() > 3 * error:
                return None
        return best if len(told_apart) > 1 else None

    def is_inverted(self) -> bool:
        """Return whether images and simulations are anticorrelated beyond doubt.

        The lowest of several means is negative by chance more often than one of them:
        five standard errors are asked for, of the mean and of what it exceeds the
        highest mean by.
        """
        lowest = min(self.correlations.values(), key=lambda r: float(r.mean()))
        highest = max(self.correlations.values(), key=lambda r: float(r.mean()))
        excess = -(lowest + highest)
        clear = [-lowest, excess]
        return all(r.mean() > 5 * standard_error(r) for r in clear)

    def verdict(self) -> str:
        """Return the answer in a sentence or two."""
        count = len(self.correlations[GIVEN])
        if count >= _ENOUGH:
            return self._answer(count)
        return (
            f"{self._answer(count)} Be careful: {count} images are too few to tell for "
            f"sure; {_ENOUGH} or more are needed."
        )

    def _answer(self, count: int) -> str:
        means, winner = self.means(), self.winner()
        if self.is_inverted():
            return (
                f"The contrast is inverted: over {count} images, images and "
                f"simulations are anticorrelated. Say with --contrast whether protein "
                f"is white or dark in the images."
            )
        if winner == GIVEN:
            return (
                f"Yes: over {count} images the convention as given fits best, with a "
                f"mean correlation of {means[GIVEN]:.3f}, and no other one comes near."
            )
        if winner is not None:
            return (
                f"No: over {count} images another convention fits best ({winner}, mean "
                f"correlation {means[winner]:.3f} against {means[GIVEN]:.3f} as "
                f"given). To mend it, {_CURE[winner]}."
            )
        return (
            f"It can't be told: over {count} images no convention fits beyond doubt "
            f"better than the others. Is this the right structure, and is it centred "
            f"in its box as in the refinement (--no-centre)?"
        )


def standard_error(values: np.ndarray) -> float:
    """Return the standard error of a mean, infinite for fewer than three values."""
    if len(values) < 3:
        return math.inf
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def compare(job: Job, images: np.ndarray, rows: np.ndarray) -> Comparison:
    """Return how well images agree with simulations under several conventions.

    Args:
        job: that simulates the same particles.
        images: some of the file's, protein white.
        rows: of the job's particles that they belong to.
    """
    particles = job.particles[rows]
    resolution = max(_RESOLUTION, 3 * job.simulator.pixel_size)
    transfer = _blur(job.simulator.box, job.simulator.pixel_size, resolution)
    mask = disc(job.simulator.box, job.specimen.diameter / job.simulator.pixel_size)
    observed = _filtered(images, transfer)
    simulated = {
        name: _filtered(variant, transfer)
        for name, variant in _variants(job, particles).items()
    }
    given = simulated[GIVEN]
    same = tuple(
        name
        for name, variant in simulated.items()
        if name != GIVEN and np.abs(variant - given).max() < 1e-3 * np.abs(given).max()
    )
    correlations = {
        name: correlation(observed, variant, mask)
        for name, variant in simulated.items()
    }
    return Comparison(correlations, same, observed[:SHOWN], given[:SHOWN], resolution)


def correlation(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of each pair of images, over the pixels of a mask.

    Args:
        a: images.
        b: as many.
        mask: the pixels that count.
    """
    x, y = (images[:, mask].astype(float) for images in (a, b))
    x = x - x.mean(axis=1, keepdims=True)
    y = y - y.mean(axis=1, keepdims=True)
    norm = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return (x * y).sum(axis=1) / np.maximum(norm, 1e-300)


def _variants(job: Job, particles: ParticleStack) -> dict[str, np.ndarray]:
    """Return the simulations of some particles by convention."""
    angles, shifts = known(particles.angles), particles.shifts
    transposed = -angles[:, ::-1]
    mirrored = dataclasses.replace(job.simulator, specimens=_mirrored(job))
    given = _images(job.simulator, particles)
    return {
        GIVEN: given,
        SHIFT: _images(job.simulator, dataclasses.replace(particles, shifts=-shifts)),
        ROTATION: _images(
            job.simulator, dataclasses.replace(particles, angles=transposed)
        ),
        HAND: _images(mirrored, particles),
        FLIP: _reversed(given, axis=1),
    }


def _images(simulator: Simulator, particles: ParticleStack) -> np.ndarray:
    return np.concatenate(list(simulator.clean(particles)))


def _mirrored(job: Job) -> tuple[FourierMap, ...]:
    """Return the maps with z and -z exchanged, ready to be sliced."""
    return ready_to_slice(
        *(
            VoxelMap(_reversed(np.asarray(each.values), 0), each.voxel_size, each.unit)
            for each in job.specimen.maps
        )
    )


def _reversed(values: np.ndarray, axis: int) -> np.ndarray:
    """Return values reversed about the origin N // 2 of an even axis."""
    return np.roll(np.flip(values, axis), 1, axis)


def _blur(box: int, pixel_size: float, resolution: float) -> np.ndarray:
    """Return a Gaussian low-pass filter, without the zero frequency."""
    ky = np.fft.fftfreq(box, pixel_size)[:, None]
    squared = np.fft.rfftfreq(box, pixel_size) ** 2 + ky**2
    transfer = np.exp(-squared * resolution**2 / 2)
    transfer[0, 0] = 0.0
    return transfer


def _filtered(images: np.ndarray, transfer: np.ndarray) -> np.ndarray:
    return np.fft.irfft2(np.fft.rfft2(images) * transfer, s=images.shape[-2:])
