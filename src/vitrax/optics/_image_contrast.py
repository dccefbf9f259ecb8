"""What the lens makes of what left the specimen."""

import dataclasses
import functools as ft
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float

from .._typing import HalfSpectrum, Scalar, Spectrum
from ..grid import both_halves, to_fourier
from ..wave import LinearContrast, Wave, wave_to_real
from ._aberrations import odd_phase, phase_error, transfer
from ._envelope import envelope
from ._lens import Lens


@ft.singledispatch
def image_spectrum(scattered: Any, lens: Lens, wavelength: Scalar) -> HalfSpectrum:
    """Return the half spectrum of the contrast I/I0 - 1 in the image plane.

    Args:
        scattered: what left the specimen.
        lens: the objective lens.
        wavelength: Å.

    Raises:
        TypeError: if nothing is registered for the type of `scattered`.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.optics import image_spectrum
        >>> ones = jnp.ones((4, 3), complex)
        >>> scattered = vx.wave.LinearContrast(ones, vx.Grid(4, 1.0))
        >>> lens = vx.Lens(defocus=0.0)
        >>> spectrum = image_spectrum(scattered, lens, jnp.asarray(0.02))
        >>> round(float(spectrum[0, 0].real), 6)
        -0.07
    """
    del lens, wavelength
    raise TypeError(
        f"cannot image a {type(scattered).__name__} because the lens knows no such "
        f"thing; do register one with vitrax.optics.image_spectrum.register"
    )


@image_spectrum.register
def _(scattered: LinearContrast, lens: Lens, wavelength: Scalar) -> HalfSpectrum:
    if scattered.height is not None:
        lens = lens.raised(scattered.height)
    spectrum = scattered.spectrum * transfer(lens, scattered.grid, wavelength).astype(
        scattered.spectrum.dtype
    )
    if lens.beam_tilt is None and lens.odd_zernike is None:
        return spectrum
    return spectrum * _turn(odd_phase(lens, scattered.grid, wavelength))


@image_spectrum.register
def _(scattered: Wave, lens: Lens, wavelength: Scalar) -> HalfSpectrum:
    wave = _behind_lens(scattered, lens, wavelength)
    return to_fourier(2 * wave.real + wave.real**2 + wave.imag**2)


def linear_spectrum(wave: Wave, lens: Lens, wavelength: Scalar) -> HalfSpectrum:
    r"""Return the half spectrum of the linear part of a wave's contrast.

    Where the scattered wave interferes with the one that isn't: $2\,\mathrm{Re}$ of
    it, without its own intensity.

    Args:
        wave: what left the specimen.
        lens: the objective lens.
        wavelength: Å.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> wave = vx.wave.Wave(jnp.ones((4, 4), complex), vx.Grid(4, 1.0))
        >>> lens = vx.Lens(defocus=9_000.0)
        >>> vx.optics.linear_spectrum(wave, lens, jnp.asarray(0.02)).shape
        (4, 3)
    """
    return to_fourier(2 * _behind_lens(wave, lens, wavelength).real)


def _behind_lens(
    scattered: Wave, lens: Lens, wavelength: Scalar
) -> Complex[Array, "y x"]:
    """Return the scattered wave in the image plane."""
    transferred = wave_transfer(lens, scattered, wavelength)
    return wave_to_real(scattered.spectrum * transferred)


def wave_transfer(lens: Lens, scattered: Wave, wavelength: Scalar) -> Spectrum:
    r"""Return the factor of a scattered wave, $e^{i(\gamma + \varphi)} E(k)$.

    $\gamma$ without the amplitude contrast, which is in the wave. The wave that isn't
    scattered passes as it is, so that a phase plate turns all but it.

    Args:
        lens: the objective lens.
        scattered: gives the grid and the precision.
        wavelength: Å.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> wave = vx.wave.Wave(jnp.ones((4, 4), complex), vx.Grid(4, 1.0))
        >>> lens = vx.Lens(defocus=9_000.0)
        >>> factor = vx.optics.wave_transfer(lens, wave, jnp.asarray(0.02))
        >>> round(float(abs(factor[0, 1])), 6)
        1.0
    """
    grid, dtype = scattered.grid, scattered.spectrum.dtype
    none = jnp.zeros_like(lens.amplitude_contrast)
    lens = dataclasses.replace(lens, amplitude_contrast=none)
    even = both_halves(phase_error(lens, grid, wavelength), grid.shape[1])
    left = both_halves(envelope(lens, grid, wavelength), grid.shape[1])
    factor = _turn(even) * left.astype(dtype)
    if lens.beam_tilt is None and lens.odd_zernike is None:
        return factor
    odd = _turn(odd_phase(lens, grid, wavelength))
    return factor * both_halves(odd, grid.shape[1])


def _turn(phase: Float[Array, "y x"]) -> Spectrum:
    """Return e^{i phase}."""
    return lax.complex(jnp.cos(phase), jnp.sin(phase))
