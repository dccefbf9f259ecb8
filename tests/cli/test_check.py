import json

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main


def written_map(path, voxel_size=1.5):
    values = np.random.default_rng(0).normal(size=(4, 4, 4))
    vx.io.write_map(path, vx.VoxelMap(values, voxel_size))
    return path


def damaged(path):
    """Write a map whose header has no machine stamp and the wrong statistics."""
    written_map(path)
    content = bytearray(path.read_bytes())
    content[212:216] = bytes(4)
    path.write_bytes(content)
    return path


def test_a_sound_file(tmp_path, capsys):
    path = tmp_path / "a.star"
    table = vx.io.StarTable({"rlnResolutionInversePixel": [0.0], "rlnMtfValue": [1.0]})
    vx.io.write_star(path, {"": table})
    assert main(["check", str(path)]) == 0
    assert "nothing is wrong" in capsys.readouterr().out


def test_what_is_wrong_is_listed(tmp_path, capsys):
    path = damaged(tmp_path / "a.mrc")
    assert main(["check", str(path)]) == 3
    said = capsys.readouterr()
    assert "stamp" in said.out
    assert str(path) in said.err
    assert said.err.count("\n") == 1


def test_json(tmp_path, capsys):
    path = damaged(tmp_path / "a.mrc")
    assert main(["check", str(path), "--json"]) == 3
    (record,) = json.loads(capsys.readouterr().out)
    assert record["kind"] == "MRC"
    assert {"where", "what", "remedy", "is_fixable"} <= set(record["problems"][0])


def test_mending(tmp_path, capsys):
    path, target = damaged(tmp_path / "a.mrc"), tmp_path / "mended.mrc"
    before = path.read_bytes()
    assert main(["check", str(path), "--fix", str(target)]) == 0
    assert "mended: " in capsys.readouterr().out
    assert path.read_bytes() == before
    assert main(["check", str(target)]) == 0
    assert vx.io.read_map(target).voxel_size == 1.5


def test_mending_several_into_a_folder(tmp_path):
    paths = [damaged(tmp_path / name) for name in ("a.mrc", "b.mrc")]
    target = tmp_path / "mended"
    assert main(["check", *map(str, paths), "--fix", str(target)]) == 0
    assert sorted(path.name for path in target.iterdir()) == ["a.mrc", "b.mrc"]


def test_nothing_is_replaced(tmp_path, capsys):
    path = damaged(tmp_path / "a.mrc")
    assert main(["check", str(path), "--fix", str(path)]) == 2
    assert "it exists" in capsys.readouterr().err


def test_what_cannot_be_mended_stays_an_error(tmp_path, capsys):
    path = tmp_path / "a.mrc"
    path.write_bytes(written_map(tmp_path / "b.mrc").read_bytes()[:-10])
    assert main(["check", str(path), "--fix", str(tmp_path / "c.mrc")]) == 3
    assert not (tmp_path / "c.mrc").exists()
    assert "truncated" in capsys.readouterr().out


def particles(folder):
    """Write particles whose stack is in a folder of its own."""
    poses = vx.Pose.uniform(jax.random.key(0), 3)
    optics = vx.image.OpticsGroup(1.5, 300.0, box=8)
    images = np.random.default_rng(0).normal(size=(3, 8, 8))
    stack = vx.ParticleStack.from_arrays(images, poses, vx.Lens(1.2e4), optics)
    (folder / "project" / "job").mkdir(parents=True)
    table = folder / "project" / "job" / "a.star"
    vx.io.write_particles(table, stack, project=folder / "project")
    moved = folder / "a.star"
    table.rename(moved)
    return moved


@pytest.mark.parametrize("suffix", [".star", ".cs"])
def test_where_stacks_are(tmp_path, suffix, capsys):
    path = particles(tmp_path)
    if suffix == ".cs":
        found = vx.io.read_particles(path, project=tmp_path / "project")
        path = tmp_path / "a.cs"
        vx.io.write_particle_table(path, found, layout=vx.io.CryoSPARC())
    assert main(["check", str(path)]) == 3
    assert "found" in capsys.readouterr().out
    project = str(tmp_path / "project")
    assert main(["check", str(path), "--project", project]) == 0
    assert main(["check", str(path), "--path-map", f"job={project}/job"]) == 0
    assert main(["check", str(path), "--path-map", "job"]) != 0


def test_no_file(capsys):
    assert main(["check"]) == 2
    assert "no file is named" in capsys.readouterr().err


def test_what_no_reader_takes_is_wrong(tmp_path, capsys):
    path = tmp_path / "a.star"
    path.write_text("data_particles\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n")
    assert main(["check", str(path)]) == 3
    assert "rlnVoltage" in capsys.readouterr().out


def test_not_a_file_of_ours(tmp_path, capsys):
    path = tmp_path / "notes.txt"
    path.write_text("nothing")
    assert main(["check", str(path)]) == 3
    assert "none of what vitrax reads" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    [
        "maps/EMD-3197.map",
        "relion/relion31.star",
        "cryosparc/empiar_10076_7.cs",
        "structures/1uao.pdb",
    ],
)
def test_real_files(name, shared, capsys):
    assert main(["check", str(shared / name), "--json"]) in (0, 3)
    (record,) = json.loads(capsys.readouterr().out)
    assert record["error"] is None
