"""How a particle lies: its rotation, and where it is in the image."""

import dataclasses
import operator
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from .._checks import FINITE, check_fields, check_key, checked, must
from .._typing import (
    Matrix2,
    Matrix3,
    Scalar,
    ScalarLike,
    Vector2,
    Vector3,
    as_float,
    float_or_none,
)
from ._orientation_grid import euler_grid
from ._rotation import Rotation


class Pose(eqx.Module):
    r"""Rotation of a particle, and its place in the image.

    Args:
        rotation: takes the object's coordinates to the image's.
        shift: (x, y), where the particle is relative to pixel N // 2 of the image, Å.
            This is the negative of RELION's rlnOriginXAngst and rlnOriginYAngst.
        height: z of the particle above the middle of the specimen, Å; None for 0.
            Electrons travel towards -z: the defocus of its image is less by as much.
        magnification: $M$ of an anisotropic magnification: the projection's spectrum at
            k is what it would be at M k; points lie at $M^\mathsf{T} (A r)_{xy}$ plus
            the shift. None for the identity. `simulate` puts that of the lens here.

    Example:
        >>> import vitrax as vx
        >>> pose = vx.Pose.from_euler(20.0, 80.0, -10.0, shift=(4.0, -2.5))
        >>> [round(float(angle), 3) for angle in pose.rotation.as_euler()]
        [20.0, 80.0, -10.0]
    """

    rotation: Rotation
    shift: Vector2 = eqx.field(
        converter=as_float,
        default=(0.0, 0.0),
        metadata=must(FINITE, "give (x, y) in Å"),
    )
    # None rather than zero: what isn't there costs nothing.
    height: Scalar | None = eqx.field(
        converter=float_or_none, default=None, metadata=must(FINITE, "give it in Å")
    )
    magnification: Matrix2 | None = eqx.field(
        converter=float_or_none,
        default=None,
        metadata=must(FINITE, "give [[M00, M01], [M10, M11]]"),
    )

    def __check_init__(self) -> None:
        # Trees are mapped to None, axes and booleans, which have no shape.
        shape = getattr(self.shift, "shape", (2,))
        if shape[-1:] != (2,):
            raise ValueError(
                f"cannot make {type(self).__name__} because shift has shape "
                f"{tuple(shape)}, not (2,); do give (x, y) in Å"
            )
        check_fields(self)

    @classmethod
    def identity(cls) -> Self:
        """Return the pose that moves nothing."""
        return cls(Rotation.identity())

    @classmethod
    def from_euler(
        cls,
        rot: ScalarLike,
        tilt: ScalarLike,
        psi: ScalarLike,
        shift: Vector2 | tuple[float, float] = (0.0, 0.0),
    ) -> Self:
        """Return the pose of RELION's rot, tilt and psi (degrees) and a shift (Å).

        Raises:
            ValueError: if an angle isn't one number, or the shift isn't two.
        """
        return cls(Rotation.from_euler(rot, tilt, psi), shift)

    @classmethod
    def from_matrix(
        cls, matrix: Matrix3, shift: Vector2 | tuple[float, float] = (0.0, 0.0)
    ) -> Self:
        """Return the pose of a matrix that takes object to image coordinates."""
        return cls(Rotation.from_matrix(matrix), shift)

    @classmethod
    def from_axis_angle(
        cls,
        vector: Vector3 | tuple[float, float, float],
        shift: Vector2 | tuple[float, float] = (0.0, 0.0),
    ) -> Self:
        """Return the pose of a rotation about `vector` by its length in degrees.

        Raises:
            ValueError: if the shift is one number, as an angle would be.

        Example:
            >>> import vitrax as vx
            >>> pose = vx.Pose.from_axis_angle((0.0, 0.0, 30.0), shift=(4.0, -2.5))
            >>> [round(float(angle), 3) for angle in pose.as_euler()]
            [0.0, 0.0, -30.0]
        """
        if not as_float(shift).ndim:
            raise ValueError(
                f"cannot turn about an axis by {shift} because the second argument is "
                f"the shift (x, y) in Å, and the angle is the length of the vector in "
                f"degrees; do call from_axis_angle((0.0, 0.0, 30.0)) for 30° about z"
            )
        return cls(Rotation.from_axis_angle(vector), shift)

    @classmethod
    def uniform(cls, key: PRNGKeyArray, n: int) -> Self:
        """Return `n` poses, uniform over rotations, unshifted, along a leading axis.

        Pose i depends on the key and i alone (`jax.random.fold_in`).

        Raises:
            TypeError: if `key` isn't a random key, or `n` isn't a whole number.
            ValueError: if `n` is negative.
        """
        check_key("draw poses", key)
        n = _as_count(n)
        keys = jax.vmap(jr.fold_in, in_axes=(None, 0))(key, jnp.arange(n))
        return jax.vmap(lambda k: cls(Rotation.uniform(k)))(keys)

    @classmethod
    def grid(cls, spacing: float | int, symmetry: str = "C1") -> Self:
        r"""Return poses that cover all rotations evenly, along a leading axis.

        About $8\pi^2/\text{spacing}^3$ (radians) of them over the order of the group:
        the directions of `direction_grid`, each with `ceil(360 / spacing)` in-plane
        angles from psi = 0 on, which run fastest. No rotation is further than 0.9
        spacings from a pose (0.50 on root mean square). Shifts are 0.

        Args:
            spacing: degrees between neighbours. It fixes the number of poses, so it
                can't be traced.
            symmetry: point group of the object; one of each set of equal poses is
                kept. At the border of such a unit gaps grow to 1.4 spacings.

        Raises:
            ValueError: if the spacing isn't between 0 and 180 or no group has the name.

        Example:
            >>> import vitrax as vx
            >>> vx.Pose.grid(30.0).shift.shape
            (552, 2)
        """
        return jax.vmap(lambda angles: cls.from_euler(*angles))(
            euler_grid(spacing, symmetry)
        )

    def moved(self, tangent: Float[Array, "5"]) -> Self:
        r"""Return the pose after a small step.

        The rotation becomes $\exp(\omega)\, A$, so $\omega$ turns about the axes of the
        image; the shift is added.

        Args:
            tangent: ($\omega_x, \omega_y, \omega_z$) in radians, then (x, y) in Å.
        """
        pose = checked("Pose.moved", pose=self)
        tangent = as_float(tangent)
        return dataclasses.replace(
            pose,
            rotation=Rotation.exp(tangent[:3]) @ pose.rotation,
            shift=pose.shift + tangent[3:],
        )

    def as_matrix(self) -> Float[Array, "3 3"]:
        """Return the matrix that takes object to image coordinates."""
        return self.rotation.as_matrix()

    def as_euler(self) -> Float[Array, "3"]:
        """Return RELION's (rot, tilt, psi) in degrees."""
        return self.rotation.as_euler()


def _as_count(n: Any) -> int:
    """Return a number of poses as a Python integer."""
    try:
        count = operator.index(n)
    except TypeError as error:
        raise TypeError(
            f"cannot draw {n} poses because that isn't a whole number, known before "
            f"tracing; do pass an integer such as 100"
        ) from error
    if count < 0:
        raise ValueError(
            f"cannot draw {count} poses because there is no such number of them; do "
            f"pass n >= 0"
        )
    return count
