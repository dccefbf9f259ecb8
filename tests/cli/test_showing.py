import pathlib

import numpy as np

import vitrax as vx
from vitrax.cli._draw import draw_particles
from vitrax.cli._recipe import Recipe
from vitrax.cli._showing import _amplitude
from vitrax.cli._specimen import Specimen


def test_amplitude_beyond_nyquist_is_no_number():
    voxel_map = vx.VoxelMap(np.zeros((4, 4, 4)), voxel_size=2.0)
    specimen = Specimen(voxel_map, 5.0, {"atoms' B-factors": (0.25, 0.5)}, {})
    recipe = Recipe(structure=pathlib.Path("a.pdb"), out=pathlib.Path("out"), n=4)
    table = _amplitude(specimen, draw_particles(recipe)).table
    assert table is not None
    for row in table.rows:
        assert row[1] == "beyond Nyquist (4.00 Å)"
        assert row[2].endswith(" %")
    assert table.rows[0][2] == "50 %"
