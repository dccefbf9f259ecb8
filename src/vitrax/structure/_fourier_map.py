"""A map made ready to be sliced."""

from typing import Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex

from .._checks import POSITIVE, check_fields, checked, must
from .._typing import Scalar, as_float
from ._bricks import BRICK, to_bricks
from ._slice_kernel import SliceKernel
from ._trilinear import Trilinear
from ._voxel_map import ARBITRARY, VoxelMap


class FourierMap(eqx.Module):
    r"""Fourier transform of a map, padded and deconvolved, ready for central slices.

    By the projection-slice theorem the transform of a projection is a central slice of
    the transform of the map. The slice is interpolated between the nodes of this
    transform; the map is divided by the interpolation kernel's own transform
    beforehand, so that interpolation gives the map itself back.

    Make it by `FourierMap.from_map`.

    Args:
        coefficients: transform of the deconvolved map, y and z frequencies centred, x
            frequencies from zero, with guard nodes on every side; in bricks of 8³
            nodes.
        voxel_size: of the map, Å.
        shape: of the map, voxels (z, y, x).
        kernel: the interpolation.
        unit: of the map's values.

    Raises:
        ValueError: if the coefficients aren't those of a map of this shape.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> density = vx.VoxelMap(jnp.ones((8, 8, 8)), voxel_size=2.0)
        >>> vx.FourierMap.from_map(density).shape
        (8, 8, 8)
    """

    coefficients: Complex[Array, "bricks_z bricks_y bricks_x nodes"]
    voxel_size: Scalar = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "give the size of a voxel in Å")
    )
    shape: tuple[int, int, int] = eqx.field(static=True)
    kernel: SliceKernel | Trilinear = eqx.field(static=True)
    unit: str = eqx.field(static=True, default=ARBITRARY)

    def __check_init__(self) -> None:
        check_fields(self)
        bricks = tuple(-(-n // BRICK) for n in self.node_shape)
        if self.coefficients.shape != (*bricks, BRICK**3):
            raise ValueError(
                f"cannot make FourierMap because coefficients have shape "
                f"{self.coefficients.shape} where a map of shape {self.shape} has "
                f"{(*bricks, BRICK**3)} with {self.kernel}; do use FourierMap.from_map"
            )

    @classmethod
    def from_map(
        cls, voxel_map: VoxelMap, kernel: SliceKernel | Trilinear | None = None
    ) -> Self:
        """Return the transform of `voxel_map` for slices with `kernel`.

        Args:
            voxel_map: the map, with the same number of voxels along each axis.
            kernel: interpolation; by default `SliceKernel()`, accurate to 5e-3 for a
                particle of up to 0.6 of the box, whatever the values are. Take
                `SliceKernel.for_map(voxel_map)` for that accuracy in any map,
                `SliceKernel(points=4, padding=1.5)` for 1e-3, `Trilinear(padding)` for
                RELION's own numbers.

        Raises:
            ValueError: if the map isn't a cube, or is batched.
        """
        voxel_map = checked("FourierMap.from_map", voxel_map=voxel_map)
        kernel = SliceKernel() if kernel is None else kernel
        shape = voxel_map.values.shape
        if len(set(shape)) != 1:
            raise ValueError(
                f"cannot slice a map of shape {shape} because its slices need a cube; "
                f"do vitrax.grid.pad its values to {(max(shape),) * 3} first"
            )
        size_of_map = shape[0]
        size = kernel.padded_size(size_of_map)
        values = kernel.deconvolved(voxel_map.values, size)
        half = jnp.fft.rfftn(_corner_padded(values, size))
        nodes = _with_guards(half, size, guard_of(kernel))
        nodes = kernel.kept(nodes, _origin(size, guard_of(kernel)), size_of_map)
        return cls(
            to_bricks(nodes),
            voxel_map.voxel_size.astype(voxel_map.values.dtype),
            (size_of_map, size_of_map, size_of_map),
            kernel,
            voxel_map.unit,
        )

    @property
    def origin(self) -> tuple[int, int, int]:
        """Node (z, y, x) of zero frequency."""
        return _origin(self.padded_size, guard_of(self.kernel))

    @property
    def node_shape(self) -> tuple[int, int, int]:
        """Number of nodes (z, y, x), guards included."""
        z, y, x = self.origin
        return 2 * z + 1, 2 * y + 1, self.padded_size // 2 + 1 + 2 * x

    @property
    def padded_size(self) -> int:
        """Number of nodes per axis of the full transform."""
        return self.kernel.padded_size(self.shape[0])


def guard_of(kernel: SliceKernel | Trilinear) -> int:
    """Return how many nodes beyond the outermost frequency the kernel reaches."""
    return kernel.points // 2 + 1


def _origin(size: int, guard: int) -> tuple[int, int, int]:
    """Return the node (z, y, x) of zero frequency."""
    return (size // 2 + guard, size // 2 + guard, guard)


def _corner_padded(values: Array, size: int) -> Array:
    """Return `values` in a larger box of zeros, the origin moved to its first voxel."""
    n = values.shape[0]
    before = size // 2 - n // 2
    return jnp.fft.ifftshift(jnp.pad(values, [(before, size - n - before)] * 3))


def _with_guards(half: Array, size: int, guard: int) -> Array:
    """Return frequencies -size/2 - guard to size/2 + guard, along x from -guard on.

    The transform has period `size`; a negative x frequency is the conjugate of the
    opposite node.
    """
    centred = np.arange(-(size // 2) - guard, size // 2 + guard + 1) % size
    across = np.arange(-guard, size // 2 + guard + 1)
    stored = (across >= 0) & (across <= size // 2)
    conjugated = jnp.conj(half[-centred % size][:, -centred % size])
    before = conjugated[..., -across[across < 0]]
    after = conjugated[..., size - across[across > size // 2]]
    inner = half[centred][:, centred][..., across[stored]]
    return jnp.concatenate([before, inner, after], axis=-1)
