"""Rotations in three dimensions."""

import math
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from .._checks import (
    Rule,
    check_fields,
    check_key,
    check_ranks,
    checked,
    is_concrete,
    maybe_error_if,
    must,
)
from .._typing import Matrix3, ScalarLike, Vector3, as_float


Quaternion = Float[Array, "4"]


_NO_ROTATION = (
    "cannot make a Rotation of this matrix because it isn't orthogonal with "
    "determinant 1; do flip the hand of the map instead of the poses, or normalise it"
)


_TURNS = Rule(
    lambda q: ((q * q).sum(-1) > 0) & ((q * q).sum(-1) < math.inf),
    "finite and of a length above 0",
)


def _product_table() -> np.ndarray:
    """Return T with (p q)_k = Σ T_kij p_i q_j, Hamilton's product."""
    signs = [[1, -1, -1, -1], [1, 1, 1, -1], [1, -1, 1, 1], [1, 1, -1, 1]]
    table = np.zeros((4, 4, 4))
    for k, row in enumerate(signs):
        for i, sign in enumerate(row):
            table[k, i, k ^ i] = sign
    return table


# Sums written out are dozens of operations, each of them compiled, and once more for
# the gradient; products with tables of signs are one each.
_PRODUCT = _product_table()
# A_rc = Σ M_rcij q_i q_j, of r_image = q r q̄.
_TURNED = np.einsum(
    "kmj,mic,j->kcij", _PRODUCT[1:], _PRODUCT[..., 1:], [1.0, -1.0, -1.0, -1.0]
)


