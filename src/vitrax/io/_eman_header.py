"""What EMAN2's headers say of an image: its CTF and its place in the object."""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from .._files import InputError
from ..pose import euler_from_matrix
from ._columns import rows_in_words
from ._eman_columns import as_numbers


_MICROMETRE = 1e4
_NUMBER = re.compile(r"[-+0-9.eE]{1,30}|nan|-nan|inf|-inf")
# How far the rows of a matrix may be from orthonormal: EMAN2 has written three digits.
_SQUARENESS = 0.02
_SCALE = 1e-2
# In the order of a text: EMAN2's, whose first letter is E, and EMAN1's, O.
_EMAN2 = (
    "defocus",
    "dfdiff",
    "dfang",
    "bfactor",
    "ampcont",
    "voltage",
    "cs",
    "apix",
)
_EMAN1 = (
    "defocus",
    "bfactor",
    "amplitude",
    "ampcont",
    "noise1",
    "noise2",
    "noise3",
    "noise4",
    "voltage",
    "cs",
    "apix",
)


@dataclasses.dataclass(frozen=True)
class EmanCtf:
    """A contrast transfer function in EMAN2's units.

    Attributes:
        defocus: mean of the two, µm, positive if under.
        dfdiff: their difference, µm.
        dfang: angle of the greater one, degrees from x to y.
        bfactor: Å², of exp(-B s² / 4).
        ampcont: amplitude contrast in percent; beyond ±100 it goes on as a phase.
        voltage: kV.
        cs: spherical aberration, mm.
        apix: Å.
    """

    defocus: float
    dfdiff: float
    dfang: float
    bfactor: float
    ampcont: float
    voltage: float
    cs: float
    apix: float

    @property
    def defocus_in_angstroms(self) -> tuple[float, float, float]:
        """Mean of U and V (Å), U - V (Å) and the angle of U (degrees)."""
        return (self.defocus * _MICROMETRE, self.dfdiff * _MICROMETRE, self.dfang)

    @property
    def contrast_and_phase(self) -> tuple[float, float]:
        """Amplitude contrast, and phase shift in degrees, that mean `ampcont`.

        EMAN2's CTF is sin(γ + φ), where γ is the phase of defocus and spherical
        aberration and φ = arcsin(ampcont / 100). Between 0 and 100 that is an amplitude
        contrast; all else is a phase shift, φ = π - arcsin(2 - ampcont / 100) beyond
        100, and the opposite below -100.
        """
        part = self.ampcont / 100.0
        if 0.0 <= part <= 1.0:
            return part, 0.0
        if abs(part) <= 1.0:
            return 0.0, math.degrees(math.asin(part))
        return 0.0, math.copysign(180.0 - math.degrees(math.asin(2 - abs(part))), part)


def eman_ctf(value: Any, name: str) -> EmanCtf:
    """Return the CTF of a header.

    Args:
        value: a text, as HDF5 files have it, or a mapping, as lists do.
        name: of the image, for messages.

    Raises:
        InputError: if it is neither, or isn't finite.
    """
    numbers = _of_mapping(value) if isinstance(value, Mapping) else _of_text(value)
    is_finite = numbers is not None and all(map(math.isfinite, numbers.values()))
    if numbers is None or not is_finite or abs(numbers["ampcont"]) > 300.0:
        raise InputError(
            f"cannot use ctf of {name} because {str(value)[:60]!r} isn't a CTF of "
            "EMAN2; do write it again with e2ctf.py"
        )
    return EmanCtf(**numbers)


def ampcont_of(contrast: float, phase: float) -> float:
    """Return EMAN2's amplitude contrast in percent, which holds a phase shift too.

    Args:
        contrast: amplitude contrast, -1 to 1.
        phase: shift, degrees.
    """
    if phase == 0.0:
        return 100.0 * contrast
    clipped = min(max(contrast, -1.0), 1.0)
    total = math.remainder(math.degrees(math.asin(clipped)) + phase, 360.0)
    part = math.sin(math.radians(total))
    if abs(total) <= 90.0:
        return 100.0 * part
    return 100.0 * (math.copysign(2.0, total) - part)


