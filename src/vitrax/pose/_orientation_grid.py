"""Even grids over view directions and over rotations."""

import math

import numpy as np
from jaxtyping import Array, Float

from .._typing import as_float
from ._symmetry import point_group


_GOLDEN = (1 + math.sqrt(5)) / 2
# On no axis of any point group: one of its images is nearest to almost every direction.
_GENERIC = np.array([0.31, 0.17, 0.93])


def direction_grid(
    spacing: float | int, symmetry: str = "C1"
) -> Float[Array, "directions 2"]:
    r"""Return (rot, tilt) of view directions spread evenly over the sphere, degrees.

    Points of a spherical Fibonacci lattice, one per solid angle of spacing². Rot $\phi$
    and tilt $\theta$ mean the direction
    $(\sin\theta\cos\phi, \sin\theta\sin\phi, \cos\theta)$ in the object's coordinates.
    No direction is further than 0.78 spacings from a point (0.41 on root mean square).

    Args:
        spacing: degrees between neighbours.
        symmetry: point group of the object; one of each set of equal views is kept. At
            the border of such a unit gaps grow to 1.4 spacings.

    Raises:
        ValueError: if the spacing isn't positive.

    References:
        Swinbank and Purser, Q. J. R. Meteorol. Soc. 132, 1769 (2006).

    Example:
        >>> import vitrax as vx
        >>> vx.pose.direction_grid(30.0).shape
        (46, 2)
    """
    return as_float(_directions(spacing, symmetry))


def euler_grid(
    spacing: float | int, symmetry: str = "C1"
) -> Float[Array, "orientations 3"]:
    """Return (rot, tilt, psi) of rotations spread evenly, degrees; psi runs fastest.

    The directions of `direction_grid`, each with all in-plane angles.

    Args:
        spacing: degrees between neighbours.
        symmetry: point group of the object; one of each set of equal views is kept. At
            the border of such a unit gaps grow to 1.4 spacings.

    Raises:
        ValueError: if the spacing isn't positive.
    """
    directions = _directions(spacing, symmetry)
    turns = math.ceil(360 / spacing)
    psi = 360 * np.arange(turns) / turns
    return as_float(
        np.column_stack(
            [np.repeat(directions, turns, axis=0), np.tile(psi, len(directions))]
        )
    )


def _directions(spacing: float | int, symmetry: str) -> np.ndarray:
    """Return (rot, tilt) in degrees, in double precision."""
    if not 0 < spacing <= 180:
        raise ValueError(
            f"cannot make a grid with spacing {spacing} because it isn't an angle "
            f"between 0 and 180; do give degrees, such as 7.5"
        )
    count = math.ceil(4 * np.pi / np.deg2rad(spacing) ** 2)
    index = np.arange(count)
    z = 1 - (2 * index + 1) / count
    rot = 2 * np.pi * np.mod(index / _GOLDEN, 1.0)
    sine = np.sqrt(1 - z**2)
    points = np.column_stack([sine * np.cos(rot), sine * np.sin(rot), z])
    kept = _in_asymmetric_unit(points, symmetry)
    return np.rad2deg(np.column_stack([rot, np.arccos(z)]))[kept]


def _in_asymmetric_unit(points: np.ndarray, symmetry: str) -> np.ndarray:
    """Return whether the generic direction is nearer than any of its images."""
    images = np.asarray(point_group(symmetry), points.dtype) @ _GENERIC
    nearness = points @ images.T
    kept = nearness[:, 0] >= nearness.max(axis=1)
    # A grid much coarser than the unit may miss it.
    kept[np.argmax(nearness[:, 0])] = True
    return kept
