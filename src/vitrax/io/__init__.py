"""Files in and out: maps, images, STAR tables, particles and atoms."""

from .._files import InputError as InputError, InputWarning as InputWarning
from ._atom_facts import atom_facts as atom_facts
from ._atom_mending import write_mended_atoms as write_mended_atoms
from ._atom_problems import atom_problems as atom_problems
from ._atom_writer import write_atoms as write_atoms
from ._atoms import read_atoms as read_atoms, read_ensemble as read_ensemble
from ._cistem_layout import CisTEM as CisTEM
from ._cryosparc_layout import CryoSPARC as CryoSPARC
from ._cs_facts import cs_facts as cs_facts
from ._cs_file import read_cs as read_cs
from ._cs_problems import cs_problems as cs_problems
from ._eman_layout import EMAN2 as EMAN2
from ._eman_problems import eman_problems as eman_problems
from ._file_kind import FileKind as FileKind, file_kind as file_kind
from ._leopard_layout import LeopardEM as LeopardEM
from ._maps import read_map as read_map, write_map as write_map
from ._model_registry import register_model as register_model
from ._models import read_model as read_model, write_model as write_model
from ._movies import (
    MovieFrames as MovieFrames,
    read_image as read_image,
    read_movie as read_movie,
)
from ._mrc import MrcHeader as MrcHeader, read_header as read_header
from ._mrc_mending import write_mended_mrc as write_mended_mrc
from ._mrc_problems import mrc_problems as mrc_problems
from ._mrc_values import MrcValues as MrcValues, mrc_values as mrc_values
from ._mtf import read_mtf as read_mtf
from ._npz import (
    NpzArray as NpzArray,
    npz_arrays as npz_arrays,
    npz_problems as npz_problems,
)
from ._particle_layout import (
    AbstractLayout as AbstractLayout,
    ImagePlaces as ImagePlaces,
)
from ._particle_problems import (
    cistem_problems as cistem_problems,
    leopard_problems as leopard_problems,
)
from ._particle_tables import (
    lens_columns as lens_columns,
    particle_tables as particle_tables,
    pose_columns as pose_columns,
)
from ._particle_writer import (
    ParticleWriter as ParticleWriter,
    write_particle_table as write_particle_table,
    write_particles as write_particles,
)
from ._particles import read_particles as read_particles
from ._problem import Problem as Problem
from ._relion_layout import Relion as Relion
from ._stack_images import StackImages as StackImages
from ._stacks import (
    ImageStack as ImageStack,
    StackWriter as StackWriter,
    read_stack as read_stack,
)
from ._star import read_star as read_star, write_star as write_star
from ._star_mending import write_mended_star as write_mended_star
from ._star_problems import star_problems as star_problems
from ._star_table import StarTable as StarTable
from ._value_range import value_range as value_range
