"""Models that differ in their atoms, made alike."""

import dataclasses

import numpy as np

from .._files import InputError
from ._biological_assembly import MAX_ATOMS
from ._sites import Key, Sites


def united(models: list[Sites], keys: list[list[Key]], source: str) -> list[Sites]:
    """Return models that all have the same atoms in the same order.

    An atom that a model lacks is there with occupancy 0, and so isn't seen; its place
    is that in the first model that has it.

    Args:
        models: with their own atoms.
        keys: of the atoms of each, by which they are recognised in another.
        source: name of the file, for messages.

    Raises:
        InputError: if that would be too many atoms.
    """
    if all(each == keys[0] for each in keys):
        return models
    rows: dict[Key, int] = {}
    firsts = []
    for model, own in zip(models, keys, strict=True):
        new = [i for i, key in enumerate(own) if key not in rows]
        firsts.append(model.rows(np.array(new, np.int64)))
        for i in new:
            rows[own[i]] = len(rows)
    if len(rows) * len(models) > MAX_ATOMS:
        raise InputError(
            f"cannot read the models of {source} as an ensemble because their "
            f"{len(models)} times {len(rows)} different atoms are more than "
            f"{MAX_ATOMS}; do read them one by one with model="
        )
    every = _joined(firsts)
    found = []
    for model, own in zip(models, keys, strict=True):
        places = np.array([rows[key] for key in own])
        positions, b_factors = every.positions.copy(), every.b_factors.copy()
        occupancies = np.zeros(len(every))
        positions[places] = model.positions
        b_factors[places] = model.b_factors
        occupancies[places] = model.occupancies
        found.append(
            dataclasses.replace(
                every,
                positions=positions,
                b_factors=b_factors,
                occupancies=occupancies,
            )
        )
    return found


def _joined(parts: list[Sites]) -> Sites:
    names = [field.name for field in dataclasses.fields(Sites)]
    return Sites(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in names)
    )
