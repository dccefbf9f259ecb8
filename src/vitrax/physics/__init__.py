"""Constants, electrons, elements and scattering-factor tables.

Tables but that of Peng 1996 are made when they are first used (PEP 562).
"""

import typing

from . import _scattering_formulas
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
    ElementsLike as ElementsLike,
    UnknownElementError as UnknownElementError,
    as_elements as as_elements,
    atomic_numbers as atomic_numbers,
    symbols as symbols,
)
from ._scattering_factors import (
    PENG_1996 as PENG_1996,
    ScatteringFactors as ScatteringFactors,
)
from ._scattering_formulas import (
    ScatteringFormula as ScatteringFormula,
    scattering_factor as scattering_factor,
)


if typing.TYPE_CHECKING:
    LOBATO_2014: ScatteringFactors
    """Lobato and Van Dyck 2014, H to Lr, as 14 Gaussians each: to 1e-4 up to 6 Å⁻¹.

    References:
        Lobato and Van Dyck, Acta Cryst. A70, 636 (2014).
    """
    KIRKLAND_2020: ScatteringFactors
    """Kirkland, H to Lr, as 16 Gaussians each: to 1e-4 up to 6 Å⁻¹.

    References:
        Kirkland, Advanced Computing in Electron Microscopy, 2nd ed. (2010), appendix
        C; 3rd ed. (2020).
    """
    LOBATO_2014_FORMULA: ScatteringFormula
    """The formula of `LOBATO_2014`, as published."""
    KIRKLAND_2020_FORMULA: ScatteringFormula
    """The formula of `KIRKLAND_2020`, as published."""

_MAKERS = {
    "KIRKLAND_2020": _scattering_formulas.kirkland_gaussians,
    "KIRKLAND_2020_FORMULA": _scattering_formulas.kirkland_formula,
    "LOBATO_2014": _scattering_formulas.lobato_gaussians,
    "LOBATO_2014_FORMULA": _scattering_formulas.lobato_formula,
}


def __getattr__(name: str) -> typing.Any:
    if name in _MAKERS:
        return _MAKERS[name]()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MAKERS})
