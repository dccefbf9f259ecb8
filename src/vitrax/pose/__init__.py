"""Rotations, poses, grids over them and point groups."""

from ._orientation_grid import direction_grid as direction_grid
from ._pose import Pose as Pose
from ._rotation import Rotation as Rotation
from ._symmetry import point_group as point_group
