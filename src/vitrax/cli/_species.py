"""Kinds of particles that share a micrograph: structures, and models of them."""

import dataclasses
import pathlib

import numpy as np

from ._draw import draw_models
from ._micrograph_recipe import MicrographRecipe
from ._specimen import Specimen


@dataclasses.dataclass(frozen=True)
class Species:
    """Particles of one kind, which have one rlnClassNumber.

    Args:
        path: of the structure.
        specimen: what each of them is.
        count: how many there are.
        model: of the file, from 1, where all models of it are in the field.
    """

    path: pathlib.Path
    specimen: Specimen
    count: int
    model: int | None = None

    @property
    def name(self) -> str:
        """The structure's file, and the model of it."""
        model = f", model {self.model}" if self.model else ""
        return f"{self.path.name}{model}"


def species_of(
    recipe: MicrographRecipe, specimens: tuple[Specimen, ...]
) -> tuple[Species, ...]:
    """Return the species of a field, by rlnClassNumber from 1.

    Copies of a structure of which all models are wanted are spread over these.

    Args:
        recipe: the parameters.
        specimens: one for each structure.
    """
    found = []
    for number, specimen in enumerate(specimens):
        path, copies = recipe.structures[number], recipe.copies[number]
        if not specimen.states:
            found.append(Species(path, specimen, copies))
            continue
        many = len(specimen.states)
        drawn = draw_models(recipe.seed, copies, many, number) if copies else []
        counts = np.bincount(np.asarray(drawn, int), minlength=many)
        for model, state in enumerate(specimen.states):
            one = dataclasses.replace(specimen, voxel_map=state, states=())
            found.append(Species(path, one, int(counts[model]), model + 1))
    return tuple(found)
