"""The electrons that a specimen scatters."""

import equinox as eqx

from .._checks import KILOVOLTS_OR_LIMIT, Rule, check_fields, must
from .._typing import Scalar, as_float
from ..physics import CODATA, Constants, interaction_parameter, wavelength


_SINE = Rule(lambda x: abs(x) <= 1, "within -1 and 1")


class Beam(eqx.Module):
    r"""A parallel beam of electrons, and the share of them that the specimen removes.

    Args:
        voltage: kV.
        amplitude_contrast: $Q$. A theory that gives a `Wave` makes the potential
            complex by it, $V e^{i \arcsin Q}$; one that gives a `LinearContrast` leaves
            it to the contrast transfer function. Both are the same to first order.
        constants: which set fixes the wavelength.

    Raises:
        ValueError: if the voltage isn't in kV, or the amplitude contrast isn't a sine.

    Example:
        >>> from vitrax.wave import Beam
        >>> round(float(Beam(300.0).wavelength), 6)
        0.019687
    """

    voltage: Scalar = eqx.field(
        converter=as_float,
        metadata=must(KILOVOLTS_OR_LIMIT, "give it in kV, 300.0 for 300 000 V"),
    )
    amplitude_contrast: Scalar = eqx.field(
        converter=as_float,
        default=0.0,
        metadata=must(_SINE, "give a fraction, such as 0.07 for 7 %"),
    )
    constants: Constants = eqx.field(static=True, default=CODATA)

    def __check_init__(self) -> None:
        check_fields(self)

    @property
    def wavelength(self) -> Scalar:
        """Å."""
        return wavelength(self.voltage, self.constants)

    @property
    def interaction(self) -> Scalar:
        """Phase per projected potential, rad/(V·Å)."""
        return interaction_parameter(self.voltage, self.constants)
