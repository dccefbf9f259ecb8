"""From the projected potential to what reaches the lens."""

from ._as_wave import as_wave as as_wave
from ._beam import Beam as Beam
from ._contrast import LinearContrast as LinearContrast
from ._ewald_sphere import EwaldSphere as EwaldSphere
from ._multislice import Multislice as Multislice, transmit as transmit
from ._propagation import (
    AbstractPropagation as AbstractPropagation,
    AngularSpectrum as AngularSpectrum,
    Fresnel as Fresnel,
    propagate as propagate,
)
from ._scattering import AbstractScattering as AbstractScattering
from ._strong_phase import StrongPhase as StrongPhase, scattered_by as scattered_by
from ._wave import (
    Wave as Wave,
    wave_to_fourier as wave_to_fourier,
    wave_to_real as wave_to_real,
)
from ._weak_phase import WeakPhase as WeakPhase
