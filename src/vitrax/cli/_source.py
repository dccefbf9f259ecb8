"""Poses and optics from a real STAR file, and its images where they are."""

import dataclasses

import numpy as np

from .. import io
from .._files import InputError
from ..image import OpticsGroup, ParticleStack
from ._draw import draw_rows, draw_subsets, no_images
from ._exit import UsageError
from ._recipe import Recipe


# Columns of what isn't simulated, and what it is.
_NOT_SIMULATED = {
    "rlnBeamTiltX": "beam tilt",
    "rlnBeamTiltY": "beam tilt",
    "rlnOddZernike": "odd aberrations (rlnOddZernike)",
    "rlnEvenZernike": "even aberrations (rlnEvenZernike)",
    "rlnMagMat00": "anisotropic magnification",
    "rlnMtfFileName": "the camera's MTF",
}


# Columns that a simulated stack keeps.
_KEPT = ("rlnMicrographName", "rlnRandomSubset", "rlnCoordinateX", "rlnCoordinateY")


@dataclasses.dataclass(frozen=True)
class Source:
    """What a STAR file says of its particles.

    Args:
        stack: of the particles.
        notes: for the reader of the report.
    """

    stack: ParticleStack
    notes: tuple[str, ...]

    def sampling(self) -> dict[str, int | float]:
        """Return the one box and pixel size of the images, where there is one."""
        boxes, sizes = np.unique(self.stack.boxes), np.unique(self.stack.pixel_sizes)
        found: dict[str, int | float] = {}
        if len(boxes) == 1 and boxes[0] > 0:
            found["box"] = int(boxes[0])
        if len(sizes) == 1:
            found["angpix"] = float(sizes[0])
        return found

    def images(self, rows: np.ndarray) -> np.ndarray | None:
        """Return some images with protein white; None where their files aren't there.

        Args:
            rows: of the STAR file.
        """
        try:
            return -self.stack[rows].images()
        except InputError:
            return None


def read_source(recipe: Recipe) -> Source:
    """Return the particles of --from.

    Args:
        recipe: the parameters.

    Raises:
        InputError: if the file lacks angles or defocus.
    """
    assert recipe.source is not None
    stack = io.read_particles(
        recipe.source,
        contrast=recipe.contrast,
        pixel_size=recipe.angpix,
        voltage=recipe.kv,
        spherical_aberration=recipe.cs,
        amplitude_contrast=recipe.q0,
    )
    for name, values in (("angles", stack.angles), ("defocus", stack.defocus)):
        if values is None:
            reason = stack.missing.get(name, f"cannot simulate it without {name}")
            raise InputError(reason)
    return Source(stack, _notes(stack))


def sourced_particles(recipe: Recipe, source: Source) -> ParticleStack:
    """Return the particles of a recipe that takes them from a STAR file.

    Args:
        recipe: the parameters, n resolved.
        source: of --from.

    Raises:
        UsageError: if more rows are asked for than there are.
    """
    count, n = len(source.stack), int(recipe.n or len(source.stack))
    if recipe.resample:
        rows = draw_rows(recipe.seed, n, count)
    elif n <= count:
        rows = np.arange(n)
    else:
        raise UsageError(
            f"cannot take {n} particles from {recipe.source} because it has {count}; "
            f"do pass --resample to draw rows with replacement, or a lower --n"
        )
    return _whole(recipe, source.stack)[rows]


def comparable(recipe: Recipe, source: Source) -> str | None:
    """Return why images can't be compared with their simulations, None if they can.

    Args:
        recipe: the parameters, box and angpix resolved.
        source: of --from.
    """
    sampling = source.sampling()
    if sampling.get("box", recipe.box) != recipe.box:
        return "their box isn't the one that is simulated"
    if abs(sampling.get("angpix", 0.0) / float(recipe.angpix or 1) - 1) > 1e-3:
        return "their pixel size isn't the one that is simulated"
    if recipe.resample:
        return "--resample takes rows out of order"
    return None


def _whole(recipe: Recipe, stack: ParticleStack) -> ParticleStack:
    """Return all rows of a STAR file on the recipe's sampling; its optics go first."""
    kept = {name: stack.columns[name] for name in _KEPT if name in stack.columns}
    kept.setdefault("rlnRandomSubset", draw_subsets(recipe.seed, len(stack)))
    optics = tuple(
        OpticsGroup(
            pixel_size=float(recipe.angpix or each.pixel_size),
            voltage=_first(recipe.kv, each.voltage),
            spherical_aberration=_first(recipe.cs, each.spherical_aberration),
            amplitude_contrast=_first(recipe.q0, each.amplitude_contrast),
            box=recipe.box,
            name=each.name,
        )
        for each in stack.optics
    )
    return dataclasses.replace(
        stack,
        reader=no_images,
        optics=optics,
        b_factors=stack.b_factors + recipe.b_envelope,
        columns=kept,
        optics_columns={},
    )


def _first(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def _notes(stack: ParticleStack) -> tuple[str, ...]:
    """Return what of a STAR file isn't simulated."""
    columns = {**stack.columns, **stack.optics_columns}
    found = dict.fromkeys(
        what
        for name, what in _NOT_SIMULATED.items()
        if name in columns and _says_something(name, columns[name])
    )
    if not found:
        return ()
    return (
        f"The STAR file of --from has {', '.join(found)}, which isn't simulated and "
        f"isn't in the STAR file that is written.",
    )


def _says_something(name: str, column: np.ndarray) -> bool:
    values = [str(value).strip("[]").replace(",", " ") for value in column]
    try:
        numbers = [float(x) for value in values for x in value.split()]
    except ValueError:
        return True
    nothing = 1.0 if name == "rlnMagMat00" else 0.0
    return any(x != nothing for x in numbers)
