"""Zernike polynomials of the wave aberration, in RELION's order."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._typing import HalfImage


def zernike_orders(index: int, parity: str) -> tuple[int, int]:
    r"""Return $(n, m)$ of a coefficient of rlnEvenZernike or rlnOddZernike.

    Even: (0, 0), (2, -2), (2, 0), (2, 2), (4, -4), ...; odd: (1, -1), (1, 1), (3, -3),
    (3, -1), (3, 1), (3, 3), ...

    Args:
        index: place in the list, from 0.
        parity: even or odd.

    Raises:
        ValueError: if `parity` is neither.

    Example:
        >>> from vitrax.optics import zernike_orders
        >>> [zernike_orders(i, "odd") for i in range(3)]
        [(1, -1), (1, 1), (3, -3)]
    """
    if parity == "even":
        level = math.isqrt(index)
        return 2 * level, 2 * (index - level * level - level)
    if parity == "odd":
        level = (math.isqrt(1 + 4 * index) - 1) // 2
        n = 2 * level + 1
        return n, 2 * (index - level * level - level) - n
    raise ValueError(
        f"cannot order {parity} Zernike polynomials because they are even or odd; do "
        f"say which"
    )


def zernike_sum(
    coefficients: Float[Array, " n"],
    parity: str,
    ky: Float[Array, " y"],
    kx: Float[Array, " kx"],
) -> HalfImage:
    r"""Return $\sum_i c_i Z_i(k)$, the frequency not normalised.

    $$Z_n^m = R_n^{|m|}(k) \cos m\alpha \text{ for } m \ge 0, \quad
    R_n^{|m|}(k) \sin |m|\alpha \text{ for } m < 0$$

    $k$ in 1/Å and $\alpha$ from +x towards +y, so the coefficients are in rad·Åⁿ mixed
    over the powers. A polynomial in $(k_x, k_y)$: finite with all its derivatives.

    Args:
        coefficients: radians.
        parity: even or odd.
        ky: frequencies of the rows, 1/Å.
        kx: frequencies of the columns, 1/Å.

    References:
        Born and Wolf 1999, Principles of Optics, section 9.2.1.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.optics import zernike_sum
        >>> tip = jnp.asarray([0.0, 2.0])
        >>> zernike_sum(tip, "odd", jnp.asarray([0.0]), jnp.asarray([0.1])).tolist()
        [[0.2]]
    """
    return zernike_at(coefficients, parity, ky[:, None], kx[None, :])


def zernike_at(
    coefficients: Float[Array, " n"], parity: str, y: Array, x: Array
) -> HalfImage:
    """Return `zernike_sum` at frequencies (x, y) that fit each other's shape."""
    x, y = jnp.broadcast_arrays(x, y)
    squared = x**2 + y**2
    total = jnp.zeros_like(squared)
    for i in range(coefficients.shape[0]):
        n, m = zernike_orders(i, parity)
        total = total + coefficients[i] * _polynomial(n, m, x, y, squared)
    return total


def _polynomial(n: int, m: int, x: Array, y: Array, squared: Array) -> Array:
    """Return the polynomial of orders n and m at (x, y)."""
    turns = abs(m)
    cosine, sine = jnp.ones_like(x), jnp.zeros_like(x)
    for _ in range(turns):
        # (x + iy)^m is k^m (cos mα + i sin mα).
        cosine, sine = cosine * x - sine * y, sine * x + cosine * y
    radial = jnp.zeros_like(x)
    steps = (n - turns) // 2
    for s in range(steps + 1):
        factor = (-1) ** s * math.comb(n - s, s) * math.comb(n - 2 * s, steps - s)
        radial = radial + float(factor) * squared ** (steps - s)
    return radial * (sine if m < 0 else cosine)
