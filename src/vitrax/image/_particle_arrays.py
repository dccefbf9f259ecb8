"""What the particles of a stack share, and their nouns as arrays of numbers."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from .._checks import FINITE, KILOVOLTS, MILLIMETRES, POSITIVE, checked_number
from ..optics import Lens
from ..pose import Pose


# Of a lens, what optics groups keep and may lack.
ABERRATIONS = ("beam_tilt", "odd_zernike", "even_zernike", "magnification")
# Of a lens, what no file of particles holds.
_NOT_HELD = (
    "chromatic_aberration",
    "energy_spread",
    "convergence",
    "aperture",
    "damping",
)


@dataclasses.dataclass(frozen=True)
class OpticsGroup:
    """What the particles of one optics group share.

    Beam tilt, Zernike terms and magnification are those of `vitrax.Lens`.

    Attributes:
        pixel_size: Å.
        voltage: kV.
        spherical_aberration: mm.
        amplitude_contrast: 0 to 1.
        box: pixels along one edge of an image, None where it isn't known.
        name: of the group.
        beam_tilt: (x, y), mrad; None for none.
        odd_zernike: rlnOddZernike; empty for none.
        even_zernike: rlnEvenZernike; empty for none.
        magnification: rlnMagMat00, 01, 10, 11, given as four numbers or two by two,
            kept as four; None for the identity.
        premultiplied: whether the images were multiplied by their CTF; simulated ones
            are so by `vitrax.image.premultiply` alone.

    Raises:
        ValueError: if pixel size or voltage isn't positive, the spherical aberration is
            beyond 100 mm, another number isn't finite, or the
            magnification can't be undone.

    Example:
        >>> import vitrax as vx
        >>> optics = vx.image.OpticsGroup(pixel_size=1.06, voltage=300.0, box=256)
        >>> optics.spherical_aberration
        2.7
    """

    pixel_size: float
    voltage: float
    spherical_aberration: float = 2.7
    amplitude_contrast: float = 0.07
    box: int | None = None
    name: str = "opticsGroup1"
    beam_tilt: tuple[float, ...] | None = None
    odd_zernike: tuple[float, ...] | None = ()
    even_zernike: tuple[float, ...] | None = ()
    magnification: tuple[float, ...] | tuple[tuple[float, ...], ...] | None = None
    premultiplied: bool = False

    def __post_init__(self) -> None:
        _check("pixel_size", self.pixel_size, POSITIVE, "give it in Å")
        _check("voltage", self.voltage, KILOVOLTS, "give it in kV, 300.0 for 300 000 V")
        in_mm = "give it in mm, 2.7 for 2.7e7 Å"
        _check("spherical_aberration", self.spherical_aberration, MILLIMETRES, in_mm)
        _check("amplitude_contrast", self.amplitude_contrast, FINITE, "correct it")
        for name, count in {"beam_tilt": 2, "magnification": 4}.items():
            numbers = _listed(name, getattr(self, name), count)
            object.__setattr__(self, name, numbers or None)
        for name in ("odd_zernike", "even_zernike"):
            object.__setattr__(self, name, _listed(name, getattr(self, name)))
        if self.magnification is not None:
            matrix = np.reshape(self.magnification, (2, 2))
            if not np.linalg.det(matrix):
                raise ValueError(
                    f"cannot make OpticsGroup because magnification is "
                    f"{self.magnification}, which can't be undone; do correct it, or "
                    f"leave it out"
                )


def _check(name: str, value: Any, rule: Any, advice: str) -> None:
    """Raise if what was given to an optics group breaks a rule."""
    numbers = np.asarray(value, np.float64)
    checked_number("make OpticsGroup", name, numbers, rule, advice)


def _listed(name: str, value: Any, count: int | None = None) -> tuple[float, ...]:
    """Return an optics group's numbers, none for None, as many as there must be."""
    numbers = np.asarray(() if value is None else value, np.float64).reshape(-1)
    if count is not None and numbers.size not in (0, count):
        raise ValueError(
            f"cannot make OpticsGroup because {name} has {numbers.size} numbers, not "
            f"{count}; do give as many, or leave it out"
        )
    _check(name, numbers, FINITE, "correct it, or leave it out")
    return tuple(numbers.tolist())


def aberration_arrays(
    optics: Sequence[OpticsGroup],
) -> dict[str, Float[np.ndarray, "groups ..."]]:
    """Return the aberrations that some optics group has, as fields of `vitrax.Lens`.

    Each array has a row per group: zeros, or the identity for the magnification, for
    groups without. Shorter lists of Zernike terms are padded with zeros.

    Args:
        optics: the groups.

    Example:
        >>> import vitrax as vx
        >>> group = vx.image.OpticsGroup(1.06, 300.0, beam_tilt=(0.2, -0.1))
        >>> vx.image.aberration_arrays([group])
        {'beam_tilt': array([[ 0.2, -0.1]])}
    """
    arrays = {}
    for name in ABERRATIONS:
        numbers = [getattr(group, name) or () for group in optics]
        longest = max(map(len, numbers), default=0)
        if not longest:
            continue
        none = (1.0, 0.0, 0.0, 1.0) if name == "magnification" else (0.0,) * longest
        rows = np.array([each + none[len(each) :] for each in numbers], np.float64)
        arrays[name] = rows.reshape(-1, 2, 2) if name == "magnification" else rows
    return arrays


