"""Files of atoms with what is wrong mended, as far as there is no doubt."""

import os
import pathlib

import gemmi

from .._files import InputError, atomic_file
from ._atom_faults import KINDS, Faults, where
from ._atom_files import as_text, is_mmcif, parse_atoms, sound_block
from ._atom_problems import note_faults
from ._atom_site import TABLE, complete_columns, texts
from ._contents import Path, read_whole
from ._element_names import element_meant
from ._problem import Problem


def write_mended_atoms(
    path: Path, target: Path, *, max_unpacked: int | None = None
) -> list[Problem]:
    """Write a PDB or mmCIF file as mmCIF, what is wrong mended where it can be.

    Occupancies and B-factors that aren't given become 1 and 0, negative B-factors 0,
    and elements what names in their residues mean. All else is kept: names, models,
    assemblies and, of mmCIF, every other table.

    Args:
        path: the file; its content decides its format.
        target: the file to make, .cif or .mmcif.
        max_unpacked: as in `read_atoms`.

    Returns:
        What was mended. Other problems are as they were.

    Raises:
        InputError: if the file can't be read, or the suffix of `target` is another.

    Example:
        >>> import pathlib, tempfile
        >>> import vitrax as vx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "water.pdb")
        >>> line = "HETATM    1  O   HOH A   1       1.000   2.000   3.000  1.00-20.00"
        >>> _ = path.write_text(line + "           O\\nEND\\n")
        >>> mended = path.with_suffix(".cif")
        >>> vx.io.write_mended_atoms(path, mended)[0].what
        'the B-factor is below 0'
        >>> vx.io.read_atoms(mended).b_factors.tolist()
        [0.0]
    """
    if pathlib.Path(target).suffix.lower() not in (".cif", ".mmcif"):
        raise InputError(
            f"cannot write {os.fspath(target)} because mended atoms are written as "
            "mmCIF; do use the suffix .cif"
        )
    source, content = os.fspath(path), read_whole(path, max_unpacked)
    file = parse_atoms(source, content)
    for model in file.structure:
        note_faults(model, file.faults)
    if "coordinates" in file.faults.places:
        raise InputError(
            f"cannot mend {source} because these atoms have no coordinates: "
            f"{where(file.faults.places['coordinates'])}; do "
            f"{KINDS['coordinates'].remedy}"
        )
    text = as_text(content)
    if is_mmcif(text):
        document = gemmi.cif.read_string(text)
        block = sound_block(source, document)
        complete_columns(block, Faults())
    else:
        file.structure.setup_entities()
        file.structure.assign_label_seq_id()
        document = file.structure.make_mmcif_document()
        block = document[0]
    _mend(block, every_occupancy="occupancies zero" in file.faults.places)
    with atomic_file(target) as written:
        written.write(document.as_string().encode("ascii"))
    return [each for each in file.faults.problems() if each.is_fixable]


def _mend(block: gemmi.cif.Block, *, every_occupancy: bool) -> None:
    """Mend the elements, B-factors and occupancies of the atoms in a block."""
    text_of = texts(block)
    elements = block.find_values(f"{TABLE}type_symbol")
    for row, value in enumerate(list(elements)):
        meant = element_meant(text_of("atom_id", row), text_of("comp_id", row))
        number = gemmi.Element(gemmi.cif.as_string(value)).atomic_number
        if meant and gemmi.Element(meant).atomic_number != number:
            elements[row] = meant.upper()
    b_factors = block.find_values(f"{TABLE}B_iso_or_equiv")
    for row, value in enumerate(list(b_factors)):
        if gemmi.cif.as_number(value) < 0:
            b_factors[row] = "0"
    if every_occupancy:
        occupancies = block.find_values(f"{TABLE}occupancy")
        for row in range(len(occupancies)):
            occupancies[row] = "1"
