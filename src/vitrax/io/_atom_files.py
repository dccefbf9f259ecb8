"""PDB and mmCIF files, completed and parsed."""

import dataclasses

import gemmi

from .._files import InputError
from ._atom_faults import Faults
from ._atom_site import block_with_atoms, complete_columns, missing_columns
from ._pdb_lines import ATOM_RECORDS, complete_lines


GENERATORS = "_pdbx_struct_assembly_gen."
# One byte each, whatever their encoding, so that PDB columns keep their places.
_AS_ASCII = bytes(range(128)) + b"?" * 128
_UNREADABLE = {
    "cut": "is cut short",
    "coordinates": "has a coordinate (columns 31 to 54) that isn't a number",
}


@dataclasses.dataclass(frozen=True)
class AtomFile:
    """A file of atoms.

    Args:
        source: its name, for messages.
        structure: all models.
        faults: that were found, and mended where that could be done.
        block: of mmCIF, None for PDB.
        generators: rows of mmCIF's assemblies: name, operators, chains.
    """

    source: str
    structure: gemmi.Structure
    faults: Faults
    block: gemmi.cif.Block | None = None
    generators: tuple[tuple[str, str, str], ...] = ()


def parse_atoms(source: str, content: bytes) -> AtomFile:
    """Return the models in the content of a file.

    Args:
        source: name of the file, for messages.
        content: unpacked.

    Raises:
        InputError: if it isn't an atomic model, or a place in it can't be read.
    """
    text = as_text(content)
    try:
        found = (
            _parse_mmcif(source, text) if is_mmcif(text) else _parse_pdb(source, text)
        )
    except (RuntimeError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        reason = (str(error).splitlines() or ["no reason given"])[0][:120]
        raise InputError(
            f"cannot read {source} because it isn't a sound PDB or mmCIF file "
            f"({reason}); do check where it is cut or damaged"
        ) from error
    if not any(model.count_atom_sites() for model in found.structure):
        raise InputError(
            f"cannot read {source} because it has no atoms; do check that it is an "
            "atomic model"
        )
    return found


def as_text(content: bytes) -> str:
    """Return content as ASCII text, one letter for each byte."""
    return content.removeprefix(b"\xef\xbb\xbf").translate(_AS_ASCII).decode("ascii")


def is_mmcif(text: str) -> bool:
    """Return whether the first line that says something begins a CIF block."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return line.lstrip().lower().startswith("data_")
    return False


def _parse_pdb(source: str, text: str) -> AtomFile:
    lines, faults = complete_lines(text)
    if not any(line.startswith(ATOM_RECORDS) for line in lines):
        raise InputError(
            f"cannot read {source} because it has no ATOM or HETATM records and "
            "doesn't begin as mmCIF; do check that it is an atomic model"
        )
    for kind, what in _UNREADABLE.items():
        if kind in faults.places:
            raise InputError(
                f"cannot read {source} because {faults.places[kind][0]} {what}; do "
                f"copy the file again, or write mmCIF where numbers don't fit"
            )
    structure = gemmi.read_pdb_string("\n".join(lines) + "\n")
    return AtomFile(source, structure, faults)


def _parse_mmcif(source: str, text: str) -> AtomFile:
    block = sound_block(source, gemmi.cif.read_string(text))
    faults = Faults()
    complete_columns(block, faults)
    # The parser would expand a range of operators however many it names.
    table = block.find_mmcif_category(GENERATORS)
    rows = tuple(
        (row.str(0), row.str(1), row.str(2))
        for row in block.find(
            GENERATORS, ["assembly_id", "oper_expression", "asym_id_list"]
        )
    )
    if table.width():
        table.erase()
    return AtomFile(source, gemmi.make_structure_from_block(block), faults, block, rows)


def sound_block(source: str, document: gemmi.cif.Document) -> gemmi.cif.Block:
    """Return the block of a document that has atoms.

    Args:
        source: name of the file, for messages.
        document: the file.

    Raises:
        InputError: if none has, or its columns don't suffice.
    """
    block = block_with_atoms(document)
    if block is None:
        raise InputError(
            f"cannot read {source} because it has no atoms (no _atom_site.Cartn_x); do "
            "check that it is an atomic model as PDBx/mmCIF, not a ligand's definition "
            "or structure factors"
        )
    if missing := missing_columns(block):
        raise InputError(
            f"cannot read {source} because its _atom_site table has no column "
            f"{', '.join(missing)}; do write it with a program that gives every "
            "column, such as `gemmi convert`"
        )
    return block
