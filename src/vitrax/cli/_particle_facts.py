"""What `vitrax info` says of particles of programs other than RELION."""

import pathlib
from typing import Any

import numpy as np

from .. import io
from ..image import ParticleStack


_PROBLEMS = {
    io.FileKind.CISTEM: io.cistem_problems,
    io.FileKind.LEOPARD: io.leopard_problems,
    io.FileKind.EMAN: io.eman_problems,
}


def particle_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Return what is in a file of particles, and what is odd about it.

    Args:
        path: of cisTEM, Leopard-EM or EMAN2.
    """
    find = _PROBLEMS[io.file_kind(path)]
    return _stack_facts(io.read_particles(path)), _remarks(find(path))


def cryosparc_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Return what is in CryoSPARC's data set, and what is odd about it."""
    return dict(io.cs_facts(path)), _remarks(io.cs_problems(path))


def _remarks(problems: list[io.Problem]) -> list[str]:
    return [f"{problem.where}: {problem.what}" for problem in problems]


def _stack_facts(stack: ParticleStack) -> dict[str, Any]:
    """Return what particles are like, in words by name."""
    facts: dict[str, Any] = {"particles": len(stack)}
    if not len(stack):
        return facts
    values = {
        "box (pixels, 0 unknown)": stack.boxes,
        "pixel size (Å)": stack.pixel_sizes,
        "voltage (kV)": stack.voltages,
        "spherical aberration (mm)": stack.shared("spherical_aberration"),
        "amplitude contrast": stack.shared("amplitude_contrast"),
        "phase shift (°)": stack.phase_shifts,
        "B-factor (Å²)": stack.b_factors,
    }
    if stack.defocus is not None:
        values |= {
            "defocus (Å)": stack.defocus[:, 0],
            "astigmatism (Å)": stack.defocus[:, 1],
        }
    facts |= {name: _range(each) for name, each in values.items()}
    facts["optics groups"] = len(stack.optics)
    facts["aberrations"] = ", ".join(stack.aberrations()) or "none"
    facts["poses"] = "none" if stack.angles is None else "known"
    for name in ("rlnMicrographName", "rlnClassNumber", "rlnRandomSubset"):
        if name in stack.columns:
            facts[name] = (
                f"{len(dict.fromkeys(stack.columns[name].tolist()))} different"
            )
    return facts


def _range(values: np.ndarray) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
