"""Atoms, as a coordinate file gives them."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import FINITE, NOT_NEGATIVE, check_fields, must
from .._typing import as_float
from ..physics import PENG_1996, ScatteringFactors, as_elements
from ._gaussians import Gaussians


class Atoms(eqx.Module):
    """Atoms of a structure.

    Args:
        positions: (x, y, z), Å.
        elements: atomic numbers or symbols; kept as static `bytes`, one per atom.
        b_factors: isotropic, Å², 0 or more. Files hold negative ones, which
            `vitrax.io.read_atoms` raises to 0.
        occupancies: weight of each atom, usually 0 to 1; as in files, it may be more.

    Raises:
        ValueError: if the fields differ in their number of atoms, a number isn't
            finite, or a B-factor or occupancy is negative.

    Example:
        >>> import vitrax as vx
        >>> hydroxide = [[0.0, 0.0, 0.0], [0.96, 0.0, 0.0]]
        >>> atoms = vx.Atoms(hydroxide, [8, 1], [20.0, 20.0], [1.0, 1.0])
        >>> len(atoms)
        2
    """

    positions: Float[Array, "atoms 3"] = eqx.field(
        converter=as_float, metadata=must(FINITE, "give (x, y, z) in Å")
    )
    elements: bytes = eqx.field(converter=as_elements, static=True)
    b_factors: Float[Array, " atoms"] = eqx.field(
        converter=as_float, metadata=must(NOT_NEGATIVE, "raise it to 0 Å²")
    )
    occupancies: Float[Array, " atoms"] = eqx.field(
        converter=as_float, metadata=must(NOT_NEGATIVE, "give 0 to 1")
    )

    def __check_init__(self):
        count = len(self.elements)
        for name in ("positions", "b_factors", "occupancies"):
            array = getattr(self, name)
            expected = (count, 3) if name == "positions" else (count,)
            if array.shape != expected:
                raise ValueError(
                    f"cannot make Atoms because {name} has shape {array.shape} where "
                    f"{count} elements need {expected}; do give one row per atom"
                )
        check_fields(self)

    def __len__(self) -> int:
        return len(self.elements)

    def to_gaussians(self, table: ScatteringFactors = PENG_1996) -> Gaussians:
        r"""Return the atoms' potential: each a sum of Gaussians of a scattering table.

        A term $a e^{-b s^2}$ with $s = k/2$ has amplitude $a$ times the occupancy, and
        variance $(b + B)/8\pi^2$.

        Args:
            table: of electron scattering factors of neutral atoms; the others are
                `vitrax.physics.LOBATO_2014` and `vitrax.physics.KIRKLAND_2020`.

        Raises:
            ValueError: if an element isn't in the table.
        """
        dtype = self.positions.dtype
        amplitudes = jnp.asarray(table.amplitudes(self.elements), dtype)
        widths = jnp.asarray(table.b_factors(self.elements), dtype)
        b_factors = self.b_factors.astype(dtype)[:, None]
        return Gaussians(
            self.positions,
            amplitudes * self.occupancies.astype(dtype)[:, None],
            (widths + b_factors) / (8 * math.pi**2),
        )
