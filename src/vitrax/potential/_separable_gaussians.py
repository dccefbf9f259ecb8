"""Projection of Gaussians, evaluated along x and y separately."""

import jax.numpy as jnp

from .._typing import HalfSpectrum
from ..grid import Grid, to_fourier
from ..pose import Pose
from ..structure import Atoms, Gaussians, sum_gaussians
from ._projector import AbstractProjector, check_structure, default_projector


class SeparableGaussians(AbstractProjector):
    r"""Projected Gaussians averaged over pixels, exact to rounding.

    A projected isotropic Gaussian is the product of one in x and one in y, each
    averaged over the pixel in closed form:

    $$P(x, y) = \sum_{j,t} a_{jt}\, g_{s_{jt}}(x - x_j)\, g_{s_{jt}}(y - y_j)$$

    Each Gaussian is evaluated in a window as wide as the widest one needs. Widths may
    all differ. `Atoms` are converted with the table of Peng 1996.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.potential import SeparableGaussians
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[1.0]], [[0.5]])
        >>> grid = vx.Grid(9, 1.0)
        >>> image = vx.project(blob, vx.Pose.identity(), grid, SeparableGaussians())
        >>> round(float(image.sum()), 5)
        1.0
    """

    def __call__(
        self, structure: Gaussians | Atoms, pose: Pose, grid: Grid
    ) -> HalfSpectrum:
        """Return the half spectrum of the projection, Å per Å².

        Raises:
            TypeError: if `structure` isn't `Gaussians` or `Atoms`.
            ValueError: if the pose has a magnification.
        """
        check_structure(self, structure, Gaussians, Atoms)
        if pose.magnification is not None:
            raise ValueError(
                "cannot project by SeparableGaussians with a magnification because "
                "Gaussians become elliptic, which are no product of one in x and one "
                "in y; do pass NonUniformFFT() as projector, or "
                "WeakPhase(NonUniformFFT()) as the microscope's scattering"
            )
        if isinstance(structure, Atoms):
            structure = structure.to_gaussians()
        x_row, y_row = pose.as_matrix()[:2]
        rows = jnp.stack([y_row, x_row])
        centres = structure.positions @ rows.T + pose.shift[::-1][None, :]
        image = sum_gaussians(centres, structure.amplitudes, structure.variances, grid)
        return to_fourier(image)

    def working_grid(self, structure: Gaussians | Atoms, grid: Grid) -> Grid:
        """Return `grid`: Gaussians outside it are simply not seen."""
        del structure
        return grid


@default_projector.register
def _(structure: Gaussians) -> AbstractProjector:
    del structure
    return SeparableGaussians()


@default_projector.register
def _(structure: Atoms) -> AbstractProjector:
    del structure
    return SeparableGaussians()
