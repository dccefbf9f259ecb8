"""The command `vitrax info`: what is in a file, and what is odd about it."""

import dataclasses
import json
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import io
from .._files import InputError
from ._needs import as_bytes


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of one file.

    Args:
        path: of the file.
        kind: MRC, movie, STAR or atoms.
        facts: by name.
        remarks: what is odd.
    """

    path: pathlib.Path
    kind: str
    facts: dict[str, Any]
    remarks: tuple[str, ...]


def info(paths: Sequence[pathlib.Path], *, print_json: bool = False) -> None:
    """Print what is in some files.

    Every file is looked at; those that can't be read are named at the end.

    Args:
        paths: of the files.
        print_json: whether to print JSON.

    Raises:
        InputError: if any file can't be read.
    """
    found, failures = [], []
    for path in paths:
        try:
            found.append(facts_of(path))
        except (InputError, OSError) as error:
            failures.append(error)
    if print_json:
        print(json.dumps([_as_record(each) for each in found], indent=2, default=str))
    elif found:
        print("\n\n".join(_as_text(each) for each in found))
    if failures:
        raise InputError(" ".join(str(error) for error in failures))


def facts_of(path: pathlib.Path) -> Facts:
    """Return what is known of a file.

    Args:
        path: of an MRC, STAR, PDB or mmCIF file; its content decides which.

    Raises:
        InputError: if it can't be read.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kind, (facts, remarks) = _facts_by_kind(path)
    size = {"size": as_bytes(path.stat().st_size)}
    said = [str(each.message).removeprefix(f"{path}: ") for each in caught]
    return Facts(path, kind, size | facts, tuple(dict.fromkeys(said + remarks)))


def _facts_by_kind(path: pathlib.Path) -> tuple[str, tuple[dict[str, Any], list[str]]]:
    """Return the kind of a file, its facts and remarks."""
    names = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    suffix = names[-1] if names else ""
    if suffix == ".star":
        return "STAR", _star_facts(path)
    if suffix in (".tif", ".tiff", ".eer", ".gain"):
        return "movie", _movie_facts(path)
    if suffix in (".pdb", ".ent", ".cif", ".mmcif"):
        return "atoms", _atom_facts(path)
    return "MRC", _mrc_facts(path)


def _mrc_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    header = io.read_header(path)
    sections, rows, columns = header.shape
    facts = {
        "sections × rows × columns": f"{sections} × {rows} × {columns}",
        "numbers": f"mode {header.mode} ({_MODES.get(header.mode, 'unknown')})",
        "voxel size": " × ".join(f"{size:.6g}" for size in header.voxel_size) + " Å",
        "axes (1 x, 2 y, 3 z)": f"sections {header.axes[0]}, rows {header.axes[1]}, "
        f"columns {header.axes[2]}",
        "start": header.start,
        "origin": f"{', '.join(f'{x:g}' for x in header.origin)} Å",
        "cell angles": f"{', '.join(f'{x:g}' for x in header.angles)}°",
        "space group": header.space_group,
        "extended header": as_bytes(header.offset - 1024),
        "values (first sections)": _value_range(path, sections),
    }
    return facts, _mrc_remarks(header, path)


_MODES = {
    0: "bytes",
    1: "16-bit integers",
    2: "32-bit floats",
    6: "16-bit unsigned integers",
    12: "16-bit floats",
    101: "half bytes",
}


def _value_range(path: pathlib.Path, sections: int) -> str:
    """Return minimum, maximum, mean and standard deviation of up to 64 sections."""
    try:
        stack = io.read_stack(path, nan_policy="mask")
    except InputError:
        return "not read: the sections aren't along z"
    return _range_of(stack[: min(sections, 64)].astype(float))


def _range_of(images: np.ndarray) -> str:
    return (
        f"{images.min():.5g} to {images.max():.5g}, mean {images.mean():.5g}, "
        f"sd {images.std():.5g}"
    )


