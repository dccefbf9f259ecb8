"""One number, as an argument."""

import jax
from jaxtyping import Array

from .._typing import Scalar, ScalarLike, as_float


def as_scalar(name: str, value: ScalarLike, like: Array) -> Scalar:
    """Return `value` as a scalar with the dtype of `like`.

    Args:
        name: of the argument, for the message.
        value: a number, or a scalar array.
        like: an array of floats.

    Raises:
        ValueError: if it is an array of numbers, which would broadcast along pixels.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.grid import as_scalar
        >>> as_scalar("dose", 50, jnp.ones(3, jnp.float32)).dtype.name
        'float32'
    """
    scalar: jax.Array = as_float(value)
    if scalar.ndim:
        raise ValueError(
            f"cannot use {name} because it has shape {scalar.shape} where one number "
            f"belongs; do jax.vmap for a batch"
        )
    return scalar.astype(like.dtype)
