"""What is wrong with a table of optics groups."""

from collections.abc import Iterator

import numpy as np

from ._columns import did_you_mean, rows_in_words
from ._findings import Finding, as_numbers, odd, odd_rows
from ._labels import PIXEL_SIZES
from ._star_table import StarTable


# What each number usually is: lowest, highest, unit.
_USUAL = {
    "rlnVoltage": (60.0, 1000.0, "kV"),
    "rlnSphericalAberration": (0.0, 10.0, "mm"),
    "rlnAmplitudeContrast": (0.0, 0.5, "as a fraction"),
    "rlnImagePixelSize": (0.05, 50.0, "Å"),
}
_VOLTS = 1e4


def optics_findings(optics: StarTable, particles: StarTable) -> Iterator[Finding]:
    """Yield what is wrong with optics groups, and with who names them.

    Args:
        optics: the table of groups.
        particles: the table of particles.
    """
    where = "data_optics"
    for name in _USUAL:
        if name not in optics:
            hint = did_you_mean(name, list(optics))
            other = next((each for each in PIXEL_SIZES if each in optics), None)
            if name == PIXEL_SIZES[0] and other is not None:
                hint += f"; {other} stands for it, wrong if particles were binned"
            yield odd(where, f"it has no {name}{hint}", "add or rename the column")
            continue
        yield from _unusual(optics, name, where)
    if "rlnImageSize" in optics:
        boxes = as_numbers(optics, "rlnImageSize")
        bad = boxes % 2 == 1
        if bad.any():
            yield odd(
                f"{where}, {rows_in_words(bad)}",
                "rlnImageSize is odd: RELION's programs put the centre of such images "
                "one pixel further than vitrax",
                "crop or pad the images to an even box",
            )
    yield from _of_numbers(optics, particles)


def old_optics_findings(particles: StarTable) -> Iterator[Finding]:
    """Yield what is wrong with the optics of a table that keeps them per particle.

    Args:
        particles: the table.
    """
    for name in _USUAL:
        if name in particles:
            yield from _unusual(particles, name, "data_particles")


def in_volts(table: StarTable) -> bool:
    """Return whether the voltages of a table are in V rather than kV.

    Args:
        table: of optics groups, or of particles in old files.
    """
    if "rlnVoltage" not in table or not table.rows:
        return False
    volts = as_numbers(table, "rlnVoltage")
    return bool((volts >= _VOLTS).all())


def _unusual(table: StarTable, name: str, where: str) -> Iterator[Finding]:
    """Yield the rows whose number is none of a microscope."""
    lowest, highest, unit = _USUAL[name]
    values = as_numbers(table, name)
    if name == "rlnVoltage" and in_volts(table):
        what = f"rlnVoltage is {values[0]:g}, which is in V"
        yield odd(where, what, "write it in kV", is_fixable=True)
        return
    bad = ~((values >= lowest) & (values <= highest))
    if bad.any():
        first = table[name][np.flatnonzero(bad)[0]]
        yield odd(
            f"{where}, {rows_in_words(bad)}",
            f"{name} is {first}, which isn't within {lowest:g} and {highest:g}",
            f"correct it, {unit}",
        )


def _of_numbers(optics: StarTable, particles: StarTable) -> Iterator[Finding]:
    """Yield what is wrong with the numbers of groups."""
    name, remedy = "rlnOpticsGroup", "number the groups 1, 2, …"
    for table, where in ((optics, "data_optics"), (particles, "data_particles")):
        if name not in table:
            yield odd(where, f"it has no {name}", "add the column")
            return
    numbers = as_numbers(optics, name)
    if len(np.unique(numbers)) < len(numbers) or np.isnan(numbers).any():
        yield odd("data_optics", f"{name} isn't a different number in each row", remedy)
    used = as_numbers(particles, name)
    yield from odd_rows(
        ~np.isin(used, numbers),
        f"{name} names a group that data_optics doesn't have",
        f"add the group to data_optics, or correct {name}",
    )
