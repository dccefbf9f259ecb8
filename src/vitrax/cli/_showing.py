"""The report of a simulation."""

import dataclasses
from typing import Any

import jax
import numpy as np

from .. import plot
from ..grid import Grid, radial_power_spectrum, shell_frequencies
from ..image import Microscope, ParticleStack
from ._batches import known, rows_of
from ._comparison import Comparison
from ._job import Job
from ._needs import as_bytes, as_duration
from ._optics_facts import envelope_left
from ._options import as_option
from ._particle_options import SAYABLE_BY_SOURCE
from ._specimen import RESOLUTIONS, Specimen
from ._stream import microscope_of


# How many images the report shows, and over how many it averages spectra.
SHOWN, AVERAGED = 6, 64

_jitted_ctf = jax.jit(Microscope.ctf)
_spectra = jax.jit(jax.vmap(radial_power_spectrum))


@dataclasses.dataclass
class Sample:
    """Some images of a data set, spread over it, kept for the report.

    Args:
        rows: of the particles that are kept, increasing.
        clean: noise-free.
        noisy: as written.
    """

    rows: np.ndarray
    clean: list[np.ndarray] = dataclasses.field(default_factory=list)
    noisy: list[np.ndarray] = dataclasses.field(default_factory=list)

    def keep(self, start: int, clean: np.ndarray, noisy: np.ndarray) -> None:
        """Keep those of a batch that are wanted.

        Args:
            start: row of the first.
            clean: noise-free.
            noisy: as written.
        """
        here = (
            self.rows[(self.rows >= start) & (self.rows < start + len(clean))] - start
        )
        self.clean += list(clean[here])
        self.noisy += list(noisy[here])


def sample_of(count: int) -> Sample:
    """Return an empty sample of a data set.

    Args:
        count: of its particles.
    """
    return Sample(np.unique(np.linspace(0, count - 1, AVERAGED).round().astype(int)))


def report_of(
    job: Job, sample: Sample, results: dict[str, Any], comparison: Comparison | None
) -> str:
    """Return the report of a simulation as HTML.

    Args:
        job: as it ran.
        sample: some of its images.
        results: what was measured, as run.json has it.
        comparison: with the images of --from, if there are any.
    """
    recipe, sections = job.recipe, []
    if comparison is not None:
        sections += _comparison_sections(comparison)
    sections += [
        _gallery(job, sample),
        _map(job),
        _ctf(job),
        _views(job.particles),
        _spread(job.particles),
        _power(job, sample),
        _amplitude(job.specimen, job.particles),
        _parameters(job, results),
    ]
    return plot.render_report(
        plot.Report(
            title=f"Simulated particles of {recipe.structure.name}",
            subtitle=f"particles.star and particles.mrcs in {recipe.out}, as RELION "
            f"reads them: protein white",
            figures=_figures(job, results),
            warnings=job.warnings,
            sections=tuple(sections),
            footer=_footer(results),
        )
    )


def _figures(job: Job, results: dict[str, Any]) -> dict[str, str]:
    box, pixel_size = job.simulator.box, job.simulator.pixel_size
    defocus = known(job.particles.defocus)[:, 0]
    low, high = defocus.min(), defocus.max()
    snr = results.get("snr")
    return {
        "particles": f"{len(job.particles):,}".replace(",", " "),
        "box": f"{box} px · {box * pixel_size:.0f} Å",
        "pixel": f"{pixel_size:.4g} Å",
        "defocus": f"{low / 1e4:.2f}–{high / 1e4:.2f} µm",
        "particle diameter": f"{job.specimen.diameter:.0f} Å",
        "signal to noise": f"{snr['box']:.3g} (box)" if snr else "no noise",
    }


def _gallery(job: Job, sample: Sample) -> plot.Section:
    shown = np.unique(np.linspace(0, len(sample.rows) - 1, SHOWN).round().astype(int))
    clean, noisy = (np.stack(kind)[shown] for kind in (sample.clean, sample.noisy))
    rows = {"noise-free": clean}
    if job.recipe.is_noisy:
        rows |= {"as written, with noise": noisy, "the same, blurred": _blurred(noisy)}
    defocus = known(job.particles.defocus)[:, 0]
    captions = [f"{row + 1}: {defocus[row] / 1e4:.2f} µm" for row in sample.rows[shown]]
    return plot.Section(
        "Images",
        "Some particles, with their number in the stack and their defocus. Protein is "
        "white.",
        plot.draw_gallery(rows, job.simulator.pixel_size, captions),
    )


