"""Radiation damage, the detector and the noise of the recorded image."""

from ._binning import bin_pixels as bin_pixels, resample_counts as resample_counts
from ._camera import Camera as Camera
from ._coloured_noise import ColouredNoise as ColouredNoise
from ._counting_noise import CountingNoise as CountingNoise
from ._expose import expose as expose
from ._exposure import (
    critical_exposure as critical_exposure,
    dose_weights as dose_weights,
    exposure_filter as exposure_filter,
    frame_filters as frame_filters,
)
from ._measured_transfer import MeasuredTransfer as MeasuredTransfer
from ._modulation_transfer import (
    AbstractTransfer as AbstractTransfer,
    GaussianTransfer as GaussianTransfer,
    IdealTransfer as IdealTransfer,
    LorentzianTransfer as LorentzianTransfer,
    PixelTransfer as PixelTransfer,
    ProductTransfer as ProductTransfer,
)
from ._noise import (
    AbstractNoise as AbstractNoise,
    density_of_spectra as density_of_spectra,
    sampled_spectrum as sampled_spectrum,
)
from ._poisson_noise import PoissonNoise as PoissonNoise
from ._white_noise import WhiteNoise as WhiteNoise
