"""The factor that takes a projection to volts × Å."""

import functools as ft
from typing import Any

from ..physics import POTENTIAL_FACTOR
from ..structure import ARBITRARY, Atoms, Gaussians


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


def absolute_scale(structure: Any) -> float:
    """Return `potential_scale` of a structure whose unit is known.

    Raises:
        ValueError: if it is a map of arbitrary unit.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.potential import absolute_scale
        >>> round(absolute_scale(vx.Gaussians([[0.0] * 3], [[1.0]], [[1.0]])), 4)
        47.8776
    """
    if getattr(structure, "unit", None) == ARBITRARY:
        raise ValueError(
            f"cannot tell the phase that this {type(structure).__name__} gives because "
            f"its unit is arbitrary; do scale its values to volts and make it with "
            f"unit='V', or take the weak-phase theory"
        )
    return potential_scale(structure)
