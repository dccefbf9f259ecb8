import pathlib

import numpy as np
import pytest

import vitrax as vx
from vitrax.cli._draw import draw_particles
from vitrax.cli._job import _cautions
from vitrax.cli._recipe import Recipe
from vitrax.cli._specimen import Specimen


def cautions(facts=None, **options) -> str:
    values = {"n": 4, "box": 64, "angpix": 4.0} | options
    recipe = Recipe(structure=pathlib.Path("a.pdb"), out=pathlib.Path("out"), **values)
    voxel_map = vx.VoxelMap(np.zeros((4, 4, 4)), voxel_size=4.0, unit="V")
    specimen = Specimen(voxel_map, 136.0, {}, facts or {"largest_b_factor": 20.0})
    return " ".join(_cautions(recipe, draw_particles(recipe), specimen))


@pytest.mark.parametrize(
    ("shift_sd", "warned"), [(0.0, False), (19, False), (21, True)]
)
def test_shifts_out_of_the_box_are_warned_of(shift_sd, warned):
    said = cautions(shift_sd=shift_sd)
    assert ("take particles out of the box" in said) == warned
    assert not warned or ("63 Å" in said and "--shift-sd" in said)


@pytest.mark.parametrize(
    ("b_factor", "largest", "told"),
    [
        ("model", 0.0, True),
        ("scale:2", 0.0, True),
        ("0", 0.0, False),
        ("model", 9.0, False),
    ],
)
def test_atoms_at_rest_are_told(b_factor, largest, told):
    said = cautions({"largest_b_factor": largest}, b_factor=b_factor)
    assert ("All B-factors of the model are 0" in said) == told


def test_map_has_no_atoms_at_rest():
    assert "B-factors" not in cautions({"kind": "map"})


def test_even_shifts_out_of_the_box_are_warned_of():
    assert "take particles out of the box" not in cautions(shift_max=59.0)
    said = cautions(shift_max=61.0)
    assert "Shifts of up to 61 Å take" in said
    assert "smaller shifts (--shift-max)" in said


def test_units_typed_wrongly_are_warned_of():
    assert "is it µm?" in cautions(defocus=(0.8, 2.0))
    assert "on either side of focus" in cautions(astigmatism=5e5)
    assert "Warning" not in cautions(astigmatism=500.0)
