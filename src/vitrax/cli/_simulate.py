"""The command `vitrax simulate`: a particle stack from a structure."""

import os
import pathlib
import time
from typing import Any

import numpy as np

from .. import io
from . import _record, _showing
from ._comparison import COMPARED, Comparison, compare
from ._device import computing
from ._job import Job, prepare
from ._needs import as_bytes, as_duration, check_pictures
from ._noise_level import Signal, measure_signal, noise_for
from ._optics_facts import contrast_per_map, envelope_left
from ._outbox import outbox, refuse_occupied
from ._pixel_statistics import PixelStatistics, disc
from ._plan import as_text, check_resources, timed_plan
from ._progress import progress, say
from ._recipe import Recipe
from ._source import comparable
from ._specimen import RESOLUTIONS, state_names
from ._stream import Noise, vacuum_transfer


STACK, STAR, MAP = "particles.mrcs", "particles.star", "map.mrc"
REPORT, RUN = "report.html", "run.json"


def simulate(recipe: Recipe) -> None:
    """Make the particle stack of a recipe.

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
        job = prepare(recipe)
        if recipe.dry_run:
            print(as_text(job, timed_plan(job)))
            return
        check_resources(job)
        _run(job, start)


def _run(job: Job, start: float) -> None:
    """Write all outputs of a job."""
    recipe = job.recipe
    signal, noise = _noise(job)
    with outbox(recipe.out, overwrite=recipe.overwrite) as folder:
        _write_maps(job, folder)
        sample, background = _write_stack(job, noise, folder)
        _write_star(job, folder)
        comparison = _comparison(job)
        results = {
            **_noise_results(signal, noise, background),
            **_results(job, noise, comparison),
            "stack_bytes": (folder / STACK).stat().st_size,
            "seconds": round(time.monotonic() - start, 2),
        }
        if recipe.report:
            page = _showing.report_of(job, sample, results, comparison)
            (folder / REPORT).write_text(page, encoding="utf-8")
        record = _record.run_record(recipe, results, job.warnings)
        (folder / RUN).write_text(_record.as_json(record) + "\n", encoding="utf-8")
    _say_done(job, results)
    if recipe.print_json:
        print(_record.as_json(record))


def _write_maps(job: Job, folder: pathlib.Path) -> None:
    """Write the map, and of several models that of each."""
    io.write_map(folder / MAP, job.specimen.voxel_map)
    names = state_names(job.specimen)
    for name, state in zip(names, job.specimen.states, strict=True):
        io.write_map(folder / name, state)


def _noise(job: Job) -> tuple[Signal | None, Noise]:
    """Return the signal of the data set, measured where there is to be noise."""
    recipe = job.recipe
    if not recipe.is_noisy:
        return None, Noise(recipe.seed)
    title = "measuring the signal"
    with progress(title, len(job.particles), quiet=recipe.quiet) as advance:
        signal = measure_signal(
            job.simulator, job.particles, job.specimen.diameter, advance
        )
    vacuum = float(vacuum_transfer(job.simulator.camera))
    return signal, noise_for(recipe, signal, vacuum)


def _write_stack(
    job: Job, noise: Noise, folder: pathlib.Path
) -> tuple[_showing.Sample, PixelStatistics]:
    """Write the images; return some of them, and the statistics of the background."""
    simulator, n = job.simulator, len(job.particles)
    sample, done = _showing.sample_of(n), 0
    background = PixelStatistics(
        ~disc(simulator.box, job.specimen.diameter / simulator.pixel_size)
    )
    shape = (n, simulator.box, simulator.box)
    with (
        io.StackWriter(folder / STACK, shape, simulator.pixel_size) as writer,
        progress("writing images", n, quiet=job.recipe.quiet) as advance,
    ):
        for clean, noisy in simulator.noisy(job.particles, noise):
            writer.append(noisy)
            sample.keep(done, clean, noisy)
            done += len(noisy)
            background = background.add(noisy)
            advance(len(noisy))
    return sample, background


def _write_star(job: Job, folder: pathlib.Path) -> None:
    names = [f"{i:06d}@{STACK}" for i in range(1, len(job.particles) + 1)]
    tables = io.particle_tables(job.particles, {"rlnImageName": names})
    io.write_star(folder / STAR, tables)


def _comparison(job: Job) -> Comparison | None:
    """Return the comparison with the images of --from, where they are there."""
    if job.source is None or comparable(job.recipe, job.source) is not None:
        return None
    rows = np.arange(min(COMPARED, len(job.particles)))
    images = job.source.images(rows)
    return None if images is None else compare(job, images, rows)


def _noise_results(
    signal: Signal | None, noise: Noise, background: PixelStatistics
) -> dict[str, Any]:
    """Return the signal-to-noise ratios and what the noise is, as run.json has them."""
    found: dict[str, Any] = {"snr": None, "noise_variance": noise.variance}
    if signal is not None:
        found["snr"] = {
            "box": signal.box / noise.variance,
            "particle": signal.particle / noise.variance,
        }
        found["signal_variance"] = {"box": signal.box, "particle": signal.particle}
    found["scale_factor"] = noise.scale
    if background.mask.any():
        found["background_mean"] = background.mean()
        found["background_sd"] = background.variance() ** 0.5
    return found


def _results(job: Job, noise: Noise, comparison: Comparison | None) -> dict[str, Any]:
    per_map = contrast_per_map(job.particles, job.simulator.pixel_size)
    found: dict[str, Any] = {
        # A reconstruction from the stack is map.mrc times this.
        "reconstruction_per_map": [noise.scale * each for each in per_map],
        "amplitude_left": job.specimen.shares_left(
            {"envelope": envelope_left(job.particles, RESOLUTIONS)}
        ),
        "specimen": job.specimen.facts,
        "kernel": repr(job.simulator.specimens[0].kernel),
    }
    if job.specimen.states:
        numbers = np.asarray(job.particles.columns["rlnClassNumber"])
        counts = np.bincount(numbers, minlength=len(job.specimen.states) + 1)
        found["particles_of_models"] = counts[1:].tolist()
    if comparison is not None:
        found["conventions"] = {
            "verdict": comparison.verdict(),
            "mean_correlation": comparison.means(),
        }
    return found


def _say_done(job: Job, results: dict[str, Any]) -> None:
    recipe = job.recipe
    for note in job.warnings:
        say(f"note: {note}", quiet=recipe.quiet)
    if "conventions" in results:
        say(f"conventions: {results['conventions']['verdict']}", quiet=recipe.quiet)
    last = recipe.out / (REPORT if recipe.report else STAR)
    say(
        f"{len(job.particles)} particles ({as_bytes(results['stack_bytes'])}) in "
        f"{as_duration(results['seconds'])}; see {os.path.abspath(last)}",
        quiet=recipe.quiet,
    )