def optics_of(images: np.ndarray, optics: OpticsGroup) -> OpticsGroup:
    """Return the optics of images, with their box.

    Raises:
        ValueError: if they aren't square, or have another box than `optics`.
    """
    shape = np.shape(images)
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(
            f"cannot make a stack of images of shape {shape} because particles are "
            f"square; do pass [particles, y, x], with as many y as x"
        )
    if optics.box not in (None, shape[1]):
        raise ValueError(
            f"cannot make a stack of images of {shape[1]} pixels because optics.box is "
            f"{optics.box}; do crop or pad the images, or leave box out"
        )
    return dataclasses.replace(optics, box=shape[1])


def pose_arrays(
    poses: Pose,
) -> tuple[Float[np.ndarray, "particles 3"], Float[np.ndarray, "particles 2"]]:
    """Return RELION's angles in degrees, and the shifts in Å, of a batch of poses.

    Args:
        poses: leaves have an axis of particles.

    Raises:
        ValueError: if they have heights, which would be lost.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> angles, shifts = vx.image.pose_arrays(vx.Pose.uniform(jax.random.key(0), 3))
        >>> angles.shape, shifts.shape
        ((3, 3), (3, 2))
    """
    if poses.height is not None:
        raise ValueError(
            "cannot make a stack of poses with a height because a file keeps the "
            "defocus of a particle alone; do give lenses raised by it, and no height"
        )
    angles = np.asarray(jax.vmap(lambda pose: pose.as_euler())(poses), np.float64)
    return angles, np.asarray(poses.shift, np.float64)


def lens_arrays(
    lenses: Lens,
    count: int,
    optics: Sequence[OpticsGroup],
    groups: np.ndarray | None = None,
) -> tuple[Float[np.ndarray, "particles 3"], Float[np.ndarray, "2 particles"]]:
    """Return (defocus, astigmatism, angle) per particle; phase shifts and B-factors.

    Args:
        lenses: leaves have an axis of particles, or none.
        count: of particles.
        optics: the groups whose spherical aberration, amplitude contrast and higher
            aberrations the lenses must have, because files keep these per group.
        groups: index of each particle's group; by default all are in the first.

    Raises:
        ValueError: if they haven't, or have an envelope that a stack doesn't hold.

    Example:
        >>> import vitrax as vx
        >>> group = vx.image.OpticsGroup(pixel_size=1.06, voltage=300.0)
        >>> defocus, others = vx.image.lens_arrays(vx.Lens(1.2e4), 2, [group])
        >>> defocus.tolist()
        [[12000.0, 0.0, 0.0], [12000.0, 0.0, 0.0]]
    """

    def spread(name: str) -> np.ndarray:
        values = np.asarray(getattr(lenses, name), np.float64)
        if values.shape not in ((), (1,), (count,)):
            raise ValueError(
                f"cannot give {count} particles the lenses' {name} of shape "
                f"{values.shape} because each has one lens; do give as many, or one "
                f"for all"
            )
        return np.broadcast_to(values, (count,))

    for name in _NOT_HELD:
        if getattr(lenses, name) is not None:
            raise ValueError(
                f"cannot make a stack of lenses with {name} because it would be lost: "
                f"a stack doesn't hold it; do leave it out, or keep the lenses yourself"
            )
    groups = np.zeros(count, np.int64) if groups is None else groups
    for name in ("spherical_aberration", "amplitude_contrast"):
        of_groups = np.array([getattr(group, name) for group in optics])[groups]
        _check_shared(name, spread(name), of_groups)
    held = aberration_arrays(optics)
    for name in ABERRATIONS:
        value = getattr(lenses, name)
        if value is not None or name in held:
            _check_shared(name, *_alike(name, value, held.get(name), count, groups))
    names = ("defocus", "astigmatism", "astigmatism_angle")
    defocus = np.stack([spread(name) for name in names], axis=-1)
    return defocus, np.stack([spread("phase_shift"), spread("b_factor")])


def _alike(
    name: str,
    of_lenses: Any,
    of_groups: np.ndarray | None,
    count: int,
    groups: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return an aberration of each particle by its lens and by its group.

    What isn't there is zero, or the identity; the shorter of two lists ends in zeros.
    """
    none = np.eye(2) if name == "magnification" else np.zeros(1)
    rank = none.ndim
    both = [
        none if of_lenses is None else np.asarray(of_lenses, np.float64),
        none if of_groups is None else of_groups[groups],
    ]
    longest = max(each.shape[-1] for each in both)
    shapes = (count, *(longest,) * rank)
    if any(each.ndim > rank and len(each) not in (1, count) for each in both):
        raise ValueError(
            f"cannot give {count} particles the lenses' {name} of shape "
            f"{both[0].shape} because each has one lens; do give as many, or one for "
            f"all"
        )
    first, second = (
        np.broadcast_to(
            np.pad(
                each,
                [(0, 0)] * (each.ndim - 1) + [(0, longest - each.shape[-1])],
            ),
            shapes,
        )
        for each in both
    )
    return first, second


def _check_shared(name: str, of_lenses: np.ndarray, of_groups: np.ndarray) -> None:
    """Raise if lenses differ from their optics groups."""
    if not np.allclose(of_lenses, of_groups, rtol=1e-5, atol=1e-7):
        raise ValueError(
            "cannot put particles into their optics group because some lenses have "
            f"another {name}; do make a group for each"
        )
