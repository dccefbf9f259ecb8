"""What is imaged: atoms, Gaussians and maps, their states, copies and surroundings."""

from ._assembly import Assembly as Assembly, assembled as assembled
from ._atoms import Atoms as Atoms
from ._bricks import brick_offset as brick_offset
from ._centre import centre_of_mass as centre_of_mass, centred as centred
from ._displaced_solvent import (
    FRASER_1978 as FRASER_1978,
    DisplacedVolumes as DisplacedVolumes,
    displaced_solvent as displaced_solvent,
    in_solvent as in_solvent,
)
from ._ensemble import Ensemble as Ensemble
from ._fourier_map import FourierMap as FourierMap
from ._gaussian_sum import sum_gaussians as sum_gaussians
from ._gaussians import Gaussians as Gaussians
from ._helix import helical_operators as helical_operators
from ._hydrogens import with_mean_hydrogens as with_mean_hydrogens
from ._ice import Ice as Ice, IceField as IceField
from ._in_ice import InIce as InIce
from ._path import Path as Path
from ._render import render as render
from ._slice_kernel import SliceKernel as SliceKernel
from ._solvation import solvated as solvated
from ._structure_factor import StructureFactor as StructureFactor
from ._trilinear import Trilinear as Trilinear
from ._voxel_map import ARBITRARY as ARBITRARY, VOLT as VOLT, VoxelMap as VoxelMap
from ._water_molecule import (
    water_intensity as water_intensity,
    water_potential as water_potential,
)
