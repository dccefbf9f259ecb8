"""A simulation made ready: parameters resolved, inputs read, nothing written yet."""

import contextlib
import dataclasses
import pathlib
import warnings
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from .. import io
from .._files import InputError
from ..detector import Camera
from ..image import ParticleStack
from ..structure import VOLT
from ._draw import draw_particles, with_models
from ._exit import UsageError
from ._optics_facts import defocus_warnings, spread_warning
from ._particle_options import DEFAULTS, RANDOM, ParticleOptions
from ._placing import PlacedAtoms, PlacedMap, read_structure
from ._recipe import Recipe
from ._source import (
    Source,
    comparable,
    read_source,
    sampling_of_source,
    sourced_particles,
)
from ._specimen import Asked, Specimen, notes_on_models, specimen_of
from ._specimen_options import SpecimenOptions, parse_b_factor
from ._stream import Simulator, default_batch_size, ready_to_slice


AnyRecipe = TypeVar("AnyRecipe", bound=SpecimenOptions)

# With a particles' file the optics are its own, and need no default.
OPTICS_OF_SOURCE = {"kv": None, "cs": None, "q0": None}


@dataclasses.dataclass(frozen=True)
class Job:
    """All that a simulation needs.

    Args:
        recipe: with every parameter resolved.
        particles: to simulate.
        specimen: what is imaged.
        simulator: makes the images.
        source: the file of --from, if any.
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
    with noted() as said:
        source = read_source(recipe, recipe.contrast_of_file) if recipe.source else None
        if source is not None:
            recipe = resolved(recipe, source)
        structure = read_structure(recipe)
        recipe = resolved(recipe, source, structure)
        particles = particles_of(recipe, source)
        box, pixel_size = int(recipe.box or 0), float(recipe.angpix or 0.0)
        asked = Asked(
            box,
            pixel_size,
            recipe.resolution,
            recipe.particle_diameter,
            recipe.solvent,
            states=True,
        )
        specimen = specimen_of(structure, asked)
    particles = with_models(particles, recipe.seed, len(specimen.maps))
    if recipe.dose is not None:
        check_in_volts(specimen, str(recipe.structure))
    simulator = Simulator(
        ready_to_slice(*specimen.maps),
        box,
        pixel_size,
        recipe.ctf_pad,
        recipe.batch_size
        or min(default_batch_size(box, recipe.ctf_pad), len(particles)),
        camera=camera_of(recipe.mtf, **recipe.reading.limit),
    )
    notes = [*said, *_cautions(recipe, particles, specimen)]
    notes += _notes_on_source(recipe, source) if source else []
    return Job(
        recipe, particles, specimen, simulator, source, tuple(dict.fromkeys(notes))
    )


def camera_of(
    mtf: pathlib.Path | None, gain: float = 1.0, max_unpacked: int | None = None
) -> Camera:
    """Return a camera that counts, of the pixels of the image.

    Args:
        mtf: a file of RELION's; ideal where None.
        gain: recorded number per electron.
        max_unpacked: bytes that the content of a packed file may have.

    Raises:
        InputError: if the file can't be used, or the MTF isn't above 0 at frequency 0.
    """
    if mtf is None:
        return Camera(gain=gain)
    transfer = io.read_mtf(mtf, max_unpacked=max_unpacked)
    if not float(transfer.values[0]) > 0:
        raise InputError(
            f"cannot use {mtf} because its MTF is 0 at its lowest frequency, and no "
            f"electron would be recorded; do give a file whose MTF is 1 there"
        )
    return Camera.counting(transfer, gain=gain)


def check_in_volts(specimen: Specimen, structure: str) -> None:
    """Raise if the contrast of a specimen has no scale, of which counts depend.

    Args:
        specimen: that is imaged.
        structure: as the user gave it.

    Raises:
        UsageError: if it is a map of arbitrary unit.
    """
    if specimen.voxel_map.unit != VOLT:
        raise UsageError(
            f"cannot count electrons that pass {structure} because its values are of "
            f"arbitrary scale, and so would its contrast be; do give --map-volts X, "
            f"the volts per unit of the map (1 for a map of vitrax volume; for "
            f"others, what makes protein some 3 V above its solvent)"
        )


@contextlib.contextmanager
def noted() -> Iterator[list[str]]:
    """Give a list that holds, after the block, what its warnings said."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
    said += [
        str(each.message) for each in caught if issubclass(each.category, UserWarning)
    ]


