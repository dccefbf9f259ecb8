"""What a simulation will take: disk, memory and time."""

import dataclasses
import shutil
import time

from ..image import ParticleStack
from ._exit import ResourceError
from ._job import Job
from ._pixel_statistics import PixelStatistics, disc
from ._stream import WORKING_COPIES, Noise


# Bytes of a row of particles.star, and of a report.
_ROW, _REPORT = 260, 4_000_000


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a job needs.

    Args:
        disk: bytes by file.
        memory: bytes at the peak, about.
        seconds: of computing, None where it wasn't measured.
    """

    disk: dict[str, int]
    memory: int
    seconds: float | None = None


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
        "report.html": _REPORT if job.recipe.report else 0,
    }
    working = box * job.simulator.padding
    batch = job.simulator.batch_size * 4 * working**2 * WORKING_COPIES
    specimen = job.simulator.specimen.coefficients
    maps = 4 * box**3 * 2 + specimen.size * specimen.dtype.itemsize
    return Plan(disk, batch + maps + 300_000_000 + 400 * n)


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
    passes = 2 if job.recipe.snr else 1
    total = (compiled - start) + passes * each * len(job.particles)
    return dataclasses.replace(plan, seconds=total)


def check_resources(job: Job) -> None:
    """Raise if the disk can't hold the outputs, or memory one batch.

    Args:
        job: made ready.

    Raises:
        ResourceError: naming what is short and by how much.
    """
    plan = plan_of(job)
    folder = job.recipe.out.absolute()
    while not folder.exists():
        folder = folder.parent
    free, needed = shutil.disk_usage(folder).free, sum(plan.disk.values())
    if needed > free:
        raise ResourceError(
            f"cannot write {as_bytes(needed)} into {job.recipe.out} because the disk "
            f"has {as_bytes(free)} left; do free space, choose another --out or lower "
            "--n"
        )
    memory = total_memory()
    if memory is not None and plan.memory > memory:
        raise ResourceError(
            f"cannot simulate because about {as_bytes(plan.memory)} of memory are "
            f"needed and the machine has {as_bytes(memory)}; do lower --batch-size or "
            "--box"
        )


def total_memory() -> int | None:
    """Return the bytes of memory of this machine, None where it doesn't say."""
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def as_text(job: Job, plan: Plan) -> str:
    """Return a plan in words.

    Args:
        job: made ready.
        plan: of it.
    """
    recipe = job.recipe
    lines = [
        f"{len(job.particles)} particles of {recipe.box} x {recipe.box} pixels at "
        f"{recipe.angpix:g} Å from {recipe.structure}, in batches of "
        f"{job.simulator.batch_size}",
        f"disk    {as_bytes(sum(plan.disk.values()))} in {recipe.out}",
        *(f"        {as_bytes(size):>9}  {name}" for name, size in plan.disk.items()),
        f"memory  about {as_bytes(plan.memory)}",
    ]
    if plan.seconds is not None:
        lines.append(f"time    about {as_duration(plan.seconds)}, by one batch")
    lines += [f"note    {note}" for note in job.warnings]
    return "\n".join(lines)


def as_bytes(count: float) -> str:
    """Return a number of bytes in words.

    Example:
        >>> as_bytes(1_500_000)
        '1.5 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def as_duration(seconds: float) -> str:
    """Return a time in words.

    Example:
        >>> as_duration(75.0)
        '1 min 15 s'
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _one_batch(job: Job, particles: ParticleStack) -> None:
    """Make one batch as the job would, and drop it."""
    noise = Noise(job.recipe.seed, 1.0 if job.recipe.snr else 0.0)
    counted = PixelStatistics(disc(job.simulator.box, 1.0 * job.simulator.box))
    for clean, _ in job.simulator.noisy(particles, noise):
        counted.add(clean)