class Rotation(eqx.Module):
    r"""A rotation $A$ that takes coordinates of the object to those of the image.

    $r_\text{image} = A\, r_\text{object}$, coordinates in the order (x, y, z),
    right-handed. RELION's angles mean $A = R_z(-\psi)\, R_y(-\theta)\, R_z(-\phi)$
    with right-handed active matrices.

    The quaternion is normalised where it is used, so that an optimiser may step
    freely; the opposite quaternion is the same rotation.

    Args:
        quaternion: (w, x, y, z), scalar first, of any length but zero.

    Raises:
        ValueError: if the quaternion is zero or not finite.

    Example:
        >>> import vitrax as vx
        >>> quarter = vx.Rotation.from_axis_angle((0.0, 0.0, 90.0))
        >>> [round(float(c), 6) for c in quarter.apply((1.0, 1.0, 0.0))]
        [-1.0, 1.0, 0.0]
    """

    quaternion: Quaternion = eqx.field(
        converter=as_float,
        metadata=must(_TURNS, "pass (1, 0, 0, 0), or Rotation.identity(), for no turn"),
    )

    def __check_init__(self) -> None:
        # Trees are mapped to None, axes and booleans, which have no shape.
        shape = getattr(self.quaternion, "shape", (4,))
        if shape[-1:] != (4,):
            raise ValueError(
                f"cannot make {type(self).__name__} because quaternion has shape "
                f"{tuple(shape)}, not (4,); do give (w, x, y, z), or use from_matrix "
                f"or from_euler"
            )
        check_fields(self)

    @classmethod
    def identity(cls) -> Self:
        """Return the rotation that moves nothing."""
        return cls((1.0, 0.0, 0.0, 0.0))

    @classmethod
    def from_euler(cls, rot: ScalarLike, tilt: ScalarLike, psi: ScalarLike) -> Self:
        """Return the rotation of RELION's rot, tilt and psi, in degrees.

        Raises:
            ValueError: if an angle isn't one number.
        """
        rot, tilt, psi = (
            0.5 * jnp.deg2rad(_one_angle(name, angle))
            for name, angle in (("rot", rot), ("tilt", tilt), ("psi", psi))
        )
        together, apart = jnp.cos(tilt), jnp.sin(tilt)
        return cls(
            jnp.stack(
                [
                    together * jnp.cos(rot + psi),
                    apart * jnp.sin(rot - psi),
                    -apart * jnp.cos(rot - psi),
                    -together * jnp.sin(rot + psi),
                ]
            )
        )

    @classmethod
    def from_matrix(cls, matrix: Matrix3) -> Self:
        r"""Return the rotation of an orthogonal matrix with $r_\text{image} = A r$.

        Raises:
            ValueError: if the matrix, known at the call, isn't a rotation but a mirror,
                or isn't orthogonal within 1e-3. A traced one is looked at only where
                run-time checks are on.
        """
        matrix = as_float(matrix)
        if matrix.shape != (3, 3):
            raise ValueError(
                f"cannot make one rotation because the matrix has shape "
                f"{matrix.shape}, not (3, 3); do jax.vmap(vitrax.Pose.from_matrix) for "
                f"a batch"
            )
        if is_concrete(matrix) and not _is_rotation(matrix):
            raise ValueError(_NO_ROTATION)
        matrix = maybe_error_if(matrix, ~_is_rotation(matrix), _NO_ROTATION)
        return cls(_quaternion_of(matrix))

    @classmethod
    def from_axis_angle(cls, vector: Vector3 | tuple[float, float, float]) -> Self:
        """Return the rotation about `vector` by its length in degrees, right-handed."""
        return cls.exp(jnp.deg2rad(as_float(vector)))

    @classmethod
    def exp(cls, tangent: Vector3) -> Self:
        """Return the rotation about `tangent` by its length in radians."""
        tangent = as_float(tangent)
        if tangent.shape != (3,):
            raise ValueError(
                f"cannot make one rotation because the vector has shape "
                f"{tangent.shape}, not (3,); do give the axis times the angle, and "
                f"jax.vmap for a batch"
            )
        squared = jnp.sum(tangent**2)
        cosine, sine = _half_angle_functions(squared)
        return cls(jnp.concatenate([cosine[None], sine * tangent]))

    @classmethod
    def uniform(cls, key: PRNGKeyArray) -> Self:
        """Return a rotation drawn uniformly (Shoemake 1992).

        Raises:
            TypeError: if `key` isn't a random key.
        """
        check_key("draw a rotation", key)
        return cls(jr.normal(key, (4,)))

    def unit_quaternion(self) -> Quaternion:
        """Return the quaternion with length 1 and w ≥ 0."""
        rotation = checked("Rotation.unit_quaternion", rotation=self)
        q = rotation.quaternion / jnp.sqrt(jnp.sum(rotation.quaternion**2))
        return jnp.where(q[0] < 0, -q, q)

    def as_matrix(self) -> Matrix3:
        r"""Return $A$ with $r_\text{image} = A r_\text{object}$."""
        check_ranks("Rotation.as_matrix", rotation=self)
        q = self.quaternion / jnp.sqrt(jnp.sum(self.quaternion**2))
        return _dot(_dot(_TURNED.astype(q.dtype), q), q)

    def as_euler(self) -> Vector3:
        """Return RELION's (rot, tilt, psi) in degrees, 0 ≤ tilt ≤ 180.

        Rot and psi lie within ±180. At tilt 0 and 180, where only their sum or
        difference is defined, rot is 0, as in RELION. Gradients through the angles are
        finite there, but only one of many choices: optimise with `Pose.moved` and
        convert afterwards.
        """
        angles = jnp.rad2deg(_euler_of(self.unit_quaternion()))
        return angles - 360 * jnp.round(angles / 360)

    def as_axis_angle(self) -> Vector3:
        """Return the axis times the angle in degrees, at most 180."""
        return jnp.rad2deg(self.log())

    def log(self) -> Vector3:
        """Return the axis times the angle in radians, at most π."""
        q = self.unit_quaternion()
        return _log_scale(q[0], jnp.sum(q[1:] ** 2)) * q[1:]

    def inverse(self) -> Self:
        """Return the rotation that undoes this one."""
        check_ranks("Rotation.inverse", rotation=self)
        signs = jnp.asarray([1.0, -1.0, -1.0, -1.0], self.quaternion.dtype)
        return type(self)(self.quaternion * signs)

    def __matmul__(self, other: Self) -> Self:
        """Return the rotation that applies `other` first, then this one."""
        check_ranks("Rotation.__matmul__", rotation=self, other=other)
        return type(self)(_multiply(self.quaternion, other.quaternion))

    def apply(
        self, vectors: Float[Array, "*batch 3"] | tuple[float, float, float]
    ) -> Float[Array, "*batch 3"]:
        """Return rotated vectors, coordinates (x, y, z) along the last axis."""
        vectors = as_float(vectors)
        # The default precision of some accelerators moves atoms by hundredths of an Å.
        return jnp.matmul(
            vectors,
            self.as_matrix().astype(vectors.dtype).T,
            precision=jax.lax.Precision.HIGHEST,
        )


