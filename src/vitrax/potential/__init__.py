"""From a structure and a pose to its projection."""

from ._copy_sum import CopySum as CopySum
from ._direct_sum import DirectSum as DirectSum
from ._ewald import ewald_spectrum as ewald_spectrum
from ._fourier_slice import FourierSlice as FourierSlice
from ._gaussian_slabs import GaussianSlabs as GaussianSlabs
from ._ice_added import IceAdded as IceAdded
from ._non_uniform_fft import NonUniformFFT as NonUniformFFT
from ._project import project as project
from ._projector import (
    AbstractProjector as AbstractProjector,
    default_projector as default_projector,
    projected as projected,
)
from ._ray_sum import RaySum as RaySum
from ._scale import absolute_scale as absolute_scale, potential_scale as potential_scale
from ._separable_gaussians import SeparableGaussians as SeparableGaussians
from ._shift import moved as moved
from ._slabs import (
    AbstractSlicer as AbstractSlicer,
    default_slicer as default_slicer,
)
from ._voxel_slabs import VoxelSlabs as VoxelSlabs
from ._windowed_slabs import WindowedSlabs as WindowedSlabs
