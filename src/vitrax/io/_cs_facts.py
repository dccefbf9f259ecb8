"""What is in a CryoSPARC data set, for `vitrax info`."""

from typing import Any

import numpy as np

from ._contents import CSDAT_MAGIC, Path, unpack
from ._cs_file import read_cs
from ._star_table import TEXT
from ._value_range import value_range


# By name of the fact.
_RANGES = {
    "pixel_size": "blob/psize_A",
    "voltage": "ctf/accel_kv",
    "spherical_aberration": "ctf/cs_mm",
    "amplitude_contrast": "ctf/amp_contrast",
    "defocus_1": "ctf/df1_A",
    "defocus_2": "ctf/df2_A",
    "phase_shift": "ctf/phase_shift_rad",
}
_ABERRATIONS = {
    "shift": "ctf/shift_A",
    "tilt": "ctf/tilt_A",
    "trefoil": "ctf/trefoil_A",
    "tetrafoil": "ctf/tetra_A",
}
_MAGNIFICATION = "ctf/anisomag"
_LISTED = 5
_COUNTS = {
    "stacks": "blob/path",
    "micrographs": "location/micrograph_path",
    "exposure_groups": "ctf/exp_group_id",
    "classes_3d": "alignments3D/class",
    "classes_2d": "alignments2D/class",
    "halves": "alignments3D/split",
}


def cs_facts(path: Path, *, max_unpacked: int | None = None) -> dict[str, Any]:
    """Return what is in a CryoSPARC data set, values by name; lengths in Å, degrees.

    Args:
        path: a .cs file.
        max_unpacked: as in `read_particles`.

    Raises:
        InputError: if it can't be read.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.cs"
        >>> with open(path, "wb") as file:
        ...     np.save(file, np.zeros(3, [("uid", "u8"), ("blob/sign", "f4")]))
        >>> vx.io.cs_facts(path)["particles"]
        3
    """
    fields = read_cs(path, max_unpacked=max_unpacked)
    count = len(next(iter(fields.values()))) if fields else 0
    groups = dict.fromkeys(name.partition("/")[0] for name in fields if "/" in name)
    is_stream = unpack(path, len(CSDAT_MAGIC)) == CSDAT_MAGIC
    facts = {
        "layout": "CSDAT stream" if is_stream else "NumPy array",
        "particles": count,
        "fields": len(fields),
        "groups": list(groups),
    }
    if not count:
        return facts
    facts |= _boxes(fields) | _contrast(fields)
    for name, field in _RANGES.items():
        if field in fields and fields[field].dtype.kind in "iuf":
            values = fields[field]
            facts[name] = value_range(np.degrees(values) if "_rad" in field else values)
    for name, field in _COUNTS.items():
        if field in fields and fields[field].ndim == 1:
            facts[name] = len(dict.fromkeys(fields[field].tolist()))
    return facts | _aberrations(fields) | _poses(fields)


def _boxes(fields: dict[str, np.ndarray]) -> dict[str, Any]:
    shapes = fields.get("blob/shape")
    if shapes is None or shapes.ndim != 2:
        return {}
    return {"image_shapes": np.unique(shapes, axis=0).tolist()[:_LISTED]}


def _contrast(fields: dict[str, np.ndarray]) -> dict[str, Any]:
    signs = fields.get("blob/sign")
    if signs is None or signs.dtype == TEXT:
        return {}
    words = {-1.0: "dark", 1.0: "white"}
    kinds = np.unique(signs).tolist()
    return {"protein": [words.get(sign, "unknown") for sign in kinds[:3]]}


def _aberrations(fields: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the largest coefficient of each aberration that isn't 0, Å."""
    present = {
        name: fields[field]
        for name, field in _ABERRATIONS.items()
        if field in fields and fields[field].dtype.kind in "iuf" and fields[field].any()
    }
    largest = {n: value_range(np.abs(v))["max"] for n, v in present.items()}
    magnification = fields.get(_MAGNIFICATION)
    is_turned = magnification is not None and bool(magnification.any())
    return {"aberrations": largest, "anisotropic_magnification": is_turned}


def _poses(fields: dict[str, np.ndarray]) -> dict[str, Any]:
    held = [name.partition("/")[0] for name in fields if name.endswith("/pose")]
    return {"poses": held}
