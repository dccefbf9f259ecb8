"""Slabs of Gaussians, each of them exact."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._typing import Scalar, ScalarLike, as_float
from ..grid import Grid
from ..pose import Pose
from ..structure import Atoms, Gaussians, sum_gaussians
from ._slabs import (
    MORE_SLABS,
    AbstractSlicer,
    check_fits,
    checked_call,
    height_of,
    shares,
)


# Of the standard deviation of the widest Gaussian: 0.3 % of it are further out.
_MARGIN = 3.0


class GaussianSlabs(AbstractSlicer):
    r"""Gaussians averaged over pixels and integrated over slabs, exact to rounding.

    $$S_k(x, y) = \sum_{j,t} a_{jt}\, w_{kjt}\, g_{s_{jt}}(x - x_j)\,
    g_{s_{jt}}(y - y_j)$$

    with the share $w_{kjt}$ of a Gaussian in slab $k$ in closed form. Every Gaussian is
    evaluated for every slab: for small structures, and to check other slicers.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.potential import GaussianSlabs
        >>> blob = vx.Gaussians([[0.0, 0.0, 1.0]], [[1.0]], [[0.01]])
        >>> grid = vx.Grid(9, 1.0)
        >>> slabs = GaussianSlabs()(blob, vx.Pose.identity(), grid, 2.0, 3)
        >>> [round(float(share), 3) for share in slabs.sum((1, 2))]
        [0.0, 0.5, 0.5]
    """

    def __call__(
        self,
        structure: Gaussians | Atoms,
        pose: Pose,
        grid: Grid,
        thickness: ScalarLike,
        count: int,
    ) -> Float[Array, "slab y x"]:
        """Return the slabs, Å per Å².

        Raises:
            TypeError: if `structure` isn't `Gaussians` or `Atoms`.
            ValueError: if `count` isn't positive, an atom lies beyond the slabs.
        """
        nouns = (structure, pose, grid)
        structure, pose, grid = checked_call(self, nouns, count, (Gaussians, Atoms))
        gaussians, thickness = as_gaussians(structure), as_float(thickness)
        centres, depths, thickness = placed(gaussians, pose, thickness, count)
        first = jnp.full_like(depths, -0.5 * count) * thickness
        widths = jnp.sqrt(gaussians.variances)
        weights = shares(depths, widths, first, thickness, count)

        @jax.checkpoint
        def one(weight: Array) -> Array:
            amplitudes = gaussians.amplitudes * weight
            return sum_gaussians(centres, amplitudes, gaussians.variances, grid)

        return jax.lax.map(one, jnp.moveaxis(weights, -1, 0))

    def half_depth(self, structure: Gaussians | Atoms) -> float:
        """Return the furthest centre and three widths of the widest Gaussian, Å."""
        return reach_of(structure)


def as_gaussians(structure: Gaussians | Atoms) -> Gaussians:
    """Return the Gaussians of a structure."""
    return structure.to_gaussians() if isinstance(structure, Atoms) else structure


def reach_of(structure: Gaussians | Atoms) -> float:
    """Return the furthest centre and three widths of the widest Gaussian, Å."""
    gaussians = as_gaussians(structure)
    furthest = np.linalg.norm(np.asarray(gaussians.positions), axis=-1).max()
    widest = math.sqrt(float(np.asarray(gaussians.variances).max()))
    return float(furthest) + _MARGIN * widest


def placed(
    gaussians: Gaussians, pose: Pose, thickness: Scalar, count: int
) -> tuple[Float[Array, "gaussians 2"], Float[Array, " gaussians"], Scalar]:
    """Return the centres (y, x), the depths z, and the thickness, all of one dtype.

    Raises:
        ValueError: if one is known to lie beyond the slabs.
    """
    positions = gaussians.positions
    x_row, y_row, z_row = pose.as_matrix().astype(positions.dtype)
    thickness = thickness.astype(positions.dtype)
    rows = jnp.stack([y_row, x_row])
    shift = pose.shift[::-1].astype(positions.dtype)
    centres = positions @ rows.T + shift[None, :]
    depths = positions @ z_row + height_of(pose, positions)
    depths = check_fits(
        jnp.max(jnp.abs(depths)),
        0.5 * count * thickness,
        depths,
        "an atom lies at a depth of",
        MORE_SLABS,
    )
    return centres, depths, thickness
