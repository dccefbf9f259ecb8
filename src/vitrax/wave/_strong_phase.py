"""Scattering by a thin specimen of any strength."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, PyTree

from .._typing import Scalar
from ..grid import Grid, to_real
from ..pose import Pose
from ..potential import AbstractProjector, absolute_scale, projected
from ._beam import Beam
from ._phase_factor import half_phase
from ._propagation import Fresnel, propagate
from ._scattering import AbstractScattering
from ._wave import Wave


class StrongPhase(AbstractScattering):
    r"""The phase object, $\psi = e^{i\sigma V_z e^{i \arcsin Q}}$.

    All orders in the potential, at one plane: valid where the specimen is thinner than
    the depth of focus.

    Args:
        projector: how the potential is projected; by default the structure's own.

    References:
        Kirkland 2020, Advanced Computing in Electron Microscopy, 3rd ed., section 5.1.

    Example:
        >>> import vitrax as vx
        >>> thick = vx.wave.StrongPhase()
        >>> lens = vx.Lens(defocus=9_000.0)
        >>> scope = vx.Microscope(vx.Grid(16, 1.0), 300.0, lens, scattering=thick)
        >>> blob = vx.Gaussians([[0.0] * 3], [[9.0]], [[4.0]])
        >>> vx.simulate(blob, vx.Pose.identity(), scope).shape
        (16, 16)
    """

    projector: AbstractProjector | None = None

    def __call__(self, structure: PyTree, pose: Pose, grid: Grid, beam: Beam) -> Wave:
        """Return the wave, on the projector's working grid.

        Raises:
            ValueError: if the structure is a map of arbitrary unit.
        """
        spectrum, working = projected(structure, pose, grid, self.projector)
        scale = absolute_scale(structure) * beam.interaction
        phase = to_real(spectrum * scale.astype(spectrum.dtype), working.shape)
        wave = Wave.from_scattered(
            scattered_by(phase, beam.amplitude_contrast), working
        )
        if pose.height is None:
            return wave
        if pose.magnification is not None:
            raise ValueError(
                "cannot propagate a magnified wave from its height because they don't "
                "commute; do give no height, and raise the lens by it"
            )
        return propagate(wave, beam.wavelength, pose.height, Fresnel())


def scattered_by(
    phase: Float[Array, "y x"], amplitude_contrast: Scalar
) -> Complex[Array, "y x"]:
    r"""Return $e^{i \varphi e^{i\arcsin Q}} - 1$, accurate for small phases too.

    Args:
        phase: $\varphi = \sigma V_z$, radians.
        amplitude_contrast: $Q$.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.wave import scattered_by
        >>> at = scattered_by(jnp.full((1, 1), 1e-3), jnp.asarray(0.0))
        >>> round(float(at[0, 0].imag), 9), round(float(at[0, 0].real), 9)
        (0.001, -5e-07)
    """
    q = amplitude_contrast.astype(phase.dtype)
    sine, cosine = half_phase(phase * jnp.sqrt(1 - q**2))
    lost, less = jnp.expm1(-phase * q), 2 * sine**2
    return lax.complex(lost * (1 - less) - less, (1 + lost) * 2 * sine * cosine)
