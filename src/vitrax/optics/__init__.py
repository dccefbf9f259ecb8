"""The objective lens: from what left the specimen to contrast in the image plane."""

from ._aberrations import (
    envelope as envelope,
    phase_error as phase_error,
    transfer as transfer,
)
from ._image_contrast import image_spectrum as image_spectrum
from ._lens import Lens as Lens
