"""What is in a CryoSPARC data set, for `vitrax info`."""

import numpy as np

from ._contents import CSDAT_MAGIC, Path, first_bytes
from ._cs_file import read_cs
from ._star_table import TEXT


# (name of the fact, field, unit)
_RANGES = (
    ("pixel size", "blob/psize_A", "Å"),
    ("voltage", "ctf/accel_kv", "kV"),
    ("spherical aberration", "ctf/cs_mm", "mm"),
    ("amplitude contrast", "ctf/amp_contrast", ""),
    ("defocus 1", "ctf/df1_A", "Å"),
    ("defocus 2", "ctf/df2_A", "Å"),
    ("phase shift", "ctf/phase_shift_rad", "rad"),
)
_ABERRATIONS = {
    "shift": "ctf/shift_A",
    "tilt": "ctf/tilt_A",
    "trefoil": "ctf/trefoil_A",
    "tetrafoil": "ctf/tetra_A",
    "anisotropic magnification": "ctf/anisomag",
}
_COUNTS = (
    ("stacks", "blob/path"),
    ("micrographs", "location/micrograph_path"),
    ("exposure groups", "ctf/exp_group_id"),
    ("3D classes", "alignments3D/class"),
    ("2D classes", "alignments2D/class"),
    ("halves", "alignments3D/split"),
)


def cs_facts(path: Path) -> dict[str, str]:
    """Return what is in a CryoSPARC data set, in words by name.

    Args:
        path: a .cs file.

    Raises:
        InputError: if it can't be read.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.cs"
        >>> with open(path, "wb") as file:
        ...     np.save(file, np.zeros(3, [("uid", "u8"), ("blob/sign", "f4")]))
        >>> vx.io.cs_facts(path)["rows"]
        '3'
    """
    fields = read_cs(path)
    count = len(next(iter(fields.values()))) if fields else 0
    groups = dict.fromkeys(name.partition("/")[0] for name in fields if "/" in name)
    is_stream = first_bytes(path, 6) == CSDAT_MAGIC
    facts = {
        "layout": "CSDAT stream" if is_stream else "NumPy array",
        "rows": str(count),
        "fields": f"{len(fields)}: {', '.join(groups) or 'no groups'}",
    }
    if not count:
        return facts
    facts |= _boxes(fields) | _contrast(fields)
    for name, field, unit in _RANGES:
        if field in fields and fields[field].dtype.kind in "iuf":
            facts[name] = f"{_range(fields[field])} {unit}".rstrip()
    for name, field in _COUNTS:
        if field in fields and fields[field].ndim == 1:
            facts[name] = str(len(dict.fromkeys(fields[field].tolist())))
    return facts | _aberrations(fields) | _poses(fields)


def _boxes(fields: dict[str, np.ndarray]) -> dict[str, str]:
    shapes = fields.get("blob/shape")
    if shapes is None or shapes.ndim != 2:
        return {}
    kinds = np.unique(shapes, axis=0).tolist()
    return {"box": ", ".join(" × ".join(map(str, each)) for each in kinds[:5])}


def _contrast(fields: dict[str, np.ndarray]) -> dict[str, str]:
    signs = fields.get("blob/sign")
    if signs is None or signs.dtype == TEXT:
        return {}
    words = {-1.0: "protein dark", 1.0: "protein white"}
    kinds = np.unique(signs).tolist()
    said = ", ".join(f"{words.get(sign, 'unknown')} ({sign:g})" for sign in kinds[:3])
    return {"blob/sign": said}


def _aberrations(fields: dict[str, np.ndarray]) -> dict[str, str]:
    present = {
        name: fields[field]
        for name, field in _ABERRATIONS.items()
        if field in fields and fields[field].dtype.kind in "iuf" and fields[field].any()
    }
    said = [
        f"{name} up to {np.nanmax(np.abs(values)):.4g}"
        + ("" if name.startswith("aniso") else " Å")
        for name, values in present.items()
    ]
    return {"aberrations": ", ".join(said) or "none"}


def _poses(fields: dict[str, np.ndarray]) -> dict[str, str]:
    held = [name.partition("/")[0] for name in fields if name.endswith("/pose")]
    return {"poses": ", ".join(held) or "none"}


def _range(values: np.ndarray) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
