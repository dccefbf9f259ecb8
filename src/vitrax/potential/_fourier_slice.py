"""Projection of a map: a central slice of its Fourier transform."""

import itertools
import math

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Complex, Float

from .._checks import is_concrete
from .._typing import HalfSpectrum
from ..grid import Grid
from ..pose import Pose
from ..structure import FourierMap, SliceKernel, VoxelMap, guard_of
from ._projector import AbstractProjector, default_projector
from ._shift import shift_phases


Positions = tuple[Float[Array, "y kx"], Float[Array, "y kx"], Float[Array, "y kx"]]


class FourierSlice(AbstractProjector):
    r"""Central slice, $\hat P(k) = \hat V(A^\mathsf{T} (k_x, k_y, 0))$.

    Frequencies beyond the map's Nyquist frequency are zero. A `VoxelMap` is transformed at
    each call; make a `FourierMap` once for many projections.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> cube = vx.FourierMap.from_map(vx.VoxelMap(jnp.ones((8, 8, 8)), 2.0))
        >>> image = vx.project(cube, vx.Pose.identity(), vx.Grid(8, 2.0))
        >>> image.shape
        (8, 8)
    """

    def __call__(
        self, structure: FourierMap | VoxelMap, pose: Pose, grid: Grid
    ) -> HalfSpectrum:
        """Return the half spectrum of the line integral, map values × Å."""
        fourier_map = _as_fourier_map(structure)
        grid = self.working_grid(fourier_map, grid)
        _check_extent(fourier_map, grid)
        ky, kx = grid.frequency_axes()
        to_nodes = fourier_map.voxel_size * fourier_map.padded_size
        positions = plane_positions(pose.as_matrix()[:2] * to_nodes, ky, kx)
        limit = fourier_map.padded_size // 2 + 1e-3
        inside = [jnp.abs(position) <= limit for position in positions]
        scale = fourier_map.voxel_size**3 / grid.pixel_size**2
        phases = shift_phases(pose.shift, grid, scale)
        # The mask goes to the phases: XLA would run the interpolation's loop once for
        # each selection made from its result.
        phases = jnp.where(inside[0] & inside[1] & inside[2], phases, 0.0)
        return _sliced(fourier_map.coefficients, positions, fourier_map.kernel) * phases

    def working_grid(self, structure: FourierMap | VoxelMap, grid: Grid) -> Grid:
        """Return a grid with at least as many pixels as the map has voxels."""
        n = structure.shape[0]
        return Grid(tuple(max(n, size) for size in grid.shape), grid.pixel_size)


@default_projector.register
def _(structure: FourierMap) -> AbstractProjector:
    del structure
    return FourierSlice()


@default_projector.register
def _(structure: VoxelMap) -> AbstractProjector:
    del structure
    return FourierSlice()


def _as_fourier_map(structure: FourierMap | VoxelMap) -> FourierMap:
    """Return the transform of a map that isn't transformed yet."""
    if isinstance(structure, FourierMap):
        return structure
    return FourierMap.from_map(structure)


def _check_extent(fourier_map: FourierMap, grid: Grid) -> None:
    """Raise where the image would wrap, or sample finer than the padding allows."""
    if not is_concrete(fourier_map.voxel_size, grid.pixel_size):
        return
    box = fourier_map.shape[0] * float(fourier_map.voxel_size)
    padded = fourier_map.padded_size * float(fourier_map.voxel_size)
    # In Fourier space the copies of the map are a padded box apart.
    most = 2 * padded - box
    for size in grid.shape:
        extent = size * float(grid.pixel_size)
        if extent < box * (1 - 1e-4):
            raise ValueError(
                f"cannot project a map of {box:.2f} Å onto {size} pixels of "
                f"{float(grid.pixel_size):.4f} Å because the projection would wrap; do "
                f"give the grid {math.ceil(box / float(grid.pixel_size))} pixels or more, "
                f"or crop the map"
            )
        if extent > most * (1 + 1e-4):
            raise ValueError(
                f"cannot project a map of {box:.2f} Å, padded to {padded:.2f} Å, onto "
                f"{extent:.2f} Å because copies of the map would appear beyond "
                f"{most:.2f} Å; do vitrax.grid.pad the map's values to a larger box, or "
                f"use a smaller grid"
            )


def plane_positions(
    rows: Float[Array, "2 3"], ky: Float[Array, " y"], kx: Float[Array, " kx"]
) -> Positions:
    """Return kx·rows[0] + ky·rows[1], in units of nodes.

    The products come from one small matrix product, the rest is a sum. Written as a
    product plus a product, XLA computes a position again in each loop that uses it, now
    fused and now not, and two loops may round it to different sides of a node.
    """
    across = jnp.stack([jnp.pad(kx, (0, ky.size)), jnp.pad(ky, (kx.size, 0))])
    steps = jnp.matmul(rows.T, across, precision=lax.Precision.HIGHEST)
    x, y, z = (step[None, : kx.size] + step[kx.size :, None] for step in steps)
    return x, y, z


