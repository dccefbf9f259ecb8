"""The command `vitrax volume`: a map of a structure, or a map on another grid."""

import contextlib
import os
import time
from typing import Any

import numpy as np

from .. import io
from .._files import InputError, atomic_path
from ..structure import VoxelMap
from . import _record
from ._device import computing
from ._job import filled, noted
from ._needs import AT_REST, Plan, as_bytes, as_duration, check_needs, plan_lines
from ._particle_options import DEFAULTS
from ._pixel_statistics import Range
from ._placing import PlacedAtoms, PlacedMap, read_structure
from ._progress import say
from ._specimen import Asked, Specimen, in_words, specimen_of
from ._volume_recipe import VolumeRecipe


# A level to show a map at: its mean and so many standard deviations, or half-way to
# the greatest value where that is lower.
_LEVEL = 3.0


def volume(recipe: VolumeRecipe) -> None:
    """Make the map of a recipe.

    Args:
        recipe: the parameters.

    Raises:
        InputError: if an input can't be used, or the outputs exist.
    """
    _refuse_existing(recipe)
    with computing(recipe.device, x64=recipe.x64):
        start = time.monotonic()
        with noted() as notes:
            structure = read_structure(recipe)
            recipe = _sized(recipe, structure)
        plan = plan_of(recipe, structure)
        if recipe.dry_run:
            print(plan_lines(plan, _title(recipe), recipe.out, tuple(notes)))
            return
        check_needs(plan, recipe.out, ("--box", "--box"))
        _run(recipe, structure, start, tuple(notes))


def plan_of(recipe: VolumeRecipe, structure: PlacedAtoms | PlacedMap) -> Plan:
    """Return the bytes that a map needs on disk and in memory.

    Args:
        recipe: the parameters, resolved.
        structure: that it is made of.
    """
    voxels = int(recipe.box or 0) ** 3
    disk = {recipe.out.name: 1024 + 4 * voxels, recipe.record.name: 3000}
    size = 8 if recipe.x64 else 4
    working = 4 * size * voxels
    if isinstance(structure, PlacedMap):
        working = max(working, 16 * max(structure.values.size, voxels) + 4 * voxels)
    return Plan(disk, working + AT_REST)


def _refuse_existing(recipe: VolumeRecipe) -> None:
    """Raise if the outputs would replace something, or can't be made."""
    for path in (recipe.out, recipe.record):
        if path.exists() and os.path.realpath(path) == os.path.realpath(
            recipe.structure
        ):
            raise InputError(
                f"cannot write {path} because the structure is read from it; do choose "
                f"another --out"
            )
        if path.is_dir():
            raise InputError(
                f"cannot write {path} because a folder has that name; do choose "
                f"another --out"
            )
        if path.exists() and not (recipe.overwrite or recipe.dry_run):
            raise InputError(
                f"cannot write {path} because it exists; do choose another --out, or "
                f"pass --overwrite"
            )


def _sized(recipe: VolumeRecipe, structure: PlacedAtoms | PlacedMap) -> VolumeRecipe:
    """Return a recipe with a voxel size and a box."""
    voxel_size = recipe.angpix or structure.voxel_size or DEFAULTS["angpix"]
    box = structure.roomy_box(voxel_size)
    return filled(recipe, {"angpix": voxel_size, "box": box})


def _run(
    recipe: VolumeRecipe,
    structure: PlacedAtoms | PlacedMap,
    start: float,
    notes: tuple[str, ...],
) -> None:
    """Write the map and its record."""
    box, voxel_size = int(recipe.box or 0), float(recipe.angpix or 0.0)
    specimen = specimen_of(structure, Asked(box, voxel_size, recipe.resolution))
    notes += _cautions(recipe, specimen)
    first = structure.place - voxel_size * (box // 2)
    results = {
        **_results(specimen.voxel_map),
        "first_voxel": [float(x) for x in first],
        "specimen": specimen.facts,
        "amplitude_left": specimen.shares_left(),
        "seconds": round(time.monotonic() - start, 2),
    }
    record = _record.run_record(recipe, results, notes)
    recipe.out.absolute().parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as whole:
        beside = whole.enter_context(atomic_path(recipe.record))
        path = whole.enter_context(atomic_path(recipe.out))
        beside.write_text(_record.as_json(record) + "\n", encoding="utf-8")
        x, y, z = first.tolist()
        io.write_map(path, specimen.voxel_map, origin=(x, y, z))
    _say_done(recipe, results, notes)
    if recipe.print_json:
        print(_record.as_json(record))


def _cautions(recipe: VolumeRecipe, specimen: Specimen) -> tuple[str, ...]:
    """Return what the reader should know of the map."""
    found = []
    if int(recipe.box or 0) % 2:
        found.append(
            f"The box of {recipe.box} voxels is odd: RELION puts the origin of odd "
            f"maps elsewhere, and wants even ones."
        )
    if "models" in specimen.facts:
        found.append(
            f"The map is the mean of the maps of all {specimen.facts['models']} models "
            f"of the file, as lasting averages see them; --model 1 gives one of them."
        )
    if specimen.facts["kind"] == "atoms":
        found.append(
            "The atoms are in vacuum: the map is 0 far from them, without the solvent "
            "that real maps have about the molecule."
        )
    return tuple(found)


def _results(voxel_map: VoxelMap) -> dict[str, Any]:
    """Return size, unit and values of a map, as its record has them."""
    values = np.asarray(voxel_map.values)
    seen = Range().add(values)
    return {
        "shape": list(values.shape),
        "voxel_size": float(voxel_map.voxel_size),
        "unit": voxel_map.unit,
        **seen.as_results(),
        "level": min(
            seen.mean + _LEVEL * float(values.std(dtype=float)),
            (seen.mean + seen.greatest) / 2,
        ),
    }


def _title(recipe: VolumeRecipe) -> str:
    return (
        f"map of {recipe.box} x {recipe.box} x {recipe.box} voxels at "
        f"{recipe.angpix:g} Å from {recipe.structure}"
    )


def _say_done(
    recipe: VolumeRecipe, results: dict[str, Any], notes: tuple[str, ...]
) -> None:
    for note in notes:
        say(f"note: {note}", quiet=recipe.quiet)
    unit, out = in_words(results["unit"]), os.path.abspath(recipe.out)
    say(
        f"{_title(recipe)} ({as_bytes(4 * int(recipe.box or 0) ** 3 + 1024)}) in "
        f"{as_duration(results['seconds'])}\n"
        f"values {unit}: min {results['min']:.4g}, max {results['max']:.4g}, mean "
        f"{results['mean']:.4g}\n"
        f"see {out}, and {recipe.record.name} beside it\n"
        f"look at it: chimerax {out}, at a level of about {results['level']:.3g}; or "
        f"relion_display --i {out}",
        quiet=recipe.quiet,
    )
