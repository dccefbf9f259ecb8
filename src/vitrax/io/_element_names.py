"""Elements of atoms whose name and residue leave no doubt."""

import gemmi


# Residues beside the standard ones whose atoms have names of the same kind.
_ALIKE = {"MSE": "CNOHD", "HOH": "OHD", "DOD": "OHD", "WAT": "OHD"}


def element_meant(name: str, residue: str) -> str | None:
    """Return the element that a name means in a residue, None where there is doubt.

    In standard amino acids and nucleotides the first letter of a name is the element:
    CA is an alpha carbon there, and calcium in a residue CA.

    Args:
        name: of the atom.
        residue: its residue's name.

    Example:
        >>> element_meant("CA", "GLY"), element_meant("CA", "CA")
        ('C', 'Ca')
        >>> element_meant("CA", "LIG") is None
        True
    """
    name, residue = name.strip().upper(), residue.strip().upper()
    if residue == "MSE" and name == "SE":
        return "Se"
    first = name.lstrip("0123456789'")[:1]
    letters = _letters(residue)
    if letters is not None:
        return first if first and first in letters else None
    element = gemmi.Element(name)
    if name == residue and name.isalpha() and element.atomic_number:
        return element.name
    return None


def _letters(residue: str) -> str | None:
    """Return the first letters of the names in a residue, if they are elements."""
    if residue in _ALIKE:
        return _ALIKE[residue]
    known = gemmi.find_tabulated_residue(residue)
    if not known.is_standard():
        return None
    if known.is_nucleic_acid():
        return "CNOPHD"
    return "CNOSHD" if known.is_amino_acid() else None