def _blurred(images: np.ndarray) -> np.ndarray:
    """Return images with what is finer than a sixteenth of the box taken out."""
    n = images.shape[-1]
    kx, ky = np.fft.rfftfreq(n) * n, np.fft.fftfreq(n) * n
    transfer = np.exp(-(kx[None] ** 2 + ky[:, None] ** 2) / (2 * (n / 16) ** 2))
    return np.fft.irfft2(np.fft.rfft2(images) * transfer, s=images.shape[-2:])


def _map(job: Job) -> plot.Section:
    voxel_map = job.specimen.voxel_map
    unit = "V" if voxel_map.unit == "V" else "a.u."
    return plot.Section(
        "Map",
        "Projections of map.mrc, the map that the images were made from."
        if not job.specimen.states
        else "Projections of map.mrc, the mean of the maps of all models.",
        plot.draw_map(np.asarray(voxel_map.values), float(voxel_map.voxel_size), unit),
    )


def _ctf(job: Job) -> plot.Section:
    particles, pixel_size = job.particles, job.simulator.pixel_size
    order = np.argsort(known(particles.defocus)[:, 0])
    curves = {}
    for row in dict.fromkeys((int(order[0]), int(order[-1]))):
        one = particles[row : row + 1]
        name = f"{known(one.defocus)[0, 0] / 1e4:.2f} µm"
        curves[name] = _ctf_curve(one, pixel_size)
    grid = Grid((job.simulator.box,) * 2, pixel_size)
    plane = -full_plane(_transfer(_microscope(particles[:1], grid)), job.simulator.box)
    nyquist = 0.5 / pixel_size
    frequency = np.linspace(0, nyquist, len(next(iter(curves.values()))))
    picture = plot.draw_ctf(curves, frequency, plane, nyquist)
    return plot.Section(
        "Contrast transfer",
        "At the lowest and the highest defocus without astigmatism, and in the plane "
        "for the first particle. The sign is that of RELION's stacks: positive at low "
        "frequency.",
        picture,
    )


def _ctf_curve(one: ParticleStack, pixel_size: float) -> np.ndarray:
    """Return the CTF at even steps from 0 to Nyquist, astigmatism left out."""
    round_lens = known(one.defocus) * np.array([[1.0, 0.0, 1.0]])
    grid = Grid((1, 4096), pixel_size)
    scope = _microscope(dataclasses.replace(one, defocus=round_lens), grid)
    return -_transfer(scope)[0]


def _transfer(microscope: Microscope) -> np.ndarray:
    """Return the CTF on the half spectrum of a microscope's grid."""
    return np.asarray(_jitted_ctf(microscope))


def _microscope(one: ParticleStack, grid: Grid) -> Microscope:
    rows = rows_of(one)
    return microscope_of({name: column[0] for name, column in rows.items()}, grid, 1)


def full_plane(half: np.ndarray, n: int) -> np.ndarray:
    """Return a real, even half spectrum in full, zero frequency at pixel n // 2."""
    kx = np.fft.fftfreq(n, 1 / n).astype(int)
    ky = np.arange(n)[:, None]
    full = np.where(kx >= 0, half[ky, np.abs(kx)], half[-ky % n, np.abs(kx)])
    return np.fft.fftshift(full)


def _views(particles: ParticleStack) -> plot.Section:
    return plot.Section(
        "Orientations",
        "Directions from which the particles are seen. The projection keeps areas, so "
        "uniform views have an even density.",
        plot.draw_views(*known(particles.angles)[:, :2].T),
    )


def _spread(particles: ParticleStack) -> plot.Section:
    return plot.Section(
        "Defocus, astigmatism and shifts",
        "Astigmatism is drawn in the direction of twice its angle, so that turns by "
        "180° fall together. Shifts say where the particle is; rlnOriginXAngst is "
        "their negative.",
        plot.draw_spread(known(particles.defocus), particles.shifts),
    )


