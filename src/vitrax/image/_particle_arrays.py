"""What the particles of a stack share, and their nouns as arrays of numbers."""

import dataclasses

import jax
import numpy as np
from jaxtyping import Float

from ..optics import Lens
from ..pose import Pose


@dataclasses.dataclass(frozen=True)
class OpticsGroup:
    """What the particles of one optics group share.

    Attributes:
        pixel_size: Å.
        voltage: kV.
        spherical_aberration: mm.
        amplitude_contrast: 0 to 1.
        box: pixels along one edge of an image, None where it isn't known.
        name: of the group.

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
    lenses: Lens, count: int, **shared: np.ndarray | float
) -> tuple[Float[np.ndarray, "particles 3"], Float[np.ndarray, "2 particles"]]:
    """Return (defocus, astigmatism, angle) per particle; phase shifts and B-factors.

    Args:
        lenses: leaves have an axis of particles, or none.
        count: of particles.
        shared: what the lenses must have, because files keep it per optics group.

    Raises:
        ValueError: if they haven't, or have aberrations that a stack doesn't hold.

    Example:
        >>> import vitrax as vx
        >>> defocus, others = vx.image.lens_arrays(vx.Lens(defocus=1.2e4), 2)
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

    for name in ("beam_tilt", "odd_zernike", "even_zernike"):
        if getattr(lenses, name) is not None:
            raise ValueError(
                f"cannot make a stack of lenses with {name} because it would be lost: "
                f"a stack doesn't hold it; do leave it out, or keep the lenses yourself"
            )
    for name, value in shared.items():
        if not np.allclose(spread(name), value, rtol=1e-5, atol=1e-7):
            raise ValueError(
                "cannot put particles into their optics group because some lenses "
                f"have another {name}; do make a group for each"
            )
    names = ("defocus", "astigmatism", "astigmatism_angle")
    defocus = np.stack([spread(name) for name in names], axis=-1)
    return defocus, np.stack([spread("phase_shift"), spread("b_factor")])
