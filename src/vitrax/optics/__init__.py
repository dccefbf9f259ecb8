"""The objective lens: from what left the specimen to contrast in the image plane."""

from ._aberrations import (
    envelope as envelope,
    odd_phase as odd_phase,
    phase_error as phase_error,
    transfer as transfer,
)
from ._image_contrast import (
    image_spectrum as image_spectrum,
    linear_spectrum as linear_spectrum,
    wave_transfer as wave_transfer,
)
from ._lens import Lens as Lens
from ._zernike import zernike_orders as zernike_orders, zernike_sum as zernike_sum
