"""Rotations, poses, grids over them and point groups."""

from ._conventions import (
    euler_from_cryosparc as euler_from_cryosparc,
    euler_from_eman as euler_from_eman,
    euler_from_matrix as euler_from_matrix,
    euler_to_cryosparc as euler_to_cryosparc,
    euler_to_eman as euler_to_eman,
    matrix_from_euler as matrix_from_euler,
)
from ._orientation_grid import direction_grid as direction_grid
from ._pose import Pose as Pose
from ._rotation import Rotation as Rotation
from ._symmetry import point_group as point_group
