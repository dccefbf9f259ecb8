"""A wave on its way through vacuum."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._checks import checked
from .._typing import Scalar, ScalarLike, as_float
from ..grid import Grid
from ._wave import Wave


class AbstractPropagation(eqx.Module):
    r"""How the phase of a plane wave grows on its way.

    To add one, subclass this in a file of your own and pass an instance to `propagate`
    or to a theory of scattering.
    """

    @abc.abstractmethod
    def __call__(self, grid: Grid, wavelength: Scalar) -> Float[Array, "y x"]:
        r"""Return the phase per Å of way at each frequency, less that at $k = 0$."""


class Fresnel(AbstractPropagation):
    r"""The paraxial approximation, $-\pi\lambda k^2$ per Å: that of the CTF's defocus.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> phase = vx.wave.Fresnel()(vx.Grid(4, 1.0), jnp.asarray(0.02))
        >>> round(float(phase[0, 1]), 6)
        -0.003927
    """

    def __call__(self, grid: Grid, wavelength: Scalar) -> Float[Array, "y x"]:
        """Return the phase per Å of way at each frequency."""
        return -jnp.pi * wavelength * _squares(grid)


class AngularSpectrum(AbstractPropagation):
    r"""The exact one, $2\pi (\sqrt{1/\lambda^2 - k^2} - 1/\lambda)$ per Å.

    Waves beyond $k = 1/\lambda$, which don't travel, keep the phase of those that just
    do.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> phase = vx.wave.AngularSpectrum()(vx.Grid(4, 1.0), jnp.asarray(0.02))
        >>> round(float(phase[0, 1]), 6)
        -0.003927
    """

    def __call__(self, grid: Grid, wavelength: Scalar) -> Float[Array, "y x"]:
        """Return the phase per Å of way at each frequency."""
        squares = _squares(grid)
        # √(1 - x) - 1 = -x / (1 + √(1 - x)) rounds nothing away for small x.
        part = jnp.minimum(wavelength**2 * squares, 1 - 1e-6)
        return -2 * jnp.pi / wavelength * part / (1 + jnp.sqrt(1 - part))


def propagate(
    wave: Wave,
    wavelength: ScalarLike,
    distance: ScalarLike,
    propagation: AbstractPropagation,
) -> Wave:
    r"""Return a wave further along its way.

    Args:
        wave: where it is.
        wavelength: Å.
        distance: along the electrons' way, towards -z, Å; negative for back.
        propagation: `Fresnel()`, `AngularSpectrum()`, or your own.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> start = vx.wave.Wave(jnp.ones((4, 4), complex), vx.Grid(4, 1.0))
        >>> there = vx.wave.propagate(start, 0.02, 100.0, vx.wave.Fresnel())
        >>> back = vx.wave.propagate(there, 0.02, -100.0, vx.wave.Fresnel())
        >>> bool(jnp.allclose(back.spectrum, start.spectrum, atol=1e-6))
        True
    """
    wave = checked("propagate", wave=wave)
    dtype = wave.spectrum.real.dtype
    wavelength, distance = (as_float(x).astype(dtype) for x in (wavelength, distance))
    phase = distance * propagation(wave.grid, wavelength).astype(dtype)
    turned = wave.spectrum * lax.complex(jnp.cos(phase), jnp.sin(phase))
    return Wave(turned, wave.grid)


def _squares(grid: Grid) -> Float[Array, "y x"]:
    """Return k² at each frequency, both halves."""
    dtype = grid.pixel_size.dtype
    ky, kx = (jnp.fft.fftfreq(n, dtype=dtype) / grid.pixel_size for n in grid.shape)
    return (ky**2)[:, None] + (kx**2)[None, :]