def ctf_text(value: Any) -> Any:
    """Return a CTF as HDF5 files have it.

    Args:
        value: a mapping, as lists have it; anything else is given back.
    """
    if not isinstance(value, Mapping) or _of_mapping(value) is None:
        return value
    words = [f"{value[name]:.10g}" for name in _EMAN2]
    step = value.get("dsbg", 0.0)
    words.append(f"{step:.10g}" if type(step) in (int, float) else "0")
    for name in ("background", "snr"):
        curve = as_numbers(value.get(name)) or []
        texts = [f"{number:.6g}" for number in curve]
        words.append(",".join([str(len(curve)), *texts]))
    return f"E{' '.join(words)}"


def angles_and_shifts(
    transforms: Float[np.ndarray, "rows 3 4"], source: str
) -> tuple[Float[np.ndarray, "rows 3"], Float[np.ndarray, "rows 2"]]:
    """Return RELION's angles (degrees) and where particles are (pixels).

    A Transform takes coordinates of the object to those of the image: it turns them,
    then adds its last column. The projection of a reflected object is one of the object
    itself from the other side, and is taken as that.

    Args:
        transforms: xform.projection of each particle.
        source: the file, for messages.

    Raises:
        InputError: if one isn't a rotation, or magnifies.

    References:
        Tang et al., J. Struct. Biol. 157, 38 (2007); libEM/transform.cpp, projector.cpp
        and programs/e2convertrelion.py of EMAN2 (BSD or GPL).
    """
    turns = transforms[:, :, :3].astype(np.float64)
    finite = np.isfinite(transforms.reshape(-1, 12))
    _check(np.asarray(~finite.all(axis=1)), "isn't finite", source)
    determinants = np.linalg.det(turns)
    scales = np.cbrt(np.abs(determinants))
    _check(np.asarray(np.abs(scales - 1.0) > _SCALE), "magnifies the object", source)
    products = turns @ turns.transpose(0, 2, 1)
    off = np.abs(products - np.eye(3)).max(axis=(1, 2)) > _SQUARENESS
    _check(off, "isn't a rotation", source)
    # diag(-1, 1, 1) before a rotation gives the same image as diag(-1, 1, -1).
    turns[:, 2] *= np.sign(determinants)[:, None]
    return euler_from_matrix(turns), transforms[:, :2, 3].astype(np.float64)


def _check(bad: np.ndarray, what: str, source: str) -> None:
    if bad.any():
        raise InputError(
            f"cannot use xform.projection of {source} because it {what} in "
            f"{rows_in_words(bad)}; do align these particles again"
        )


def _of_text(value: Any) -> dict[str, float] | None:
    """Return the numbers of a text in EMAN2's units, None if it isn't one."""
    text = value if isinstance(value, str) else ""
    names = {"E": _EMAN2, "O": _EMAN1}.get(text[:1], ())
    words = text[1:].split(None, len(names))[: len(names)]
    if not names or len(words) < len(names) or not all(map(_NUMBER.fullmatch, words)):
        return None
    try:
        found = dict(zip(names, map(float, words), strict=True))
    except ValueError:
        return None
    if names is _EMAN2:
        return found
    kept = {name: found[name] for name in ("voltage", "cs", "apix")}
    # EMAN1: overfocus, a fraction, and exp(-B s²); no astigmatism.
    return kept | {
        "defocus": -found["defocus"],
        "dfdiff": 0.0,
        "dfang": 0.0,
        "bfactor": found["bfactor"] * 4.0,
        "ampcont": found["ampcont"] * 100.0,
    }


def _of_mapping(value: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the numbers of a mapping, None if it lacks one."""
    found = {name: value.get(name) for name in _EMAN2}
    if not all(type(number) in (int, float) for number in found.values()):
        return None
    try:
        return {name: float(number) for name, number in found.items()}  # pyright: ignore[reportArgumentType]
    except OverflowError:
        return None
