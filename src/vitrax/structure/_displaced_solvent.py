"""The solvent that a molecule takes the place of."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._checks import NOT_NEGATIVE, checked, checked_number
from .._typing import ScalarLike, as_float
from ..physics import (
    PENG_1996,
    POTENTIAL_FACTOR,
    ElementsLike,
    ScatteringFactors,
    as_elements,
    atomic_numbers,
)
from ._atoms import Atoms
from ._gaussians import Gaussians


@dataclasses.dataclass(frozen=True, repr=False)
class DisplacedVolumes:
    """Volumes of solvent that atoms displace.

    Args:
        name: of the table.
        rows: (symbol, Å³). Elements that aren't in it, mostly ions, displace nothing.

    Example:
        >>> import vitrax as vx
        >>> vx.structure.FRASER_1978(vx.physics.atomic_numbers(["C", "H"])).tolist()
        [16.44, 5.15]
    """

    name: str
    rows: tuple[tuple[str, float], ...]

    def __repr__(self) -> str:
        return f"<DisplacedVolumes {self.name}, {len(self.rows)} elements>"

    def __call__(self, elements: ElementsLike) -> Float[np.ndarray, " atoms"]:
        """Return the volume of each atom, Å³, of atomic numbers or symbols."""
        table = np.zeros(256)
        for symbol, volume in self.rows:
            table[atomic_numbers([symbol])[0]] = volume
        return table[np.frombuffer(as_elements(elements), np.uint8)]


FRASER_1978 = DisplacedVolumes(
    "Fraser 1978",
    (("H", 5.15), ("C", 16.44), ("N", 2.49), ("O", 9.13), ("P", 5.73), ("S", 19.86)),
)
"""Fraser, MacRae and Suzuki 1978; phosphorus is a value of X-ray scattering programs.

References:
    Fraser, MacRae and Suzuki, J. Appl. Cryst. 11, 693 (1978).
"""


def displaced_solvent(
    atoms: Atoms,
    potential: ScalarLike = 4.572,
    volumes: DisplacedVolumes = FRASER_1978,
) -> Gaussians:
    r"""Return the solvent that atoms take the place of, as Gaussians below zero.

    Each atom displaces a Gaussian of the volume $V$ of its element,

    $$-U\, e^{-\pi r^2 / V^{2/3}},$$

    which is widened by the atom's B-factor as the atom is, and weighted by its
    occupancy. Without its hydrogens a protein displaces almost a third too little:
    `with_mean_hydrogens` comes first where the model lacks them.

    Args:
        atoms: all of them, hydrogens included.
        potential: $U$, mean inner potential of the solvent, V. The default is that of
            vitreous ice of 0.94 g/cm³ made of neutral atoms (`water_potential`), as the
            molecule is made of them here. Bonds lower the potential of both: a value
            measured for ice belongs to a measured one of protein.
        volumes: $V$ of each element.

    Raises:
        ValueError: if the potential is negative.

    References:
        Fraser, MacRae and Suzuki 1978, J. Appl. Cryst. 11, 693: the volumes and their
        form.

    Example:
        >>> import vitrax as vx
        >>> carbon = vx.Atoms([[0.0, 0.0, 0.0]], [6], [20.0], [1.0])
        >>> hole = vx.structure.displaced_solvent(carbon)
        >>> round(float(hole.amplitudes[0, 0]), 2)
        -1.57
    """
    verb = "displaced_solvent"
    atoms = checked(verb, atoms=atoms)
    potential = checked_number(
        verb, "potential", potential, NOT_NEGATIVE, "give the solvent's in volts"
    )
    dtype = atoms.positions.dtype
    volume = volumes(atoms.elements)
    # What displaces nothing has amplitude 0 and any width.
    spread = np.where(volume > 0, volume, 1.0) ** (2 / 3) / (2 * math.pi)
    scale = as_float(potential).astype(dtype) / POTENTIAL_FACTOR
    taken = jnp.asarray(volume, dtype) * atoms.occupancies.astype(dtype)
    widths = jnp.asarray(spread, dtype) + atoms.b_factors.astype(dtype) / (
        8 * math.pi**2
    )
    return Gaussians(atoms.positions, -(scale * taken)[:, None], widths[:, None])


def in_solvent(
    atoms: Atoms,
    potential: ScalarLike = 4.572,
    volumes: DisplacedVolumes = FRASER_1978,
    table: ScatteringFactors = PENG_1996,
) -> Gaussians:
    """Return atoms less the solvent that they displace: what an image in ice shows.

    The contrast of a protein at low resolution falls to 0.42; beyond 1/1.5 Å it changes
    by less than 1 %.

    Args:
        atoms: all of them, hydrogens included; see `with_mean_hydrogens`.
        potential: mean inner potential of the solvent, V; see `displaced_solvent`.
        volumes: of solvent that atoms displace.
        table: of electron scattering factors.

    Raises:
        ValueError: if the potential is negative, or an element isn't in the table.

    Example:
        >>> import vitrax as vx
        >>> carbon = vx.Atoms([[0.0, 0.0, 0.0]], [6], [20.0], [1.0])
        >>> round(float(vx.structure.in_solvent(carbon).amplitudes.sum()), 2)
        0.94
    """
    atoms = checked("in_solvent", atoms=atoms)
    alone = atoms.to_gaussians(table)
    hole = displaced_solvent(atoms, potential, volumes)
    return Gaussians(
        alone.positions,
        jnp.concatenate([alone.amplitudes, hole.amplitudes], axis=1),
        jnp.concatenate([alone.variances, hole.variances], axis=1),
    )
