"""Reading a Fourier map between its nodes."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Float

from .._typing import HalfSpectrum
from ..structure import FourierMap, brick_offset


Positions = tuple[Float[Array, "y kx"], Float[Array, "y kx"], Float[Array, "y kx"]]


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


def read_plane(fourier_map: FourierMap, positions: Positions) -> HalfSpectrum:
    """Return the map's transform at positions (x, y, z) in nodes from zero frequency.

    Differentiable in the positions and in the map, in both modes; a gradient in the
    positions alone doesn't scatter into the map.
    """

    @jax.custom_jvp
    def read(coefficients, x, y, z):
        read_from = eqx.tree_at(lambda m: m.coefficients, fourier_map, coefficients)
        return _weighted_sum(read_from, (x, y, z), (0, 0, 0))

    def read_jvp(primals, tangents):
        coefficients, *at = primals
        d_coefficients, *d_at = tangents
        tangent = jnp.zeros(at[0].shape, coefficients.dtype)
        if not isinstance(d_coefficients, SymbolicZero):
            tangent = tangent + read(d_coefficients, *at)
        read_from = eqx.tree_at(lambda m: m.coefficients, fourier_map, coefficients)
        for axis, step in enumerate(d_at):
            if not isinstance(step, SymbolicZero):
                order = tuple(int(i == axis) for i in range(3))
                slope = _weighted_sum(read_from, tuple(at), order)
                tangent = tangent + slope * step.astype(slope.dtype)
        return read(coefficients, *at), tangent

    read.defjvp(read_jvp, symbolic_zeros=True)
    # The half with x >= 0 is stored, the other is its conjugate.
    flipped = positions[0] < 0
    # A sign rather than a selection: the gradient of a selection is two of them, and
    # XLA would run the loop of each slope once for either.
    sign = jnp.where(flipped, -1.0, 1.0).astype(positions[0].dtype)
    values = read(fourier_map.coefficients, *(sign * p for p in positions))
    return lax.complex(values.real, sign * values.imag)


def _weighted_sum(
    fourier_map: FourierMap, at: tuple[Array, ...], order: tuple[int, ...]
) -> Array:
    """Return the kernel-weighted sum of the nodes around each position, x ≥ 0.

    One gather per node with an index into the flat array: XLA fuses them into a single
    loop, several times as fast as windows or an array of indices. The barrier keeps it
    so: without it the gathers of a value and of its slopes are recognised as the same,
    and stored.

    Args:
        fourier_map: the nodes.
        at: positions along x, y and z.
        order: 1 for the axis along which the slope is wanted.
    """
    points = fourier_map.kernel.points
    counts = fourier_map.coefficients.shape[:3]
    flat = fourier_map.coefficients.reshape(-1)
    first, weights = [], []
    for i, (position, derivative) in enumerate(zip(at, order, strict=True)):
        start = jnp.ceil(position - 0.5 * points)
        weights.append(_weights(fourier_map.kernel, position - start, derivative))
        node = start.astype(jnp.int32) + fourier_map.origin[2 - i]
        first.append(jnp.clip(node, 0, fourier_map.node_shape[2 - i] - points))
    first, weights = lax.optimization_barrier((first, weights))
    x_offset, y_offset, z_offset = (
        [brick_offset(first[i] + n, 2 - i, counts) for n in range(points)]
        for i in range(3)
    )
    x_weight, y_weight, z_weight = jax.tree.map(lambda w: w.astype(flat.dtype), weights)
    total = jnp.zeros(at[0].shape, flat.dtype)
    for k, j in itertools.product(range(points), repeat=2):
        start, row = z_offset[k] + y_offset[j], jnp.zeros_like(total)
        for i in range(points):
            node = flat.at[start + x_offset[i]].get(mode="promise_in_bounds")
            row = row + x_weight[i] * node
        total = total + (z_weight[k] * y_weight[j]) * row
    return total


def _weights(kernel, offset: Array, derivative: int) -> list[Array]:
    """Return the weight of each node along one axis, or its slope.

    Args:
        kernel: a `SliceKernel`.
        offset: distance to the first node, between W/2 - 1 and W/2.
        derivative: 0 for the weight, 1 for its slope.
    """
    scale = 2.0 / kernel.points
    both = [
        kernel_values(scale * (offset - node), kernel.coefficients)
        for node in range(kernel.points)
    ]
    return [slope * scale if derivative else weight for weight, slope in both]


def kernel_values(t, coefficients: tuple[float, ...]):
    """Return (1 - t²)² Σ c_j t²ʲ and its derivative."""
    u = t * t
    p, dp = coefficients[-1] + 0.0 * u, 0.0 * u
    for c in coefficients[-2::-1]:
        dp = dp * u + p
        p = p * u + c
    edge = 1.0 - u
    return edge * edge * p, 2.0 * t * edge * (edge * dp - 2.0 * p)
