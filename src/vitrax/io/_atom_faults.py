"""What can be wrong with an atom in a file, and where it was found."""

import dataclasses

from ._problem import Problem


@dataclasses.dataclass(frozen=True)
class _Kind:
    """One fault.

    Args:
        what: is wrong.
        remedy: what to do, or what is taken instead.
        is_fixable: whether mending the file changes it.
        is_assumed: whether a reader goes on with an assumption that it must tell.
    """

    what: str
    remedy: str
    is_fixable: bool = True
    is_assumed: bool = False


_UNREADABLE = "write the model again from where it came, as mmCIF"

KINDS = {
    "cut": _Kind("the line is cut short", "copy the file again", False),
    "coordinates": _Kind("a coordinate isn't a number", _UNREADABLE, False),
    "element": _Kind(
        "the element is unknown, and the name doesn't tell it",
        'write the element, or read with unknown="skip" or "carbon" (--unknown)',
        False,
    ),
    "element unknown": _Kind(
        "the element is unknown", "the one that the name in this residue means"
    ),
    "element missing": _Kind(
        "no element is given", "the one that the name in this residue means"
    ),
    "element guessed": _Kind(
        "no element is given, and its name leaves doubt",
        "the one that the columns of the name mean, if any",
    ),
    "element wrong": _Kind(
        "the element isn't the one that the name in this residue means, such as "
        "calcium for an alpha carbon",
        "the one that it means",
    ),
    "occupancy missing": _Kind("no occupancy is given", "1 is taken"),
    "occupancy": _Kind("the occupancy isn't a number", "1 is taken", is_assumed=True),
    "occupancy negative": _Kind(
        "the occupancy is negative", "write 0 to 1 there", False
    ),
    "occupancies zero": _Kind(
        "every occupancy is 0, so nothing would be seen",
        "1 is taken",
        is_assumed=True,
    ),
    "occupancies high": _Kind(
        "the occupancies of its conformers sum to more than 1",
        "correct them, or read one conformer (--altloc)",
        False,
    ),
    "b missing": _Kind("no B-factor is given", "0 is taken", is_assumed=True),
    "b": _Kind("the B-factor isn't a number", "0 is taken", is_assumed=True),
    "b negative": _Kind("the B-factor is below 0", "0 is taken", is_assumed=True),
    "b wide": _Kind(
        "the B-factor doesn't fit its columns", "999.99 is taken", is_assumed=True
    ),
    "b zero": _Kind(
        "every B-factor is 0: the atoms are at rest", "give --b-factor", False
    ),
    "twice": _Kind(
        "it lies where another atom lies", "remove one, or give conformers", False
    ),
    "numbers": _Kind("atom numbers repeat or don't fit", "atoms are numbered anew"),
}
_LISTED = 5


class Faults:
    """Faults of a file, by kind, with the places of each."""

    def __init__(self) -> None:
        self.places: dict[str, list[str]] = {}

    def add(self, kind: str, place: str) -> None:
        """Note that a fault is in a place.

        Args:
            kind: of `KINDS`.
            place: line or atom.
        """
        self.places.setdefault(kind, []).append(place)

    def assumptions(self) -> list[str]:
        """Return what a reader assumed and must tell, in words."""
        found = [
            f"{where(self.places[kind])}: {KINDS[kind].what}; {KINDS[kind].remedy}"
            for kind in self.places
            if KINDS[kind].is_assumed
        ]
        sure, guessed = (
            self.places.get(kind, []) for kind in ("element missing", "element guessed")
        )
        if sure or guessed:
            doubt = f", {len(guessed)} of them in doubt ({where(guessed)})"
            if not sure:
                doubt = ", which leave doubt"
            found.append(
                f"{len(sure) + len(guessed)} atoms ({where(sure + guessed)}) have no "
                f"element; it was taken from their names{doubt if guessed else ''}; do "
                f"write the elements, as `vitrax check --fix` does"
            )
        return found

    def problems(self) -> list[Problem]:
        """Return the faults as `vitrax check` lists them, in the order of `KINDS`."""
        return [
            Problem(where(self.places[name]), kind.what, kind.remedy, kind.is_fixable)
            for name, kind in KINDS.items()
            if name in self.places
        ]


def where(places: list[str]) -> str:
    """Return the first places, and how many more there are.

    Example:
        >>> where([f"line {number}" for number in range(1, 9)])
        'line 1, line 2, line 3, line 4, line 5 and 3 more'
    """
    listed = ", ".join(places[:_LISTED])
    more = len(places) - _LISTED
    return f"{listed} and {more} more" if more > 0 else listed
