"""Sampling, Fourier transforms, filters, masks and spectra."""

from ._filters import (
    apply_filter as apply_filter,
    b_factor_envelope as b_factor_envelope,
    high_pass as high_pass,
    low_pass as low_pass,
    whitening as whitening,
)
from ._fourier import (
    both_halves as both_halves,
    crop as crop,
    pad as pad,
    resample as resample,
    to_fourier as to_fourier,
    to_real as to_real,
)
from ._grid import Grid as Grid
from ._interpolation import (
    interpolate_cubic as interpolate_cubic,
    interpolate_linear as interpolate_linear,
)
from ._masks import (
    circular_mask as circular_mask,
    rectangular_mask as rectangular_mask,
    spherical_mask as spherical_mask,
)
from ._radial_profile import (
    RadialProfile as RadialProfile,
    power_profile as power_profile,
)
from ._radius import frequency_radius as frequency_radius
from ._scalar import as_scalar as as_scalar
from ._shell_correlation import frc as frc, fsc as fsc
from ._spectra import (
    amplitude_left as amplitude_left,
    corner_shells as corner_shells,
    hermitian_weights as hermitian_weights,
    power_spectrum as power_spectrum,
    radial_average as radial_average,
    radial_power_spectrum as radial_power_spectrum,
    shell_average as shell_average,
    shell_frequencies as shell_frequencies,
)
