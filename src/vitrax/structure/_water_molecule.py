"""One molecule of water: its shape and how it scatters electrons."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..physics import PENG_1996, POTENTIAL_FACTOR, atomic_numbers


# Å and degrees, of the molecule in the gas, which TIP3P keeps.
OXYGEN_HYDROGEN = 0.9572
ANGLE = 104.52
HYDROGEN_HYDROGEN = 2 * OXYGEN_HYDROGEN * math.sin(math.radians(ANGLE / 2))


def water_intensity(frequency: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""Return $\langle |f|^2 \rangle$ of a water molecule over all orientations, Å².

    Debye's sum over pairs of atoms, with the neutral atoms of Peng 1996:

    $$f_O^2 + 2 f_H^2 + 4 f_O f_H\, \mathrm{sinc}(2 k r_{OH}) + 2 f_H^2\,
    \mathrm{sinc}(2 k r_{HH}), \qquad \mathrm{sinc}\,x = \frac{\sin \pi x}{\pi x}$$

    Args:
        frequency: 1/Å.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.structure import water_intensity
        >>> round(float(jnp.sqrt(water_intensity(jnp.asarray(0.0)))), 3)
        3.041
    """
    oxygen, hydrogen = (_atom(symbol, frequency) for symbol in "OH")
    between = jnp.sinc(2 * OXYGEN_HYDROGEN * frequency)
    across = jnp.sinc(2 * HYDROGEN_HYDROGEN * frequency)
    alone = oxygen**2 + 2 * hydrogen**2
    return alone + 4 * oxygen * hydrogen * between + 2 * hydrogen**2 * across


def water_potential(density: float = 0.0314) -> float:
    """Return the mean inner potential of water made of neutral atoms, in volts.

    4.57 V for vitreous ice. Bonds make the real one smaller, as they do for all else
    that is made of neutral atoms here.

    Args:
        density: molecules per Å³.

    Example:
        >>> from vitrax.structure import water_potential
        >>> round(water_potential(), 2)
        4.57
    """
    amplitudes = PENG_1996.amplitudes(atomic_numbers("OHH"))
    return density * POTENTIAL_FACTOR * float(amplitudes.sum())


def _atom(symbol: str, frequency: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return the scattering factor of an atom, Å."""
    element = atomic_numbers([symbol])
    amplitudes, widths = PENG_1996.amplitudes(element), PENG_1996.b_factors(element)
    return sum(
        (
            float(a) * jnp.exp(-float(b) / 4 * frequency**2)
            for a, b in zip(amplitudes[0], widths[0], strict=True)
        ),
        jnp.zeros_like(frequency),
    )
