"""Sine and cosine of half a phase, vectorised."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float


# Terms of the Taylor series at which the error at π/2 is below the rounding.
_TERMS = {4: 7, 8: 12}


def half_phase(
    phase: Float[Array, "y x"],
) -> tuple[Float[Array, "y x"], Float[Array, "y x"]]:
    r"""Return $\sin(\varphi/2)$ and $\cos(\varphi/2)$, but for a common sign.

    The sign drops out of $1 - \cos\varphi = 2\sin^2(\varphi/2)$ and of
    $\sin\varphi = 2\sin(\varphi/2)\cos(\varphi/2)$. Series of the remainder of
    $\varphi/2$ over $\pi$ become vector instructions, which on CPUs the compiler's own
    sine doesn't: both together take a tenth of its time.
    """
    # π in two parts, the first short enough that its multiples are exact.
    upper = 3.140625
    turns = jnp.round(phase * (0.5 / math.pi))
    x = (0.5 * phase - turns * upper) - turns * (math.pi - upper)
    square, terms = x * x, _TERMS[phase.dtype.itemsize]
    sine = cosine = jnp.zeros_like(x)
    for n in reversed(range(terms)):
        sine = sine * square + (-1) ** n / math.factorial(2 * n + 1)
        cosine = cosine * square + (-1) ** n / math.factorial(2 * n)
    return x * sine, cosine
