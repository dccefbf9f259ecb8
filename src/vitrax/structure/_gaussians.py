"""A structure as a sum of isotropic Gaussians."""

import equinox as eqx
from jaxtyping import Array, Float

from .._checks import FINITE, POSITIVE, check_fields, must
from .._typing import as_float


class Gaussians(eqx.Module):
    r"""A scattering potential made of isotropic Gaussians.

    $$f(r) = \sum_{j,t} a_{jt}\, (2\pi s_{jt})^{-3/2} e^{-|r - r_j|^2 / 2 s_{jt}}$$

    Args:
        positions: $r_j$, (x, y, z), Å.
        amplitudes: $a_{jt}$, electron scattering factors at zero angle, Å.
        variances: $s_{jt}$, Å². A term $a\,e^{-b s^2}$ of a scattering-factor table,
            with $s = k/2$ and B-factor $B$, has variance $(b + B)/8\pi^2$.

    Raises:
        ValueError: if the shapes don't fit each other, there is no Gaussian, a variance
            isn't positive, or a number isn't finite.

    Example:
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> blob.amplitudes.shape
        (1, 1)
    """

    positions: Float[Array, "gaussians 3"] = eqx.field(
        converter=as_float, metadata=must(FINITE, "give (x, y, z) in Å")
    )
    amplitudes: Float[Array, "gaussians terms"] = eqx.field(
        converter=as_float, metadata=must(FINITE, "give scattering factors in Å")
    )
    variances: Float[Array, "gaussians terms"] = eqx.field(
        converter=as_float,
        metadata=must(
            POSITIVE, "give it in Å², or leave this Gaussian out; of atoms, raise B"
        ),
    )

    def __check_init__(self):
        count = len(self)
        fits = (
            self.positions.shape == (count, 3)
            and self.amplitudes.ndim == 2
            and self.amplitudes.shape[0] == count
            and self.variances.shape == self.amplitudes.shape
        )
        if not fits:
            raise ValueError(
                f"cannot make Gaussians because positions {self.positions.shape}, "
                f"amplitudes {self.amplitudes.shape} and variances "
                f"{self.variances.shape} don't fit; do give shapes (n, 3), (n, k) and "
                f"(n, k)"
            )
        if self.amplitudes.size == 0:
            raise ValueError(
                f"cannot make Gaussians of amplitudes {self.amplitudes.shape} because "
                f"there would be none; do give at least one"
            )
        check_fields(self)

    def __len__(self) -> int:
        return self.positions.shape[0] if self.positions.ndim else 0
