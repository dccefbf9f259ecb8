"""What leaves the specimen, in the weak-phase approximation."""

import equinox as eqx

from .._typing import HalfSpectrum, Scalar
from ..grid import Grid


class LinearContrast(eqx.Module):
    r"""Contrast before the lens, linear in the potential.

    Its spectrum is $2\sigma \hat V_z(k)$. Optics multiplies it by the contrast transfer
    function, amplitude contrast included, to get that of $I/I_0 - 1$.

    Args:
        spectrum: centred half spectrum.
        grid: the sampling it is given on.
        height: of the particle above the middle of the specimen, towards the source,
            Å; None for 0. The defocus is less by it.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.wave import LinearContrast
        >>> grid = vx.Grid(4, 1.0)
        >>> LinearContrast(jnp.ones((4, 3), complex), grid).spectrum.shape
        (4, 3)
    """

    spectrum: HalfSpectrum
    grid: Grid
    height: Scalar | None = None
