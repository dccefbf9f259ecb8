"""What `vitrax info` says of STAR files."""

import pathlib
from collections.abc import Sequence
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
    facts |= _column_facts(main, _SPREAD if "rlnImageName" in main else list(main)[:20])
    optics = tables.get("optics")
    if optics is not None:
        facts |= _optics_facts(optics)
    return facts, remarks


_SPREAD = (
    "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnAngleRot", "rlnAngleTilt",
    "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst", "rlnPhaseShift",
    "rlnCtfBfactor",
)  # fmt: skip


def _optics_facts(optics: io.StarTable) -> dict[str, str]:
    """Return what the optics groups are like."""
    facts = {}
    for name in _OF_OPTICS:
        if name in optics:
            facts[name] = ", ".join(str(x) for x in dict.fromkeys(optics[name]))
    given = [name for name in _ABERRATIONS if name in optics]
    return facts | ({"aberrations": ", ".join(given)} if given else {})


_OF_OPTICS = (
    "rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast", "rlnImagePixelSize",
    "rlnImageSize", "rlnCtfDataAreCtfPremultiplied",
)  # fmt: skip
_ABERRATIONS = (
    "rlnBeamTiltX", "rlnBeamTiltY", "rlnOddZernike", "rlnEvenZernike", "rlnMagMat00",
)  # fmt: skip


def _column_facts(table: Any, names: Sequence[str]) -> dict[str, str]:
    """Return the ranges of some columns, and the number of images."""
    facts: dict[str, str] = {}
    if not table.rows:
        return facts
    for name in names:
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
