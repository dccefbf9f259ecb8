"""Transfer of a detector by frequency: MTF and DQE in closed form."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import FINITE, NOT_NEGATIVE, check_fields, checked, must
from .._typing import Scalar, as_float


class AbstractTransfer(eqx.Module):
    """What a detector transfers of each frequency, in either direction alike."""

    @abc.abstractmethod
    def __call__(self, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the transfer at frequencies in 1/pixel of the physical detector."""


class IdealTransfer(AbstractTransfer):
    """The transfer of a detector that loses nothing, 1 at each frequency.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.detector import IdealTransfer
        >>> IdealTransfer()(jnp.asarray([0.0, 0.5])).tolist()
        [1.0, 1.0]
    """

    def __call__(self, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return ones."""
        return jnp.ones_like(frequency)


class GaussianTransfer(AbstractTransfer):
    r"""The transfer of a Gaussian point spread, $e^{-2\pi^2 w^2 f^2}$.

    Args:
        width: $w$, standard deviation of the point spread, pixels.

    Raises:
        ValueError: if the width is negative or not finite.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.detector import GaussianTransfer
        >>> GaussianTransfer(0.5)(jnp.asarray([0.0, 0.5])).round(4).tolist()
        [1.0, 0.2912]
    """

    width: Scalar = eqx.field(
        converter=as_float, metadata=must(NOT_NEGATIVE, "give it in pixels")
    )

    def __check_init__(self) -> None:
        check_fields(self)

    def __call__(self, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the transfer at frequencies in 1/pixel."""
        transfer = checked("GaussianTransfer.__call__", transfer=self)
        width = transfer.width.astype(frequency.dtype)
        return jnp.exp(-2 * (jnp.pi * width * frequency) ** 2)


class PixelTransfer(AbstractTransfer):
    r"""The transfer of a pixel that counts all over its area, $\sin \pi f / \pi f$.

    That is the transfer along the rows and columns, here taken in each direction; at
    Nyquist it is $2/\pi$. It is negative between $f = 1$ and 2.

    References:
        McMullan et al. 2009, Ultramicroscopy 109, 1126-1143.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.detector import PixelTransfer
        >>> PixelTransfer()(jnp.asarray([0.0, 0.5])).round(4).tolist()
        [1.0, 0.6366]
    """

    def __call__(self, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the transfer at frequencies in 1/pixel."""
        return jnp.sinc(frequency)


class LorentzianTransfer(AbstractTransfer):
    r"""A sum of Lorentzians and a constant, $\sum_i a_i / (1 + \alpha_i f^2) + c$.

    Args:
        amplitudes: $a_i$.
        decays: $\alpha_i$, in squared pixels, 0 or more.
        constant: $c$.

    Raises:
        ValueError: if there aren't as many decays as amplitudes, a decay is negative,
            or a number isn't finite.

    References:
        Rullgård et al. 2011, J. Microsc. 243, 234-256: the MTF of TEM-simulator, of two
        such terms.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.detector import LorentzianTransfer
        >>> mtf = LorentzianTransfer([0.7, 0.2], [40.0, 4.0], constant=0.1)
        >>> mtf(jnp.asarray([0.0, 0.5])).round(4).tolist()
        [1.0, 0.2636]
    """

    amplitudes: Float[Array, " terms"] = eqx.field(
        converter=as_float, metadata=must(FINITE, "give numbers")
    )
    decays: Float[Array, " terms"] = eqx.field(
        converter=as_float, metadata=must(NOT_NEGATIVE, "give it in squared pixels")
    )
    constant: Scalar = eqx.field(
        converter=as_float, default=0.0, metadata=must(FINITE, "give a number")
    )

    def __check_init__(self) -> None:
        check_fields(self)
        shapes = [getattr(x, "shape", None) for x in (self.amplitudes, self.decays)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"cannot make LorentzianTransfer because amplitudes have shape "
                f"{shapes[0]}, decays {shapes[1]}; do give a decay for each amplitude"
            )

    def __call__(self, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the transfer at frequencies in 1/pixel."""
        transfer = checked("LorentzianTransfer.__call__", transfer=self)
        total = jnp.full_like(frequency, 0) + transfer.constant.astype(frequency.dtype)
        for amplitude, decay in zip(transfer.amplitudes, transfer.decays, strict=True):
            at = decay.astype(frequency.dtype) * frequency**2
            total = total + amplitude.astype(frequency.dtype) / (1 + at)
        return total


class ProductTransfer(AbstractTransfer):
    """The product of two transfers, such as those of a sensor and of its pixels.

    Args:
        first: a transfer.
        second: another.

    Raises:
        TypeError: if either isn't a transfer.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.detector import GaussianTransfer, PixelTransfer, ProductTransfer
        >>> mtf = ProductTransfer(PixelTransfer(), GaussianTransfer(0.5))
        >>> mtf(jnp.asarray([0.0, 0.5])).round(4).tolist()
        [1.0, 0.1854]
    """

    first: AbstractTransfer
    second: AbstractTransfer

    def __check_init__(self) -> None:
        check_transfer("ProductTransfer", "first", self.first)
        check_transfer("ProductTransfer", "second", self.second)

    def __call__(self, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the transfer at frequencies in 1/pixel."""
        return self.first(frequency) * self.second(frequency)


def check_transfer(noun: str, name: str, transfer: object) -> None:
    """Raise if something that is given for a transfer isn't one.

    Raises:
        TypeError: naming what it is.
    """
    if not isinstance(transfer, AbstractTransfer):
        raise TypeError(
            f"cannot make {noun} because {name} is a {type(transfer).__name__}; do "
            f"pass a transfer of vitrax.detector, such as "
            f"MeasuredTransfer(frequencies, values), or your own AbstractTransfer"
        )
