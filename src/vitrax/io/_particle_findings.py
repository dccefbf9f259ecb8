"""What is wrong with the rows of a table of particles."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from ._columns import did_you_mean
from ._findings import Finding, as_numbers, odd, odd_rows, unusable_rows
from ._labels import ANGLES, DEFOCUS, SHIFTS, SHIFTS_IN_PIXELS
from ._stack_images import parsed_image_names
from ._star_table import TEXT, StarTable


# Columns of numbers that the image of a particle depends on.
NUMBERS = (
    *ANGLES,
    *SHIFTS,
    *SHIFTS_IN_PIXELS,
    *DEFOCUS,
    "rlnPhaseShift",
    "rlnCtfBfactor",
    "rlnCtfScalefactor",
    "rlnCoordinateX",
    "rlnCoordinateY",
)
_NEEDED = {ANGLES: "the poses aren't known", DEFOCUS: "the CTFs aren't known"}
# Å. No one images single particles further from focus, and the numbers below the other
# limit are of another unit.
_LARGEST_DEFOCUS, _SMALLEST_DEFOCUS = 1e5, 50.0
_LARGEST_ASTIGMATISM = 5000.0
# Characters of a value that a message repeats.
_SHOWN = 40


def particle_findings(particles: StarTable) -> Iterator[Finding]:
    """Yield what is wrong with particles, whatever their optics and stacks.

    Args:
        particles: the table.
    """
    yield from _lacking(particles)
    for old, new in zip(SHIFTS_IN_PIXELS, SHIFTS, strict=True):
        if old in particles and new in particles:
            yield odd(
                "data_particles",
                f"it has both {old} (pixels) and {new} (Å)",
                "remove one of them",
            )
    numbers = {n: as_numbers(particles, n) for n in NUMBERS if n in particles}
    for name, values in numbers.items():
        bad = np.isnan(values)
        first = str(particles[name][bad][0])[:_SHOWN] if bad.any() else ""
        yield from unusable_rows(bad, f"{name} isn't a finite number ({first!r})")
    if set(DEFOCUS) <= set(numbers):
        yield from _of_defocus(*(numbers[name] for name in DEFOCUS[:2]))
    yield from _of_names(particles)


def _lacking(particles: StarTable) -> Iterator[Finding]:
    """Yield columns that a simulation or a reconstruction needs."""
    for names, what in _NEEDED.items():
        absent = [name for name in names if name not in particles]
        if not absent:
            continue
        hints = "".join(did_you_mean(name, list(particles)) for name in absent)
        yield odd(
            "data_particles",
            f"it has no {', '.join(absent)}{hints}: {what}",
            "add or rename them, if a later step needs them",
        )


def _of_defocus(
    u: Float[np.ndarray, " rows"], v: Float[np.ndarray, " rows"]
) -> Iterator[Finding]:
    """Yield what is unlikely of defoci; what isn't a number is none of these."""
    mean = (u + v) / 2
    known = np.abs(mean[~np.isnan(mean)])
    if len(known) and 0 < np.median(known) < _SMALLEST_DEFOCUS:
        yield odd(
            "data_particles",
            f"the defocus is {np.median(known):.3g} Å in the middle",
            "give it in Å, not in µm",
        )
        return
    yield from odd_rows(
        mean < 0, "the defocus is negative, overfocus", "check its sign"
    )
    yield from odd_rows(
        np.abs(mean) > _LARGEST_DEFOCUS,
        f"the defocus is beyond {_LARGEST_DEFOCUS:g} Å",
        "check the fit of the CTF, and that it is in Å",
    )
    yield from odd_rows(
        (np.abs(u - v) > _LARGEST_ASTIGMATISM) & (np.abs(mean) <= _LARGEST_DEFOCUS),
        f"defocus U and V differ by more than {_LARGEST_ASTIGMATISM:g} Å",
        "check the fit of the CTF",
    )


def _of_names(particles: StarTable) -> Iterator[Finding]:
    """Yield names of images that can't be, or come twice."""
    names = particles["rlnImageName"].astype(TEXT)
    _, stack_of, index_of = parsed_image_names(names)
    yield from unusable_rows(
        index_of < 0, "the number before @ in rlnImageName isn't 1 or more"
    )
    pairs = np.stack([stack_of, index_of], axis=-1)[index_of >= 0]
    order = np.lexsort(pairs.T)
    same = (np.diff(pairs[order], axis=0) == 0).all(axis=1)
    twice = np.zeros(len(names), bool)
    # The sort is stable: all but the first of each image.
    twice[np.flatnonzero(index_of >= 0)[order[1:][same]]] = True
    yield from odd_rows(
        twice,
        "rlnImageName names an image that an earlier row has",
        "remove these rows, unless the particles were expanded by a symmetry",
    )
