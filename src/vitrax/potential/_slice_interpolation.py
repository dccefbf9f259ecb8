"""Reading a Fourier map between its nodes."""

import functools as ft
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jaxtyping import Array, Complex, Float

from .._typing import HalfSpectrum
from ..structure import FourierMap, SliceKernel, Trilinear, brick_offset


Positions = tuple[Float[Array, "y kx"], Float[Array, "y kx"], Float[Array, "y kx"]]


Slopes = Complex[Array, "y kx 3"]


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


def read_plane(
    fourier_map: FourierMap,
    rows: Float[Array, "2 3"],
    ky: Float[Array, " y"],
    kx: Float[Array, " kx"],
) -> HalfSpectrum:
    """Return the map's transform on the plane kx·rows[0] + ky·rows[1].

    Differentiable in the plane and in the map, in both modes; a gradient in the plane
    alone doesn't scatter into the map.

    Args:
        fourier_map: the nodes.
        rows: what one unit of kx and of ky is along (x, y, z), in nodes.
        ky: frequencies of the rows of the image.
        kx: frequencies of its columns.
    """

    lattice = _Lattice(fourier_map.kernel, fourier_map.origin, fourier_map.node_shape)

    @jax.custom_jvp
    def read(coefficients, rows, ky, kx):
        return _values(coefficients, lattice, plane_positions(rows, ky, kx))

    def read_jvp(primals, tangents):
        coefficients, *plane = primals
        d_coefficients, *d_plane = tangents
        tangent = jnp.zeros((ky.size, kx.size), coefficients.dtype)
        if not isinstance(d_coefficients, SymbolicZero):
            tangent = tangent + read(d_coefficients, *plane)
        if not all(isinstance(step, SymbolicZero) for step in d_plane):
            slopes = _slopes(coefficients, lattice, plane_positions(*plane))
            steps = _plane_steps(plane, d_plane).astype(slopes.dtype)
            tangent = tangent + jnp.sum(slopes * steps, -1)
        return read(*primals), tangent

    read.defjvp(read_jvp, symbolic_zeros=True)
    return read(fourier_map.coefficients, rows, ky, kx)


def read_at(
    fourier_map: FourierMap, positions: Float[Array, "y x 3"]
) -> Complex[Array, "y x"]:
    """Return the map's transform anywhere; differentiable in both arguments.

    Args:
        fourier_map: the nodes.
        positions: (x, y, z) of each frequency, in nodes.
    """
    lattice = _Lattice(fourier_map.kernel, fourier_map.origin, fourier_map.node_shape)

    @jax.custom_jvp
    def read(coefficients, positions):
        return _values(coefficients, lattice, _split(positions))

    def read_jvp(primals, tangents):
        coefficients, positions = primals
        d_coefficients, d_positions = tangents
        tangent = jnp.zeros(positions.shape[:-1], coefficients.dtype)
        if not isinstance(d_coefficients, SymbolicZero):
            tangent = tangent + read(d_coefficients, positions)
        if not isinstance(d_positions, SymbolicZero):
            slopes = _slopes(coefficients, lattice, _split(positions))
            tangent = tangent + jnp.sum(slopes * d_positions.astype(slopes.dtype), -1)
        return read(*primals), tangent

    read.defjvp(read_jvp, symbolic_zeros=True)
    return read(fourier_map.coefficients, positions)


def _split(positions: Float[Array, "y x 3"]) -> Positions:
    """Return x, y and z."""
    return positions[..., 0], positions[..., 1], positions[..., 2]


def _plane_steps(plane: list, steps: list) -> Float[Array, "y kx 3"]:
    """Return by how much each position moves, of (rows, ky, kx) and their tangents."""
    rows, ky, kx = plane
    d_rows, d_ky, d_kx = steps
    total = jnp.zeros((ky.size, kx.size, 3), rows.dtype)
    if not isinstance(d_rows, SymbolicZero):
        total = total + _swept(d_rows, ky, kx)
    if not isinstance(d_ky, SymbolicZero):
        total = total + _swept(rows, d_ky, jnp.zeros_like(kx))
    if not isinstance(d_kx, SymbolicZero):
        total = total + _swept(rows, jnp.zeros_like(ky), d_kx)
    return total


