"""What a simulation will take: disk, memory and time."""

import dataclasses
import time

from ..image import ParticleStack
from ._job import Job
from ._needs import AT_REST, Plan, check_needs, plan_lines
from ._pixel_statistics import PixelStatistics, disc
from ._specimen import state_names
from ._stream import WORKING_COPIES, Noise, bytes_of_maps


# Bytes of a row of particles.star, and of a report.
_ROW, _REPORT = 260, 4_000_000


def plan_of(job: Job) -> Plan:
    """Return the bytes that a job needs on disk and in memory.

    Args:
        job: made ready.
    """
    box, n = job.simulator.box, len(job.particles)
    disk = {
        "particles.mrcs": 1024 + 4 * n * box**2,
        "particles.star": 2000 + _ROW * n,
        "map.mrc": 1024 + 4 * box**3,
        **{name: 1024 + 4 * box**3 for name in state_names(job.specimen)},
        "report.html": _REPORT if job.recipe.report else 0,
    }
    working = box * job.simulator.padding
    batch = job.simulator.batch_size * 4 * working**2 * WORKING_COPIES
    maps = bytes_of_maps(job.simulator.specimens, box)
    return Plan(disk, batch + maps + AT_REST + 400 * n)


def timed_plan(job: Job) -> Plan:
    """Return the plan of a job with its time, measured on one batch.

    Args:
        job: made ready.
    """
    plan = plan_of(job)
    some = job.particles[: job.simulator.batch_size]
    start = time.perf_counter()
    _one_batch(job, some)
    compiled = time.perf_counter()
    _one_batch(job, some)
    each = (time.perf_counter() - compiled) / len(some)
    passes = 2 if job.recipe.is_noisy else 1
    total = (compiled - start) + passes * each * len(job.particles)
    return dataclasses.replace(plan, seconds=total)


def check_resources(job: Job) -> None:
    """Raise if the disk can't hold the outputs, or memory one batch.

    Args:
        job: made ready.

    Raises:
        ResourceError: naming what is short and by how much.
    """
    check_needs(plan_of(job), job.recipe.out, ("--n", "--batch-size or --box"))


def as_text(job: Job, plan: Plan) -> str:
    """Return a plan in words.

    Args:
        job: made ready.
        plan: of it.
    """
    recipe = job.recipe
    title = (
        f"{len(job.particles)} particles of {recipe.box} x {recipe.box} pixels at "
        f"{recipe.angpix:g} Å from {recipe.structure}, in batches of "
        f"{job.simulator.batch_size}"
    )
    return plan_lines(plan, title, recipe.out, job.warnings)


def _one_batch(job: Job, particles: ParticleStack) -> None:
    """Make one batch as the job would, and drop it."""
    noisy = 1.0 if job.recipe.is_noisy else 0.0
    noise = Noise(job.recipe.seed, noisy, dose=job.recipe.dose)
    counted = PixelStatistics(disc(job.simulator.box, 1.0 * job.simulator.box))
    for clean, _ in job.simulator.noisy(particles, noise):
        counted.add(clean)
