"""The command `vitrax doctor`: what vitrax runs on, and whether it computes right."""

import time
from typing import Any

import jax
import jax.numpy as jnp

from .. import plot
from ..grid import Grid
from ..image import Microscope, simulate
from ..optics import Lens
from ..pose import Pose
from ..structure import Gaussians
from . import _record
from ._exit import NumericalError
from ._needs import as_bytes, total_memory


# Mean square of the self-check's image in double precision; float32 comes within 1e-6.
REFERENCE = 1.498957735853562
TOLERANCE = 1e-4


def doctor(*, print_json: bool = False) -> None:
    """Print what vitrax runs on, and check one image against a reference value.

    Args:
        print_json: whether to print JSON.

    Raises:
        NumericalError: if the image isn't what it should be.
    """
    check = self_check()
    memory = total_memory()
    found: dict[str, Any] = {
        **_record.versions(),
        "devices": _record.devices(),
        "memory": as_bytes(memory) if memory else "unknown",
        "x64": bool(jax.config.read("jax_enable_x64")),
        "report": "can be written" if plot.can_draw() else "needs vitrax[view]",
        "self-check": check,
    }
    if print_json:
        print(_record.as_json(found))
    else:
        width = max(map(len, found))
        for name, value in found.items():
            print(f"{name:<{width}}  {_in_words(value)}")
    if not check["passed"]:
        raise NumericalError(
            f"cannot trust this installation because its self-check gave "
            f"{check['value']:.8g} where {REFERENCE:.8g} is right; do reinstall jax, "
            f"or try --device cpu"
        )


def self_check() -> dict[str, Any]:
    """Return the mean square of one simulated image beside its reference value."""
    start = time.monotonic()
    value = float(jax.jit(_mean_square)(_blobs()))
    error = abs(value / REFERENCE - 1)
    return {
        "value": value,
        "reference": REFERENCE,
        "relative_error": error,
        "passed": error < TOLERANCE,
        "seconds": round(time.monotonic() - start, 2),
    }


def _blobs() -> Gaussians:
    """Return a few atoms without symmetry."""
    positions = [[0.0, 0.0, 0.0], [7.0, -3.0, 2.0], [-5.0, 6.0, 9.0], [2.0, 8.0, -6.0]]
    return Gaussians(
        positions, [[2.5], [2.0], [5.0], [3.0]], [[0.5], [1.0], [0.8], [0.6]]
    )


def _mean_square(specimen: Gaussians) -> jax.Array:
    lens = Lens(
        defocus=9000.0, astigmatism=800.0, astigmatism_angle=35.0, b_factor=20.0
    )
    scope = Microscope(Grid((64, 64), 1.0), voltage=300.0, lens=lens)
    pose = Pose.from_euler(20.0, 80.0, -10.0, shift=(4.0, -2.5))
    return jnp.mean((1e3 * simulate(specimen, pose, scope)) ** 2)


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        answer = "passed" if value["passed"] else "FAILED"
        return f"{answer} in {value['seconds']} s ({value['value']:.8g})"
    return ", ".join(value) if isinstance(value, list) else str(value)