def resolved(
    recipe: Recipe,
    source: Source | None,
    structure: PlacedAtoms | PlacedMap | None = None,
) -> Recipe:
    """Return a recipe in which n, box, angpix, kv, cs and q0 have values.

    What the user gave goes before what the file of --from says, that before the map's
    own sampling, that before the defaults.

    Args:
        recipe: as given.
        source: of --from.
        structure: that is imaged, where it is known.
    """
    found: dict[str, Any] = dict(DEFAULTS)
    if source is not None:
        found |= {"n": len(source.stack), **sampling_of_source(recipe, source)}
        found |= OPTICS_OF_SOURCE
    elif isinstance(structure, PlacedMap):
        found["angpix"] = structure.voxel_size
        if recipe.angpix in (None, structure.voxel_size):
            found["box"] = structure.roomy_box(structure.voxel_size)
    return filled(recipe, found)


def filled(recipe: AnyRecipe, found: dict[str, Any]) -> AnyRecipe:
    """Return a recipe with values where it has none.

    Args:
        recipe: as given.
        found: values by name; a file may have brought in an odd box.

    Raises:
        UsageError: if the values can't be used.
    """
    from pydantic import ValidationError

    missing = {k: v for k, v in found.items() if getattr(recipe, k) is None}
    try:
        return type(recipe).model_validate({**dict(recipe), **missing})
    except ValidationError as error:
        reasons = [each["msg"].removeprefix("Value error, ") for each in error.errors()]
        raise UsageError(" ".join(reasons)) from error


def particles_of(recipe: ParticleOptions, source: Source | None) -> ParticleStack:
    """Return the particles of a recipe.

    Args:
        recipe: the parameters, resolved.
        source: file that they are taken from, if any.
    """
    if source is not None:
        return sourced_particles(recipe, source)
    if recipe.orientations in RANDOM:
        return draw_particles(recipe)
    angles = read_angles(recipe.orientations, **recipe.reading.limit)
    return draw_particles(recipe, angles)


def read_angles(path: str, max_unpacked: int | None = None) -> Any:
    """Return the orientations (n, 3) of a STAR file, or of any file of particles.

    In degrees.

    Args:
        path: of the file.
        max_unpacked: bytes that the content of a packed file may have.

    Raises:
        InputError: if no table of it has rot, tilt and psi.
    """
    kind = io.file_kind(path)
    if kind.has_particles and kind is not io.FileKind.RELION:
        # All but the angles is left out, whatever it is.
        stack = io.read_particles(
            path,
            defaults={
                "pixel_size": DEFAULTS["angpix"],
                "voltage": DEFAULTS["kv"],
                "spherical_aberration": DEFAULTS["cs"],
                "amplitude_contrast": DEFAULTS["q0"],
            },
            max_unpacked=max_unpacked,
        )
        if stack.angles is None:
            raise InputError(stack.missing["angles"])
        return stack.angles
    names = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
    for table in io.read_star(path, max_unpacked=max_unpacked).values():
        if all(name in table for name in names):
            return np.stack([np.asarray(table[n], float) for n in names], axis=1)
    raise InputError(
        f"cannot take orientations from {path} because no table has rlnAngleRot, "
        f"rlnAngleTilt and rlnAnglePsi; do give a file of particles, or uniform or "
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
    largest = None if recipe.source else max(recipe.defocus, key=abs)
    found = [*defocus_warnings(particles, largest), _surroundings(recipe)]
    found += notes_on_models(specimen)
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
            "images; signal-to-noise ratios are right. Give --map-volts if you know it."
        )
    return found


def _surroundings(recipe: Recipe) -> str:
    """Return what isn't about the molecule, nor done to it."""
    camera = recipe.dose is not None or recipe.mtf is not None
    missing = "no neighbours and no radiation damage" + (
        "" if camera else ", and no camera"
    )
    if recipe.solvent:
        return f"The solvent is even: there is no noise of ice, {missing}."
    return (
        f"The molecule is in vacuum: no ice, {missing}. Contrast at low resolution is "
        f"higher than in ice."
    )


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
    drawn = 0.0 if recipe.source else max(3 * recipe.shift_sd, recipe.shift_max)
    farthest = max(drawn, float(np.abs(particles.shifts).max(initial=0.0)))
    room = max(0.5 * (side - diameter), 0.0)
    if farthest > room:
        found.append(
            f"Shifts of up to {farthest:.0f} Å take particles out of the box: it is "
            f"{side:.0f} Å, the particle {diameter:.0f} Å across, which leaves "
            f"{room:.0f} Å. What leaves the box is cut off or comes in at the other "
            f"side. Use a larger --box or smaller shifts "
            f"({'--shift-max' if recipe.shift_max else '--shift-sd'})."
        )
    return found


def _side(recipe: Recipe) -> float:
    """Return the side of the box, Å."""
    return int(recipe.box or 0) * float(recipe.angpix or 0.0)


def _has_no_motion(recipe: Recipe, specimen: Specimen) -> bool:
    """Return whether the model's own B-factors are wanted, and all of them are 0."""
    kind, _ = parse_b_factor(recipe.b_factor)
    return kind != "all" and specimen.facts.get("largest_b_factor") == 0
