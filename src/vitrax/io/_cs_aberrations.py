r"""Aberrations as CryoSPARC keeps them, and RELION's terms of the same phases.

CryoSPARC keeps lengths in Å: shift $s$, tilt $A$, trefoil $T$ and tetrafoil $t$. With
the azimuth $\alpha$ from +x towards +y they turn the image's spectrum by
$e^{i\varphi}$ and change the phase error to $\gamma - \epsilon$:

$$\varphi = -2\pi\, s \cdot k + 2\pi\lambda^2 k^2 (A \cdot k)
+ \tfrac{2\pi}{3} \lambda^2 k^3 (T_0 \cos 3\alpha + T_1 \sin 3\alpha)$$

$$\epsilon = 2\pi\lambda^3 k^4 (t_0 \cos 2\alpha + t_1 \sin 2\alpha)
+ \tfrac{\pi}{2}\lambda^3 k^4 (t_2 \cos 4\alpha + t_3 \sin 4\alpha)$$

These are axial coma, threefold astigmatism, axial star aberration and fourfold
astigmatism in the notation of microscopes (Uhlemann and Haider 1998); spherical
aberration would be $\tfrac{\pi}{2}\lambda^3 k^4 C_s$ in $\epsilon$.

What is known about this, since CryoSPARC's own code isn't public:

- Factors, order and signs are taken from SPECTER (joelyeois, `io/_cryosparc.py` and
  `aberrations/_functions.py`, which names CryoSPARC's `newctf.py` as its source). Its
  azimuth goes from +y towards +x, as its astigmatism shows, which agrees with RELION's;
  with ours all its signs become those above. That tetrafoil has the sign of $C_s$ rests
  on it alone.
- The basis of the tetrafoil, but no sign, was checked by the same author against
  CryoSPARC's simulator (teamtomo, pull request 112). That tilt is $C_s$ times the
  beam's angle is CryoSPARC's own word (discuss.cryosparc.com, topic 17411), as is that
  all of them are lengths in Å.
- That shift and tilt have opposite signs in $\varphi$ is inferred from a real file
  (EMPIAR-11377): where both were fitted, the shift should make up for the tilt, and its
  direction is that of the tilt within a degree.
- Not verified is the sign of all of $\varphi$ together, and so that the beam tilt $b$
  of RELION, which turns by $-2\pi C_s \lambda^2 k^2 (b \cdot k)$, is $-A / C_s$. pyem
  (Asarnow) writes $+A / C_s$, unverified too. `ODD_SIGN` holds this sign.

RELION's own terms are verified by `relion_reconstruct`.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from ..physics import CODATA


# Of all odd phases together, see above.
ODD_SIGN = 1.0
# Terms of the lists that CryoSPARC's parameters span.
ODD_TERMS, EVEN_TERMS = 6, 9

# RELION's tilt beyond this isn't one of a beam, such as where Cs was corrected.
_LARGEST_TILT = 100.0
_MM = 1e7


@dataclasses.dataclass(frozen=True)
class CryoSparcTerms:
    """Aberrations of some optics in CryoSPARC's parameters.

    Attributes:
        shift: (x, y), Å.
        tilt: (x, y), Å.
        trefoil: cos 3α, sin 3α, Å.
        tetra: cos 2α, sin 2α, cos 4α, sin 4α, Å.
        rest: of the even phase: the constant; k², k² cos 2α, k² sin 2α and k⁴; in
            rad·Åⁿ. CryoSPARC has them as phase shift, defocus, astigmatism and
            spherical aberration.
    """

    shift: Float[np.ndarray, "optics 2"]
    tilt: Float[np.ndarray, "optics 2"]
    trefoil: Float[np.ndarray, "optics 2"]
    tetra: Float[np.ndarray, "optics 4"]
    rest: Float[np.ndarray, "optics 5"]


@dataclasses.dataclass(frozen=True)
class RelionTerms:
    """Aberrations of some optics in RELION's parameters.

    Attributes:
        tilt: rlnBeamTiltX and Y, mrad.
        odd: rlnOddZernike.
        even: rlnEvenZernike.
    """

    tilt: Float[np.ndarray, "optics 2"]
    odd: Float[np.ndarray, "optics odd"]
    even: Float[np.ndarray, "optics even"]


def wavelengths(voltages: Float[np.ndarray, " optics"]) -> np.ndarray:
    """Return the wavelength of electrons, Å.

    Args:
        voltages: kV.
    """
    volts = 1e3 * np.asarray(voltages, np.float64)
    correction = 1 + CODATA.relativistic_correction * volts
    return CODATA.wavelength_scale / np.sqrt(volts * correction)


def to_relion(
    terms: CryoSparcTerms,
    voltages: Float[np.ndarray, " optics"],
    spherical: Float[np.ndarray, " optics"],
) -> RelionTerms:
    """Return RELION's parameters of the same phases.

    Args:
        terms: CryoSPARC's.
        voltages: kV.
        spherical: aberration, mm. Where it is too small for the tilt to be a beam's,
            the tilt becomes Zernike terms.
    """
    waves = wavelengths(voltages)
    coma, trefoil, star, fourfold = _scales(waves)
    with np.errstate(divide="ignore", invalid="ignore"):
        tilts = -1e3 * ODD_SIGN * terms.tilt / (_MM * spherical[:, None])
    is_beam = (np.abs(tilts) <= _LARGEST_TILT).all(axis=1, keepdims=True)
    linear_x, linear_y = -2 * np.pi * ODD_SIGN * terms.shift.T
    cubic_x, cubic_y = np.where(is_beam, 0.0, coma * terms.tilt).T
    cos3, sin3 = (trefoil * terms.trefoil).T
    odd = _odd_list(linear_x, linear_y, cubic_x, cubic_y, cos3, sin3)
    quartic = np.concatenate(
        [star * terms.tetra[:, :2], fourfold * terms.tetra[:, 2:]], 1
    )
    even = _even_list(terms.rest, quartic)
    return RelionTerms(np.where(is_beam, tilts, 0.0) + 0.0, odd, even)


def to_cryosparc(
    terms: RelionTerms,
    voltages: Float[np.ndarray, " optics"],
    spherical: Float[np.ndarray, " optics"],
) -> CryoSparcTerms:
    """Return CryoSPARC's parameters of the same phases; terms of more are left out.

    Args:
        terms: RELION's.
        voltages: kV.
        spherical: aberration to which the beam tilt belongs, mm.
    """
    waves = wavelengths(voltages)
    coma, trefoil, star, fourfold = _scales(waves)
    y1, x1, sin3, y3, x3, cos3 = padded(terms.odd, ODD_TERMS)[:, :ODD_TERMS].T
    linear = np.stack([x1 - 2 * x3, y1 - 2 * y3], -1)
    beam = -2e4 * np.pi * (spherical * waves**2)[:, None] * terms.tilt
    cubic = np.stack([3 * x3, 3 * y3], -1) + beam
    rest, quartic = _even_parts(padded(terms.even, EVEN_TERMS)[:, :EVEN_TERMS])
    return CryoSparcTerms(
        shift=-ODD_SIGN * linear / (2 * np.pi) + 0.0,
        tilt=cubic / coma + 0.0,
        trefoil=np.stack([cos3, sin3], -1) / trefoil + 0.0,
        tetra=np.concatenate([quartic[:, :2] / star, quartic[:, 2:] / fourfold], 1)
        + 0.0,
        rest=rest,
    )


def rest_in_lens(
    rest: Float[np.ndarray, "optics 5"], waves: Float[np.ndarray, " optics"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what takes the place of the even phases that a lens has anyway.

    Args:
        rest: as in `CryoSparcTerms`.
        waves: wavelengths, Å.

    Returns:
        To be added: phase shift (radians); defocus and the halves of the astigmatism
        along cos 2α and sin 2α (Å); spherical aberration (mm).
    """
    defocus = -rest[:, 1:4] / (np.pi * waves)[:, None]
    return -rest[:, 0], defocus, rest[:, 4] / (0.5 * np.pi * waves**3 * _MM)


