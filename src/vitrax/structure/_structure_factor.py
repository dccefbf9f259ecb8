"""How far molecules of a liquid or glass keep their distance: the structure factor."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import FINITE, POSITIVE, check_fields, checked, must
from .._typing import Scalar, as_float, real_dtype


class StructureFactor(eqx.Module):
    r"""Structure factor of molecular centres, a sum of peaks over a correlation hole.

    $$S(k) = 1 - (1 - S_0)\, e^{-k^2/\kappa^2}
    + \sum_j h_j\, e^{-(k - c_j)^2 / 2 w_j^2}$$

    $S_0$ is the compressibility, $S \to 1$ where molecules are no longer correlated.

    Args:
        at_zero: $S_0$.
        hole: $\kappa$, 1/Å.
        heights: $h_j$; those of troughs are negative.
        centres: $c_j$, 1/Å.
        widths: $w_j$, 1/Å.

    Raises:
        ValueError: if the peaks differ in number, or a number isn't what it must be.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> ice = vx.structure.StructureFactor.vitreous()
        >>> [round(float(ice(jnp.asarray(k))), 2) for k in (0.0, 1 / 3.7, 2.0)]
        [0.03, 1.56, 1.0]
    """

    at_zero: Scalar = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "give S at zero frequency")
    )
    hole: Scalar = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "give the width of the hole, 1/Å")
    )
    heights: Float[Array, " peaks"] = eqx.field(
        converter=as_float, metadata=must(FINITE, "give one height for each peak")
    )
    centres: Float[Array, " peaks"] = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "give a frequency in 1/Å")
    )
    widths: Float[Array, " peaks"] = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "give a width in 1/Å")
    )

    def __check_init__(self) -> None:
        if not self.heights.shape == self.centres.shape == self.widths.shape:
            raise ValueError(
                f"cannot make StructureFactor because heights {self.heights.shape}, "
                f"centres {self.centres.shape} and widths {self.widths.shape} differ; "
                f"do give one of each for every peak"
            )
        check_fields(self)

    @classmethod
    def vitreous(cls) -> Self:
        """Return that of vitreous ice, 0.94 g/cm³: a model, not a fitted measurement.

        The peaks lie where low-density amorphous ice has them, the first at 3.7 Å. The
        other numbers were chosen so that the pair correlation at 0.0314 molecules/Å³
        has no molecules within 2.3 Å, four neighbours at 2.75 Å and a second shell at
        4.7 Å. Heights may be off by some tenths. $S_0$ is small because amorphous ices
        are nearly without density fluctuations; 0.03 is a guess.

        References:
            McMullan, Vinothkumar and Henderson 2015, arXiv:1504.00947 (the peak at 3.7
            Å); Martelli, Torquato, Giovambattista and Car 2017, arXiv:1705.09961
            (density fluctuations).
        """
        return cls(
            0.03,
            0.42,
            [1.20, 0.28, 1.30, -0.28, 0.42, -0.53],
            [0.270, 0.393, 0.490, 0.566, 0.920, 0.960],
            [0.028, 0.030, 0.037, 0.060, 0.126, 0.066],
        )

    @classmethod
    def liquid(cls) -> Self:
        """Return that of liquid water at room temperature, of the TIP3P model.

        Fitted to the oxygens of one simulated box of 35 Å: within 4 % from 0.17 to
        0.8/Å, within the noise of the box below.
        """
        return cls(
            0.067,
            0.5,
            [0.363, 0.765, -0.047, 0.239],
            [0.3136, 0.4186, 0.5657, 0.772],
            [0.0386, 0.0731, 0.0272, 0.0669],
        )

    def __call__(self, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return S at each frequency, 1/Å."""
        factor = checked("StructureFactor", factor=self)
        frequency = as_float(frequency).astype(real_dtype(factor))

        hole = (1 - factor.at_zero) * jnp.exp(-((frequency / factor.hole) ** 2))
        total = 1 - hole
        # One by one: a sum along an axis of peaks takes many times as long.
        for i in range(factor.heights.size):
            distance = (frequency - factor.centres[i]) / factor.widths[i]
            total = total + factor.heights[i] * jnp.exp(-0.5 * distance**2)
        return total
