"""The transfer of a detector as it was measured."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import NOT_NEGATIVE, check_fields, checked, is_known, must
from .._typing import as_float
from ._modulation_transfer import AbstractTransfer


class MeasuredTransfer(AbstractTransfer):
    """A transfer given at some frequencies: linear in between, constant beyond.

    Args:
        frequencies: increasing, 1/pixel of the physical detector; Nyquist is 0.5.
        values: MTF or DQE at each of them, 0 or more.

    Raises:
        ValueError: if there aren't as many values as frequencies, the frequencies don't
            increase, or something is negative or not finite.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.detector import MeasuredTransfer
        >>> mtf = MeasuredTransfer([0.0, 0.5], [1.0, 0.4])
        >>> mtf(jnp.asarray([0.0, 0.25])).tolist()
        [1.0, 0.7]
    """

    frequencies: Float[Array, " points"] = eqx.field(
        converter=as_float, metadata=must(NOT_NEGATIVE, "give it in 1/pixel")
    )
    values: Float[Array, " points"] = eqx.field(
        converter=as_float, metadata=must(NOT_NEGATIVE, "give 0 or more")
    )

    def __check_init__(self) -> None:
        check_fields(self)
        _check_points(self.frequencies, self.values)

    def __call__(self, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the transfer at frequencies in 1/pixel."""
        transfer = checked("MeasuredTransfer.__call__", transfer=self)
        at = transfer.frequencies.astype(frequency.dtype)
        values = transfer.values.astype(frequency.dtype)
        return jnp.interp(frequency.ravel(), at, values).reshape(frequency.shape)


def _check_points(frequencies: Any, values: Any) -> None:
    """Raise if frequencies and values that are known aren't those of a curve."""
    shapes = [getattr(x, "shape", None) for x in (frequencies, values)]
    if shapes[0] != shapes[1] or shapes[0] in ((), (0,)):
        raise ValueError(
            f"cannot make MeasuredTransfer because frequencies have shape {shapes[0]}, "
            f"values {shapes[1]}; do give a list of each, as long as the other"
        )
    if not is_known(frequencies):
        return
    points = np.asarray(frequencies)
    steps = points[..., 1:] - points[..., :-1]
    if (steps <= 0).any():
        place = int(np.argwhere(steps <= 0)[0][-1]) + 1
        raise ValueError(
            f"cannot make MeasuredTransfer because frequencies[{place}] isn't above "
            f"the one before it; do sort the points by frequency, each once"
        )
