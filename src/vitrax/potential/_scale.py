"""The factor that takes a projection to volts × Å."""

import functools as ft
from typing import Any

from ..physics import POTENTIAL_FACTOR
from ..structure import Atoms, Gaussians


@ft.singledispatch
def potential_scale(structure: Any) -> float:
    """Return the factor that takes the projection of `structure` to V·Å.

    1 for maps: one in volts projects to V·Å; one of arbitrary unit keeps its scale.
    47.8776 V·Å² for atoms and Gaussians, whose amplitudes are scattering factors in Å.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.potential import potential_scale
        >>> round(potential_scale(vx.Gaussians([[0.0] * 3], [[1.0]], [[1.0]])), 4)
        47.8776
    """
    del structure
    return 1.0


@potential_scale.register
def _(structure: Gaussians) -> float:
    del structure
    return POTENTIAL_FACTOR


@potential_scale.register
def _(structure: Atoms) -> float:
    del structure
    return POTENTIAL_FACTOR
