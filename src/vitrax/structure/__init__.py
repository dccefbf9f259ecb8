"""What is imaged: atoms, Gaussians and maps."""

from ._assembly import assembled as assembled
from ._atoms import Atoms as Atoms
from ._bricks import brick_offset as brick_offset
from ._fourier_map import FourierMap as FourierMap
from ._gaussian_sum import sum_gaussians as sum_gaussians
from ._gaussians import Gaussians as Gaussians
from ._render import render as render
from ._slice_kernel import SliceKernel as SliceKernel
from ._trilinear import Trilinear as Trilinear
from ._voxel_map import ARBITRARY as ARBITRARY, VOLT as VOLT, VoxelMap as VoxelMap
