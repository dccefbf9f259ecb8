"""The cosine edge that soft filters and masks share."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._typing import ScalarLike
from ._scalar import as_scalar


def falling_edge(
    distance: Float[Array, "..."], width: ScalarLike
) -> Float[Array, "..."]:
    r"""Return 1 up to distance 0, 0 from distance `width` on, a half cosine between.

    $$\tfrac12 \left(1 + \cos\frac{\pi d}{w}\right)$$

    A `width` of 0 makes a step.
    """
    width = as_scalar("edge", width, distance)
    soft = width > 0
    step = jnp.where(distance > 0, 1, 0).astype(distance.dtype)
    fraction = jnp.where(soft, distance / jnp.where(soft, width, 1), step)
    inside, outside = fraction <= 0, fraction >= 1
    bounded = jnp.where(inside | outside, 0, fraction)
    cosine = 0.5 * (1 + jnp.cos(math.pi * bounded))
    return jnp.where(inside, 1, jnp.where(outside, 0, cosine))
