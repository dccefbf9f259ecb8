import gzip
import json
import os

import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main


def strict(text):
    """Return JSON in which NaN and infinity aren't."""

    def refuse(token):
        raise AssertionError(token)

    return json.loads(text, parse_constant=refuse)


def facts(capsys, *paths, options=(), code=0):
    assert main(["info", *map(str, paths), *options, "--json"]) == code
    return strict(capsys.readouterr().out)


def text(capsys, *paths):
    assert main(["info", *map(str, paths)]) == 0
    return capsys.readouterr().out


def written_map(path, values=None, **more):
    """Write a map of 4 × 4 × 4."""
    values = np.arange(64.0).reshape(4, 4, 4) if values is None else values
    vx.io.write_map(path, vx.VoxelMap(values, voxel_size=1.5), **more)
    return path


def patched(path, place, numbers, kind):
    """Put numbers into the bytes of a file."""
    content = bytearray(path.read_bytes())
    data = np.asarray(numbers, kind).tobytes()
    content[place : place + len(data)] = data
    path.write_bytes(content)


def test_mrc(tmp_path, capsys):
    path = written_map(tmp_path / "map.mrc")
    (found,) = facts(capsys, path)
    assert set(found) == {"path", "kind", "bytes", "facts", "remarks", "error"}
    assert (found["kind"], found["bytes"]) == ("MRC", 1024 + 4 * 64)
    assert found["facts"]["voxel_size"] == [1.5, 1.5, 1.5]
    assert found["facts"]["shape"] == [4, 4, 4]
    assert found["facts"]["axes"] == ["z", "y", "x"]
    values = found["facts"]["values"]
    assert (values["min"], values["max"], values["mean"]) == (0.0, 63.0, 31.5)
    assert values["sd"] == pytest.approx(np.arange(64).std())
    assert found["remarks"] == []
    said = text(capsys, path)
    assert "  size             1.28 kB\n" in said
    assert "  voxel size       1.5 × 1.5 × 1.5 Å\n" in said
    assert "0 to 63, mean 31.5, sd 18.473\n" in said


def test_star(tmp_path, capsys):
    path = tmp_path / "a.star"
    columns = {"rlnAngleRot": [1.5, 20.0], "rlnOpticsGroup": [1, 2]}
    optics = {"rlnOpticsGroup": [1], "rlnVoltage": [300.0]}
    tables = {"optics": optics, "particles": columns}
    vx.io.write_star(path, {name: vx.io.StarTable(t) for name, t in tables.items()})
    (found,) = facts(capsys, path)
    assert found["facts"]["tables"]["particles"] == {"rows": 2, "columns": 2}
    assert found["facts"]["columns"]["rlnAngleRot"] == {"min": 1.5, "max": 20.0}
    said = text(capsys, path)
    assert "data_particles  2 rows, 2 columns" in said
    assert "rlnAngleRot     1.5 to 20" in said


def test_real_structure(shared, capsys):
    (found,) = facts(capsys, shared / "structures" / "1dpx.pdb")
    assert found["facts"]["atoms"] > 1000
    assert any("alternate conformers" in remark for remark in found["remarks"])
    assert any("no hydrogens" in remark for remark in found["remarks"])


def test_models(tmp_path, capsys):
    atom = "ATOM      1  CA  GLY A   1       1.000   2.000   3.000  1.00 20.00"
    model = "MODEL     {:>4}\n" + atom + "           C\nENDMDL\n"
    path = tmp_path / "a.pdb"
    path.write_text(model.format(1) + model.format(2))
    (found,) = facts(capsys, path)
    assert found["facts"]["models"] == 2
    assert "2, of which the first is read" in text(capsys, path)
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
    arrays = found["facts"]["arrays"]
    assert (arrays["one"]["dtype"], arrays["one"]["shape"]) == ("float64", [3, 4])
    assert (arrays["two"]["dtype"], arrays["two"]["shape"]) == ("int64", [5])


def test_bad_file_is_named_after_the_good_ones(tmp_path, capsys):
    good, bad = tmp_path / "good.star", tmp_path / "bad.mrc"
    vx.io.write_star(good, {"": vx.io.StarTable({"a": [1]})})
    bad.write_text("<!DOCTYPE html><html></html>")
    assert main(["info", str(bad), str(good)]) == 3
    said = capsys.readouterr()
    assert "good.star: STAR" in said.out
    assert "bad.mrc" in said.err
    assert said.err.count("\n") == 1
    first, second = facts(capsys, bad, good, code=3)
    assert "web page" in first["error"]
    assert (first["kind"], first["facts"]) == (None, {})
    assert second["error"] is None


