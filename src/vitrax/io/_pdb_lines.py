"""The lines of a PDB file, checked and completed before they are parsed.

The parser takes ******** for 0 and a blank occupancy for 0, and gives atoms without a
B-factor one of 20.
"""

import re

from ._atom_faults import Faults
from ._element_names import element_meant


ATOM_RECORDS = ("ATOM  ", "HETATM")
_NAME, _RESIDUE = slice(12, 16), slice(17, 20)
_COORDINATES, _OCCUPANCY, _B_FACTOR = slice(30, 54), slice(54, 60), slice(60, 66)
_ELEMENT = slice(76, 78)

_NUMBER = r" *[+-]?(?:\d+\.?\d*|\.\d+) *"
_is_number = re.compile(_NUMBER).fullmatch
# Where a line that was written whole may end.
_ENDS = (54, 60, 66)


def complete_lines(text: str) -> tuple[list[str], Faults]:
    """Return the lines of a PDB file with all fields that its atoms need.

    Lines whose faults can't be mended are as they were.

    Args:
        text: of the file.
    """
    faults = Faults()
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if line.startswith(ATOM_RECORDS):
            is_last = index == len(lines) - 1 and not text.endswith("\n")
            lines[index] = _completed(line, f"line {index + 1}", faults, is_last)
    _check_numbers(lines, faults)
    return lines, faults


def _completed(line: str, place: str, faults: Faults, is_last: bool) -> str:
    if len(line.rstrip()) < 54 or (is_last and _stops_within_a_field(line)):
        faults.add("cut", place)
        return line
    field = line[_COORDINATES]
    if not (
        _is_number(field[:8]) and _is_number(field[8:16]) and _is_number(field[16:])
    ):
        faults.add("coordinates", place)
        return line
    occupancy, b_factor = line[_OCCUPANCY], line[_B_FACTOR]
    if not (_is_number(occupancy) and _is_number(b_factor)):
        occupancy = _occupancy(occupancy, place, faults)
        b_factor = _b_factor(b_factor, place, faults)
        line = f"{line[:54]}{occupancy:>6}{b_factor:>6}{line[66:]}"
    if not any(letter.isalpha() for letter in line[_ELEMENT]):
        line = _with_element(line, place, faults)
    return line


def _stops_within_a_field(line: str) -> bool:
    """Return whether the last line of a file that has no end was cut."""
    length = len(line.rstrip())
    return length < _ENDS[-1] and length not in _ENDS


def _occupancy(field: str, place: str, faults: Faults) -> str:
    if _is_number(field):
        return field
    faults.add("occupancy" if field.strip() else "occupancy missing", place)
    return "1.00"


def _b_factor(field: str, place: str, faults: Faults) -> str:
    if _is_number(field):
        return field
    if field == "******":
        faults.add("b wide", place)
        return "999.99"
    faults.add("b" if field.strip() else "b missing", place)
    return "0.00"


def _with_element(line: str, place: str, faults: Faults) -> str:
    """Return a line with the element that its name means, if there is no doubt."""
    element = element_meant(line[_NAME], line[_RESIDUE])
    if element is None:
        faults.add("element guessed", place)
        return line
    faults.add("element missing", place)
    return f"{line[:76]:<76}{element.upper():>2}{line[78:]}"


def _check_numbers(lines: list[str], faults: Faults) -> None:
    """Note where numbers of atoms begin to repeat within a model."""
    seen: set[str] = set()
    for index, line in enumerate(lines):
        if line.startswith("MODEL"):
            seen.clear()
        elif line.startswith(ATOM_RECORDS):
            if (number := line[6:11]) in seen:
                faults.add("numbers", f"line {index + 1}")
            seen.add(number)
