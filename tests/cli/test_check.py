import gzip
import json
import zipfile

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main


def written_map(path, voxel_size=1.5):
    values = np.random.default_rng(0).normal(size=(4, 4, 4))
    vx.io.write_map(path, vx.VoxelMap(values, voxel_size))
    return path


def patched(path, place, numbers, kind):
    """Put numbers into the bytes of a file."""
    content = bytearray(path.read_bytes())
    data = np.asarray(numbers, kind).tobytes()
    content[place : place + len(data)] = data
    path.write_bytes(content)


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
    fix = ["--fix", str(tmp_path / "b.star")]
    assert main(["check", str(path), *fix, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["written"] is None
    assert main(["check", str(path), *fix]) == 0
    assert "written: nothing" in capsys.readouterr().out


def test_sections_of_nan_may_be_zero(tmp_path, capsys):
    path, fixed = tmp_path / "a.mrc", tmp_path / "b.mrc"
    written_map(path)
    patched(path, 1024, np.full(16, np.nan), "<f4")
    assert main(["check", str(path), "--fix", str(fixed), "--nan-policy", "zero"]) == 0
    assert f"written: {fixed}" in capsys.readouterr().out
    assert not np.asarray(vx.io.read_map(fixed).values[0]).any()


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


def test_the_voxel_size_that_is_told_is_written(tmp_path, capsys):
    path = written_map(tmp_path / "a.mrc")
    patched(path, 40, [0.0] * 3, "<f4")
    assert main(["check", str(path)]) == 3
    assert "pixel_size= (--angpix)" in capsys.readouterr().out
    mended = str(tmp_path / "b.mrc")
    assert main(["check", str(path), "--angpix", "2", "--fix", mended]) == 0
    assert vx.io.read_header(mended).voxel_size == (2.0, 2.0, 2.0)
    assert main(["check", str(path), "--angpix", "-2"]) == 2


def test_what_becomes_of_nan(tmp_path, capsys):
    path = written_map(tmp_path / "a.mrc")
    patched(path, 1024, [np.nan, np.inf], "<f4")
    mended = str(tmp_path / "b.mrc")
    assert main(["check", str(path), "--nan-policy", "zero"]) == 2
    assert "--fix" in capsys.readouterr().err
    options = [str(path), "--fix", mended, "--nan-policy", "zero"]
    assert main(["check", *options]) == 0
    said = capsys.readouterr()
    assert "mended: values: sets 2 that are NaN or infinite to 0" in said.out
    assert said.err == ""
    assert float(vx.io.read_map(mended).values[0, 0, 0]) == 0.0


def test_problems_are_listed_where_mending_fails(tmp_path, capsys):
    path = damaged(tmp_path / "a.mrc")
    patched(path, 1024, [np.nan], "<f4")
    assert main(["check", str(path), "--fix", str(tmp_path / "b.mrc")]) == 3
    said = capsys.readouterr().out
    assert "stamp" in said
    assert "not mended: " in said
    assert not (tmp_path / "b.mrc").exists()


def test_names_of_temporary_files_are_not_told(tmp_path, capsys):
    path = damaged(tmp_path / "a.mrc")
    target = tmp_path / ("b" * 250 + ".mrc")
    assert main(["check", str(path), "--fix", str(target), "--json"]) == 3
    (record,) = json.loads(capsys.readouterr().out)
    assert target.name in record["error"]
    assert ".part." not in record["error"]


def test_bytes_are_what_they_are_said_to_be(tmp_path):
    path = written_map(tmp_path / "a.mrc")
    path.write_bytes(path.read_bytes()[:1024] + bytes(range(192, 256)))
    patched(path, 12, [0], "<i4")
    patched(path, 76, [0.0, -1.0, -2.0], "<f4")
    patched(path, 216, [-1.0], "<f4")
    assert main(["check", str(path)]) == 3
    assert main(["check", str(path), "--mode0", "unsigned"]) == 0


def test_objects_and_bombs_in_archives(tmp_path, capsys):
    sound, objects = tmp_path / "sound.npz", tmp_path / "objects.npz"
    bomb, lying = tmp_path / "bomb.npz", tmp_path / "lying.npz"
    np.savez(sound, a=np.arange(3.0))
    np.savez(objects, a=np.array([{}], dtype=object), b=np.zeros(3))
    np.savez_compressed(bomb, a=np.zeros(2**20, np.uint8))
    np.save(tmp_path / "a.npy", np.arange(3.0))
    with zipfile.ZipFile(lying, "w") as archive:
        content = (tmp_path / "a.npy").read_bytes()
        archive.writestr("a.npy", content.replace(b"(3,)", b"(9,)"))
    assert main(["check", str(sound)]) == 0
    expected = {
        objects: (["--json"], "array a", "Python objects"),
        bomb: (["--json", "--max-memory", "1MB"], "file", "larger than 976.6 KiB"),
        lying: (["--json"], "array a", "152 bytes where its header promises 200"),
    }
    capsys.readouterr()
    for path, (options, where, what) in expected.items():
        assert main(["check", str(path), *options]) == 3
        found = json.loads(capsys.readouterr().out)[0]["problems"]
        assert what in {each["where"]: each["what"] for each in found}[where]
    word = tmp_path / "word.npz"
    with zipfile.ZipFile(word, "w") as archive:
        archive.writestr("a.txt", "text")
    assert main(["check", str(word)]) == 3
    assert "0 of them arrays" in capsys.readouterr().out


def test_all_frames_of_a_movie_are_looked_at(tmp_path, capsys):
    tifffile = pytest.importorskip("tifffile")
    frames = np.ones((3, 4, 6), np.float32)
    frames[1, 2, 3] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="minisblack")
    assert main(["check", str(tmp_path / "a.tif")]) == 3
    assert "frame 2: 1 of its 24 pixels are NaN" in capsys.readouterr().out


def test_mtfs(tmp_path, capsys):
    path = tmp_path / "a.star"
    curve = {"rlnResolutionInversePixel": [0.0, 0.5], "rlnMtfValue": [1.0, np.inf]}
    vx.io.write_star(path, {"": vx.io.StarTable(curve)})
    assert main(["check", str(path)]) == 3
    assert "rlnMtfValue" in capsys.readouterr().out


def test_a_model_in_a_folder(tmp_path, capsys):
    vx.io.write_model(tmp_path / "lens", vx.Lens(defocus=12_000.0))
    assert main(["check", str(tmp_path / "lens")]) == 0
    assert main(["check", str(tmp_path)]) == 3
    assert "is a folder" in capsys.readouterr().out


def test_packed_files_have_a_limit(tmp_path, capsys):
    path = tmp_path / "a.mrc"
    path.write_bytes(gzip.compress(written_map(tmp_path / "b.mrc").read_bytes()))
    assert main(["check", str(path)]) == 0
    assert main(["check", str(path), "--max-memory", "1kB"]) == 3
    assert "larger than 1000 bytes" in capsys.readouterr().out


def test_many_files_are_counted(tmp_path, capsys):
    paths = [damaged(tmp_path / f"{i}.mrc") for i in range(4)]
    assert main(["check", *map(str, paths)]) == 3
    assert "cannot take 4 of 4 files as sound" in capsys.readouterr().err


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
