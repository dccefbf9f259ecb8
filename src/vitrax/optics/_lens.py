"""The objective lens."""

import equinox as eqx

from .._typing import Scalar, as_float


class Lens(eqx.Module):
    r"""Defocus and the other aberrations of the objective lens.

    $$\gamma(k) = \pi\lambda\,\Delta f(k)\,k^2 - \tfrac{\pi}{2} C_s \lambda^3 k^4
    + \phi + \arcsin Q$$

    Args:
        defocus: mean of U and V, Å, positive underfocus.
        astigmatism: U - V, Å.
        astigmatism_angle: direction of the larger defocus U, degrees from +x towards
            +y.
        spherical_aberration: $C_s$, mm.
        amplitude_contrast: $Q$, 0 to 1.
        phase_shift: $\phi$ of a phase plate, degrees.
        b_factor: of the envelope $e^{-Bk^2/4}$, Å².

    Example:
        >>> import vitrax as vx
        >>> float(vx.Lens(defocus=12_000.0).spherical_aberration)
        2.7
    """

    defocus: Scalar = eqx.field(converter=as_float)
    astigmatism: Scalar = eqx.field(converter=as_float, default=0.0)
    astigmatism_angle: Scalar = eqx.field(converter=as_float, default=0.0)
    spherical_aberration: Scalar = eqx.field(converter=as_float, default=2.7)
    amplitude_contrast: Scalar = eqx.field(converter=as_float, default=0.07)
    phase_shift: Scalar = eqx.field(converter=as_float, default=0.0)
    b_factor: Scalar = eqx.field(converter=as_float, default=0.0)
