"""A micrograph made ready: parameters resolved, inputs read, nothing written yet."""

import dataclasses
import math
from typing import Any

import jax
import numpy as np

from ..detector import Camera
from ..grid import Grid
from ..image import Microscope, OpticsGroup, ParticleStack
from ..optics import Lens
from ..pose import Pose, Rotation
from ..structure import FourierMap
from ._draw import draw_subsets, no_images
from ._job import camera_of, check_in_volts, filled, noted
from ._micrograph_layout import angles_of, heights_of, places_of, rounded
from ._micrograph_recipe import MicrographRecipe
from ._needs import AT_REST, Plan
from ._optics_facts import defocus_warnings, delocalisation
from ._particle_options import DEFAULTS
from ._placing import PlacedAtoms, PlacedMap, good_box, is_map, read_structure
from ._species import Species, species_of
from ._specimen import Asked, Specimen, specimen_of
from ._specimen_options import OF_A_FILE, OF_MAPS, SpecimenOptions
from ._stream import ready_to_slice


MICROGRAPH, NOISE_FREE, STAR = "micrograph.mrc", "noise-free.mrc", "truth.star"
REPORT, RUN = "report.html", "run.json"
# Memory of the field while it is made, in units of its pixels' bytes.
_WORKING = 26


@dataclasses.dataclass(frozen=True)
class MicrographJob:
    """All that a micrograph needs.

    Args:
        recipe: with every parameter resolved.
        species: the kinds of particles.
        ready: the map of each, made ready to be sliced.
        particles: where and how each lies; columns say its place and its species.
        heights: of the particles above the middle of the ice, Å.
        camera: that records it.
        margin: pixels that are computed beyond each edge and cut off.
        notes: for the reader.
    """

    recipe: MicrographRecipe
    species: tuple[Species, ...]
    ready: tuple[FourierMap, ...]
    particles: ParticleStack
    heights: np.ndarray
    camera: Camera
    margin: int
    notes: tuple[str, ...]

    @property
    def specimens(self) -> tuple[Specimen, ...]:
        """What each species is."""
        return tuple(each.specimen for each in self.species)

    @property
    def pixel_size(self) -> float:
        """Å."""
        return float(self.recipe.angpix or 0.0)

    @property
    def box(self) -> int:
        """Pixels along a side of the box of a particle."""
        return int(self.recipe.box or 0)

    @property
    def diameter(self) -> float:
        """Of the largest particle, Å."""
        return max(specimen.diameter for specimen in self.specimens)

    @property
    def coordinates(self) -> np.ndarray:
        """Pixel (x, y) at which each particle lies, (n, 2), from the top left."""
        names = ("rlnCoordinateX", "rlnCoordinateY")
        return np.stack([self.particles.columns[name] for name in names], axis=1)

    def shifts(self) -> np.ndarray:
        """Return the place of each particle relative to pixel N // 2, Å, (n, 2)."""
        middle = np.array([n // 2 for n in self.recipe.shape[::-1]])
        whole = (self.coordinates - middle) * self.pixel_size
        return whole + self.particles.shifts

    def of_species(self, number: int) -> np.ndarray:
        """Return which particles are of the species `number`, from 0."""
        return self.particles.columns["rlnClassNumber"] == number + 1

    def field(self) -> tuple[int, int]:
        """Return the pixels (y, x) of the field that is computed."""
        y, x = (good_box(n + 2 * self.margin) for n in self.recipe.shape)
        return y, x

    def microscope(self, shape: tuple[int, int]) -> Microscope:
        """Return the instrument, focused on the middle of the ice.

        Args:
            shape: of its grid.
        """
        recipe = self.recipe
        lens = Lens(
            defocus=recipe.defocus,
            astigmatism=recipe.astigmatism,
            astigmatism_angle=recipe.astigmatism_angle,
            spherical_aberration=recipe.cs,
            amplitude_contrast=recipe.q0,
            phase_shift=recipe.phase_shift,
            b_factor=recipe.b_envelope,
        )
        return Microscope(Grid(shape, self.pixel_size), recipe.kv, lens)

    @property
    def title(self) -> str:
        """What is made, in words."""
        y, x = self.recipe.shape
        kinds = ", ".join(
            f"{count} of {path.name}"
            for count, path in zip(
                self.recipe.copies, self.recipe.structures, strict=True
            )
        )
        return (
            f"micrograph of {x} x {y} pixels at {self.pixel_size:g} Å with particles: "
            f"{kinds}"
        )


def prepare_micrograph(recipe: MicrographRecipe) -> MicrographJob:
    """Return the job of a recipe, its inputs read.

    Args:
        recipe: the parameters.
    """
    camera = camera_of(recipe.mtf, recipe.gain, **recipe.reading.limit)
    with noted() as said:
        placed = tuple(read_structure(options) for options in _options_of(recipe))
        recipe = _sized(recipe, placed)
        specimens = tuple(
            _specimen(recipe, structure, str(path))
            for structure, path in zip(placed, recipe.structures, strict=True)
        )
    species = species_of(recipe, specimens)
    particles, heights = _particles(recipe, species)
    return MicrographJob(
        recipe,
        species,
        tuple(ready for each in specimens for ready in ready_to_slice(*each.maps)),
        particles,
        heights,
        camera,
        _margin(recipe, heights),
        tuple(dict.fromkeys([*said, *_cautions(recipe, particles, specimens)])),
    )


def plan_of(job: MicrographJob) -> Plan:
    """Return the bytes that a micrograph needs on disk and in memory.

    Args:
        job: made ready.
    """
    recipe, size = job.recipe, 8 if job.recipe.x64 else 4
    pixels, field = math.prod(recipe.shape), math.prod(job.field())
    disk = {MICROGRAPH: 1024 + 4 * pixels, STAR: 2000 + 260 * len(job.particles)}
    if recipe.noise_free:
        disk[NOISE_FREE] = 1024 + 4 * pixels
    disk |= {REPORT: 3_000_000 if recipe.report else 0, RUN: 5000}
    maps = sum(
        each.coefficients.size * each.coefficients.dtype.itemsize
        + 2 * size * job.box**3
        for each in job.ready
    )
    working = size * field * (_WORKING + recipe.layers)
    return Plan(disk, working + maps + AT_REST)


def _options_of(recipe: MicrographRecipe) -> list[SpecimenOptions]:
    """Return the options of each structure; those of maps for maps alone."""
    names = ("b_factor", "resolution", "symmetry", "centre", "max_memory", *OF_A_FILE)
    given = {name: getattr(recipe, name) for name in names}
    of_maps = {name: getattr(recipe, name) for name in OF_MAPS}
    any_map = any(is_map(path) for path in recipe.structures)
    return [
        SpecimenOptions(
            structure=path,
            out=recipe.out,
            angpix=recipe.angpix,
            **given,
            **(of_maps if is_map(path) or not any_map else {}),
        )
        for path in recipe.structures
    ]


def _sized(
    recipe: MicrographRecipe, placed: tuple[PlacedAtoms | PlacedMap, ...]
) -> MicrographRecipe:
    """Return a recipe with a pixel size, a box and all about heights and solvent."""
    sizes = [each.voxel_size for each in placed if each.voxel_size is not None]
    pixel_size = recipe.angpix or next(iter(sizes), DEFAULTS["angpix"])
    return filled(
        recipe,
        {
            "angpix": pixel_size,
            "box": max(each.roomy_box(pixel_size) for each in placed),
        },
    )


def _specimen(
    recipe: MicrographRecipe, structure: PlacedAtoms | PlacedMap, path: str
) -> Specimen:
    """Return one structure on the grid of the particles' box, in volts."""
    wanted = bool(recipe.ice) if recipe.solvent is None else recipe.solvent
    # What a single map can't do it says; beside atoms it is left as it is.
    insisted = recipe.solvent is True and len(recipe.structures) == 1
    solvent = wanted and (isinstance(structure, PlacedAtoms) or insisted)
    box, pixel_size = int(recipe.box or 0), float(recipe.angpix or 0.0)
    asked = Asked(box, pixel_size, recipe.resolution, None, solvent, states=True)
    specimen = specimen_of(structure, asked)
    check_in_volts(specimen, path)
    return specimen


def _particles(
    recipe: MicrographRecipe, species: tuple[Species, ...]
) -> tuple[ParticleStack, np.ndarray]:
    """Return the particles of a micrograph, and their heights."""
    n = sum(each.count for each in species)
    numbers = np.repeat(np.arange(len(species)), [each.count for each in species])
    pixel_size = float(recipe.angpix or 0.0)
    heights = heights_of(recipe, species)
    whole, rest = places_of(recipe, species)
    defocus = np.stack(
        [
            recipe.defocus - heights,
            np.full(n, recipe.astigmatism),
            np.full(n, recipe.astigmatism_angle),
        ],
        axis=1,
    )
    optics = OpticsGroup(
        pixel_size=pixel_size,
        voltage=recipe.kv,
        spherical_aberration=recipe.cs,
        amplitude_contrast=recipe.q0,
        box=int(recipe.box or 0),
    )
    stack = ParticleStack(
        reader=no_images,
        rows=np.arange(n),
        optics=(optics,),
        groups=np.zeros(n, np.int64),
        angles=angles_of(recipe, species),
        shifts=rest,
        defocus=rounded(defocus),
        phase_shifts=np.full(n, recipe.phase_shift),
        b_factors=np.full(n, recipe.b_envelope),
        scales=np.ones(n),
        columns={
            "rlnMicrographName": np.full(n, MICROGRAPH),
            "rlnCoordinateX": whole[:, 0],
            "rlnCoordinateY": whole[:, 1],
            "rlnClassNumber": numbers + 1,
            "rlnRandomSubset": draw_subsets(recipe.seed, n),
        },
    )
    return stack, heights


def _margin(recipe: MicrographRecipe, heights: np.ndarray) -> int:
    """Return how many pixels the lens carries detail at Nyquist across an edge."""
    pixel_size = float(recipe.angpix or 0.0)
    frequency = np.linspace(0, 0.5 / pixel_size, 500)
    spread = 0.5 * recipe.ice + float(np.abs(heights).max()) + recipe.astigmatism / 2
    farthest = max(
        float(delocalisation(frequency, defocus, recipe.kv, recipe.cs).max())
        for defocus in (recipe.defocus - spread, recipe.defocus + spread)
    )
    return math.ceil(farthest / pixel_size)


def _cautions(
    recipe: MicrographRecipe, particles: ParticleStack, specimens: tuple[Specimen, ...]
) -> list[str]:
    """Return what the reader should know of the physics."""
    found = [
        *defocus_warnings(particles, recipe.defocus),
        *(
            f"Each particle of {path.name} is of one of its {len(each.states)} models, "
            f"drawn evenly: rlnClassNumber counts the models of all structures."
            for path, each in zip(recipe.structures, specimens, strict=True)
            if each.states
        ),
        "Particles don't fade or move in the exposure; the ice does, as its molecules "
        "diffuse. Ice isn't absent where a particle is."
        if recipe.ice
        else "Particles are in vacuum, and don't fade or move in the exposure.",
    ]
    if recipe.ice:
        thinner = [each for each in specimens if each.diameter > recipe.ice]
        if thinner and recipe.heights is None:
            found.append(
                f"Particles of {thinner[0].diameter:.0f} Å stick out of ice of "
                f"{recipe.ice:.0f} Å; all of them are at its middle."
            )
        if any(each.facts.get("surroundings") == "vacuum" for each in specimens):
            found.append(
                "Atoms have the contrast that they have in vacuum (--no-solvent): "
                "about twice that in ice, at low resolution."
            )
    return found


def poses_of(job: MicrographJob, number: int) -> Any:
    """Return the poses of one species, a batch, by what truth.star says.

    Args:
        job: made ready.
        number: of the structure, from 0.
    """
    rows = job.of_species(number)
    assert job.particles.angles is not None
    kind = np.float64 if job.recipe.x64 else np.float32
    columns = (job.particles.angles[rows], job.shifts()[rows], job.heights[rows])

    def one(angles: Any, shift: Any, height: Any) -> Pose:
        return Pose(Rotation.from_euler(*angles), shift, height)

    return jax.vmap(one)(*(column.astype(kind) for column in columns))