def _swept(
    rows: Float[Array, "2 3"], ky: Float[Array, " y"], kx: Float[Array, " kx"]
) -> Float[Array, "y kx 3"]:
    """Return kx·rows[0] + ky·rows[1] of each pixel.

    A matrix product for each row of the image: what it is transposed to reads the
    slopes as their loop writes them, the three of a pixel side by side. One product for
    the whole image took 1.5 times as long, a sum would run the loop once for each of
    its uses.
    """
    across = jnp.stack([kx, jnp.ones_like(kx)])
    start = ky[:, None] * rows[1][None, :]
    lines = jnp.stack([jnp.broadcast_to(rows[0], start.shape), start], axis=1)
    return jnp.einsum("ak,yab->ykb", across, lines, precision=lax.Precision.HIGHEST)


class _Lattice(NamedTuple):
    """Where nodes lie, and how they are weighted: of a `FourierMap`, see there."""

    kernel: SliceKernel | Trilinear
    origin: tuple[int, int, int]
    node_shape: tuple[int, int, int]


# Compiled as a whole, else a call outside jit would compile each of its operations.
@ft.partial(jax.jit, static_argnums=1)
def _values(
    coefficients: Array, lattice: _Lattice, positions: Positions
) -> HalfSpectrum:
    """Return the interpolated transform."""
    sign, first, offsets = _nearest(lattice, positions)
    weights = [lattice.kernel.weights(offset)[0] for offset in offsets]
    total = _weighted_sum(coefficients, first, weights)
    return lax.complex(total.real, sign * total.imag)


@ft.partial(jax.jit, static_argnums=1)
def _slopes(coefficients: Array, lattice: _Lattice, positions: Positions) -> Slopes:
    """Return the derivatives of the interpolated transform along x, y and z.

    The three of a pixel stand side by side, so that one loop makes them while their
    nodes are in the cache; three loops were a third slower and took twice as long to
    compile.
    """
    sign, first, offsets = _nearest(lattice, positions)
    weights = []
    for axis, offset in enumerate(offsets):
        here = jnp.arange(3) == axis
        weights.append(
            [
                jnp.where(here, slope[..., None], value[..., None])
                for value, slope in zip(*lattice.kernel.weights(offset), strict=True)
            ]
        )
    total = _weighted_sum(coefficients, first, weights)
    return lax.complex(sign[..., None] * total.real, total.imag)


def _nearest(lattice: _Lattice, positions: Positions):
    """Return the sign of x, the first node along each axis, and the distance to it.

    Positions with x < 0 are mirrored: the half with x ≥ 0 is stored, the other is its
    conjugate. A sign rather than a selection: the gradient of a selection is two of
    them, and XLA would run a loop once for either.
    """
    points = lattice.kernel.points
    sign = jnp.where(positions[0] < 0, -1.0, 1.0).astype(positions[0].dtype)
    first, offsets = [], []
    for i, position in enumerate(positions):
        start = jnp.ceil(sign * position - 0.5 * points)
        node = start.astype(jnp.int32) + lattice.origin[2 - i]
        first.append(jnp.clip(node, 0, lattice.node_shape[2 - i] - points))
        offsets.append(sign * position - start)
    return sign, first, offsets


def _weighted_sum(
    coefficients: Array, first: list[Array], weights: list[list[Array]]
) -> Array:
    """Return the weighted sum of W x W x W nodes at each place.

    One gather per node with an index into the flat array: XLA fuses them into a single
    loop, several times as fast as windows or an array of indices. The barrier keeps it
    so: without it the gathers of a value and of its slopes are recognised as the same,
    and stored.

    Args:
        coefficients: the nodes, in bricks.
        first: index of the first node along x, y and z, of each pixel.
        weights: of each node along x, y and z; several sums of the same nodes side by
            side along a last axis.
    """
    counts = coefficients.shape[:3]
    flat = coefficients.reshape(-1)
    first, weights = lax.optimization_barrier((first, weights))
    shape = weights[0][0].shape
    places = (*first[0].shape, *(1,) * (len(shape) - 2))
    x_offset, y_offset, z_offset = (
        [
            brick_offset(first[i] + n, 2 - i, counts).reshape(places)
            for n in range(len(weights[i]))
        ]
        for i in range(3)
    )
    x_weight, y_weight, z_weight = jax.tree.map(lambda w: w.astype(flat.dtype), weights)
    total = jnp.zeros(shape, flat.dtype)
    for k, j in itertools.product(range(len(z_weight)), range(len(y_weight))):
        start, row = z_offset[k] + y_offset[j], jnp.zeros_like(total)
        for i, weight in enumerate(x_weight):
            place = jnp.broadcast_to(start + x_offset[i], shape)
            node = flat.at[place].get(mode="promise_in_bounds")
            row = row + weight * node
        total = total + (z_weight[k] * y_weight[j]) * row
    return total
