"""The assembled instrument and what it records."""

from ._ice_movie import simulate_ice_movie as simulate_ice_movie
from ._micrograph import simulate_micrograph as simulate_micrograph
from ._microscope import Microscope as Microscope
from ._movie import simulate_movie as simulate_movie, weighted_sum as weighted_sum
from ._particle_arrays import (
    ABERRATIONS as ABERRATIONS,
    OpticsGroup as OpticsGroup,
    aberration_arrays as aberration_arrays,
    lens_arrays as lens_arrays,
    pose_arrays as pose_arrays,
)
from ._particle_stack import ParticleStack as ParticleStack
from ._placement import random_places as random_places
from ._premultiplication import premultiply as premultiply
from ._simulate import scatter as scatter, simulate as simulate
