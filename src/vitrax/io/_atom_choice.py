"""Which of the atoms in a file are wanted."""

import dataclasses
import re
from typing import Any

import gemmi

from .._files import InputError


ALTLOCS = ("all", "highest", "first")
UNKNOWNS = ("error", "skip", "carbon")


@dataclasses.dataclass(frozen=True)
class AtomChoice:
    """What `read_atoms` and `read_ensemble` are asked for; see there."""

    assembly: str | None = None
    hydrogens: bool = True
    waters: bool = True
    altloc: str = "all"
    select: str | None = None
    unknown: str = "error"

    def __post_init__(self) -> None:
        if self.altloc not in ALTLOCS and len(self.altloc) != 1:
            raise ValueError(
                f"cannot take altloc={self.altloc!r} because it is none of "
                f"{', '.join(ALTLOCS)}, nor the letter of a conformer; do give one"
            )
        if self.unknown not in UNKNOWNS:
            raise ValueError(
                f"cannot take unknown={self.unknown!r} because it is none of "
                f"{', '.join(UNKNOWNS)}; do give one of them"
            )
        if self.select is not None:
            _parsed(self.select)

    def sites(self, model: gemmi.Model, source: str) -> list[Any]:
        """Return the atoms of a model that are chosen, with chain and residue.

        Args:
            model: of the file; what isn't chosen is taken out of it.
            source: name of the file, for messages.

        Raises:
            InputError: if none is left.
        """
        if self.select is not None:
            _parsed(self.select).remove_not_selected(model)
        sites = [
            site
            for site in model.all()
            if (self.hydrogens or not site.atom.is_hydrogen())
            and (self.waters or not site.residue.is_water())
        ]
        if not sites:
            raise InputError(
                f"cannot read {source} because no atoms are left of model "
                f"{model.num}; do check {self._narrowing()}"
            )
        return sites

    def _narrowing(self) -> str:
        """Return the options that leave atoms out, as they are typed."""
        given = [] if self.select is None else [f"select={self.select!r}"]
        given += [
            f"{name}=False"
            for name in ("hydrogens", "waters")
            if not getattr(self, name)
        ]
        return " and ".join(given) or "that the model isn't empty"


def _parsed(text: str) -> gemmi.Selection:
    """Return a selection of atoms.

    Raises:
        ValueError: if it can't be understood.
    """
    try:
        if re.match(r"/\d", text):
            raise ValueError("it names a model, which model= does")
        return gemmi.Selection(text)
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"cannot select atoms by {text!r} because it isn't a selection of gemmi's "
            f"({error}); do write it as in //A/10-50/CA[C] (chain, residues, atom, "
            f"element), each part optional"
        ) from error
