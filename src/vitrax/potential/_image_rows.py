"""The axes of a projection in the object's coordinates, magnification included."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._typing import Scalar
from ..pose import Pose


def image_rows(pose: Pose) -> Float[Array, "2 3"]:
    r"""Return $M^\mathsf{T} A_{xy}$: what takes a point to its place in the image.

    A frequency k of the image is k times these rows in the object's transform.
    """
    rows = pose.as_matrix()[:2]
    if pose.magnification is None:
        return rows
    return jnp.matmul(pose.magnification.T, rows, precision=lax.Precision.HIGHEST)


def object_rows(pose: Pose) -> tuple[Float[Array, "2 3"], Scalar | float]:
    r"""Return $M^{-1} A_{xy}$, and $1 / |\det M|$.

    A place of the image times the rows is where its ray passes the object's origin
    nearest; the factor keeps the sum over the image.
    """
    rows = pose.as_matrix()[:2]
    if pose.magnification is None:
        return rows, 1.0
    (a, b), (c, d) = pose.magnification
    determinant = a * d - b * c
    inverse = jnp.stack([jnp.stack([d, -b]), jnp.stack([-c, a])]) / determinant
    turned = jnp.matmul(inverse, rows, precision=lax.Precision.HIGHEST)
    return turned, 1 / jnp.abs(determinant)


def magnified(
    pose: Pose, y: Float[Array, "_ 1"], x: Float[Array, "1 _"]
) -> tuple[Float[Array, "_ _"], Float[Array, "_ _"]]:
    """Return (y, x) of M k for frequencies k = (x, y) of the image."""
    if pose.magnification is None:
        return y, x
    (xx, xy), (yx, yy) = pose.magnification
    return yx * x + yy * y, xx * x + xy * y
