"""The report of a micrograph."""

import math
from typing import Any

import jax
import numpy as np

from .. import plot
from ..grid import Grid, shell_average, shell_frequencies
from ..image import Microscope
from ._micrograph_job import MicrographJob
from ._needs import as_duration
from ._options import as_option
from ._showing import flat, full_plane, shown


# Pixels along the longer side of the picture, and along a side of a tile whose power
# spectra are averaged.
_PICTURE, _TILE = 1000, 512

_ctf = jax.jit(Microscope.ctf)
_rings = jax.jit(shell_average, static_argnums=1)


def report_of(job: MicrographJob, recorded: np.ndarray, results: dict[str, Any]) -> str:
    """Return the report of a micrograph as HTML.

    Args:
        job: as it ran.
        recorded: the micrograph.
        results: what was measured, as run.json has it.
    """
    recipe = job.recipe
    names = " and ".join(path.name for path in recipe.structures)
    return plot.render_report(
        plot.Report(
            title=f"Simulated micrograph of {names}",
            subtitle=f"micrograph.mrc and truth.star in {recipe.out}: electrons as "
            f"recorded, protein dark",
            figures=_figures(job, results),
            warnings=job.notes,
            sections=(
                _picture(job, recorded),
                _power(job, recorded),
                _species(job),
                _parameters(job, results),
            ),
            footer=f"Made in {as_duration(results['seconds'])}.",
        )
    )


def _figures(job: MicrographJob, results: dict[str, Any]) -> dict[str, str]:
    recipe = job.recipe
    y, x = recipe.shape
    return {
        "particles": f"{len(job.particles)}",
        "size": f"{x} x {y} px",
        "pixel": f"{job.pixel_size:.4g} Å",
        "defocus": f"{recipe.defocus / 1e4:.3g} µm",
        "dose": f"{recipe.dose:g} e/Å² · {results['electrons_per_pixel']:.3g} e/px",
        "ice": f"{recipe.ice:g} Å" if recipe.ice else "vacuum",
    }


def _picture(job: MicrographJob, recorded: np.ndarray) -> plot.Section:
    factor = max(1, math.ceil(max(recorded.shape) / _PICTURE))
    small = binned(recorded, factor)
    diameters = np.array([specimen.diameter for specimen in job.specimens])
    kinds = job.particles.columns["rlnClassNumber"] - 1
    picture = plot.draw_micrograph(
        small,
        job.pixel_size * factor,
        (job.coordinates + 0.5) / factor - 0.5,
        diameters[kinds],
        kinds,
    )
    blurred = f", the mean of {factor} x {factor} pixels" if factor > 1 else ""
    return plot.Section(
        "Micrograph",
        f"Electrons as recorded{blurred}, first row at the top as RELION shows it. On "
        f"the right truth.star: circles have the diameter of the particle.",
        picture,
    )


def _power(job: MicrographJob, recorded: np.ndarray) -> plot.Section:
    tile = min(_TILE, *(2 * (n // 2) for n in recorded.shape))
    power = mean_power(recorded, tile)
    grid = Grid((tile, tile), job.pixel_size)
    # Counted electrons alone have this power.
    gain = job.recipe.gain
    power /= gain**2 * job.recipe.dose * job.pixel_size**2
    squared = np.asarray(_ctf(job.microscope((tile, tile)))) ** 2
    half = power[:, : tile // 2 + 1]
    frequencies = np.asarray(shell_frequencies(grid))
    rings = [
        np.asarray(_rings(values.astype(squared.dtype), grid.shape), float)
        for values in (half, squared)
    ]
    picture = plot.draw_thon_rings(
        full_plane(half, tile), full_plane(squared, tile), (rings[0], rings[1]),
        frequencies,
    )  # fmt: skip
    return plot.Section(
        "Power spectrum",
        f"Mean over tiles of {tile} x {tile} pixels; 1 is the noise of the electrons. "
        f"The left half of the plane is CTF² at the middle of the ice, whose rings "
        f"(Thon's) those of the micrograph follow; layers of ice above and below blur "
        f"them.",
        picture,
    )


def binned(image: np.ndarray, factor: int) -> np.ndarray:
    """Return the means of squares of pixels; what is left over is cut off.

    Args:
        image: any.
        factor: pixels along a side of a square.
    """
    y, x = (n // factor for n in image.shape)
    kept = image[: y * factor, : x * factor]
    return kept.reshape(y, factor, x, factor).mean(axis=(1, 3))


def mean_power(image: np.ndarray, tile: int) -> np.ndarray:
    """Return the mean power spectrum of an image's tiles, per pixel, not centred.

    Tiles overlap by half, and fall off to their edges (Hann).

    Args:
        image: any.
        tile: pixels along a side.
    """
    window = np.hanning(tile + 1)[:-1]
    window = np.outer(window, window)
    window /= np.sqrt((window**2).sum())
    total, count = np.zeros((tile, tile)), 0
    for y in range(0, image.shape[0] - tile + 1, tile // 2):
        for x in range(0, image.shape[1] - tile + 1, tile // 2):
            piece = image[y : y + tile, x : x + tile]
            spectrum = np.fft.fft2((piece - piece.mean()) * window)
            total += spectrum.real**2 + spectrum.imag**2
            count += 1
    return total / count


def _species(job: MicrographJob) -> plot.Section:
    header = (
        "rlnClassNumber", "structure", "particles", "diameter", "contrast against",
        "heights",
    )  # fmt: skip
    rows = []
    for number, each in enumerate(job.species):
        heights = job.heights[job.of_species(number)]
        spread = f"{heights.min():.0f} to {heights.max():.0f} Å" if len(heights) else ""
        rows.append(
            (
                str(number + 1),
                each.name,
                str(len(heights)),
                f"{each.specimen.diameter:.0f} Å",
                each.specimen.facts.get("surroundings", "as in the map"),
                spread,
            )
        )
    return plot.Section(
        "Particles",
        "Defocus of each is that of the middle of the ice less its height.",
        None,
        plot.Table(header, tuple(rows)),
    )


def _parameters(job: MicrographJob, results: dict[str, Any]) -> plot.Section:
    rows = [
        (as_option(name), shown(value))
        for name, value in job.recipe.options_used().items()
    ]
    listed = {name: value for name, value in results.items() if name != "specimens"}
    rows += [(name.replace("_", " "), shown(value)) for name, value in flat(listed)]
    rows += [("", "")] * (len(rows) % 2)
    half = len(rows) // 2
    return plot.Section(
        "Parameters and results",
        "Everything resolved, as in run.json, from which the run can be repeated: "
        "vitrax simulate-micrograph --config run.json --out NEW.",
        None,
        plot.Table(
            ("name", "value", "name", "value"),
            tuple(a + b for a, b in zip(rows[:half], rows[half:], strict=True)),
        ),
    )
