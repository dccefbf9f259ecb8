"""The middle of a structure, and the structure about it."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from .._checks import checked
from .._typing import Vector3
from ._atoms import Atoms


def centre_of_mass(atoms: Atoms) -> Vector3:
    r"""Return the mean position of atoms, $\sum_j w_j r_j / \sum_j w_j$, in Å.

    The weight is atomic number times occupancy, in proportion to which an atom
    scatters, nearly; all atoms weigh the same where every occupancy is 0.

    Args:
        atoms: at least one.

    Raises:
        ValueError: if there are no atoms.

    Example:
        >>> import vitrax as vx
        >>> pair = vx.Atoms([[0.0, 0.0, 0.0], [8.0, 0.0, 0.0]], [6, 2], [0, 0], [1, 1])
        >>> vx.structure.centre_of_mass(pair).tolist()
        [2.0, 0.0, 0.0]
    """
    atoms = checked("centre_of_mass", atoms=atoms)
    if not len(atoms):
        raise ValueError(
            "cannot take the centre of mass because there are no atoms; do give one"
        )
    dtype = atoms.positions.dtype
    numbers = jnp.asarray(np.frombuffer(atoms.elements, np.uint8), dtype)
    weights = numbers * atoms.occupancies.astype(dtype)
    total = jnp.sum(weights)
    weights = jnp.where(total > 0, weights, jnp.ones_like(weights))
    weights = weights / jnp.sum(weights)
    # Of small numbers single precision has more digits left.
    near = jnp.mean(atoms.positions, axis=0)
    offsets = atoms.positions - near[None]
    return near + jnp.sum(weights[:, None] * offsets, axis=0)


def centred(atoms: Atoms) -> Atoms:
    """Return atoms moved so that their centre of mass is the origin.

    The origin is what poses turn about, and the middle of images. Files have molecules
    anywhere.

    Args:
        atoms: at least one.

    Raises:
        ValueError: if there are no atoms.

    Example:
        >>> import vitrax as vx
        >>> atoms = vx.Atoms([[1.0, 2.0, 3.0], [3.0, 2.0, 3.0]], [6, 6], [0, 0], [1, 1])
        >>> vx.structure.centred(atoms).positions.tolist()
        [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """
    atoms = checked("centred", atoms=atoms)
    centre = centre_of_mass(atoms)
    return dataclasses.replace(atoms, positions=atoms.positions - centre[None])
