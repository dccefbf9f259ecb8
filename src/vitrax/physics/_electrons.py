"""Wavelength, mass and interaction of fast electrons."""

import math

import jax.numpy as jnp

from .._checks import KILOVOLTS_OR_LIMIT, checked_number
from .._typing import Scalar, ScalarLike, as_float
from ._constants import CODATA, Constants


_VOLTS = 1e3


def wavelength(voltage: ScalarLike, constants: Constants = CODATA) -> Scalar:
    r"""Return the wavelength of electrons, Å.

    $$\lambda = A / \sqrt{V (1 + B V)}$$

    Args:
        voltage: accelerating voltage, kV.
        constants: $A$ and $B$, those of a program where its numbers must be met.

    Raises:
        ValueError: if the voltage isn't in kV.

    Example:
        >>> import vitrax as vx
        >>> round(float(vx.physics.wavelength(300.0)), 7)
        0.0196875
        >>> round(float(vx.physics.wavelength(300.0, vx.physics.CISTEM)), 7)
        0.019687
    """
    volts = _VOLTS * _checked_voltage("wavelength", voltage)
    correction = 1 + constants.relativistic_correction * volts
    return constants.wavelength_scale / jnp.sqrt(volts * correction)


def lorentz_factor(voltage: ScalarLike, constants: Constants = CODATA) -> Scalar:
    r"""Return the ratio of the electron's mass to its rest mass, $\gamma = 1 + 2BV$.

    Args:
        voltage: accelerating voltage, kV.
        constants: $B$.

    Raises:
        ValueError: if the voltage isn't in kV.

    Example:
        >>> import vitrax as vx
        >>> round(float(vx.physics.lorentz_factor(300.0)), 5)
        1.58709
    """
    volts = _VOLTS * _checked_voltage("lorentz_factor", voltage)
    return 1 + 2 * constants.relativistic_correction * volts


def interaction_parameter(voltage: ScalarLike, constants: Constants = CODATA) -> Scalar:
    r"""Return the phase per projected potential, rad/(V·Å).

    $$\sigma = \frac{2\pi \gamma m_0 e \lambda}{h^2} = \frac{\pi \gamma \lambda}{A^2}$$

    Args:
        voltage: accelerating voltage, kV.
        constants: $A$ and $B$.

    Raises:
        ValueError: if the voltage isn't in kV.

    References:
        Kirkland, Advanced Computing in Electron Microscopy, 3rd ed. (2020), eq. 5.6.

    Example:
        >>> import vitrax as vx
        >>> f"{float(vx.physics.interaction_parameter(300.0)):.5e}"
        '6.52616e-04'
    """
    scale = math.pi / constants.wavelength_scale**2
    return scale * lorentz_factor(voltage, constants) * wavelength(voltage, constants)


def _checked_voltage(verb: str, voltage: ScalarLike) -> Scalar:
    """Return a voltage in kV as an array."""
    advice = "give it in kV, 300.0 for 300 000 V"
    return as_float(
        checked_number(verb, "voltage", voltage, KILOVOLTS_OR_LIMIT, advice)
    )
