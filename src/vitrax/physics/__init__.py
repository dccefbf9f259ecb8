"""Constants, electrons, elements and scattering-factor tables."""

from ._constants import (
    CISTEM as CISTEM,
    CODATA as CODATA,
    POTENTIAL_FACTOR as POTENTIAL_FACTOR,
    RELION as RELION,
    Constants as Constants,
)
from ._electrons import (
    interaction_parameter as interaction_parameter,
    lorentz_factor as lorentz_factor,
    wavelength as wavelength,
)
from ._elements import (
    UnknownElementError as UnknownElementError,
    atomic_numbers as atomic_numbers,
    symbols as symbols,
)
from ._scattering_factors import (
    PENG_1996 as PENG_1996,
    ScatteringFactors as ScatteringFactors,
)
