"""Writing atoms as mmCIF or PDB."""

import os
import pathlib

import gemmi
import numpy as np

from .._files import InputError, atomic_file
from ..structure import Atoms
from ._contents import Path


_TAGS = (
    "group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id",
    "label_comp_id", "label_asym_id", "label_entity_id", "label_seq_id",
    "pdbx_PDB_ins_code", "Cartn_x", "Cartn_y", "Cartn_z", "occupancy",
    "B_iso_or_equiv", "auth_seq_id", "auth_comp_id", "auth_asym_id", "auth_atom_id",
    "pdbx_PDB_model_num",
)  # fmt: skip
# Each atom is a residue of its own, of an unknown ligand.
_RESIDUE = "UNL"
# Of one-letter names PDB has these; programs search a chain for each of its residues.
_CHAINS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_PER_CHAIN = 9999


def write_atoms(path: Path, atoms: Atoms) -> None:
    """Write atoms as mmCIF (.cif, .mmcif) or PDB (.pdb, .ent).

    Atoms have no names: each is written as a residue of its own, an unknown ligand
    (UNL), whose atom is called as its element. mmCIF keeps all digits, so that
    `read_atoms` gives the same atoms; PDB rounds coordinates to 0.001 Å, occupancies
    and B-factors to 0.01. Beyond 99 999 atoms PDB numbers them in hybrid-36.

    Args:
        path: the file to make; its suffix decides the format.
        atoms: to write.

    Raises:
        InputError: if the suffix is another, or a number doesn't fit into the columns
            of PDB.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "oxygen.cif")
        >>> vx.io.write_atoms(path, vx.Atoms([[1.0, 2.0, 0.5]], [8], [20.0], [0.5]))
        >>> vx.io.read_atoms(path).positions.tolist()
        [[1.0, 2.0, 0.5]]
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix in (".cif", ".mmcif"):
        text = _as_mmcif(atoms)
    elif suffix in (".pdb", ".ent"):
        text = _as_pdb(atoms, os.fspath(path))
    else:
        raise InputError(
            f"cannot write atoms to {os.fspath(path)} because its suffix is neither "
            "that of mmCIF (.cif) nor of PDB (.pdb); do use one of them"
        )
    with atomic_file(path) as file:
        file.write(text.encode("ascii"))


def _as_mmcif(atoms: Atoms) -> str:
    count = len(atoms)
    x, y, z = (_digits(column) for column in np.asarray(atoms.positions).T)
    elements = [_element(number).upper() for number in atoms.elements]
    numbers = [str(i + 1) for i in range(count)]
    columns = {name: ["."] * count for name in _TAGS}
    chains = [_chain_name(i // _PER_CHAIN) for i in range(count)]
    columns |= {name: chains for name in ("label_asym_id", "auth_asym_id")}
    columns |= {
        "group_PDB": ["HETATM"] * count,
        "label_entity_id": ["1"] * count,
        "id": numbers,
        "type_symbol": elements,
        "label_atom_id": elements,
        "label_comp_id": [_RESIDUE] * count,
        "pdbx_PDB_ins_code": ["?"] * count,
        "Cartn_x": x,
        "Cartn_y": y,
        "Cartn_z": z,
        "occupancy": _digits(np.asarray(atoms.occupancies)),
        "B_iso_or_equiv": _digits(np.asarray(atoms.b_factors)),
        "auth_seq_id": [str(i % _PER_CHAIN + 1) for i in range(count)],
        "auth_comp_id": [_RESIDUE] * count,
        "auth_atom_id": elements,
        "pdbx_PDB_model_num": ["1"] * count,
    }
    document = gemmi.cif.Document()
    block = document.add_new_block("vitrax")
    loop = block.init_loop("_atom_site.", list(_TAGS))
    loop.set_all_values([columns[name] for name in _TAGS])
    return document.as_string()


def _chain_name(index: int) -> str:
    """Return A to Z, then AA to ZZ, and so on."""
    name = ""
    while index >= 0:
        index, letter = divmod(index, 26)
        name, index = _CHAINS[letter] + name, index - 1
    return name


def _digits(column: np.ndarray) -> list[str]:
    """Return numbers with the fewest digits that tell them apart."""
    return [str(value) for value in column]


def _element(number: int) -> str:
    return gemmi.Element(number).name


def _as_pdb(atoms: Atoms, path: str) -> str:
    _check_fits(atoms, path)
    model = gemmi.Model(1)
    rows = zip(
        np.asarray(atoms.positions, float).tolist(),
        atoms.elements,
        np.asarray(atoms.b_factors, float).tolist(),
        np.asarray(atoms.occupancies, float).tolist(),
        strict=True,
    )
    chain = gemmi.Chain(_CHAINS[0])
    for index, (place, number, b_factor, occupancy) in enumerate(rows):
        if index and index % _PER_CHAIN == 0:
            model.add_chain(chain)
            chain = gemmi.Chain(_CHAINS[index // _PER_CHAIN])
        atom = gemmi.Atom()
        atom.element = gemmi.Element(number)
        atom.name = _element(number).upper()
        atom.pos = gemmi.Position(*place)
        atom.b_iso, atom.occ = b_factor, occupancy
        residue = gemmi.Residue()
        residue.name = _RESIDUE
        residue.seqid = gemmi.SeqId(index % _PER_CHAIN + 1, " ")
        residue.het_flag = "H"
        residue.add_atom(atom)
        chain.add_residue(residue)
    model.add_chain(chain)
    structure = gemmi.Structure()
    structure.add_model(model)
    structure.assign_serial_numbers()
    return structure.make_pdb_string(gemmi.PdbWriteOptions(minimal=True))


def _check_fits(atoms: Atoms, path: str) -> None:
    """Raise for what the columns of PDB can't hold."""
    positions = np.asarray(atoms.positions, float)
    fits = {
        f"{len(atoms)} atoms": len(atoms) <= len(_CHAINS) * _PER_CHAIN,
        "a coordinate": bool(((positions > -999.9995) & (positions < 9999.9995)).all()),
        "a B-factor": bool((np.asarray(atoms.b_factors) < 999.995).all()),
        "an occupancy": bool((np.asarray(atoms.occupancies) < 999.995).all()),
    }
    for what, does_fit in fits.items():
        if not does_fit:
            raise InputError(
                f"cannot write {path} because {what} doesn't fit into the columns of "
                f"PDB; do write mmCIF, with the suffix .cif"
            )
