"""Linear contrast as the wave that gives it."""

import jax.numpy as jnp
from jax import lax

from ..grid import both_halves
from ._beam import Beam
from ._contrast import LinearContrast
from ._propagation import Fresnel, propagate
from ._wave import Wave


def as_wave(scattered: LinearContrast | Wave, beam: Beam) -> Wave:
    r"""Return what leaves the specimen as a wave, at the middle of the specimen.

    Of linear contrast $2\sigma \hat V_z$, the scattered wave
    $i\sigma e^{i \arcsin Q} \hat V_z\, e^{-i\pi\lambda z k^2}$ of a particle at height
    $z$; twice its real part behind the lens is the linear image. Waves of several
    particles may be added.

    Args:
        scattered: what `scatter` returns.
        beam: the electrons.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.wave import as_wave
        >>> blob = vx.Gaussians([[0.0] * 3], [[9.0]], [[4.0]])
        >>> scope = vx.Microscope(vx.Grid(16, 1.0), 300.0, vx.Lens(defocus=9_000.0))
        >>> scattered = vx.scatter(blob, vx.Pose.identity(), scope)
        >>> as_wave(scattered, scope.beam).spectrum.shape
        (16, 16)
    """
    if isinstance(scattered, Wave):
        return scattered
    q = beam.amplitude_contrast
    half = 0.5 * both_halves(scattered.spectrum, scattered.grid.shape[1])
    factor = lax.complex(-q, jnp.sqrt(1 - q**2))
    wave = Wave(half * factor.astype(half.dtype), scattered.grid)
    if scattered.height is None:
        return wave
    return propagate(wave, beam.wavelength, scattered.height, Fresnel())
