"""Single scattering by a thick specimen."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import PyTree

from ..grid import Grid
from ..pose import Pose
from ..potential import absolute_scale, ewald_spectrum
from ._beam import Beam
from ._scattering import AbstractScattering
from ._wave import Wave


class EwaldSphere(AbstractScattering):
    r"""The first Born approximation, $\hat\psi(k) = \delta(k) +
    i\sigma e^{i \arcsin Q} \hat V(k, \lambda k^2/2)$.

    Each depth of the specimen has its own defocus; electrons scatter once. Valid where
    the phase is small. Electrons travel towards -z: RELION's `--ewald` undoes its
    curvature, `--ewald --reverse_curvature` makes it worse.

    References:
        DeRosier 2000, Ultramicroscopy 81, 83; Wolf, DeRosier and Grigorieff 2006,
        Ultramicroscopy 106, 376.

    Example:
        >>> import vitrax as vx
        >>> scope = vx.Microscope(
        ...     vx.Grid(16, 1.0),
        ...     300.0,
        ...     vx.Lens(defocus=9_000.0),
        ...     scattering=vx.wave.EwaldSphere(),
        ... )
        >>> blob = vx.Gaussians([[0.0, 0.0, 50.0]], [[9.0]], [[4.0]])
        >>> vx.simulate(blob, vx.Pose.identity(), scope).shape
        (16, 16)
    """

    def __call__(self, structure: PyTree, pose: Pose, grid: Grid, beam: Beam) -> Wave:
        """Return the wave, on a grid that holds the structure's own box.

        Raises:
            ValueError: if the structure is a map of arbitrary unit.
        """
        strength = absolute_scale(structure) * beam.interaction
        spectrum, working = ewald_spectrum(structure, pose, grid, beam.wavelength)
        q = beam.amplitude_contrast
        factor = lax.complex(-strength * q, strength * jnp.sqrt(1 - q**2))
        return Wave(spectrum * factor.astype(spectrum.dtype), working)
