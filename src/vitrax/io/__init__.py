"""Files in and out: maps, images, STAR tables, particles and atoms."""

from .._files import InputError as InputError, InputWarning as InputWarning
from ._atoms import read_atoms as read_atoms
from ._cryosparc_layout import CryoSPARC as CryoSPARC
from ._cs_facts import cs_facts as cs_facts
from ._cs_file import read_cs as read_cs
from ._cs_problems import cs_problems as cs_problems
from ._maps import read_map as read_map, write_map as write_map
from ._mrc import MrcHeader as MrcHeader, read_header as read_header
from ._mtf import read_mtf as read_mtf
from ._particle_layout import (
    AbstractLayout as AbstractLayout,
    ImagePlaces as ImagePlaces,
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
from ._stacks import (
    ImageStack as ImageStack,
    StackWriter as StackWriter,
    read_image as read_image,
    read_stack as read_stack,
)
from ._star import read_star as read_star, write_star as write_star
from ._star_table import StarTable as StarTable
