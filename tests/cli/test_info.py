import json

import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main


def facts(capsys, *paths):
    assert main(["info", *map(str, paths), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_mrc(tmp_path, capsys):
    path = tmp_path / "map.mrc"
    vx.io.write_map(path, vx.VoxelMap(np.ones((4, 4, 4)), voxel_size=1.5))
    (found,) = facts(capsys, path)
    assert found["kind"] == "MRC"
    assert found["facts"]["voxel size"] == "1.5 × 1.5 × 1.5 Å"
    assert found["facts"]["sections × rows × columns"] == "4 × 4 × 4"
    assert found["remarks"] == []


def test_star(tmp_path, capsys):
    path = tmp_path / "a.star"
    columns = {"rlnAngleRot": [1.5, 20.0], "rlnOpticsGroup": [1, 2]}
    optics = {"rlnOpticsGroup": [1], "rlnVoltage": [300.0]}
    tables = {"optics": optics, "particles": columns}
    vx.io.write_star(path, {name: vx.io.StarTable(t) for name, t in tables.items()})
    (found,) = facts(capsys, path)
    assert found["facts"]["data_particles"] == "2 rows, 2 columns"
    assert found["facts"]["rlnAngleRot"] == "1.5 to 20"
    assert "optics groups [2]" in found["remarks"][0]


def test_real_structure(shared, capsys):
    (found,) = facts(capsys, shared / "structures" / "1dpx.pdb")
    assert found["facts"]["atoms read"] > 1000
    assert any("alternate conformers" in remark for remark in found["remarks"])
    assert any("no hydrogens" in remark for remark in found["remarks"])


def test_models(tmp_path, capsys):
    atom = "ATOM      1  CA  GLY A   1       1.000   2.000   3.000  1.00 20.00"
    model = "MODEL     {:>4}\n" + atom + "           C\nENDMDL\n"
    path = tmp_path / "a.pdb"
    path.write_text(model.format(1) + model.format(2))
    (found,) = facts(capsys, path)
    assert found["facts"]["models"] == "2, of which the first is read (--model)"
    assert not any("model" in remark for remark in found["remarks"])


def test_real_map_without_voxel_size(shared, capsys):
    (found,) = facts(capsys, shared / "maps" / "70S_65_5A.mrc")
    assert any("no voxel size" in remark for remark in found["remarks"])


@pytest.mark.parametrize(
    "folder",
    ["maps", "relion", "structures", "cryosparc", "cistem", "detectors", "micrographs"],
)
def test_all_real_files_can_be_looked_at(shared, capsys, folder):
    paths = sorted((shared / folder).iterdir())
    assert main(["info", *map(str, paths)]) == 0
    assert capsys.readouterr().out.count(str(shared)) >= len(paths)


def test_an_array_of_numpy_is_no_data_set_of_cryosparc(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "a.cs")
    assert main(["info", str(tmp_path / "a.cs")]) == 3
    said = capsys.readouterr()
    assert "a.cs" in said.err
    assert said.out == ""


def test_arrays(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", one=np.zeros((3, 4)), two=np.arange(5))
    (found,) = facts(capsys, tmp_path / "a.npz")
    assert found["facts"]["one"] == "<f8 of shape (3, 4)"
    assert found["facts"]["two"] == "<i8 of shape (5,)"


def test_bad_file_is_named_after_the_good_ones(tmp_path, capsys):
    good, bad = tmp_path / "good.star", tmp_path / "bad.mrc"
    vx.io.write_star(good, {"": vx.io.StarTable({"a": [1]})})
    bad.write_text("<!DOCTYPE html><html></html>")
    assert main(["info", str(bad), str(good)]) == 3
    said = capsys.readouterr()
    assert "good.star: STAR" in said.out
    assert "bad.mrc" in said.err
    assert said.err.count("\n") == 1


def test_voxels_that_are_not_finite_are_counted(tmp_path, capsys):
    path = tmp_path / "map.mrc"
    vx.io.write_map(path, vx.VoxelMap(np.ones((4, 4, 4)), voxel_size=1.5))
    content = bytearray(path.read_bytes())
    content[1024:1028] = np.float32(np.nan).tobytes()
    path.write_bytes(content)
    (found,) = facts(capsys, path)
    assert found["facts"]["values (first sections)"].startswith("1 to 1, mean 1")
    assert "1 of its 16 pixels are NaN or infinite" in found["remarks"][0]


def test_movie(tmp_path, capsys):
    tifffile = pytest.importorskip("tifffile")
    frames = np.ones((3, 4, 6), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="minisblack")
    (found,) = facts(capsys, tmp_path / "a.tif")
    assert found["kind"] == "TIFF or EER movie"
    assert found["facts"]["frames × rows × columns"] == "3 × 4 × 6"


def test_atoms_under_another_name(shared, tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_bytes((shared / "structures" / "1uao.pdb").read_bytes())
    (found,) = facts(capsys, path)
    assert found["facts"]["atoms read"] == 138


def test_an_empty_table(tmp_path, capsys):
    path = tmp_path / "a.star"
    path.write_text("data_particles\n\nloop_\n_rlnImageName #1\n_rlnDefocusU #2\n")
    (found,) = facts(capsys, path)
    assert found["facts"]["data_particles"] == "0 rows, 2 columns"
