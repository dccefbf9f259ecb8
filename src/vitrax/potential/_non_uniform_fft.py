"""Projections by non-uniform Fourier transforms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float

from .._typing import HalfSpectrum, complex_dtype
from ..grid import Grid
from ..pose import Pose
from ..structure import Atoms, Gaussians, VoxelMap
from ._fourier_slice import FourierSlice
from ._image_rows import image_rows, magnified
from ._projector import AbstractProjector, check_structure
from ._shift import moved
from ._slice_interpolation import plane_positions


class NonUniformFFT(AbstractProjector):
    r"""The transform of projected points, $\sum_j c_j\, e^{-2\pi i k \cdot A r_j}$.

    Voxels are points; the result is that of `DirectSum`, in the time of a few FFTs.
    Frequencies beyond the map's Nyquist frequency are zero.

    Gaussians are points times the transform of their width, averaged over pixels. All
    widths may differ: each is interpolated between `widths` fixed ones, the Chebyshev
    nodes of the range of variances, which converges faster than any power of their
    number. The image holds no frequency beyond its Nyquist frequency and is periodic,
    so it differs from that of `SeparableGaussians` where Gaussians are narrower than
    a pixel or reach beyond the edge.

    Accurate to 1e-9 in double precision, 2e-6 in single, where `widths` suffice.

    Args:
        widths: number of widths between which those of Gaussians are interpolated. For
            atoms with B-factors from 15 to 60 Å² on pixels of 1 Å, 4 err by 1e-3 of the
            image's norm, 6 by 7e-5, 8 by 3e-6; two cost one transform.

    References:
        Barnett, Magland and af Klinteberg 2019, SIAM J. Sci. Comput. 41, C479.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.potential import NonUniformFFT
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> grid = vx.Grid(16, 0.5)
        >>> image = vx.project(blob, vx.Pose.identity(), grid, NonUniformFFT())
        >>> round(float(image.sum()) * 0.25, 3)
        2.5
    """

    widths: int = eqx.field(static=True, default=24)

    def __call__(
        self, structure: VoxelMap | Gaussians | Atoms, pose: Pose, grid: Grid
    ) -> HalfSpectrum:
        """Return the half spectrum of the projection.

        Raises:
            TypeError: if `structure` is of another type.
        """
        check_structure(self, structure, VoxelMap, Gaussians, Atoms)
        if isinstance(structure, VoxelMap):
            spectrum = _of_voxels(structure, pose, self.working_grid(structure, grid))
        else:
            if isinstance(structure, Atoms):
                structure = structure.to_gaussians()
            spectrum = _of_gaussians(structure, pose, grid, self.widths)
        return moved(spectrum, pose.shift, self.working_grid(structure, grid))

    def working_grid(self, structure: VoxelMap | Gaussians | Atoms, grid: Grid) -> Grid:
        """Return a grid with at least as many pixels as a map has voxels."""
        if isinstance(structure, VoxelMap):
            return FourierSlice().working_grid(structure, grid)
        return grid


def _of_voxels(voxel_map: VoxelMap, pose: Pose, grid: Grid) -> HalfSpectrum:
    """Return the transform of a map's line integral at the origin's pose."""
    z, y, x = voxel_map.grid.axes()
    points = jnp.stack(jnp.meshgrid(z, y, x, indexing="ij")[::-1], -1).reshape(-1, 3)
    strengths = voxel_map.values.reshape(1, -1)
    rows = image_rows(pose)
    (spectrum,) = _transforms(points @ rows.T, strengths, grid)
    ky, kx = grid.frequency_axes()
    nyquist = 0.5 / voxel_map.voxel_size * (1 + 1e-5)
    plane = jnp.stack(plane_positions(rows, ky, kx))
    inside = jnp.all(jnp.abs(plane) <= nyquist, axis=0)
    scale = voxel_map.voxel_size**3 / grid.pixel_size**2
    return spectrum * jnp.where(inside, scale, 0.0).astype(spectrum.dtype)


def _of_gaussians(
    structure: Gaussians, pose: Pose, grid: Grid, widths: int
) -> HalfSpectrum:
    """Return the transform of pixel-averaged Gaussians at the origin's pose."""
    nodes, shares = _shared_widths(structure.variances, widths)
    strengths = jnp.einsum("jt,jtn->nj", structure.amplitudes, shares)
    centres = structure.positions @ image_rows(pose).T
    spectra = _transforms(centres, strengths, grid)
    ky, kx = grid.frequency_axes()
    y, x = magnified(pose, ky[:, None], kx[None, :])
    squared = y**2 + x**2
    decays = jnp.exp(-2 * jnp.pi**2 * nodes[:, None, None] * squared[None])
    along_y, along_x = (jnp.sinc(k * grid.pixel_size) for k in (ky, kx))
    pixel = along_y[:, None] * along_x[None, :]
    summed = jnp.sum(spectra * decays.astype(spectra.dtype), axis=0)
    return summed * (pixel / grid.pixel_size**2).astype(summed.dtype)