def _power(job: Job, sample: Sample) -> plot.Section:
    curves = {"noise-free": np.asarray(_spectra(np.stack(sample.clean))).mean(axis=0)}
    if job.recipe.is_noisy:
        noisy = np.asarray(_spectra(np.stack(sample.noisy)))
        curves["as written, with noise"] = noisy.mean(axis=0)
    grid = Grid((job.simulator.box,) * 2, job.simulator.pixel_size)
    return plot.Section(
        "Power spectrum",
        f"Mean over {len(sample.clean)} images and over rings of equal "
        f"frequency. The zeros of different defoci fill each other.",
        plot.draw_power(curves, np.asarray(shell_frequencies(grid))),
    )


def _amplitude(specimen: Specimen, particles: ParticleStack) -> plot.Section:
    rows = dict(specimen.amplitude_left)
    rows["envelope (--b-envelope)"] = envelope_left(particles, RESOLUTIONS)
    total = np.prod(list(rows.values()), axis=0)
    rows["all together"] = tuple(float(x) for x in total)
    beyond = f"beyond Nyquist ({specimen.nyquist:.2f} Å)"
    cells = [
        (
            name,
            *(
                f"{100 * x:.3g} %" if specimen.holds(d) else beyond
                for x, d in zip(left, RESOLUTIONS, strict=True)
            ),
        )
        for name, left in rows.items()
    ]
    return plot.Section(
        "Amplitude left",
        "How much of the amplitude of atoms at rest (for a map: of the map) remains, "
        "before the oscillations of the CTF.",
        None,
        plot.Table(("", *(f"at {d:g} Å" for d in RESOLUTIONS)), tuple(cells)),
    )


def _parameters(job: Job, results: dict[str, Any]) -> plot.Section:
    rows = _options(job)
    rows += [(name.replace("_", " "), shown(v)) for name, v in flat(results)]
    half = (len(rows) + 1) // 2
    rows += [("", "")] * (2 * half - len(rows))
    return plot.Section(
        "Parameters and results",
        "Everything resolved, as in run.json, from which the run can be repeated: "
        "vitrax simulate --config run.json --out NEW.",
        None,
        plot.Table(
            ("name", "value", "name", "value"),
            tuple(
                left + right
                for left, right in zip(rows[:half], rows[half:], strict=True)
            ),
        ),
    )


def _options(job: Job) -> list[tuple[str, str]]:
    """Return the options and their values in words."""
    source, found = job.recipe.source, []
    for name, value in job.recipe.options_used().items():
        if source is not None and value is None and name in SAYABLE_BY_SOURCE:
            found.append((as_option(name), f"as in {source.name}"))
        else:
            found.append((as_option(name), shown(value)))
    return found


def flat(results: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return nested results as one list of names and values."""
    rows: list[tuple[str, Any]] = []
    for name, value in results.items():
        if isinstance(value, dict):
            rows += [(f"{name} {inner}", each) for inner, each in flat(value)]
        else:
            rows.append((name, value))
    return rows


def shown(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(each) for each in value)
    return str(value)


def _comparison_sections(comparison: Comparison) -> list[plot.Section]:
    captions = [f"correlation {r:.3f}" for r in comparison.shown_correlations]
    return [
        plot.Section(
            "Are my conventions right?",
            comparison.verdict(),
            plot.draw_correlations(comparison.correlations),
            plot.Table(
                ("convention", "mean correlation", "standard error"),
                tuple(comparison.rows()),
            ),
        ),
        plot.Section(
            "Images and their simulations",
            f"Images of the file above, the simulation of the same particles below; "
            f"both low-passed to {comparison.resolution:.0f} Å to be seen and "
            "compared.",
            plot.draw_pairs(comparison.observed, comparison.simulated, captions),
        ),
    ]


def _footer(results: dict[str, Any]) -> str:
    seconds = results.get("seconds")
    took = f" in {as_duration(seconds)}" if seconds is not None else ""
    return f"{as_bytes(results.get('stack_bytes', 0))} of images{took}."
