"""Hydrogens that a model lacks, as a mean."""

import math

import jax.numpy as jnp
import numpy as np

from .._checks import checked
from ..physics import atomic_numbers
from ._atoms import Atoms


# Mean number of hydrogens on an atom of a protein in water at pH 7, of the amino-acid
# composition of UniProtKB/Swiss-Prot; lengths of their bonds, Å.
_HYDROGENS = {"C": (1.225, 1.09), "N": (1.174, 1.01), "O": (0.101, 0.96)}
_HYDROGENS |= {"S": (0.364, 1.34)}


def with_mean_hydrogens(atoms: Atoms) -> Atoms:
    r"""Return atoms of a protein and the hydrogens that its model lacks, as a mean.

    Each carbon, nitrogen, oxygen and sulphur gets one more atom at its place: hydrogen,
    with the mean number that these have in proteins (1.225, 1.174, 0.101, 0.364) as
    occupancy, and the mean squared length of the bond in its B-factor,
    $8\pi^2 d^2/3$. Right on average, at low resolution: half the atoms of a protein are
    hydrogens, with almost a fifth of its potential.

    Args:
        atoms: without hydrogens.

    Returns:
        The atoms, then the hydrogens.

    Raises:
        ValueError: if there are hydrogens already.

    Example:
        >>> import vitrax as vx
        >>> shell = vx.structure.with_mean_hydrogens(vx.datasets.apoferritin())
        >>> len(shell)
        65208
    """
    atoms = checked("with_mean_hydrogens", atoms=atoms)
    hydrogen = atomic_numbers("H")
    if hydrogen in atoms.elements:
        raise ValueError(
            f"cannot add mean hydrogens because {atoms.elements.count(hydrogen)} of "
            f"the {len(atoms)} atoms are hydrogens; do read the model with "
            f"hydrogens=False, or keep its own"
        )
    numbers = atomic_numbers(_HYDROGENS)
    parents = [i for i, element in enumerate(atoms.elements) if element in numbers]
    means = [_HYDROGENS["CNOS"[numbers.index(atoms.elements[i])]] for i in parents]
    counts, lengths = np.asarray(means).reshape(-1, 2).T
    index, dtype = np.asarray(parents, int), atoms.b_factors.dtype
    spread = jnp.asarray(8 * math.pi**2 / 3 * lengths**2, dtype)
    share = jnp.asarray(counts, atoms.occupancies.dtype)
    return Atoms(
        jnp.concatenate([atoms.positions, atoms.positions[index]]),
        atoms.elements + hydrogen * len(parents),
        jnp.concatenate([atoms.b_factors, atoms.b_factors[index] + spread]),
        jnp.concatenate([atoms.occupancies, atoms.occupancies[index] * share]),
    )
