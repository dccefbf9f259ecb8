"""What a slicer is, and which one each structure gets by default."""

import abc
import functools as ft
import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, PyTree

from .._checks import checked, is_known, maybe_error_if
from .._typing import Scalar, ScalarLike, as_float
from ..grid import Grid
from ..pose import Pose


class AbstractSlicer(eqx.Module):
    """A way to cut the potential of a structure into slabs across the beam.

    To add one, subclass this in a file of your own and pass an instance as `slicer=`,
    or register it as the default of a new type of structure::

        @vitrax.potential.default_slicer.register
        def _(structure: MyStructure):
            return MySlicer()
    """

    @abc.abstractmethod
    def __call__(
        self,
        structure: PyTree,
        pose: Pose,
        grid: Grid,
        thickness: ScalarLike,
        count: int,
    ) -> Float[Array, "slab y x"]:
        r"""Return the projection of each slab, in the order of +z.

        Slab $k$ is the structure's potential integrated over
        $[k - n/2, k + 1 - n/2]\,\Delta$, so that $z = 0$, the middle of the specimen,
        is the middle of all. What lies beyond the first and the last counts to these:
        the slabs sum to the projection.

        Args:
            structure: what the slicer takes.
            pose: of the structure, its height included.
            grid: of the image.
            thickness: of a slab, $\Delta$, Å.
            count: number of slabs, $n$.

        Returns:
            Slabs in the unit of a projection: Å per Å² of Gaussians, map values × Å.
        """

    @abc.abstractmethod
    def half_depth(self, structure: PyTree) -> float:
        """Return how far the structure reaches from its origin, Å, in any rotation."""


@ft.singledispatch
def default_slicer(structure: Any) -> AbstractSlicer:
    """Return the slicer that `structure` gets where none is chosen.

    Raises:
        TypeError: if the type of `structure` has none.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.potential import default_slicer
        >>> default_slicer(vx.Gaussians([[0.0] * 3], [[1.0]], [[1.0]])).reach
        12
    """
    raise TypeError(
        f"cannot cut a {type(structure).__name__} into slabs because no slicer is "
        f"registered for it; do pass slicer=..., take a VoxelMap, Atoms or Gaussians, "
        f"or register one with vitrax.potential.default_slicer.register"
    )


def checked_call(
    slicer: AbstractSlicer,
    nouns: tuple[Any, Pose, Grid],
    count: int,
    kinds: tuple[type, ...],
) -> Any:
    """Return the structure, the pose and the grid of a call of a slicer, checked.

    Raises:
        TypeError: if the structure isn't of one of the types that the slicer takes.
        ValueError: if the number of slabs isn't positive, or a noun is batched.
    """
    name, (structure, pose, grid) = type(slicer).__name__, nouns
    if not isinstance(structure, kinds):
        raise TypeError(
            f"cannot cut {type(structure).__name__} into slabs by {name} because it "
            f"takes {' or '.join(kind.__name__ for kind in kinds)}; do leave slicer "
            f"out for the structure's own, or convert the structure"
        )
    if int(count) != count or count < 1:
        raise ValueError(
            f"cannot cut into {count} slabs because that isn't a positive integer; do "
            f"pass 1 or more"
        )
    return checked(f"{name}()", structure=structure, pose=pose, grid=grid)


def shares(
    depths: Float[Array, " n"],
    widths: Float[Array, "n terms"],
    first: Float[Array, " n"],
    thickness: Scalar,
    window: int,
) -> Float[Array, "n terms window"]:
    r"""Return the share of each Gaussian in each of some slabs.

    $\Phi((e_{k+1} - z)/\sigma) - \Phi((e_k - z)/\sigma)$ between the edges; what lies
    beyond the first and last counts to these, so that they sum to 1.

    Args:
        depths: $z$, Å.
        widths: $\sigma$, Å.
        first: lower edge of the first slab, Å.
        thickness: Å.
        window: number of slabs.
    """
    inner = jnp.arange(1, window, dtype=depths.dtype) * thickness
    offset = (first - depths)[:, None, None] + inner[None, None, :]
    below = 0.5 * (1 + lax.erf(offset * (math.sqrt(0.5) / widths)[:, :, None]))
    return jnp.diff(
        jnp.pad(below, ((0, 0), (0, 0), (1, 0))),
        append=jnp.ones((*widths.shape, 1), below.dtype),
        axis=-1,
    )


def height_of(pose: Pose, like: Array) -> Scalar:
    """Return the height of a pose, 0 where it has none."""
    if pose.height is None:
        return jnp.zeros((), like.dtype)
    return as_float(pose.height).astype(like.dtype)


def check_fits(furthest: Any, half: Any, values: Array, what: str, advice: str) -> Any:
    """Return `values`; raise if something reaches further than there is room.

    Raises:
        ValueError: if both numbers are known now; a traced one is looked at where
            run-time checks are on.
    """
    # A millionth: what was counted to fit exactly still does when it is rounded.
    if is_known(furthest) and is_known(half):
        reach, room = float(np.asarray(furthest)), float(np.asarray(half))
        if reach > room * (1 + 1e-6):
            raise ValueError(
                f"cannot cut into slabs because {what} {reach:.4g} Å where there is "
                f"room for {room:.4g} Å; do {advice}"
            )
        return values
    message = f"cannot cut into slabs because {what} further than there is room; do "
    return maybe_error_if(values, furthest > half * (1 + 1e-6), message + advice)


MORE_SLABS = "give more slabs, or choose their number by Multislice.around"
