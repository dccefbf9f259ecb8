"""The command `vitrax project`: projections of a structure, without noise."""

import os
import pathlib
import time
from typing import Any

import numpy as np

from .. import io
from . import _record
from ._device import computing
from ._exit import UsageError
from ._needs import as_bytes, as_duration, check_needs, plan_lines
from ._outbox import outbox, refuse_occupied
from ._pixel_statistics import Range
from ._progress import progress, say
from ._project_recipe import ProjectRecipe
from ._projection_job import RUN, STACK, STAR, Projection, plan_of, prepare_projection
from ._specimen import in_words


# Columns of a CTF, which plain projections don't have.
_OF_THE_CTF = ("rlnPhaseShift", "rlnCtfBfactor", "rlnCtfScalefactor")


def project(recipe: ProjectRecipe) -> None:
    """Make the projections of a recipe.

    Args:
        recipe: the parameters.

    Raises:
        InputError: if an input can't be used, or the output folder holds something.
    """
    if not recipe.dry_run:
        refuse_occupied(recipe.out, overwrite=recipe.overwrite)
    if recipe.unused():
        raise UsageError(
            f"cannot use {', '.join(recipe.unused())} because plain projections have "
            f"no CTF; do pass --ctf too, or leave these out"
        )
    with computing(recipe.device, x64=recipe.x64):
        start = time.monotonic()
        job = prepare_projection(recipe)
        if recipe.dry_run:
            print(plan_lines(plan_of(job), job.title, recipe.out, job.notes))
            return
        check_needs(plan_of(job), recipe.out, ("--n", "--batch-size or --box"))
        _run(job, start)


def _run(job: Projection, start: float) -> None:
    """Write all outputs."""
    recipe = job.recipe
    with outbox(recipe.out, overwrite=recipe.overwrite) as folder:
        seen = _write_stack(job, folder)
        _write_star(job, folder)
        results = {
            "unit": job.unit,
            **seen.as_results(),
            "specimen": job.specimen.facts,
            "kernel": repr(job.projector.specimens[0].kernel),
            "stack_bytes": (folder / STACK).stat().st_size,
            "seconds": round(time.monotonic() - start, 2),
        }
        record = _record.run_record(recipe, results, job.notes)
        (folder / RUN).write_text(_record.as_json(record) + "\n", encoding="utf-8")
    _say_done(job, results)
    if recipe.print_json:
        print(_record.as_json(record))


def _write_stack(job: Projection, folder: pathlib.Path) -> Range:
    """Write the images; return the range of their pixels."""
    recipe, projector, n = job.recipe, job.projector, len(job.particles)
    images_of = projector.through_ctf if recipe.ctf else projector.plain
    scale = np.float32(projector.pixel_size if recipe.line_integral else 1.0)
    shape, seen = (n, projector.box, projector.box), Range()
    with (
        io.StackWriter(folder / STACK, shape, projector.pixel_size) as writer,
        progress("projecting", n, quiet=recipe.quiet) as advance,
    ):
        for images in images_of(job.particles):
            scaled = images * scale
            writer.append(scaled)
            seen = seen.add(scaled)
            advance(len(scaled))
    return seen


def _write_star(job: Projection, folder: pathlib.Path) -> None:
    names = [f"{i:06d}@{STACK}" for i in range(1, len(job.particles) + 1)]
    tables = io.particle_tables(job.particles, {"rlnImageName": names})
    if not job.recipe.ctf:
        kept = {
            name: column
            for name, column in tables["particles"].items()
            if name not in _OF_THE_CTF
        }
        tables["particles"] = io.StarTable(kept)
    io.write_star(folder / STAR, tables)


def _say_done(job: Projection, results: dict[str, Any]) -> None:
    recipe = job.recipe
    for note in job.notes:
        say(f"note: {note}", quiet=recipe.quiet)
    size, took = as_bytes(results["stack_bytes"]), as_duration(results["seconds"])
    scale = "line integrals" if recipe.line_integral else "sums of voxels"
    kind = "with CTF, protein white" if recipe.ctf else "positive where the map is"
    out = os.path.abspath(recipe.out)
    say(
        f"{job.title} ({size}) in {took}\n"
        f"{kind}; {scale} {in_words(job.unit)}: min {results['min']:.4g}, "
        f"max {results['max']:.4g}, mean {results['mean']:.4g}\n"
        f"see {out}/{STAR}\n"
        f"look at them: relion_display --i {out}/{STACK}",
        quiet=recipe.quiet,
    )
