"""The lens as it images one place of a tilted specimen."""

from typing import Any

import jax.numpy as jnp

from .._checks import FINITE, Rule, checked, checked_number
from .._typing import ScalarLike, as_float
from ._lens import Lens


_BELOW_90 = Rule(lambda x: abs(x) < 90, "within -90 and 90")


def tilted(lens: Lens, position: Any, tilt: ScalarLike, tilt_axis: ScalarLike) -> Lens:
    r"""Return the lens as it images one place of a tilted specimen.

    $$\Delta f(x, y) = \Delta f - z, \quad
    z = (y\cos\phi - x\sin\phi) \tan\theta$$

    A flat specimen, turned right-handedly by $\theta$ about an axis in the plane of the
    image at $\phi$ from +x towards +y, lies at height z where the image shows (x, y).
    Electrons travel towards -z, so the defocus is less by z (`Lens.raised`): with the
    axis along x and a positive tilt, it grows towards -y.

    Args:
        lens: its defocus is that on the axis.
        position: (x, y) in the image relative to a point of the axis, Å.
        tilt: $\theta$, degrees.
        tilt_axis: $\phi$, degrees.

    Raises:
        ValueError: if the tilt isn't within -90 and 90 degrees.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.optics import tilted
        >>> lens = tilted(vx.Lens(12_000.0), (0.0, 1000.0), tilt=45.0, tilt_axis=0.0)
        >>> round(float(lens.defocus), 2)
        11000.0
    """
    lens = checked("tilted", lens=lens)
    position = checked_number("tilt the lens", "position", position, FINITE, "give Å")
    tilt = checked_number("tilt the lens", "tilt", tilt, _BELOW_90, "give degrees")
    dtype = lens.defocus.dtype
    position, tilt, tilt_axis = (
        as_float(each).astype(dtype) for each in (position, tilt, tilt_axis)
    )
    axis = jnp.deg2rad(tilt_axis)
    across = position[1] * jnp.cos(axis) - position[0] * jnp.sin(axis)
    return lens.raised(across * jnp.tan(jnp.deg2rad(tilt)))
