"""A simulation made ready: parameters resolved, inputs read, nothing written yet."""

import dataclasses
import warnings
from typing import Any

import numpy as np

from .. import io
from .._files import InputError
from ..image import ParticleStack
from ._draw import draw_particles
from ._exit import UsageError
from ._optics_facts import spread_warning
from ._recipe import DEFAULTS, Recipe, parse_b_factor
from ._source import Source, comparable, read_source, sourced_particles
from ._specimen import Specimen, is_map, map_header, specimen_of_file
from ._stream import Simulator, default_batch_size, ready_to_slice


@dataclasses.dataclass(frozen=True)
class Job:
    """All that a simulation needs.

    Args:
        recipe: with every parameter resolved.
        particles: to simulate.
        specimen: what is imaged.
        simulator: makes the images.
        source: the STAR file of --from, if any.
        warnings: for the reader of the report.
    """

    recipe: Recipe
    particles: ParticleStack
    specimen: Specimen
    simulator: Simulator
    source: Source | None
    warnings: tuple[str, ...]


def prepare(recipe: Recipe) -> Job:
    """Return the job of a recipe, its inputs read.

    Args:
        recipe: the parameters.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        source = read_source(recipe) if recipe.source else None
        recipe = resolved(recipe, source)
        particles = _particles(recipe, source)
        box, pixel_size = int(recipe.box or 0), float(recipe.angpix or 0.0)
        specimen = specimen_of_file(recipe, box, pixel_size)
    simulator = Simulator(
        ready_to_slice(specimen.voxel_map),
        box,
        pixel_size,
        recipe.ctf_pad,
        recipe.batch_size
        or min(default_batch_size(box, recipe.ctf_pad), len(particles)),
    )
    said = [
        str(each.message) for each in caught if issubclass(each.category, UserWarning)
    ]
    notes = [*said, *_cautions(recipe, particles, specimen)]
    notes += _notes_on_source(recipe, source) if source else []
    return Job(
        recipe, particles, specimen, simulator, source, tuple(dict.fromkeys(notes))
    )


def resolved(recipe: Recipe, source: Source | None) -> Recipe:
    """Return a recipe in which n, box, angpix, kv, cs and q0 have values.

    What the user gave goes before what a STAR file says, that before the map's own
    sampling, that before the defaults.

    Args:
        recipe: as given.
        source: of --from.
    """
    found: dict[str, Any] = dict(DEFAULTS)
    if source is not None:
        found |= {"n": len(source.stack), **_of_source(recipe, source)}
    elif is_map(recipe.structure):
        side, voxel_size = map_header(recipe)
        found["angpix"] = voxel_size
        if recipe.angpix in (None, voxel_size):
            found["box"] = side + side % 2
    missing = {k: v for k, v in found.items() if getattr(recipe, k) is None}
    return _validated({**dict(recipe), **missing})


def _validated(values: dict[str, Any]) -> Recipe:
    """Return a recipe of resolved values, such as an odd box that a file brought in."""
    from pydantic import ValidationError

    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        reasons = [each["msg"].removeprefix("Value error, ") for each in error.errors()]
        raise UsageError(" ".join(reasons)) from error


def _of_source(recipe: Recipe, source: Source) -> dict[str, Any]:
    """Return box and pixel size of --from, and its optics, which need no default."""
    sampling = source.sampling()
    for name in ("box", "angpix"):
        if name not in sampling and getattr(recipe, name) is None:
            raise UsageError(
                f"cannot take --{name} from {recipe.source} because "
                f"{source.why_not(name)}; do give --{name}"
            )
    return sampling | {"kv": None, "cs": None, "q0": None}


def _particles(recipe: Recipe, source: Source | None) -> ParticleStack:
    if source is not None:
        return sourced_particles(recipe, source)
    if recipe.orientations in ("uniform", "preferred"):
        return draw_particles(recipe)
    return draw_particles(recipe, read_angles(recipe.orientations))


def read_angles(path: str) -> Any:
    """Return the orientations (n, 3) of a STAR file, degrees.

    Args:
        path: of the file.

    Raises:
        InputError: if no table of it has rot, tilt and psi.
    """
    names = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
    for table in io.read_star(path).values():
        if all(name in table for name in names):
            return np.stack([np.asarray(table[n], float) for n in names], axis=1)
    raise InputError(
        f"cannot take orientations from {path} because no table has rlnAngleRot, "
        f"rlnAngleTilt and rlnAnglePsi; do give a RELION STAR file, or uniform or "
        "preferred"
    )


def _notes_on_source(recipe: Recipe, source: Source) -> list[str]:
    """Return what of --from isn't simulated, and why its images aren't compared."""
    reason = comparable(recipe, source)
    compared = f"The images of --from aren't compared with the simulations: {reason}."
    return [*source.notes, *([compared] if reason else [])]


def _cautions(
    recipe: Recipe, particles: ParticleStack, specimen: Specimen
) -> list[str]:
    """Return what the reader should know about the physics of the data set."""
    box, pixel_size = int(recipe.box or 0), float(recipe.angpix or 0.0)
    found = [
        "The molecule is in vacuum: no ice, no neighbours, no radiation damage and no "
        "camera. Contrast at low resolution is higher than in ice."
    ]
    spread = spread_warning(
        particles, box, pixel_size, specimen.diameter, recipe.resolution
    )
    if spread:
        found.append(spread)
    found += _cautions_on_placing(recipe, particles, specimen)
    if _has_no_motion(recipe, specimen):
        found.append(
            "All B-factors of the model are 0, as if its atoms were at rest: images "
            "hold more detail than real ones. Give --b-factor, such as 30."
        )
    if specimen.voxel_map.unit != "V":
        found.append(
            "The map's values are of arbitrary scale, and so is the contrast of the "
            "images; signal-to-noise ratios are right."
        )
    return found


def _cautions_on_placing(
    recipe: Recipe, particles: ParticleStack, specimen: Specimen
) -> list[str]:
    """Return what to know about particles that fill the box, or leave it."""
    side, diameter = _side(recipe), specimen.diameter
    found = []
    if diameter > 0.9 * side:
        found.append(
            f"The particle's diameter ({diameter:.0f} Å) fills the box "
            f"({side:.0f} Å): there is little background to normalise by."
        )
    # Three standard deviations even where the few that were drawn are nearer.
    drawn = 0.0 if recipe.source else 3 * recipe.shift_sd
    farthest = max(drawn, float(np.abs(particles.shifts).max(initial=0.0)))
    room = max(0.5 * (side - diameter), 0.0)
    if farthest > room:
        found.append(
            f"Shifts of up to {farthest:.0f} Å take particles out of the box: it is "
            f"{side:.0f} Å, the particle {diameter:.0f} Å across, which leaves "
            f"{room:.0f} Å. What leaves the box is cut off or comes in at the other "
            f"side. Use a larger --box or smaller shifts (--shift-sd)."
        )
    return found


def _side(recipe: Recipe) -> float:
    """Return the side of the box, Å."""
    return int(recipe.box or 0) * float(recipe.angpix or 0.0)


def _has_no_motion(recipe: Recipe, specimen: Specimen) -> bool:
    """Return whether the model's own B-factors are wanted, and all of them are 0."""
    kind, _ = parse_b_factor(recipe.b_factor)
    return kind != "all" and specimen.facts.get("largest_b_factor") == 0
