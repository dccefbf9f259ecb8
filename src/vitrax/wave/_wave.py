"""The electron wave behind the specimen."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex

from .._typing import Spectrum
from ..grid import Grid


class Wave(eqx.Module):
    r"""What the specimen adds to a plane wave of amplitude 1: $\psi - 1$.

    Its phase grows along its way, $e^{+2\pi i s / \lambda}$, which is towards -z; a
    positive potential advances it. It is given where the middle of the specimen is,
    $z = 0$, as if what follows were vacuum. The scattered part alone is kept: of a
    weak specimen, $1 + \dots$ would round half of its digits away.

    Args:
        spectrum: of the scattered wave, centred, both halves, in the layout of
            `jax.numpy.fft.fft2`.
        grid: the sampling it is given on.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.wave import Wave
        >>> nothing = Wave(jnp.zeros((4, 4), complex), vx.Grid(4, 1.0))
        >>> complex(nothing.values()[0, 0])
        (1+0j)
    """

    spectrum: Spectrum
    grid: Grid

    @classmethod
    def from_scattered(cls, values: Complex[Array, "y x"], grid: Grid) -> "Wave":
        r"""Return the wave whose scattered part $\psi - 1$ has these values."""
        return cls(wave_to_fourier(values), grid)

    def scattered(self) -> Complex[Array, "y x"]:
        r"""Return $\psi - 1$ at each pixel."""
        return wave_to_real(self.spectrum)

    def values(self) -> Complex[Array, "y x"]:
        r"""Return $\psi$ at each pixel."""
        return 1 + self.scattered()


def wave_to_fourier(values: Complex[Array, "y x"]) -> Spectrum:
    """Return the spectrum, both halves, of complex values whose origin is pixel N // 2.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.wave import wave_to_fourier
        >>> point = jnp.zeros((5, 4), complex).at[2, 2].set(1.0)
        >>> bool(jnp.allclose(wave_to_fourier(point), 1.0))
        True
    """
    return jnp.fft.fft2(jnp.fft.ifftshift(values))


def wave_to_real(spectrum: Spectrum) -> Complex[Array, "y x"]:
    """Return complex values of a spectrum; the inverse of `wave_to_fourier`.

    Example:
        >>> import jax.numpy as jnp
        >>> from vitrax.wave import wave_to_real
        >>> complex(wave_to_real(jnp.ones((5, 4), complex))[2, 2])
        (1+0j)
    """
    return jnp.fft.fftshift(jnp.fft.ifft2(spectrum))
