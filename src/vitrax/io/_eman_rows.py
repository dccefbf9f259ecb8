"""What EMAN2's files are to say of each particle."""

import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import numpy as np

from ..image import ParticleStack
from ..pose import matrix_from_euler
from ._aberrations import aberration_columns
from ._eman_columns import PREFIX
from ._eman_header import EmanCtf, ampcont_of, eman_ctf
from ._foreign_columns import packed
from ._labels import (
    ABERRATIONS,
    IMAGE_SIZE,
    PIXEL_SIZES,
    POSE_AND_CTF,
    PREMULTIPLIED,
    SHIFTS,
)
from ._particle_layout import ImagePlaces


# Of protein, as EMAN2's programs expect it.
CONTRAST = "white"
# Before the names of columns that EMAN2 has no attributes for.
FOREIGN = "vitrax."
POSE = "xform.projection"
# What RELION's columns say and EMAN2's attributes too.
_REPRESENTED = frozenset(
    (
        *POSE_AND_CTF,
        *ABERRATIONS,
        "rlnImageName",
        "rlnCtfBfactor",
        "rlnCtfScalefactor",
    )
)
_OF_OPTICS = frozenset(
    (
        "rlnOpticsGroup",
        "rlnVoltage",
        "rlnSphericalAberration",
        "rlnAmplitudeContrast",
        IMAGE_SIZE,
        PIXEL_SIZES[0],
        *ABERRATIONS,
    )
)
# Attributes that follow from the stack.
_DERIVED = frozenset((POSE, "ctf", "defocus", "apix_x", "apix_y", "apix_z"))


def eman_rows(particles: ParticleStack) -> list[dict[str, Any]]:
    """Return EMAN2's attributes of each particle.

    Those that its file had are kept, but for what follows from the stack.

    Args:
        particles: any stack.
    """
    count = len(particles)
    rows: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, column in particles.columns.items():
        bare = unquote(name.removeprefix(PREFIX))
        if name.startswith(PREFIX) and bare not in _DERIVED:
            for row, value in zip(rows, _values(bare, column), strict=True):
                if value is not None:
                    row[bare] = value
    sizes = particles.pixel_sizes.tolist()
    for row, size in zip(rows, sizes, strict=True):
        row |= {f"apix_{axis}": size for axis in "xyz"}
    _add(rows, POSE, _transforms(particles))
    _add(rows, "ctf", _ctfs(particles))
    return [row | more for row, more in zip(rows, _of_relion(particles), strict=True)]


def foreign_rows(particles: ParticleStack, images: ImagePlaces) -> list[dict[str, Any]]:
    """Return what EMAN2 has no attributes for, by the names of columns.

    Args:
        particles: any stack.
        images: where their images are.
    """
    kept = {
        name: column
        for name, column in particles.columns.items()
        if name not in _REPRESENTED and not name.startswith(PREFIX)
    }
    for name in _represented(particles):
        kept.pop(name, None)
    optics = {
        name: column
        for name, column in particles.optics_columns.items()
        if name not in _OF_OPTICS
    }
    kept |= images.said_signs(CONTRAST, particles.columns)
    if (particles.boxes > 0).any():
        # What the headers of images say, as long as they are found.
        kept[IMAGE_SIZE] = particles.boxes
    numbers = particles.optics_columns.get("rlnOpticsGroup")
    if numbers is not None:
        kept["rlnOpticsGroup"] = np.asarray(numbers)[particles.groups]
    kept |= _lens_columns(particles)
    columns = packed(kept, optics, particles.groups)
    lists = {name: column.tolist() for name, column in columns.items()}
    return [
        {FOREIGN + name: values[row] for name, values in lists.items()}
        for row in range(len(particles))
    ]


def _lens_columns(particles: ParticleStack) -> dict[str, np.ndarray]:
    """Return RELION's columns of what EMAN2's CTF hasn't got, where there is any."""
    found: dict[str, np.ndarray] = {}
    aberrations = aberration_columns(particles.optics)
    found |= {name: column[particles.groups] for name, column in aberrations.items()}
    if (particles.scales != 1.0).any() or "rlnCtfScalefactor" in particles.columns:
        found["rlnCtfScalefactor"] = particles.scales
    is_sum = particles.phase_shifts.any() or "rlnPhaseShift" in particles.columns
    if is_sum or (particles.shared("amplitude_contrast") < 0).any():
        found["rlnPhaseShift"] = particles.phase_shifts
        found["rlnAmplitudeContrast"] = particles.shared("amplitude_contrast")
    if particles.premultiplied.any():
        found[PREMULTIPLIED] = particles.premultiplied.astype(np.int64)
    if particles.angles is None and particles.shifts.any():
        found |= dict(zip(SHIFTS, -particles.shifts.T, strict=True))
    if particles.defocus is None:
        found["rlnCtfBfactor"] = particles.b_factors
        for name, field in (
            ("rlnVoltage", "voltage"),
            ("rlnSphericalAberration", "spherical_aberration"),
            ("rlnAmplitudeContrast", "amplitude_contrast"),
        ):
            found[name] = particles.shared(field)
    return found


