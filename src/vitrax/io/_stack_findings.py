"""What is wrong with the stacks that a table of particles names."""

import dataclasses
import warnings
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int

from .._files import InputError
from ._findings import Finding, as_numbers, odd, unusable_rows
from ._mrc import MrcHeader, read_header
from ._problem import Problem
from ._stack_images import parsed_image_names
from ._stack_search import StackSearch
from ._star_table import TEXT, StarTable


# Relative; headers are of single precision, and programs round.
_OF_PIXEL_SIZES = 0.01
_LISTED = 3
_REMEDIES = {
    "rlnImageSize": "check that the stack is the right one",
    "rlnImagePixelSize": "check which is right: RELION and vitrax take the table's, "
    "and 1 Å in a header is often a placeholder",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Stacks:
    """The stacks of a table, as their headers say.

    Attributes:
        names: as the table spells them.
        stack_of: which of them each row is in.
        index_of: which image of it, from 0; -1 where the name doesn't say.
        counts: images in each, -1 where it isn't found or can't be read.
        boxes: pixels along an edge, 0 likewise or where rows and columns differ.
        pixel_sizes: Å, 0 where the header doesn't say.
        lost: names of stacks that aren't found.
        damaged: what is wrong with those that can't be read.
    """

    names: tuple[str, ...]
    stack_of: Int[np.ndarray, " rows"]
    index_of: Int[np.ndarray, " rows"]
    counts: Int[np.ndarray, " stacks"]
    boxes: Int[np.ndarray, " stacks"]
    pixel_sizes: Float[np.ndarray, " stacks"]
    lost: tuple[str, ...]
    damaged: tuple[str, ...]

    def box_of(self, rows: Bool[np.ndarray, " rows"]) -> int:
        """Return the one box of some rows' images, 0 where there isn't one.

        Args:
            rows: whether each row is meant.
        """
        boxes = set(self.boxes[np.unique(self.stack_of[rows])].tolist()) - {0}
        return boxes.pop() if len(boxes) == 1 else 0


def look_at_stacks(particles: StarTable, search: StackSearch) -> Stacks:
    """Return what the headers of all stacks of a table say.

    Args:
        particles: the table.
        search: where stacks are looked for.
    """
    names, stack_of, index_of = parsed_image_names(
        particles["rlnImageName"].astype(TEXT)
    )
    counts, boxes = np.full(len(names), -1), np.zeros(len(names), np.int64)
    sizes, lost, damaged = np.zeros(len(names)), [], []
    for place, name in enumerate(names):
        if not search.is_there(name):
            lost.append(name)
            continue
        try:
            header = _header(search, name)
        except InputError as error:
            damaged.append(str(error))
            continue
        sections, rows, columns = header.shape
        counts[place], boxes[place] = sections, columns if rows == columns else 0
        sizes[place] = header.voxel_size[0]
    return Stacks(
        names,
        stack_of,
        index_of,
        counts,
        boxes,
        sizes,
        tuple(lost),
        tuple(damaged),
    )


def stack_findings(
    stacks: Stacks,
    search: StackSearch,
    optics: StarTable | None,
    groups: Int[np.ndarray, " rows"] | None,
) -> Iterator[Finding]:
    """Yield what is wrong with the stacks of a table.

    Args:
        stacks: of the table.
        search: where they were looked for.
        optics: the table of optics groups, None where there is none.
        groups: row in it of each particle, -1 for none; None where it isn't known.
    """
    if stacks.lost:
        what, where = search.lost_in_words(stacks.lost, len(stacks.names))
        yield odd(
            "rlnImageName",
            what,
            "go to the folder from which RELION was run, or give it (--project), or "
            f"map the beginnings of names (--path-map); {where}",
        )
    for message in stacks.damaged[:_LISTED]:
        yield Finding(Problem.of_message(message, "", "rlnImageName"))
    if len(stacks.damaged) > _LISTED:
        more = len(stacks.damaged) - _LISTED
        yield odd("rlnImageName", f"{more} more stacks can't be read", "see the first")
    counts = stacks.counts[stacks.stack_of]
    yield from unusable_rows(
        (counts >= 0) & (stacks.index_of >= counts),
        "rlnImageName asks for an image beyond the end of its stack",
    )
    said = optics is not None and "rlnImageSize" in optics
    shapes = {
        "aren't square": (stacks.counts >= 0) & (stacks.boxes == 0),
        "have an odd box, whose centre RELION's programs put one pixel further than "
        "vitrax": (stacks.boxes % 2 == 1) & (not said),
    }
    for what, bad in shapes.items():
        if bad.any():
            first = stacks.names[int(np.flatnonzero(bad)[0])]
            yield odd(
                "rlnImageName",
                f"the images of {_count(bad)}, such as {first}, {what}",
                "crop or pad them to an even square",
            )
    if optics is not None and groups is not None:
        yield from _against_optics(stacks, optics, groups)


def _against_optics(
    stacks: Stacks, optics: StarTable, groups: Int[np.ndarray, " rows"]
) -> Iterator[Finding]:
    """Yield the groups that say another box or pixel size than their stacks."""
    said = {
        "rlnImageSize": (stacks.boxes, 0.0, "pixels"),
        "rlnImagePixelSize": (stacks.pixel_sizes, _OF_PIXEL_SIZES, "Å"),
    }
    for name, (of_stacks, tolerance, unit) in said.items():
        if name not in optics:
            continue
        of_groups = as_numbers(optics, name)[groups]
        found = of_stacks[stacks.stack_of]
        bad = (found > 0) & (groups >= 0)
        bad &= np.abs(found - of_groups) > tolerance * np.abs(of_groups)
        for group in np.unique(groups[bad]).tolist():
            row = int(np.flatnonzero(bad & (groups == group))[0])
            yield odd(
                f"data_optics, row {group + 1}",
                f"{name} is {of_groups[row]:g}, and {found[row]:g} {unit} in the "
                f"header of {stacks.names[int(stacks.stack_of[row])]}",
                _REMEDIES[name],
            )


def _count(bad: Bool[np.ndarray, " stacks"]) -> str:
    count = int(bad.sum())
    return f"{count} stack{'s' if count > 1 else ''}"


def _header(search: StackSearch, name: str) -> MrcHeader:
    with warnings.catch_warnings():
        # What had to be inferred of a header is a matter of that file.
        warnings.simplefilter("ignore")
        return read_header(search.find(name))
