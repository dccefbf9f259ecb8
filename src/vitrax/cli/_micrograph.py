"""The command `vitrax simulate-micrograph`: a field of particles in ice."""

import os
import pathlib
import time
from typing import Any

import numpy as np

from .. import io
from . import _record
from ._device import computing
from ._micrograph_image import image_of, steps_of
from ._micrograph_job import (
    MICROGRAPH,
    NOISE_FREE,
    REPORT,
    RUN,
    STAR,
    MicrographJob,
    plan_of,
    prepare_micrograph,
)
from ._micrograph_recipe import MicrographRecipe
from ._micrograph_report import report_of
from ._needs import as_duration, check_needs, check_pictures, plan_lines
from ._outbox import outbox, refuse_occupied
from ._pixel_statistics import Range
from ._progress import progress, say


def simulate_micrograph(recipe: MicrographRecipe) -> None:
    """Make the micrograph of a recipe.

    Args:
        recipe: the parameters.

    Raises:
        InputError: if an input can't be used, or the output folder holds something.
    """
    if not recipe.dry_run:
        refuse_occupied(recipe.out, overwrite=recipe.overwrite)
    check_pictures(wanted=recipe.report)
    with computing(recipe.device, x64=recipe.x64):
        start = time.monotonic()
        job = prepare_micrograph(recipe)
        if recipe.dry_run:
            print(plan_lines(plan_of(job), job.title, recipe.out, job.notes))
            return
        check_needs(plan_of(job), recipe.out, ("--size", "--size or --ice-layers"))
        _run(job, start)


def _run(job: MicrographJob, start: float) -> None:
    """Write all outputs of a job."""
    recipe = job.recipe
    with outbox(recipe.out, overwrite=recipe.overwrite) as folder:
        with progress(
            "making the micrograph", steps_of(job), quiet=recipe.quiet
        ) as advance:
            recorded, clean = image_of(job, advance)
        _write_image(folder / MICROGRAPH, recorded, job.pixel_size)
        if recipe.noise_free:
            _write_image(folder / NOISE_FREE, clean, job.pixel_size)
        write_truth(job, folder / STAR)
        results = {
            **_results(job, recorded, clean),
            "seconds": round(time.monotonic() - start, 2),
        }
        if recipe.report:
            page = report_of(job, recorded, results)
            (folder / REPORT).write_text(page, encoding="utf-8")
        record = _record.run_record(recipe, results, job.notes)
        (folder / RUN).write_text(_record.as_json(record) + "\n", encoding="utf-8")
    _say_done(job, results)
    if recipe.print_json:
        print(_record.as_json(record))


def _write_image(path: pathlib.Path, image: np.ndarray, pixel_size: float) -> None:
    with io.StackWriter(path, (1, *image.shape), pixel_size) as writer:
        writer.append(image[None])


def write_truth(job: MicrographJob, path: pathlib.Path) -> None:
    """Write where each particle is, and how it lies.

    Args:
        job: made ready.
        path: of the STAR file.
    """
    tables = io.particle_tables(job.particles)
    sizes = {"rlnMicrographPixelSize": [job.pixel_size]}
    tables["optics"] = tables["optics"].updated(sizes)
    io.write_star(path, tables)


def _results(
    job: MicrographJob, recorded: np.ndarray, clean: np.ndarray
) -> dict[str, Any]:
    """Return what was made, as run.json has it."""
    recipe = job.recipe
    y, x = recipe.shape
    area = x * y * job.pixel_size**2
    covered = sum(
        each.count * np.pi * (each.specimen.diameter / 2) ** 2 / area
        for each in job.species
    )
    vacuum = recipe.dose * job.pixel_size**2
    return {
        "particles": len(job.particles),
        "electrons_per_pixel": vacuum,
        **Range().add(recorded).as_results(),
        "sd": float(recorded.std(dtype=float)),
        "noise_free_sd": float(clean.std(dtype=float)),
        "covered": float(covered),
        "lowest_height": float(job.heights.min()),
        "highest_height": float(job.heights.max()),
        "computed_beyond_edges": job.margin,
        "specimens": [
            {
                "structure": str(each.path),
                **({"model": each.model} if each.model else {}),
                **each.specimen.facts,
                "kernel": repr(ready.kernel),
            }
            for each, ready in zip(job.species, job.ready, strict=True)
        ],
    }


def _say_done(job: MicrographJob, results: dict[str, Any]) -> None:
    recipe = job.recipe
    for note in job.notes:
        say(f"note: {note}", quiet=recipe.quiet)
    last = recipe.out / (REPORT if recipe.report else MICROGRAPH)
    say(
        f"{job.title}, in {as_duration(results['seconds'])}\n"
        f"{results['electrons_per_pixel']:.4g} electrons per pixel: mean "
        f"{results['mean']:.4g}, sd {results['sd']:.4g}\n"
        f"see {os.path.abspath(last)}",
        quiet=recipe.quiet,
    )