def padded(lists: Float[np.ndarray, "optics terms"], count: int) -> np.ndarray:
    """Return lists of at least `count` terms, the last ones zero.

    Args:
        lists: of terms.
        count: the least that there are to be.
    """
    missing = max(count - lists.shape[1], 0)
    return np.pad(lists, ((0, 0), (0, missing)))


def _scales(waves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rad·Åⁿ per Å of tilt, trefoil, and both kinds of tetrafoil."""
    squared, cubed = waves[:, None] ** 2, waves[:, None] ** 3
    third = 2 * np.pi / 3 * ODD_SIGN * squared
    return 3 * third, third, 2 * np.pi * cubed, np.pi / 2 * cubed


def _odd_list(
    linear_x: np.ndarray,
    linear_y: np.ndarray,
    cubic_x: np.ndarray,
    cubic_y: np.ndarray,
    cos3: np.ndarray,
    sin3: np.ndarray,
) -> np.ndarray:
    """Return rlnOddZernike of k cos α, k sin α, and k³ times the four others.

    k³ cos α is (Z31 + 2 Z11) / 3.
    """
    x3, y3 = cubic_x / 3, cubic_y / 3
    terms = [linear_y + 2 * y3, linear_x + 2 * x3, sin3, y3, x3, cos3]
    return np.stack(terms, -1) + 0.0


def _even_list(rest: np.ndarray, quartic: np.ndarray) -> np.ndarray:
    """Return rlnEvenZernike of a polynomial's coefficients.

    Z20 is 2k² - 1, Z40 is 6k⁴ - 6k² + 1, Z42 is (4k⁴ - 3k²) cos 2α.
    """
    constant, square, cos2, sin2, fourth = rest.T
    cos42, sin42, cos44, sin44 = quartic.T
    z40 = fourth / 6
    z20 = (square + 6 * z40) / 2
    z42, z4m2 = cos42 / 4, sin42 / 4
    z22, z2m2 = cos2 + 3 * z42, sin2 + 3 * z4m2
    terms = [constant + z20 - z40, z2m2, z20, z22, sin44, z4m2, z40, z42, cos44]
    return np.stack(terms, -1) + 0.0


def _even_parts(even: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a polynomial's coefficients: the rest, and those of k⁴ cos 2α, …"""
    z00, z2m2, z20, z22, sin44, z4m2, z40, z42, cos44 = even.T
    rest = [z00 - z20 + z40, 2 * z20 - 6 * z40, z22 - 3 * z42, z2m2 - 3 * z4m2, 6 * z40]
    return np.stack(rest, -1), np.stack([4 * z42, 4 * z4m2, cos44, sin44], -1)
