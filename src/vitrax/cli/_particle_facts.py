"""What `vitrax info` says of particles of programs other than RELION."""

import pathlib
from collections.abc import Mapping
from typing import Any

from .. import io
from ..image import ParticleStack
from ._reading import Reading
from ._remarks import PARTICLE_PROBLEMS, as_remarks


_COUNTED = ("rlnMicrographName", "rlnClassNumber", "rlnRandomSubset")


def particle_facts(
    path: pathlib.Path, reading: Reading, places: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return what is in a file of particles, and what is odd about it.

    Args:
        path: of cisTEM, Leopard-EM or EMAN2.
        reading: how it is read.
        places: where its stacks are looked for.
    """
    find = PARTICLE_PROBLEMS[io.file_kind(path)]
    facts = _stack_facts(io.read_particles(path, **places, **reading.limit))
    return facts, as_remarks(find(path, **places, **reading.limit), path)


def cryosparc_facts(
    path: pathlib.Path, reading: Reading, places: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return what is in CryoSPARC's data set, and what is odd about it.

    Args:
        path: of the file.
        reading: how it is read.
        places: where its stacks are looked for.
    """
    problems = io.cs_problems(path, **places, **reading.limit)
    return io.cs_facts(path, **reading.limit), as_remarks(problems, path)


def _stack_facts(stack: ParticleStack) -> dict[str, Any]:
    """Return what particles are like."""
    facts: dict[str, Any] = {"particles": len(stack)}
    if not len(stack):
        return facts
    values = {
        "pixel_size": stack.pixel_sizes,
        "voltage": stack.voltages,
        "spherical_aberration": stack.shared("spherical_aberration"),
        "amplitude_contrast": stack.shared("amplitude_contrast"),
        "phase_shift": stack.phase_shifts,
        "b_factor": stack.b_factors,
    }
    if stack.defocus is not None:
        values |= {
            "defocus": stack.defocus[:, 0],
            "astigmatism": stack.defocus[:, 1],
        }
    facts["boxes"] = sorted({box for box in stack.boxes.tolist() if box}) or None
    facts |= {name: io.value_range(each) for name, each in values.items()}
    facts["optics_groups"] = len(stack.optics)
    facts["aberrations"] = list(stack.aberrations())
    facts["poses"] = stack.angles is not None
    counted = {
        name: {"different": len(dict.fromkeys(stack.columns[name].tolist()))}
        for name in _COUNTED
        if name in stack.columns
    }
    return facts | {"columns": counted}
