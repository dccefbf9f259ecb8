"""Atomic models from PDB and mmCIF files."""

import os
import re
import warnings

import gemmi
import numpy as np

from .._files import InputError, InputWarning
from ..structure import Atoms
from ._contents import Path, read_whole


# The largest assembly that is built, in atoms: a virus has some millions.
MAX_ATOMS = 20_000_000
_COORDINATES = slice(30, 54)
_AS_ASCII = bytes(range(128)) + b"?" * 128
_RECORDS = ("ATOM  ", "HETATM")


def read_atoms(
    path: Path,
    *,
    model: int = 1,
    assembly: str | None = None,
    hydrogens: bool = True,
    waters: bool = True,
) -> Atoms:
    """Return the atoms of a PDB or mmCIF file.

    Coordinates are as in the file. All conformers are kept, each atom weighted by its
    occupancy; an occupancy that isn't given is 1. Deuterium is hydrogen. Ions are
    neutral atoms. A B-factor that isn't given, or is negative, becomes 0, with a
    warning.

    Args:
        path: the file; its content decides its format. It may be packed with gzip or
            bzip2.
        model: which model of an NMR ensemble, counted from 1.
        assembly: name of the biological assembly to build, mostly "1"; by default the
            atoms are taken as they stand.
        hydrogens: whether to keep hydrogen atoms.
        waters: whether to keep water molecules; by default the deposited ones stay.

    Returns:
        The atoms.

    Raises:
        InputError: if the file is empty or isn't an atomic model, has no such model or
            assembly, an unknown element, or a coordinate that isn't a number.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "water.pdb")
        >>> line = "HETATM    1  O   HOH A   1       1.000   2.000   3.000  1.00 20.00"
        >>> _ = path.write_text(line + "           O\\nEND\\n")
        >>> atoms = vx.io.read_atoms(path)
        >>> len(atoms), atoms.positions.tolist()
        (1, [[1.0, 2.0, 3.0]])
    """
    source = os.fspath(path)
    structure = _parse(source, read_whole(path))
    if not 1 <= model <= len(structure):
        raise InputError(
            f"cannot read model {model} of {source} because it has {len(structure)}; "
            "do choose one of them"
        )
    chosen = structure[model - 1]
    if assembly is not None:
        chosen = _assembled(structure, chosen, assembly, source)
    sites = [
        site
        for site in chosen.all()
        if (hydrogens or not site.atom.is_hydrogen())
        and (waters or not site.residue.is_water())
    ]
    if not sites:
        raise InputError(
            f"cannot read {source} because no atoms are left of model {model}; do "
            "check hydrogens= and waters="
        )
    return _as_atoms(sites, source)


def _parse(source: str, content: bytes) -> gemmi.Structure:
    """Return the structure in the content of a file."""
    # One byte each, whatever their encoding, so that PDB columns keep their places.
    text = content.removeprefix(b"\xef\xbb\xbf").translate(_AS_ASCII).decode("ascii")
    try:
        if _is_mmcif(text):
            structure = _parse_mmcif(source, text)
        else:
            _check_pdb(source, text)
            structure = gemmi.read_pdb_string(text)
    except (RuntimeError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"cannot read {source} because it isn't a sound PDB or mmCIF file "
            f"({str(error).splitlines()[0][:120]}); do check where it is cut or damaged"
        ) from error
    if not len(structure) or not structure[0].count_atom_sites():
        raise InputError(
            f"cannot read {source} because it has no atoms; do check that it is an "
            "atomic model with all columns of its atoms"
        )
    return structure


def _is_mmcif(text: str) -> bool:
    """Return whether the first line that says something begins a CIF block."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return line.lstrip().lower().startswith("data_")
    return False


def _parse_mmcif(source: str, text: str) -> gemmi.Structure:
    block = gemmi.cif.read_string(text)[0]
    structure = gemmi.make_structure_from_block(block)
    given = set(block.find_values("_atom_site.B_iso_or_equiv"))
    if len(structure) and (not given or given & {"?", "."}):
        _set_missing_b_factors(block, structure)
        warnings.warn(
            f"{source}: some atoms have no B-factor; 0 was taken",
            InputWarning,
            stacklevel=4,
        )
    return structure


def _set_missing_b_factors(block: gemmi.cif.Block, structure: gemmi.Structure) -> None:
    """Make 0 of the B-factors that aren't given, where gemmi puts 20."""
    given = list(block.find_values("_atom_site.B_iso_or_equiv"))
    serials = list(block.find_values("_atom_site.id"))
    if given and len(serials) != len(given):
        return
    missing = {s for s, b in zip(serials, given, strict=True) if b in ("?", ".")}
    for model in structure:
        for site in model.all():
            if not given or str(site.atom.serial) in missing:
                site.atom.b_iso = 0.0


