"""Sets of constants that fix the wavelength and the interaction of electrons."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Constants:
    r"""Two numbers that fix the electron's wavelength, mass and interaction.

    With the voltage $V$ in volts, $\lambda = A / \sqrt{V (1 + B V)}$, where
    $A = h / \sqrt{2 m_0 e}$ and $B = e / 2 m_0 c^2$. Programs round them differently; a
    set reproduces the contrast transfer of its program exactly.

    Args:
        name: of the set.
        wavelength_scale: $A$, Å·√V.
        relativistic_correction: $B$, 1/V.

    Example:
        >>> import vitrax as vx
        >>> recovar = vx.physics.Constants("recovar", 12.2642598, 9.78475598e-7)
        >>> round(float(vx.physics.wavelength(300.0, recovar)), 9)
        0.019687489
    """

    name: str
    wavelength_scale: float
    relativistic_correction: float

    @property
    def potential_factor(self) -> float:
        r"""$h^2 / 2\pi m_0 e = A^2/\pi$, V·Å²: scattering factor in Å to potential."""
        return self.wavelength_scale**2 / math.pi


# CODATA 2018 (Tiesinga et al., Rev. Mod. Phys. 93, 025010, 2021); h, e and c are exact.
_PLANCK = 6.62607015e-34
_CHARGE = 1.602176634e-19
_LIGHT = 299792458.0
_ELECTRON_MASS = 9.1093837015e-31
_METRE = 1e10

CODATA = Constants(
    "CODATA 2018",
    _METRE * _PLANCK / math.sqrt(2 * _ELECTRON_MASS * _CHARGE),
    _CHARGE / (2 * _ELECTRON_MASS * _LIGHT**2),
)
RELION = Constants("RELION", 12.2643247, 0.978466e-6)
CISTEM = Constants("cisTEM", 12.2639, 0.97845e-6)

POTENTIAL_FACTOR = CODATA.potential_factor
