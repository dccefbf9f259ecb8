"""The atoms of an mmCIF file, checked and completed before they are parsed."""

import math
from collections.abc import Callable

import gemmi

from ._atom_faults import Faults
from ._element_names import element_meant


TABLE = "_atom_site."
_NEEDED = (
    "id", "type_symbol", "label_alt_id", "label_asym_id",
    "Cartn_x", "Cartn_y", "Cartn_z",
)  # fmt: skip
# Columns of which either will do.
_EITHER = ("atom_id", "comp_id", "seq_id")
_NOT_GIVEN = ("?", ".")


def block_with_atoms(document: gemmi.cif.Document) -> gemmi.cif.Block | None:
    """Return the first block that has atoms, None if there is none.

    Args:
        document: the file.
    """
    for block in document:
        if len(block.find_values("_atom_site.Cartn_x")):
            return block
    return None


def missing_columns(block: gemmi.cif.Block) -> list[str]:
    """Return the columns without which atoms can't be read.

    Args:
        block: that has atoms.
    """
    tags = {tag.removeprefix(TABLE) for tag in block.find_mmcif_category(TABLE).tags}
    missing = [name for name in _NEEDED if name not in tags]
    return missing + [
        f"label_{name} or auth_{name}"
        for name in _EITHER
        if not tags & {f"label_{name}", f"auth_{name}"}
    ]


def complete_columns(block: gemmi.cif.Block, faults: Faults) -> None:
    """Put 1 and 0 for occupancies and B-factors that aren't given, and elements.

    Args:
        block: that has atoms and all columns that it must; changed.
        faults: to which those of the atoms are added.
    """
    block.find_mmcif_category(TABLE).ensure_loop()
    _complete(block, "occupancy", "1", ("occupancy missing", "occupancy"), faults)
    _complete(block, "B_iso_or_equiv", "0", ("b missing", "b"), faults)
    _name_elements(block, faults)


def _complete(
    block: gemmi.cif.Block,
    name: str,
    instead: str,
    kinds: tuple[str, str],
    faults: Faults,
) -> None:
    column = block.find_values(TABLE + name)
    if not len(column):
        loop = block.find_loop(TABLE + "id").get_loop()
        loop.add_columns([TABLE + name], instead)
        faults.add(kinds[0], "every atom")
        return
    ids = block.find_values(TABLE + "id")
    for row, value in enumerate(list(column)):
        if value in _NOT_GIVEN or math.isnan(gemmi.cif.as_number(value)):
            kind = kinds[0] if value in _NOT_GIVEN else kinds[1]
            faults.add(kind, f"atom {ids[row]}")
            column[row] = instead


def _name_elements(block: gemmi.cif.Block, faults: Faults) -> None:
    """Put the elements that aren't given and that names leave no doubt about."""
    column = block.find_values(TABLE + "type_symbol")
    text_of = texts(block)
    for row, value in enumerate(list(column)):
        if value in _NOT_GIVEN:
            element = element_meant(text_of("atom_id", row), text_of("comp_id", row))
            if element is not None:
                faults.add("element missing", f"atom {text_of('id', row)}")
                column[row] = element.upper()


def texts(block: gemmi.cif.Block) -> Callable[[str, int], str]:
    """Return a function that gives the text of a column in a row.

    Args:
        block: that has atoms.
    """
    found = {}
    for name in ("id", *_EITHER, "asym_id", "alt_id"):
        for prefix in ("auth_", "label_", ""):
            values = block.find_values(f"{TABLE}{prefix}{name}")
            if len(values):
                found[name] = values
                break

    def text(name: str, row: int) -> str:
        values = found.get(name)
        return "" if values is None else gemmi.cif.as_string(values[row])

    return text