def _add(rows: list[dict[str, Any]], name: str, values: list[Any] | None) -> None:
    for row, value in zip(rows, values or (), strict=bool(values)):
        row[name] = value


def _values(name: str, column: np.ndarray) -> list[Any]:
    """Return a column's values; None where there is nothing."""
    if column.ndim == 2:
        is_transform = name.startswith("xform.") and column.shape[1] == 12
        shape = (3, 4) if is_transform else (column.shape[1],)
        found = [values.reshape(shape) for values in column]
        return [v if np.isfinite(v).all() else None for v in found]
    if column.dtype.kind == "f":
        return [v if math.isfinite(v) else None for v in column.tolist()]
    return [value if value != "" else None for value in column.tolist()]


def _transforms(particles: ParticleStack) -> list[np.ndarray] | None:
    if particles.angles is None:
        return None
    matrices = np.zeros((len(particles), 3, 4))
    matrices[:, :, :3] = matrix_from_euler(particles.angles)
    matrices[:, :2, 3] = particles.shifts / particles.pixel_sizes[:, None]
    return list(matrices)


def _ctfs(particles: ParticleStack) -> list[dict[str, Any]] | None:
    """Return CTFs, each with the background and signal that its file had."""
    if particles.defocus is None:
        return None
    kept = particles.columns.get(f"{PREFIX}ctf", np.full(len(particles), ""))
    optics = zip(
        particles.defocus.tolist(),
        particles.b_factors.tolist(),
        particles.shared("amplitude_contrast").tolist(),
        particles.phase_shifts.tolist(),
        particles.voltages.tolist(),
        particles.shared("spherical_aberration").tolist(),
        particles.pixel_sizes.tolist(),
        kept.tolist(),
        strict=True,
    )
    return [
        _ctf(
            EmanCtf(
                defocus=mean / 1e4,
                dfdiff=difference / 1e4,
                dfang=angle,
                bfactor=b_factor,
                ampcont=ampcont_of(contrast, phase),
                voltage=voltage,
                cs=aberration,
                apix=size,
            ),
            str(before),
        )
        for (
            (mean, difference, angle),
            b_factor,
            contrast,
            phase,
            voltage,
            aberration,
            size,
            before,
        ) in optics
    ]


def _ctf(ctf: EmanCtf, before: str) -> dict[str, Any]:
    """Return a CTF as lists have it."""
    curves = _curves(before)
    return {"__class__": "EMAN2Ctf", **vars(ctf), **curves}


def _curves(before: str) -> dict[str, Any]:
    """Return the background and signal of a CTF as a file had it."""
    nothing = {"dsbg": -1.0, "background": [], "snr": []}
    try:
        if before.startswith("{"):
            found = json.loads(before)
            return {name: found.get(name, none) for name, none in nothing.items()}
        if before.startswith("E"):
            eman_ctf(before, "a particle")
            step, *curves = before.split()[8:11]
            background, snr = ([float(n) for n in c.split(",")[1:]] for c in curves)
            return {"dsbg": float(step), "background": background, "snr": snr}
    except (ValueError, AttributeError):
        pass
    return nothing


def _represented(particles: ParticleStack) -> set[str]:
    """Return RELION's columns that `_of_relion` takes."""
    return {
        name
        for names, is_there in (
            (("rlnMicrographName",), _are_names(particles.columns)),
            (("rlnCoordinateX", "rlnCoordinateY"), _are_places(particles.columns)),
            (("rlnRandomSubset",), _are_halves(particles.columns)),
        )
        if is_there
        for name in names
    }


def _of_relion(particles: ParticleStack) -> list[dict[str, Any]]:
    """Return what EMAN2 calls micrographs, places in them and halves."""
    columns = particles.columns
    rows: list[dict[str, Any]] = [{} for _ in range(len(particles))]
    if _are_names(columns):
        _add(rows, "ptcl_source_image", columns["rlnMicrographName"].tolist())
    if _are_places(columns):
        x, y = (columns[f"rlnCoordinate{axis}"].astype(np.float64) for axis in "XY")
        _add(rows, "ptcl_source_coord", np.stack([x, y], -1).tolist())
    if _are_halves(columns):
        _add(rows, "class", (columns["rlnRandomSubset"] - 1).tolist())
    return rows


def _are_names(columns: Mapping[str, np.ndarray]) -> bool:
    names = columns.get("rlnMicrographName")
    return names is not None and names.dtype.kind == "T" and bool((names != "").all())


def _are_places(columns: Mapping[str, np.ndarray]) -> bool:
    places = [columns.get(f"rlnCoordinate{axis}") for axis in "XY"]
    return all(
        p is not None and p.dtype.kind in "if" and bool(np.isfinite(p).all())
        for p in places
    )


def _are_halves(columns: Mapping[str, np.ndarray]) -> bool:
    halves = columns.get("rlnRandomSubset")
    if halves is None or halves.dtype.kind != "i":
        return False
    return bool(np.isin(halves, (1, 2)).all())