def test_voxels_that_are_not_finite_are_counted(tmp_path, capsys):
    path = written_map(tmp_path / "map.mrc")
    patched(path, 1024, [np.nan, np.inf], "<f4")
    (found,) = facts(capsys, path)
    assert found["facts"]["values"]["not_finite"] == 2
    assert found["facts"]["values"]["min"] == 2.0
    assert any("2 of 64 values are NaN" in remark for remark in found["remarks"])
    patched(path, 1024, np.full(64, np.nan), "<f4")
    (found,) = facts(capsys, path)
    assert found["facts"]["values"]["mean"] is None
    assert "none is finite" in text(capsys, path)


def test_movie(tmp_path, capsys):
    tifffile = pytest.importorskip("tifffile")
    frames = np.ones((3, 4, 6), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="minisblack")
    (found,) = facts(capsys, tmp_path / "a.tif")
    assert found["kind"] == "TIFF or EER movie"
    assert found["facts"]["shape"] == [3, 4, 6]


def test_atoms_under_another_name(shared, tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_bytes((shared / "structures" / "1uao.pdb").read_bytes())
    (found,) = facts(capsys, path)
    assert found["facts"]["atoms"] == 138


def test_an_empty_table(tmp_path, capsys):
    path = tmp_path / "a.star"
    path.write_text("data_particles\n\nloop_\n_rlnImageName #1\n_rlnDefocusU #2\n")
    (found,) = facts(capsys, path)
    assert found["facts"]["tables"]["particles"] == {"rows": 0, "columns": 2}


ODD = {
    "no voxel size": (40, [0.0, 0.0, 0.0], "<f4", "no voxel size"),
    "anisotropic": (48, [12.0], "<f4", "anisotropic: 1.5, 1.5, 3 Å"),
    "cell angles": (52, [90.0, 94.3, 90.0], "<f4", "90, 94.3, 90°, not 90°"),
    "stamp": (212, [0], "<i4", "the machine stamp is missing"),
    "identifier": (208, [0], "<i4", "the MAP identifier is missing"),
    "other axes": (64, [3, 1, 2], "<i4", "stored along z, x and y"),
    "start": (16, [-2, 7, 5], "<i4", "doesn't start at index 0"),
    "images": (88, [0], "<i4", "the space group is 0, images"),
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_odd_in_a_map(tmp_path, capsys, case):
    path = written_map(tmp_path / "a.map")
    place, numbers, kind, expected = ODD[case]
    patched(path, place, numbers, kind)
    (found,) = facts(capsys, path)
    (remark,) = found["remarks"]
    assert expected in remark


def test_trailing_bytes_and_numbers_that_json_has_not(tmp_path, capsys):
    path = written_map(tmp_path / "a.map")
    path.write_bytes(path.read_bytes() + bytes(10))
    patched(path, 196, [np.nan, np.inf, 0.0], "<f4")
    patched(path, 40, [np.nan], "<f4")
    (found,) = facts(capsys, path)
    assert found["facts"]["cell"][0] is None
    assert any("10 bytes follow" in remark for remark in found["remarks"])


def test_bytes_are_taken_as_they_are_said_to_be(tmp_path, capsys):
    path = written_map(tmp_path / "a.map")
    content = path.read_bytes()
    path.write_bytes(content[:1024] + bytes(range(192, 256)))
    patched(path, 12, [0], "<i4")
    patched(path, 76, [0.0, -1.0, -2.0], "<f4")
    for option, smallest in (("signed", -64), ("unsigned", 192)):
        (found,) = facts(capsys, path, options=["--mode0", option])
        assert found["facts"]["values"]["min"] == smallest
        assert found["remarks"] == []
    (found,) = facts(capsys, path)
    assert (
        "(say what they are: mode0= (--mode0 signed or unsigned))"
        in (found["remarks"][0])
    )


def test_axes_along_which_values_are_stored_do_not_matter(shared, capsys):
    (found,) = facts(capsys, shared / "maps" / "EMD-3001.map")
    assert found["facts"]["axes"] == ["y", "x", "z"]
    assert found["facts"]["values"]["min"] == pytest.approx(-0.368143)
    assert any("94.326" in remark for remark in found["remarks"])


def particles(folder, **columns):
    """Write particles of RELION whose one stack has three images."""
    images = np.random.default_rng(0).normal(size=(3, 8, 8))
    with vx.io.StackWriter(folder / "a.mrcs", images.shape, 1.5) as writer:
        writer.append(images)
    names = ["1@a.mrcs", "2@a.mrcs", "3@a.mrcs"]
    zeros = [0.0, 0.0, 0.0]
    angles = {f"rlnAngle{name}": zeros for name in ("Rot", "Tilt", "Psi")}
    defocus = {"rlnDefocusU": [1e4] * 3, "rlnDefocusV": [1e4] * 3}
    table = {"rlnImageName": names, "rlnOpticsGroup": [1, 1, 1], **angles, **defocus}
    table |= {"rlnDefocusAngle": zeros, **columns}
    optics = {
        "rlnOpticsGroup": [1, 2],
        "rlnVoltage": [300.0] * 2,
        "rlnSphericalAberration": [2.7] * 2,
        "rlnAmplitudeContrast": [0.1] * 2,
        "rlnImagePixelSize": [1.5] * 2,
        "rlnImageSize": [8, 8],
    }
    tables = {"optics": optics, "particles": table}
    path = folder / "a.star"
    vx.io.write_star(path, {name: vx.io.StarTable(t) for name, t in tables.items()})
    return path


OF_PARTICLES = {
    "lost": (
        {"rlnImageName": ["1@a.mrcs", "1@b.mrcs", "1@c.mrcs"]},
        "2 of 3 stacks aren't found: b.mrcs, c.mrcs",
    ),
    "beyond": ({"rlnImageName": ["1@a.mrcs", "2@a.mrcs", "4@a.mrcs"]}, "beyond the"),
    "nan": ({"rlnAngleRot": [0.0, np.nan, 0.0]}, "row 2: rlnAngleRot isn't a finite"),
    "other nan": (
        {"rlnLogLikeliContribution": [0.0, np.inf, np.nan]},
        "rlnLogLikeliContribution is NaN or infinite in 2 of 3 rows, first in row 2",
    ),
    "no such group": ({"rlnOpticsGroup": [1, 1, 3]}, "a group that data_optics doesn"),
}


@pytest.mark.parametrize("case", OF_PARTICLES)
def test_what_is_odd_of_particles(tmp_path, capsys, case):
    columns, expected = OF_PARTICLES[case]
    (found,) = facts(capsys, particles(tmp_path, **columns))
    assert [expected in remark for remark in found["remarks"]].count(True) == 1
    assert "1 groups have no particles: 2" in found["remarks"][-1]
    if case == "lost":
        assert str(tmp_path / "b.mrcs") in found["remarks"][0]


def test_stacks_are_looked_for_where_told(tmp_path, capsys):
    (tmp_path / "elsewhere").mkdir()
    path = particles(tmp_path)
    (tmp_path / "a.mrcs").rename(tmp_path / "elsewhere" / "a.mrcs")
    (found,) = facts(capsys, path)
    assert "its stack a.mrcs isn't found" in found["remarks"][0]
    project = str(tmp_path / "elsewhere")
    (found,) = facts(capsys, path, options=["--project", project])
    assert len(found["remarks"]) == 1


def test_the_pixel_size_of_old_files(shared, capsys):
    (found,) = facts(capsys, shared / "relion" / "empiar_10076_7.star")
    assert found["facts"]["pixel_size"]["min"] == pytest.approx(1.31, abs=1e-5)


def test_packed_content_has_a_limit(tmp_path, capsys):
    star = particles(tmp_path)
    packed = tmp_path / "a.star.gz"
    packed.write_bytes(gzip.compress(star.read_bytes()))
    volume = written_map(tmp_path / "a.mrc")
    volume.write_bytes(gzip.compress(volume.read_bytes()))
    for path in (packed, volume):
        (found,) = facts(capsys, path, options=["--max-memory", "100"], code=3)
        assert "larger than 100 bytes" in found["error"]
        assert "max_unpacked= (--max-memory)" in found["error"]
        (found,) = facts(capsys, path, options=["--max-memory", "2kB"])
    assert main(["info", str(volume), "--max-memory", "much"]) == 2
    assert "8GB" in capsys.readouterr().err


def test_a_model_in_a_folder_and_other_folders(tmp_path, capsys):
    path = tmp_path / "lens"
    vx.io.write_model(path, vx.Lens(defocus=12_000.0))
    (found,) = facts(capsys, path)
    assert found["facts"]["class"] == "Lens"
    assert found["bytes"] > 100
    (found,) = facts(capsys, tmp_path, code=3)
    assert "is a folder, and none that" in found["error"]


def test_pipes_are_refused(tmp_path, capsys):
    os.mkfifo(tmp_path / "a.mrc")
    (found,) = facts(capsys, tmp_path / "a.mrc", code=3)
    assert "it is a pipe, not a file" in found["error"]


def test_no_file(capsys):
    assert main(["info"]) == 2
    assert "no file is named" in capsys.readouterr().err