def _check_pdb(source: str, text: str) -> None:
    """Raise for atoms whose coordinates aren't numbers: gemmi reads ******** as 0."""
    lines = text.splitlines()
    if not any(line.startswith(_RECORDS) for line in lines):
        raise InputError(
            f"cannot read {source} because it has no ATOM or HETATM records and "
            "doesn't begin as mmCIF; do check that it is an atomic model"
        )
    for number, line in enumerate(lines, 1):
        if not line.startswith(_RECORDS):
            continue
        field = line[_COORDINATES]
        places = (field[:8], field[8:16], field[16:24])
        if not all(re.fullmatch(r" *[+-]?(\d+\.?\d*|\.\d+) *", p) for p in places):
            raise InputError(
                f"cannot read {source} because at line {number} a coordinate (columns "
                "31 to 54) isn't a number; do write mmCIF where coordinates don't fit"
            )


def _assembled(
    structure: gemmi.Structure, model: gemmi.Model, name: str, source: str
) -> gemmi.Model:
    """Return the biological assembly of a model."""
    found = [each for each in structure.assemblies if each.name == name]
    if not found:
        names = ", ".join(each.name for each in structure.assemblies) or "none"
        raise InputError(
            f"cannot build assembly {name} of {source} because it describes {names}; "
            "do choose one of these, or leave the assembly out"
        )
    copies = sum(len(generator.operators) for generator in found[0].generators)
    count = model.count_atom_sites() * copies
    if count > MAX_ATOMS:
        raise InputError(
            f"cannot build assembly {name} of {source} because it would have up to "
            f"{count} atoms (at most {MAX_ATOMS}); do build a part of it"
        )
    how = gemmi.HowToNameCopiedChain.Dup
    return gemmi.make_assembly(found[0], model, how)


def _as_atoms(sites: list[gemmi.CRA], source: str) -> Atoms:
    """Return sites as atoms, all values checked."""
    numbers = np.array([site.atom.element.atomic_number for site in sites], np.int64)
    positions = np.array([site.atom.pos.tolist() for site in sites])
    occupancies = np.array([site.atom.occ for site in sites], np.float64)
    b_factors = np.array([site.atom.b_iso for site in sites], np.float64)
    _refuse(numbers == 0, sites, source, "their element is unknown")
    _refuse(
        np.logical_not(np.isfinite(positions).all(axis=1)),
        sites,
        source,
        "they have no coordinates",
    )
    usable = np.isfinite(occupancies) & (occupancies >= 0)
    _refuse(
        np.logical_not(usable),
        sites,
        source,
        "their occupancy isn't 0 or more",
    )
    if not occupancies.any():
        warnings.warn(
            f"{source}: every occupancy is 0, so nothing would be seen; 1 was taken",
            InputWarning,
            stacklevel=3,
        )
        occupancies[:] = 1.0
    if (bad := ~(b_factors >= 0)).any():
        warnings.warn(
            f"{source}: {bad.sum()} atoms have a B-factor below 0; 0 was taken",
            InputWarning,
            stacklevel=3,
        )
        b_factors[bad] = 0.0
    return Atoms(positions, numbers, b_factors, occupancies)


def _refuse(bad: np.ndarray, sites: list[gemmi.CRA], source: str, because: str) -> None:
    """Raise if there are bad atoms, naming the first."""
    places = np.flatnonzero(bad)
    if len(places):
        listed = ", ".join(str(sites[i]) for i in places[:5])
        more = f" and {len(places) - 5} more" if len(places) > 5 else ""
        raise InputError(
            f"cannot use {len(places)} atoms of {source} because {because}: "
            f"{listed}{more}; do correct or remove them"
        )
