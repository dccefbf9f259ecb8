import pathlib

import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main
from vitrax.cli._exit import UsageError
from vitrax.cli._placing import read_structure
from vitrax.cli._recipe import Recipe
from vitrax.cli._specimen import Asked, Specimen, specimen_of


LINE = (
    "ATOM      1  N   ALA A   1      12.000  20.000  31.000  1.00 15.00           N\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("structures")
    (folder / "one.pdb").write_text(LINE)
    voxels = np.zeros((8, 8, 8))
    voxels[4, 4, 4] = 1.0
    vx.io.write_map(folder / "one.mrc", vx.VoxelMap(voxels, voxel_size=4.0))
    return folder


def specimen(structure, **options) -> Specimen:
    options = {"box": 16, "angpix": 2.0} | options
    recipe = Recipe(structure=structure, out=pathlib.Path("out"), **options)
    size = recipe.box or 0, recipe.angpix or 0.0
    asked = Asked(*size, recipe.resolution, recipe.particle_diameter)
    return specimen_of(read_structure(recipe), asked)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("one.pdb", {"map_angpix": 2.0}, "cannot use --map-angpix .* is atoms"),
        ("apoferritin", {"map_angpix": 2.0}, "cannot use --map-angpix .* is atoms"),
        ("apoferritin", {"model": 2}, "--model to apoferritin"),
        ("one.mrc", {"model": 2}, "cannot apply --model to .*one.mrc"),
        ("one.mrc", {"symmetry": "C2", "b_factor": "3"}, "--b-factor, --symmetry to"),
        ("p.star", {}, "table of particles.*--from .*p.star"),
        ("one.pdb", {"resolution": 3.9}, "finer than 4 Å, Nyquist of the pixels of 2"),
        ("one.mrc", {"resolution": 6.0}, "8 Å, Nyquist of the map's voxels of 4 Å"),
        ("one.pdb", {"particle_diameter": 33.0}, "box is 32 Å .* --box 18 or more"),
        ("one.mrc", {"particle_diameter": 33.0}, "box is 32 Å .* --box 18 or more"),
    ],
)
def test_what_makes_no_sense_is_refused(folder, name, options, message):
    path = folder / name if name != "apoferritin" else pathlib.Path(name)
    with pytest.raises(UsageError, match=message):
        specimen(path, **options)


def test_limits_themselves_are_allowed(folder):
    found = specimen(folder / "one.mrc", resolution=8.0, particle_diameter=32.0)
    assert found.nyquist == 8.0
    assert found.holds(8.0)
    assert not found.holds(7.9)


def test_table_instead_of_a_structure_is_wrong_usage(tmp_path, capsys):
    path = tmp_path / "p.star"
    vx.io.write_star(path, {"particles": vx.io.StarTable({"rlnAngleRot": [1.0]})})
    assert main(["simulate", str(path), "-o", str(tmp_path / "o"), "--dry-run"]) == 2
    assert f"--from {path}" in capsys.readouterr().err


def test_missing_voxel_size_names_the_options_of_the_command(tmp_path, capsys, shared):
    path = shared / "maps" / "70S_65_5A.mrc"
    assert main(["simulate", str(path), "-o", str(tmp_path / "o"), "--dry-run"]) == 3
    assert "--map-angpix" in capsys.readouterr().err
