"""The transform of a structure on the Ewald sphere."""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._typing import Scalar, Spectrum, complex_dtype
from ..grid import Grid
from ..pose import Pose
from ..structure import Atoms, FourierMap, Gaussians, VoxelMap
from ._fourier_slice import FourierSlice, check_extent
from ._slice_interpolation import read_at


@ft.singledispatch
def ewald_spectrum(
    structure: Any, pose: Pose, grid: Grid, wavelength: Scalar
) -> tuple[Spectrum, Grid]:
    r"""Return the transform where elastic scattering meets it, and the grid it is on.

    $$\hat P(k) = \hat V(A^\mathsf{T}(k_x, k_y, \lambda k^2/2))\,
    e^{-2\pi i k \cdot s}$$

    the paraboloid that the Ewald sphere is at small angles. Electrons travel towards
    -z, so that what lies at greater z is nearer to the plane in focus.

    Args:
        structure: `FourierMap`, `VoxelMap`, `Gaussians`, `Atoms`, or a type of your own
            that is registered with `ewald_spectrum.register`.
        pose: of the structure.
        grid: of the image.
        wavelength: Å.

    Returns:
        The full spectrum in the layout of `jax.numpy.fft.fft2`, in the unit of a
        projection; it isn't that of a real image.

    Raises:
        TypeError: if nothing is registered for the type of `structure`.

    References:
        DeRosier 2000, Ultramicroscopy 81, 83.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.potential import ewald_spectrum
        >>> blob = vx.Gaussians([[0.0] * 3], [[2.0]], [[1.0]])
        >>> pose, grid = vx.Pose.identity(), vx.Grid(8, 1.0)
        >>> curved, _ = ewald_spectrum(blob, pose, grid, jnp.asarray(0.02))
        >>> complex(curved[0, 0])
        (2+0j)
    """
    del pose, grid, wavelength
    raise TypeError(
        f"cannot put a {type(structure).__name__} on the Ewald sphere because nothing "
        f"is registered for it; do vitrax.potential.ewald_spectrum.register(...), or "
        f"pass a FourierMap, Gaussians or Atoms"
    )


@ewald_spectrum.register
def _(
    structure: FourierMap, pose: Pose, grid: Grid, wavelength: Scalar
) -> tuple[Spectrum, Grid]:
    grid = FourierSlice().working_grid(structure, grid)
    check_extent(structure, grid)
    ky, kx = _frequencies(grid)
    across, down = _undistorted(pose, ky, kx)
    along_beam = 0.5 * wavelength * (across**2 + down**2)
    to_nodes = structure.voxel_size * structure.padded_size
    rows = pose.as_matrix() * to_nodes
    x, y, z = (
        across * rows[0, i] + down * rows[1, i] + along_beam * rows[2, i]
        for i in range(3)
    )
    inside = structure.kernel.reads((x, y, z), structure.shape[0])
    weight = jnp.where(inside, structure.voxel_size**3 / grid.pixel_size**2, 0.0)
    values = read_at(structure, jnp.stack((x, y, z), axis=-1))
    turned = _phases(pose, ky, kx, along_beam)
    return values * weight.astype(values.dtype) * turned, grid


@ewald_spectrum.register
def _(
    structure: VoxelMap, pose: Pose, grid: Grid, wavelength: Scalar
) -> tuple[Spectrum, Grid]:
    return ewald_spectrum(FourierMap.from_map(structure), pose, grid, wavelength)


@ewald_spectrum.register
def _(
    structure: Gaussians, pose: Pose, grid: Grid, wavelength: Scalar
) -> tuple[Spectrum, Grid]:
    if pose.magnification is not None:
        raise ValueError(
            "cannot put Gaussians on the Ewald sphere under anisotropic magnification "
            "because their widths wouldn't be separable; do render them to a map"
        )
    ky, kx = _frequencies(grid)
    positions = structure.positions @ pose.as_matrix().T
    x, y, z = positions[:, 0], positions[:, 1], positions[:, 2]

    def along(k: Array, r: Array, variance: Array) -> Array:
        """Return one factor [frequency, gaussian]: λ k² z / 2 is a sum over axes."""
        angle = -2 * jnp.pi * k[:, None] * r[None, :]
        angle = angle - jnp.pi * wavelength * (k**2)[:, None] * z[None, :]
        decay = jnp.exp(-2 * jnp.pi**2 * (k**2)[:, None] * variance[None, :])
        return lax.complex(decay * jnp.cos(angle), decay * jnp.sin(angle))

    @jax.checkpoint
    def add(total: Array, term: tuple[Array, Array]) -> tuple[Array, None]:
        amplitude, variance = term
        rows = along(ky[:, 0], y, variance) * amplitude[None, :].astype(total.dtype)
        columns = along(kx[0], x, variance)
        product = jnp.matmul(rows, columns.T, precision=lax.Precision.HIGHEST)
        return total + product, None

    start = jnp.zeros(grid.shape, complex_dtype(positions.dtype))
    terms = (structure.amplitudes.T, structure.variances.T)
    total, _ = lax.scan(add, start, terms)
    # Averaged over each pixel, as their projection is.
    pixel = grid.pixel_size
    averaged = jnp.sinc(ky * pixel) * jnp.sinc(kx * pixel) / pixel**2
    turned = _phases(pose, ky, kx, 0.5 * wavelength * (ky**2 + kx**2))
    return total * averaged.astype(total.dtype) * turned, grid


@ewald_spectrum.register
def _(
    structure: Atoms, pose: Pose, grid: Grid, wavelength: Scalar
) -> tuple[Spectrum, Grid]:
    return ewald_spectrum(structure.to_gaussians(), pose, grid, wavelength)


def _frequencies(grid: Grid) -> tuple[Float[Array, "y 1"], Float[Array, "1 x"]]:
    """Return ky as a column and kx as a row, both halves."""
    dtype = grid.pixel_size.dtype
    ky, kx = (jnp.fft.fftfreq(n, dtype=dtype) / grid.pixel_size for n in grid.shape)
    return ky[:, None], kx[None, :]


def _undistorted(pose: Pose, ky: Array, kx: Array) -> tuple[Array, Array]:
    """Return the frequencies (x, y) that the image's are of the undistorted one."""
    if pose.magnification is None:
        return kx, ky
    matrix = pose.magnification
    return matrix[0, 0] * kx + matrix[0, 1] * ky, matrix[1, 0] * kx + matrix[1, 1] * ky


def _phases(pose: Pose, ky: Array, kx: Array, along_beam: Array) -> Spectrum:
    """Return the phases of the particle's place, along the beam too."""
    angle = -2 * jnp.pi * (kx * pose.shift[0] + ky * pose.shift[1])
    if pose.height is not None:
        angle = angle - 2 * jnp.pi * along_beam * pose.height
    return lax.complex(jnp.cos(angle), jnp.sin(angle))
