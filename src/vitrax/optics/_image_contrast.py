"""What the lens makes of what left the specimen."""

import functools as ft
from typing import Any

import jax.numpy as jnp
from jax import lax

from .._typing import HalfSpectrum, Scalar
from ..wave import LinearContrast
from ._aberrations import odd_phase, transfer
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
    spectrum = scattered.spectrum * transfer(lens, scattered.grid, wavelength).astype(
        scattered.spectrum.dtype
    )
    if lens.beam_tilt is None and lens.odd_zernike is None:
        return spectrum
    phase = odd_phase(lens, scattered.grid, wavelength)
    return spectrum * lax.complex(jnp.cos(phase), jnp.sin(phase))