def _sliced(
    coefficients: Complex[Array, "nodes_z nodes_y nodes_x"],
    positions: Positions,
    kernel: SliceKernel,
) -> HalfSpectrum:
    """Return the transform at positions on either side of x = 0."""
    # The half with x >= 0 is stored, the other is its conjugate.
    flipped = positions[0] < 0
    x, y, z = (jnp.where(flipped, -p, p) for p in positions)
    values = interpolate(coefficients, (x, y, z), kernel)
    return jnp.where(flipped, jnp.conj(values), values)


def interpolate(
    coefficients: Complex[Array, "nodes_z nodes_y nodes_x"],
    positions: Positions,
    kernel: SliceKernel,
) -> HalfSpectrum:
    """Return the transform between its nodes, x ≥ 0; differentiable in all of it.

    Args:
        coefficients: as `FourierMap` holds them.
        positions: (x, y, z) in units of nodes from zero frequency.
        kernel: the interpolation.
    """

    @jax.custom_jvp
    def read(nodes, x, y, z):
        return _weighted_sum(nodes, (x, y, z), kernel, (0, 0, 0))

    def read_jvp(primals, tangents):
        nodes, *at = primals
        d_nodes, *d_at = tangents
        tangent = jnp.zeros(at[0].shape, nodes.dtype)
        # Zero tangents are told apart, so that a gradient in the pose alone doesn't
        # scatter into the map.
        if not isinstance(d_nodes, SymbolicZero):
            tangent = tangent + read(d_nodes, *at)
        for axis, step in enumerate(d_at):
            if not isinstance(step, SymbolicZero):
                order = tuple(int(i == axis) for i in range(3))
                slope = _weighted_sum(nodes, tuple(at), kernel, order)
                tangent = tangent + slope * step.astype(slope.dtype)
        return read(nodes, *at), tangent

    read.defjvp(read_jvp, symbolic_zeros=True)
    return read(coefficients, *positions)


def _weighted_sum(
    nodes: Array, at: tuple[Array, ...], kernel: SliceKernel, order: tuple[int, ...]
) -> Array:
    """Return the kernel-weighted sum of the nodes around each position.

    One gather per node with an index into the flat array: XLA fuses them, and the
    weights, into a single loop, several times as fast as windows or an array of indices.
    The barriers keep it so: without the first, the gathers of a value and its slopes are
    recognised as the same and stored; without the second, the loop is run again for each
    use of the result.
    """
    guard = guard_of(kernel)
    depth, height, width = nodes.shape
    flat = nodes.reshape(-1)
    first, weights = [], []
    sizes = ((width, guard), (height, height // 2), (depth, depth // 2))
    for position, derivative, (size, origin) in zip(at, order, sizes, strict=True):
        start = jnp.ceil(position - 0.5 * kernel.points)
        weights.append(_weights(position - start, kernel, derivative))
        start = start.astype(jnp.int32) + origin
        first.append(jnp.clip(start, 0, size - kernel.points))
    base = (first[2] * height + first[1]) * width + first[0]
    base, weights = lax.optimization_barrier((base, weights))
    weights = jax.tree.map(lambda w: w.astype(nodes.dtype), weights)
    total = jnp.zeros(base.shape, nodes.dtype)
    for k, j in itertools.product(range(kernel.points), repeat=2):
        row = jnp.zeros(base.shape, nodes.dtype)
        for i in range(kernel.points):
            index = base + ((k * height + j) * width + i)
            row = row + weights[0][i] * flat.at[index].get(mode="promise_in_bounds")
        total = total + (weights[1][j] * weights[2][k]) * row
    return lax.optimization_barrier(total)


def _weights(offset: Array, kernel: SliceKernel, derivative: int) -> list[Array]:
    """Return the weight of each node along one axis, or its slope.

    `offset` is the distance to the first node, between W/2 - 1 and W/2.
    """
    scale = 2.0 / kernel.points
    out = []
    for node in range(kernel.points):
        t = scale * (offset - node)
        polynomial, slope = kernel_values(t, kernel.coefficients)
        out.append(slope * scale if derivative else polynomial)
    return out


def kernel_values(t, coefficients: tuple[float, ...]):
    """Return (1 - t²)² Σ c_j t²ʲ and its derivative."""
    u = t * t
    p, dp = coefficients[-1] + 0.0 * u, 0.0 * u
    for c in coefficients[-2::-1]:
        dp = dp * u + p
        p = p * u + c
    edge = 1.0 - u
    return edge * edge * p, 2.0 * t * edge * (edge * dp - 2.0 * p)
