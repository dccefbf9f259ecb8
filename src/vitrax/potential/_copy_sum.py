"""Projection of an assembly, copy by copy."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from .._typing import HalfSpectrum
from ..grid import Grid
from ..pose import Pose, Rotation
from ..structure import Assembly
from ._projector import AbstractProjector, check_structure, default_projector
from ._scale import potential_scale


class CopySum(AbstractProjector):
    r"""The sum of the projections of the copies of an `Assembly`.

    Under the pose $A$, $s$ the copy $R_i$, $t_i$ lies as the unit would under
    $A R_i$ and $s + (A t_i)_{xy}$. Memory is that of `batch_size` projections; under
    `jax.grad` they are computed again rather than stored.

    Args:
        projector: of the unit; by default its own.
        batch_size: copies at a time.

    Example:
        >>> import vitrax as vx
        >>> atom = vx.Gaussians([[5.0, 0.0, 0.0]], [[1.0]], [[0.5]])
        >>> ring = vx.structure.Assembly.from_group(atom, vx.pose.point_group("C3"))
        >>> image = vx.project(ring, vx.Pose.identity(), vx.Grid(17, 1.0))
        >>> round(float(image.sum()), 5)
        3.0
    """

    projector: AbstractProjector | None = None
    batch_size: int = eqx.field(static=True, default=4)

    def __check_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(
                f"cannot project {self.batch_size} copies at a time because a batch "
                f"holds at least one; do pass batch_size >= 1"
            )

    def __call__(self, structure: Assembly, pose: Pose, grid: Grid) -> HalfSpectrum:
        """Return the half spectrum of the projection, in the unit of that of a copy.

        Raises:
            TypeError: if `structure` isn't an `Assembly`.
        """
        check_structure(self, structure, Assembly)
        project = self._inner(structure)
        matrix = pose.as_matrix()

        def one(operator: tuple[Array, Array]) -> HalfSpectrum:
            rotation, translation = operator
            there = jnp.matmul(matrix, translation, precision=jax.lax.Precision.HIGHEST)
            turned = pose.rotation @ Rotation.from_matrix(rotation)
            return project(structure.unit, Pose(turned, pose.shift + there[:2]), grid)

        operators = (structure.rotations, structure.translations)
        return _sum_of(one, operators, len(structure), self.batch_size)

    def working_grid(self, structure: Assembly, grid: Grid) -> Grid:
        """Return the grid that the unit's projector needs."""
        return self._inner(structure).working_grid(structure.unit, grid)

    def _inner(self, structure: Assembly) -> AbstractProjector:
        """Return the projector of the unit."""
        return self.projector or default_projector(structure.unit)


@default_projector.register
def _(structure: Assembly) -> AbstractProjector:
    del structure
    return CopySum()


@potential_scale.register
def _(structure: Assembly) -> float:
    return potential_scale(structure.unit)


def _sum_of(
    fn: Callable[[PyTree], Array], xs: PyTree, count: int, batch_size: int
) -> Array:
    """Return the sum of `fn` over items, at most `batch_size` of them at a time."""
    step = jax.checkpoint(fn)

    def add(total: Array, batch: PyTree) -> tuple[Array, None]:
        return total + jnp.sum(jax.vmap(step)(batch), axis=0), None

    whole = count // batch_size * batch_size
    first = jax.eval_shape(fn, jax.tree.map(lambda x: x[0], xs))
    total = jnp.zeros(first.shape, first.dtype)
    if whole:
        batches = jax.tree.map(
            lambda x: x[:whole].reshape(-1, batch_size, *x.shape[1:]), xs
        )
        total, _ = jax.lax.scan(add, total, batches)
    if whole < count:
        total, _ = add(total, jax.tree.map(lambda x: x[whole:], xs))
    return total