def _one_angle(name: str, angle: ScalarLike) -> Array:
    """Return an Euler angle as an array without axes."""
    found = as_float(angle)
    if found.ndim:
        raise ValueError(
            f"cannot make one rotation because {name} has shape {found.shape} where "
            f"one angle has rank 0; do jax.vmap(vitrax.Pose.from_euler) for a batch, "
            f"or from_euler(*angles) for (rot, tilt, psi) in an array"
        )
    return found


def _multiply(p: Quaternion, q: Quaternion) -> Quaternion:
    """Return Hamilton's product of two quaternions."""
    return _dot(_dot(_PRODUCT.astype(p.dtype), q), p)


def _dot(table: Array | np.ndarray, q: Quaternion) -> Array:
    """Return the product along the last axis, at full precision."""
    return jnp.matmul(table, q, precision=jax.lax.Precision.HIGHEST)


def _half_angle_functions(squared: Array) -> tuple[Array, Array]:
    """Return cos(θ/2) and sin(θ/2)/θ of θ², smooth at 0."""
    small = squared < 1e-6
    angle = jnp.sqrt(jnp.where(small, 1.0, squared))
    cosine = jnp.where(small, 1 - squared / 8 + squared**2 / 384, jnp.cos(angle / 2))
    sine = jnp.where(
        small, 0.5 - squared / 48 + squared**2 / 3840, jnp.sin(angle / 2) / angle
    )
    return cosine, sine


def _log_scale(w: Array, squared: Array) -> Array:
    """Return θ/sin(θ/2) of w = cos(θ/2) ≥ 0 and sin²(θ/2), smooth at 0."""
    small = squared < 1e-6
    sine = jnp.sqrt(jnp.where(small, 1.0, squared))
    # At half a turn w is 0: the branch not taken must stay finite for the gradient.
    w_near = jnp.where(small, w, 1.0)
    ratio = squared / w_near**2
    near = 2 / w_near * (1 - ratio / 3 + ratio**2 / 5)
    return jnp.where(small, near, 2 * jnp.arctan2(sine, w) / sine)


def _is_rotation(matrix: Matrix3) -> Bool[Array, ""]:
    """Return whether the rows are orthonormal and right-handed, within 1e-3."""
    first, second, third = matrix
    right_handed = jnp.sum((jnp.cross(first, second) - third) ** 2) < 1e-6
    lengths = jnp.abs(jnp.sum(matrix**2, axis=1) - 1) < 1e-3
    return right_handed & jnp.all(lengths)


def _quaternion_of(m: Matrix3) -> Quaternion:
    """Return the quaternion of a matrix (Shepperd 1978), its largest part as pivot."""
    xx, yy, zz = m[0, 0], m[1, 1], m[2, 2]
    wx, wy, wz = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    xy, xz, yz = m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1]
    candidates = jnp.stack(
        [
            jnp.stack([1 + xx + yy + zz, wx, wy, wz]),
            jnp.stack([wx, 1 + xx - yy - zz, xy, xz]),
            jnp.stack([wy, xy, 1 - xx + yy - zz, yz]),
            jnp.stack([wz, xz, yz, 1 - xx - yy + zz]),
        ]
    )
    pivot = jnp.argmax(jnp.diagonal(candidates))
    return candidates[pivot]


def _euler_of(q: Quaternion) -> Vector3:
    """Return (rot, tilt, psi) in radians, branches guarded so that gradients exist.

    With half the sum σ and half the difference δ of rot and psi, (w, z) is
    cos(tilt/2) (cos σ, -sin σ) and (x, y) is sin(tilt/2) (sin δ, -cos δ). So nothing
    cancels, however small the tilt, as it would from the matrix.
    """
    w, x, y, z = q
    cosine, half_sum = _polar(w, -z)
    sine, half_difference = _polar(-y, x)
    half_sum = jnp.where(cosine > 0, half_sum, -half_difference)
    half_difference = jnp.where(sine > 0, half_difference, -half_sum)
    tilt = 2 * jnp.arctan2(sine, cosine)
    return jnp.stack([half_sum + half_difference, tilt, half_sum - half_difference])


def _polar(x: Array, y: Array) -> tuple[Array, Array]:
    """Return length and angle of (x, y), both 0 where it is lost in rounding."""
    squared = x**2 + y**2
    lost = squared < (4 * jnp.finfo(squared.dtype).eps) ** 2
    length = jnp.sqrt(jnp.where(lost, 1.0, squared))
    angle = jnp.arctan2(jnp.where(lost, 0.0, y), jnp.where(lost, 1.0, x))
    return jnp.where(lost, 0.0, length), angle
