"""What the lens makes of what left the specimen."""

import functools as ft
from typing import Any

from .._typing import HalfSpectrum, Scalar
from ..wave import LinearContrast
from ._aberrations import transfer
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
    """
    del lens, wavelength
    raise TypeError(
        f"cannot image a {type(scattered).__name__} because the lens knows no such thing; "
        f"do register one with vitrax.optics.image_spectrum.register"
    )


@image_spectrum.register
def _(scattered: LinearContrast, lens: Lens, wavelength: Scalar) -> HalfSpectrum:
    return scattered.spectrum * transfer(lens, scattered.grid, wavelength).astype(
        scattered.spectrum.dtype
    )