def _movie_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    movie = io.read_movie(path, nan_policy="mask")
    frames, rows, columns = movie.shape
    facts = {
        "frames × rows × columns": f"{frames} × {rows} × {columns}",
        "values (first frame)": _range_of(movie[0].astype(float)),
    }
    return facts, ["the file has no pixel size; give it (--angpix)"]


def _mrc_remarks(header: Any, path: pathlib.Path) -> list[str]:
    """Return what is odd about an MRC header."""
    found, size = [], header.voxel_size
    volume = header.space_group == 1
    if 0.0 in (size if volume else size[:2]):
        found.append(
            "the header has no voxel size; give --map-angpix (or voxel_size= in Python)"
        )
    elif volume and max(size) - min(size) > 1e-3 * min(size):
        found.append("the voxels aren't cubes")
    elif abs(size[0] - 1.0) < 1e-6:
        found.append("a voxel size of exactly 1 Å is often a placeholder")
    if any(header.start):
        found.append(
            "the map doesn't start at index 0; vitrax takes voxel N // 2 as origin"
        )
    if volume and path.suffix.lower() == ".mrcs":
        found.append("the header says volume, the suffix .mrcs a stack of images")
    if header.shape[1] != header.shape[2]:
        found.append("rows and columns differ in number: not a particle stack")
    elif header.shape[1] % 2:
        found.append("the box is odd; RELION needs even boxes")
    return found


def _star_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
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


def _atom_facts(path: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
    import collections

    import gemmi

    atoms = io.read_atoms(path)
    structure = gemmi.read_structure(str(path))
    structure.setup_entities()
    sites = [site for site in structure[0].all()]
    count = collections.Counter(site.atom.element.name for site in sites)
    positions, b = np.asarray(atoms.positions), np.asarray(atoms.b_factors)
    centre = positions.mean(axis=0)
    reach = float(np.sqrt(((positions - centre) ** 2).sum(axis=1).max()))
    facts = {
        "name": structure.name,
        "models": _models(len(structure)),
        "chains": len(structure[0]),
        "atoms read": len(atoms),
        "elements": ", ".join(f"{name} {n}" for name, n in count.most_common(12)),
        "B-factors": f"{b.min():.4g} to {b.max():.4g}, median {np.median(b):.4g} Å²",
        "centre": ", ".join(f"{x:.2f}" for x in centre) + " Å",
        "largest distance from it": f"{reach:.1f} Å",
        "assemblies": ", ".join(each.name for each in structure.assemblies)
        or "none named",
    }
    return facts, _atom_remarks(sites, b, count)


def _models(count: int) -> int | str:
    """Return the number of models, and which is read where there are several."""
    return f"{count}, of which the first is read (--model)" if count > 1 else count


def _atom_remarks(sites: list[Any], b: np.ndarray, count: Any) -> list[str]:
    """Return what is odd about a structure."""
    found = []
    if any(site.atom.has_altloc() for site in sites):
        found.append("alternate conformers, each weighted by its occupancy")
    empty = sum(site.atom.occ == 0 for site in sites)
    if 0 < empty < len(sites):
        found.append("some atoms have occupancy 0 and don't scatter")
    if not b.any():
        found.append("all B-factors are 0; give --b-factor")
    elif (b < 0).any():
        found.append("some B-factors are negative")
    if count.get("H", 0) == 0:
        found.append("no hydrogens: what they scatter is missing")
    return found


def _as_text(found: Facts) -> str:
    width = max(map(len, found.facts))
    lines = [f"{found.path}: {found.kind}"]
    lines += [f"  {name:<{width}}  {value}" for name, value in found.facts.items()]
    lines += [f"  ! {remark}" for remark in found.remarks]
    return "\n".join(lines)


def _as_record(found: Facts) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "kind": found.kind,
        "facts": found.facts,
        "remarks": list(found.remarks),
    }
