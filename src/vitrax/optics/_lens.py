"""The objective lens."""

import dataclasses
from typing import Self

import equinox as eqx
from jaxtyping import Array, Float

from .._checks import (
    FINITE,
    MILLIMETRES,
    NOT_NEGATIVE,
    Rule,
    check_fields,
    checked,
    must,
)
from .._typing import Matrix2, Scalar, ScalarLike, Vector2, as_float, float_or_none
from ._abstract_envelope import AbstractEnvelope


# Where the arc sine of the phase error is finite. Files hold 0 to 1; a fit of nearly no
# amplitude contrast may come out slightly negative.
_SINE = Rule(lambda x: abs(x) <= 1, "within -1 and 1")
_IN_ANGSTROMS = must(FINITE, "give it in Å")
_IN_DEGREES = must(FINITE, "give it in degrees")
_IN_RADIANS = must(FINITE, "give radians, the frequency in 1/Å")
_IN_MILLIRADIANS = must(NOT_NEGATIVE, "give it in mrad")


class Lens(eqx.Module):
    r"""Defocus and the other aberrations of the objective lens.

    $$\gamma(k) = \pi\lambda\,\Delta f(k)\,k^2 - \tfrac{\pi}{2} C_s \lambda^3 k^4
    + \phi + \arcsin Q - \sum_i c_i Z_i(k)$$

    with the even Zernike terms $Z_i$. Odd aberrations, beam tilt $t$ and odd Zernike
    terms, turn the phases of the image's spectrum by
    $-2\pi C_s\lambda^2 k^2 (t \cdot k) + \sum_i c_i Z_i(k)$. Signs, order and units of
    tilt and terms are RELION's.

    Anisotropic magnification $M$ puts $k' = M k$ in the place of $k$ in all of these,
    in the envelopes and in the projection: the image holds at $k$ what it would hold
    at $k'$ without it.

    Energy spread, convergence of the beam and the objective aperture lessen the
    amplitude, see `vitrax.optics.envelope`.

    Args:
        defocus: mean of U and V, Å, positive underfocus.
        astigmatism: U - V, Å.
        astigmatism_angle: direction of the larger defocus U, degrees from +x towards
            +y.
        spherical_aberration: $C_s$, mm.
        amplitude_contrast: $Q$, usually 0 to 1; -1 to 1 is possible.
        phase_shift: $\phi$ of a phase plate, degrees.
        b_factor: of the envelope $e^{-Bk^2/4}$, Å².
        beam_tilt: (x, y), mrad; None for none.
        odd_zernike: rlnOddZernike, the frequency in 1/Å not normalised; None for none.
        even_zernike: rlnEvenZernike, likewise.
        magnification: $M$ of (x, y), rlnMagMat00 to 11; None for the identity.
        chromatic_aberration: $C_c$, mm, with `energy_spread`; None for none.
        energy_spread: standard deviation of the electrons' energies, eV; None for none.
        convergence: standard deviation of the beam's angles along each axis, mrad; None
            for a parallel beam.
        aperture: semi-angle of the objective aperture, mrad; None for none.
        damping: another envelope, such as `vitrax.optics.Drift`, or your own; None for
            none.

    Raises:
        ValueError: if a number isn't finite, an aberration is beyond 100 mm, the
            amplitude contrast isn't a sine, or one of chromatic aberration
            and energy spread is given without the other.

    Example:
        >>> import vitrax as vx
        >>> float(vx.Lens(defocus=12_000.0).spherical_aberration)
        2.7
    """

    defocus: Scalar = eqx.field(converter=as_float, metadata=_IN_ANGSTROMS)
    astigmatism: Scalar = eqx.field(
        converter=as_float, default=0.0, metadata=_IN_ANGSTROMS
    )
    astigmatism_angle: Scalar = eqx.field(
        converter=as_float, default=0.0, metadata=_IN_DEGREES
    )
    spherical_aberration: Scalar = eqx.field(
        converter=as_float,
        default=2.7,
        metadata=must(MILLIMETRES, "give it in mm, 2.7 for 2.7e7 Å"),
    )
    amplitude_contrast: Scalar = eqx.field(
        converter=as_float,
        default=0.07,
        metadata=must(_SINE, "give a fraction, such as 0.07 for 7 %"),
    )
    phase_shift: Scalar = eqx.field(
        converter=as_float, default=0.0, metadata=_IN_DEGREES
    )
    b_factor: Scalar = eqx.field(
        converter=as_float, default=0.0, metadata=must(FINITE, "give it in Å²")
    )
    # None rather than zeros: what isn't there costs nothing.
    beam_tilt: Vector2 | None = eqx.field(
        converter=float_or_none, default=None, metadata=must(FINITE, "give it in mrad")
    )
    odd_zernike: Float[Array, " odd"] | None = eqx.field(
        converter=float_or_none, default=None, metadata=_IN_RADIANS
    )
    even_zernike: Float[Array, " even"] | None = eqx.field(
        converter=float_or_none, default=None, metadata=_IN_RADIANS
    )
    magnification: Matrix2 | None = eqx.field(
        converter=float_or_none,
        default=None,
        metadata=must(FINITE, "give [[M00, M01], [M10, M11]]"),
    )
    chromatic_aberration: Scalar | None = eqx.field(
        converter=float_or_none,
        default=None,
        metadata=must(MILLIMETRES, "give it in mm, 2.7 for 2.7e7 Å"),
    )
    energy_spread: Scalar | None = eqx.field(
        converter=float_or_none,
        default=None,
        metadata=must(NOT_NEGATIVE, "give it in eV"),
    )
    convergence: Scalar | None = eqx.field(
        converter=float_or_none, default=None, metadata=_IN_MILLIRADIANS
    )
    aperture: Scalar | None = eqx.field(
        converter=float_or_none, default=None, metadata=_IN_MILLIRADIANS
    )
    damping: AbstractEnvelope | None = None

    def __check_init__(self) -> None:
        check_fields(self)
        if (self.chromatic_aberration is None) != (self.energy_spread is None):
            raise ValueError(
                "cannot make Lens with one of chromatic_aberration and energy_spread "
                "because only both together spread the focus; do give both, or neither"
            )

    def raised(self, height: ScalarLike) -> Self:
        r"""Return the lens as it images what lies higher: defocus - height.

        Electrons travel towards -z, and the plane in focus lies above the specimen
        by the defocus: what is higher is nearer to it.

        Args:
            height: z relative to what the defocus is of, Å.

        Example:
            >>> import vitrax as vx
            >>> float(vx.Lens(defocus=12_000.0).raised(500.0).defocus)
            11500.0
        """
        lens = checked("Lens.raised", lens=self)
        height = as_float(height).astype(lens.defocus.dtype)
        return dataclasses.replace(lens, defocus=lens.defocus - height)
