"""Projections made ready: parameters resolved, inputs read, nothing written yet."""

import dataclasses

from .. import io
from ..image import ParticleStack
from ..structure import ARBITRARY
from ._draw import with_models
from ._job import OPTICS_OF_SOURCE, filled, noted, particles_of, read_angles
from ._needs import AT_REST, Plan
from ._optics_facts import defocus_warnings
from ._particle_options import DEFAULTS
from ._placing import PlacedAtoms, PlacedMap, is_map, read_structure, shortest
from ._project_recipe import ProjectRecipe
from ._projector import Projector, kernel_of
from ._source import Source, read_source, sampling_of_source
from ._specimen import Asked, Specimen, notes_on_models, specimen_of
from ._stream import (
    WORKING_COPIES,
    bytes_of_maps,
    default_batch_size,
    to_fourier,
)


STACK, STAR, RUN = "projections.mrcs", "projections.star", "run.json"


@dataclasses.dataclass(frozen=True)
class Projection:
    """All that a run needs.

    Args:
        recipe: with every parameter resolved.
        particles: to project; without defocus where there is no CTF.
        specimen: what is projected.
        projector: makes the images.
        notes: for the reader.
    """

    recipe: ProjectRecipe
    particles: ParticleStack
    specimen: Specimen
    projector: Projector
    notes: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Unit of the pixels."""
        unit = self.specimen.voxel_map.unit
        if unit == ARBITRARY or not self.recipe.line_integral:
            return unit
        return f"{unit} Å"

    @property
    def title(self) -> str:
        """What is made, in words."""
        recipe = self.recipe
        return (
            f"{len(self.particles)} projections of {recipe.box} x {recipe.box} pixels "
            f"at {recipe.angpix:g} Å from {recipe.structure}"
        )


def prepare_projection(recipe: ProjectRecipe) -> Projection:
    """Return what a recipe needs, its inputs read.

    Args:
        recipe: the parameters.
    """
    with noted() as said:
        source = _source_of(recipe)
        recipe = _sized_by_source(recipe, source)
        structure = read_structure(recipe)
        recipe = _sized_by_structure(recipe, structure)
        particles = particles_of(recipe, source)
        box, pixel_size = int(recipe.box or 0), float(recipe.angpix or 0.0)
        asked = Asked(box, pixel_size, recipe.resolution, states=True)
        specimen = specimen_of(structure, asked)
    particles = with_models(particles, recipe.seed, len(specimen.maps))
    if not recipe.ctf:
        particles = dataclasses.replace(particles, defocus=None)
    kernel = kernel_of(recipe, specimen.maps)
    ready = tuple(to_fourier(each, kernel=kernel) for each in specimen.maps)
    batch_size = recipe.batch_size or min(default_batch_size(box, 1), len(particles))
    projector = Projector(ready, box, pixel_size, batch_size)
    notes = [*said, *(source.notes if source else ()), *_cautions(structure, specimen)]
    notes += notes_on_models(specimen)
    if recipe.ctf:
        largest = None if source else max(recipe.defocus, key=abs)
        notes += defocus_warnings(particles, largest)
    return Projection(
        recipe, particles, specimen, projector, tuple(dict.fromkeys(notes))
    )


def _cautions(structure: PlacedAtoms | PlacedMap, specimen: Specimen) -> list[str]:
    """Return what to know of a map that doesn't fit into its box at all angles."""
    side = specimen.voxel_map.shape[0] * float(specimen.voxel_map.voxel_size)
    if 2 * structure.reach <= side:
        return []
    return [
        f"The map reaches {structure.reach:.0f} Å from its origin, and the box "
        f"{side / 2:.0f} Å: what leaves it in a turn is cut off or comes in at the "
        f"other side. Use a larger --box."
    ]


def plan_of(job: Projection) -> Plan:
    """Return the bytes that a run needs on disk and in memory.

    Args:
        job: made ready.
    """
    box, n = job.projector.box, len(job.particles)
    disk = {STACK: 1024 + 4 * n * box**2, STAR: 2000 + 200 * n}
    batch = job.projector.batch_size * 4 * box**2 * WORKING_COPIES
    maps = bytes_of_maps(job.projector.specimens, box)
    return Plan(disk, batch + maps + AT_REST + 400 * n)


def _source_of(recipe: ProjectRecipe) -> Source | None:
    """Return the particles of --angles; without a CTF it may lack optics."""
    if recipe.source is None:
        return None
    lacking = {"angpix": recipe.angpix or _stated_voxel_size(recipe)}
    if recipe.ctf:
        return read_source(recipe, lacking=lacking)
    lacking |= {name: DEFAULTS[name] for name in ("kv", "cs", "q0")}
    return read_source(recipe, needed=("angles",), lacking=lacking)


def _stated_voxel_size(recipe: ProjectRecipe) -> float | None:
    """Return the voxel size of the map, where the structure is one and says it."""
    if recipe.map_angpix is not None or not is_map(recipe.structure):
        return recipe.map_angpix
    header = io.read_header(recipe.structure, **recipe.reading.of_header)
    return shortest(max(header.voxel_size)) or None


def _sized_by_source(recipe: ProjectRecipe, source: Source | None) -> ProjectRecipe:
    """Return a recipe with what --angles says of number, box and pixel size."""
    if source is None:
        return recipe
    sampling = sampling_of_source(recipe, source, or_else=("box",))
    return filled(recipe, {"n": len(source.stack), **sampling, **OPTICS_OF_SOURCE})


def _sized_by_structure(
    recipe: ProjectRecipe, structure: PlacedAtoms | PlacedMap
) -> ProjectRecipe:
    """Return a recipe in which all that is still open has a value."""
    n = int(DEFAULTS["n"])
    if recipe.reads_orientations:
        n = len(read_angles(recipe.orientations, **recipe.reading.limit))
    pixel_size = recipe.angpix or structure.voxel_size or DEFAULTS["angpix"]
    box = structure.roomy_box(pixel_size)
    return filled(
        recipe,
        {"n": n, "angpix": pixel_size, "box": box}
        | ({} if recipe.source else {k: DEFAULTS[k] for k in ("kv", "cs", "q0")}),
    )
