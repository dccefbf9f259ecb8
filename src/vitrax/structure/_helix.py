"""Helices."""

import operator

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._typing import Scalar, ScalarLike, as_float


def helical_operators(
    rise: ScalarLike, twist: ScalarLike, count: int
) -> tuple[Float[Array, "operators 3 3"], Float[Array, "operators 3"]]:
    r"""Return the operators of a helix about z, for `assembled` or `Assembly`.

    Copy $i$, from $-\lfloor n/2 \rfloor$ on, is turned about z by $i$ times the twist,
    from x towards y, and moved along z by $i$ times the rise; copy 0 is the structure
    itself. Rise and twist of the same sign make a right-handed helix.

    Args:
        rise: along z from copy to copy, Å.
        twist: about z from copy to copy, degrees.
        count: number of copies, $n$.

    Returns:
        The rotations, acting on (x, y, z), and the translations, Å.

    Raises:
        ValueError: if there isn't at least one copy.

    Example:
        >>> import vitrax as vx
        >>> rotations, translations = vx.structure.helical_operators(1.5, 22.0, 3)
        >>> translations[:, 2].tolist()
        [-1.5, 0.0, 1.5]
    """
    count = operator.index(count)
    if count < 1:
        raise ValueError(
            f"cannot make a helix of {count} copies because there is none; do pass "
            f"count >= 1"
        )
    rise = as_float(rise)
    twist = as_float(twist).astype(rise.dtype)

    def one(step: Scalar) -> tuple[Float[Array, "3 3"], Float[Array, "3"]]:
        angle = jnp.deg2rad(twist) * step
        cosine, sine = jnp.cos(angle), jnp.sin(angle)
        zero, unit = jnp.zeros_like(angle), jnp.ones_like(angle)
        rows = [[cosine, -sine, zero], [sine, cosine, zero], [zero, zero, unit]]
        rotation = jnp.stack([jnp.stack(row) for row in rows])
        return rotation, jnp.stack([zero, zero, rise * step])

    return jax.vmap(one)((jnp.arange(count) - count // 2).astype(rise.dtype))