def _shared_widths(
    variances: Float[Array, "j t"], count: int
) -> tuple[Float[Array, " n"], Float[Array, "j t n"]]:
    """Return variances s_n and shares with g_s ≈ Σ share_n g_{s_n} for each s.

    Lagrange's interpolation in s between Chebyshev nodes. The nodes are constants to
    derivatives, since what they interpolate doesn't depend on them.
    """
    fixed = lax.stop_gradient(variances)
    least, most = jnp.min(fixed), jnp.max(fixed)
    middle, half = 0.5 * (most + least), 0.5 * (most - least)
    half = jnp.maximum(half, 1e-3 * middle)
    angles = np.pi * (np.arange(count) + 0.5) / count
    orders = np.arange(count)
    table = np.cos(orders[:, None] * angles[None, :]) * (2 / count)
    table[0] *= 0.5
    place = (variances - middle) / half
    polynomials = _chebyshev(place, count)
    shares = jnp.tensordot(
        polynomials, jnp.asarray(table, variances.dtype), ((0,), (0,))
    )
    return middle + half * jnp.asarray(np.cos(angles), variances.dtype), shares


def _chebyshev(x: Float[Array, "j t"], count: int) -> Float[Array, "m j t"]:
    """Return the Chebyshev polynomials T_0 to T_{count - 1} of x.

    By their recurrence: the cosine of an arc cosine has no derivative at the ends.
    """

    def step(last, _):
        before, here = last
        return (here, 2 * x * here - before), before

    _, polynomials = lax.scan(step, (jnp.ones_like(x), x), length=count)
    return polynomials


def _transforms(
    points: Float[Array, "j 2"], strengths: Float[Array, "n j"], grid: Grid
) -> Complex[Array, "n y kx"]:
    """Return Σ_j c_nj e^{-2πi k·r_j} at the frequencies of `grid`, for each n.

    Args:
        points: (x, y), Å.
        strengths: one row for each sum.
        grid: sampling of the image.
    """
    import nufftax  # seldom wanted

    height, width = grid.shape
    x, y = (
        _angle(points[:, i], grid.pixel_size * n) for i, n in enumerate((width, height))
    )
    dtype = complex_dtype(points.dtype)
    tolerance = 1e-6 if points.dtype == jnp.float32 else 1e-10
    # Odd numbers of modes: both ends, since a half spectrum has +Nyquist along x.
    modes = (2 * (width // 2) + 1, 2 * (height // 2) + 1)

    def one(row: Array) -> Array:
        return nufftax.nufft2d1(x, y, row, modes, tolerance, -1)

    # nufftax relies on what strict settings of the caller forbid.
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        full = _apart(lax.map(one, _in_pairs(strengths).astype(dtype)))
    rows = full[: len(strengths), :height, width // 2 :]
    return jnp.roll(rows, -(height // 2), axis=1)


def _in_pairs(strengths: Float[Array, "n j"]) -> Complex[Array, "m j"]:
    """Return two sums' real strengths as one sum's complex ones."""
    even = jnp.pad(strengths, ((0, len(strengths) % 2), (0, 0)))
    return lax.complex(even[0::2], even[1::2])


def _apart(spectra: Complex[Array, "m y x"]) -> Complex[Array, "n y x"]:
    """Return the two spectra in each: the parts with F(-k) = F(k)* and F(-k) = -F(k)*.

    Rows and columns must go from minus to plus the same frequency.
    """
    mirrored = jnp.conj(spectra[:, ::-1, ::-1])
    both = jnp.stack([spectra + mirrored, (spectra - mirrored) * -1j], axis=1)
    return 0.5 * both.reshape(-1, *spectra.shape[1:])


def _angle(position: Float[Array, " j"], period: Array) -> Float[Array, " j"]:
    """Return positions as angles within ±π."""
    turns = position / period
    return 2 * jnp.pi * (turns - lax.stop_gradient(jnp.round(turns)))
