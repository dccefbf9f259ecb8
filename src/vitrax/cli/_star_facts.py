"""What `vitrax info` says of STAR files."""

import pathlib
from typing import Any

import numpy as np

from .. import io


def star_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    """Return what is in a STAR file, and what is odd about it."""
    tables = io.read_star(path)
    facts: dict[str, Any] = {}
    for name, table in tables.items():
        facts[f"data_{name}"] = f"{table.rows} rows, {len(table)} columns"
    main = max(tables.values(), key=lambda table: table.rows, default=None)
    remarks = _star_remarks(tables)
    if main is None:
        return facts, ["there is no table in it"]
    facts |= _column_facts(main)
    optics = tables.get("optics")
    if optics is not None:
        for name in ("rlnVoltage", "rlnImagePixelSize", "rlnImageSize"):
            if name in optics:
                facts[name] = ", ".join(str(x) for x in dict.fromkeys(optics[name]))
    return facts, remarks


_SPREAD = (
    "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnAngleRot", "rlnAngleTilt",
    "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst", "rlnPhaseShift",
    "rlnCtfBfactor",
)  # fmt: skip


def _column_facts(table: Any) -> dict[str, str]:
    """Return the ranges of the columns that matter, and the number of images."""
    facts = {}
    for name in _SPREAD:
        if name in table and np.asarray(table[name]).dtype.kind in "if":
            column = np.asarray(table[name], float)
            facts[name] = f"{column.min():.6g} to {column.max():.6g}"
    for name in ("rlnMicrographName", "rlnOpticsGroup", "rlnRandomSubset"):
        if name in table:
            facts[name] = f"{len(dict.fromkeys(table[name].tolist()))} different"
    return facts


def _star_remarks(tables: dict[str, Any]) -> list[str]:
    """Return what is odd about a STAR file."""
    found = []
    if "particles" in tables and "optics" not in tables:
        found.append("there is no optics table: older than RELION 3.1")
    if "" in tables and "rlnDefocusU" in tables[""]:
        found.append("one nameless table: RELION 3.0 or older; shifts are in pixels")
    if "particles" in tables and "optics" in tables:
        named = set(np.asarray(tables["optics"].get("rlnOpticsGroup", [])).tolist())
        used = set(np.asarray(tables["particles"].get("rlnOpticsGroup", [])).tolist())
        if used - named:
            found.append(
                f"optics groups {sorted(used - named)} aren't in the optics table"
            )
    return found
