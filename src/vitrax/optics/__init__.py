"""The objective lens: from what left the specimen to contrast in the image plane."""

from ._aberrations import (
    odd_phase as odd_phase,
    phase_error as phase_error,
    transfer as transfer,
)
from ._abstract_envelope import AbstractEnvelope as AbstractEnvelope
from ._damping import Drift as Drift, ThickSpecimen as ThickSpecimen
from ._envelope import envelope as envelope, focal_spread as focal_spread
from ._image_contrast import (
    image_spectrum as image_spectrum,
    linear_spectrum as linear_spectrum,
    wave_transfer as wave_transfer,
)
from ._lens import Lens as Lens
from ._thickness import (
    specimen_envelope as specimen_envelope,
    thon_rings as thon_rings,
)
from ._tilt import tilted as tilted
from ._zernike import zernike_orders as zernike_orders, zernike_sum as zernike_sum
