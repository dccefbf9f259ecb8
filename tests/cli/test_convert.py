import dataclasses
import gzip
import importlib.util
import json

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main


# A warning is a line on the screen here, as for users.
pytestmark = pytest.mark.filterwarnings("always::vitrax.io.InputWarning")
COUNT, BOX = 4, 8
NEEDS_H5PY = pytest.mark.skipif(
    importlib.util.find_spec("h5py") is None, reason="needs h5py"
)


@pytest.fixture
def star(tmp_path):
    """Write particles with a beam tilt, as RELION has them."""
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    optics = vx.image.OpticsGroup(1.5, 300.0, box=BOX, beam_tilt=(0.2, -0.1))
    lens = vx.Lens(defocus=1.2e4, astigmatism=300.0, beam_tilt=(0.2, -0.1))
    images = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX))
    columns = {"myOwn": np.arange(COUNT) * 0.5}
    stack = vx.ParticleStack.from_arrays(images, poses, lens, optics, columns)
    vx.io.write_particles(tmp_path / "particles.star", stack)
    return tmp_path / "particles.star"


def compared(one, other):
    """Assert that two files hold the same particles."""
    first, second = map(vx.io.read_particles, (one, other))
    matrices = [
        np.stack([vx.Rotation.from_euler(*each).as_matrix() for each in stack.angles])
        for stack in (first, second)
    ]
    np.testing.assert_allclose(*matrices, atol=1e-6)
    np.testing.assert_allclose(first.shifts, second.shifts, atol=1e-4)
    np.testing.assert_allclose(first.defocus[:, :2], second.defocus[:, :2], atol=1e-2)
    np.testing.assert_allclose(
        first.aberrations()["beam_tilt"], second.aberrations()["beam_tilt"], atol=1e-6
    )
    np.testing.assert_allclose(first.images(), second.images(), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.cs", []),
        ("a.star", ["--to", "cistem"]),
        ("a.star", ["--to", "relion5"]),
        pytest.param("a.lst", [], marks=NEEDS_H5PY),
    ],
)
def test_there_and_back(star, tmp_path, name, options, capsys):
    there, back = tmp_path / name, tmp_path / "back.star"
    assert main(["convert", str(star), str(there), *options, "--copy-images"]) == 0
    assert f"{COUNT} particles" in capsys.readouterr().out
    compared(star, there)
    assert main(["convert", str(there), str(back), "--copy-images"]) == 0
    compared(star, back)
    table = vx.io.read_star(back)["particles"]
    np.testing.assert_allclose(table["myOwn"], np.arange(COUNT) * 0.5)


def test_images_stay_where_they_are(star, tmp_path, capsys):
    there = tmp_path / "a.cs"
    assert main(["convert", str(star), str(there)]) == 0
    assert "images stay" in capsys.readouterr().out
    assert not there.with_suffix(".mrcs").exists()
    compared(star, there)


@NEEDS_H5PY
def test_hdf5_is_copied_for_programs_that_do_not_read_it(star, tmp_path, capsys):
    """Lists may name MRC files where they are; RELION's tables not HDF5."""
    a, b, c = (tmp_path / name for name in ("a.lst", "b.lst", "c.star"))
    assert main(["convert", str(star), str(a)]) == 0
    compared(star, a)
    assert main(["convert", str(star), str(b), "--copy-images"]) == 0
    assert main(["info", str(b), str(b.with_suffix(".hdf"))]) == 0
    assert "EMAN2's images" in capsys.readouterr().out
    assert main(["check", str(b)]) == 0
    assert main(["convert", str(b), str(c)]) == 3
    assert "--copy-images" in capsys.readouterr().err


def test_white_protein_is_said_where_it_is_not_expected(star, tmp_path, capsys):
    assert main(["convert", str(star), str(tmp_path / "a.star"), "--to", "cistem"]) == 0
    assert "protein isn't dark" in capsys.readouterr().err


def test_an_old_table_becomes_new(shared, tmp_path, capsys):
    source = shared / "relion" / "sample_particles_relion30.star"
    assert main(["convert", str(source), str(tmp_path / "a.star")]) == 0
    assert set(vx.io.read_star(tmp_path / "a.star")) == {"optics", "particles"}


def test_nothing_is_replaced_unasked(star, capsys):
    assert main(["convert", str(star), str(star)]) == 2
    assert "it exists" in capsys.readouterr().err


def test_the_contrast_of_cryosparc_goes_through_relion(star, tmp_path):
    dark, back = tmp_path / "dark.cs", tmp_path / "back.cs"
    assert main(["convert", str(star), str(dark), "--copy-images"]) == 0
    assert main(["convert", str(dark), str(tmp_path / "through.star")]) == 0
    assert main(["convert", str(tmp_path / "through.star"), str(back)]) == 0
    assert set(vx.io.read_cs(back)["blob/sign"].tolist()) == {-1.0}
    compared(star, back)
    turned = tmp_path / "turned.star"
    assert main(["convert", str(dark), str(turned), "--copy-images"]) == 0
    compared(star, turned)


def test_stacks_are_named_so_that_they_are_found(star, tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir("/")
    assert main(["convert", str(star), str(folder / "a.cs")]) == 0
    compared(star, folder / "a.cs")


def test_strict_paths(star, tmp_path, capsys):
    text = star.read_text().replace("@particles.mrcs", "@../../etc/passwd")
    star.write_text(text)
    options = [str(star), str(tmp_path / "a.cs")]
    assert main(["convert", *options, "--strict-paths"]) == 3
    assert "strict paths" in capsys.readouterr().err
    assert not (tmp_path / "a.cs").exists()


def test_the_source_s_own_stack_is_never_replaced(star, tmp_path, capsys):
    first = vx.io.read_particles(star)[:2]
    vx.io.write_particle_table(tmp_path / "sub.star", first)
    options = [str(tmp_path / "sub.star"), str(star), "--copy-images", "--overwrite"]
    assert main(["convert", *options]) == 3
    assert "may be the stack of another table" in capsys.readouterr().err
    assert len(vx.io.read_stack(star.with_suffix(".mrcs"))) == COUNT


def test_classes_that_are_text_are_named(star, tmp_path, capsys):
    tables = vx.io.read_star(star)
    words = tables["particles"].updated({"rlnClassNumber": ["a", "b", "c", "d"]})
    vx.io.write_star(star, tables | {"particles": words})
    assert main(["convert", str(star), str(tmp_path / "a.cs")]) == 3
    assert "rlnClassNumber isn't a number" in capsys.readouterr().err
    assert not (tmp_path / "a.cs").exists()


def test_a_name_that_star_files_cannot_hold(star, tmp_path, capsys):
    found = vx.io.read_particles(star)
    names = np.array(["a\nb"] * COUNT)
    odd = dataclasses.replace(found, columns={**found.columns, "myOwn": names})
    with pytest.raises(vx.io.InputError, match="column myOwn"):
        vx.io.write_particle_table(tmp_path / "a.star", odd)
    assert not (tmp_path / "a.star").exists()


def test_json(star, tmp_path, capsys):
    assert main(["convert", str(star), str(tmp_path / "a.cs"), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["from"] == "RELION's particles"
    assert record["path"] == str(tmp_path / "a.cs")


def test_an_unknown_suffix(star, tmp_path, capsys):
    assert main(["convert", str(star), str(tmp_path / "a.txt")]) == 2
    assert "--to" in capsys.readouterr().err


def test_contrast_needs_copies(star, tmp_path, capsys):
    options = ["--output-contrast", "dark"]
    assert main(["convert", str(star), str(tmp_path / "a.cs"), *options]) == 2
    assert "--copy-images" in capsys.readouterr().err


def test_a_map(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 4, 4)).astype(np.float32)
    vx.io.write_map(tmp_path / "a.mrc", vx.VoxelMap(values, 1.5))
    assert main(["convert", str(tmp_path / "a.mrc"), str(tmp_path / "b.map")]) == 0
    np.testing.assert_array_equal(vx.io.read_map(tmp_path / "b.map").values, values)


def test_a_map_keeps_where_it_begins(shared, tmp_path):
    source = shared / "maps" / "EMD-3197.map"
    assert main(["convert", str(source), str(tmp_path / "b.mrc")]) == 0
    one, other = map(vx.io.read_header, (source, tmp_path / "b.mrc"))
    assert one.start == other.start != (0, 0, 0)
    assert one.labels[:1] == other.labels[:1]


def test_atoms(shared, tmp_path):
    source = shared / "structures" / "1uao.pdb"
    assert main(["convert", str(source), str(tmp_path / "a.cif")]) == 0
    one, other = map(vx.io.read_atoms, (source, tmp_path / "a.cif"))
    np.testing.assert_allclose(one.positions, other.positions)
    assert "GLY" in (tmp_path / "a.cif").read_text()


def test_every_model_is_kept(shared, tmp_path, capsys):
    source = shared / "structures" / "1uao_10_models.pdb"
    assert main(["convert", str(source), str(tmp_path / "a.cif")]) == 0
    vx.io.read_atoms(tmp_path / "a.cif", model=10)
    assert main(["convert", str(source), str(tmp_path / "a.pdb")]) == 2
    assert "mmCIF" in capsys.readouterr().err


@pytest.fixture
def volume(tmp_path):
    """Write a map without a voxel size, with two voxels that aren't finite."""
    values = np.random.default_rng(0).normal(size=(4, 4, 4))
    path = tmp_path / "a.map"
    vx.io.write_map(path, vx.VoxelMap(values, voxel_size=1.5))
    content = bytearray(path.read_bytes())
    content[40:52] = bytes(12)
    content[1024:1032] = np.array([np.nan, np.inf], "<f4").tobytes()
    path.write_bytes(content)
    return path


def test_errors_of_maps_name_options_that_there_are(volume, tmp_path, capsys):
    options = [str(volume), str(tmp_path / "b.mrc")]
    assert main(["convert", *options]) == 3
    assert "voxel_size= (--map-angpix)" in capsys.readouterr().err
    options += ["--map-angpix", "2"]
    assert main(["convert", *options]) == 3
    assert "nan_policy= (--nan-policy zero or mask)" in capsys.readouterr().err
    options += ["--nan-policy", "zero", "--json"]
    assert main(["convert", *options]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["shape"], record["voxel_size"]) == ([4, 4, 4], 2.0)
    assert float(vx.io.read_map(tmp_path / "b.mrc").values[0, 0, 1]) == 0.0


def test_what_bytes_are(volume, tmp_path):
    content = bytearray(volume.read_bytes()[:1024] + bytes(range(192, 256)))
    content[12:16] = bytes(4)
    volume.write_bytes(content)
    for option, first in (("signed", -64.0), ("unsigned", 192.0)):
        out = tmp_path / f"{option}.mrc"
        options = [str(volume), str(out), "--angpix", "1", "--mode0", option]
        assert main(["convert", *options]) == 0
        assert float(vx.io.read_map(out).values[0, 0, 0]) == first


def test_packed_files_have_a_limit(star, tmp_path, capsys):
    packed = tmp_path / "b.star.gz"
    packed.write_bytes(gzip.compress(star.read_bytes()))
    options = [str(packed), str(tmp_path / "c.star")]
    assert main(["convert", *options, "--max-memory", "100"]) == 3
    assert "max_unpacked= (--max-memory)" in capsys.readouterr().err
    assert main(["convert", *options, "--max-memory", "1MB"]) == 0
    assert main(["convert", *options, "--max-memory", "0"]) == 2


def test_options_of_something_else_are_refused(star, volume, tmp_path, capsys):
    atoms = tmp_path / "a.pdb"
    line = "HETATM    1  O   HOH A   1       1.000   2.000   3.000  1.00 20.00"
    atoms.write_text(line + "           O\nEND\n")
    refused = {
        "--to": [str(volume), str(tmp_path / "x.mrc"), "--to", "cistem"],
        "--nan-policy": [str(star), str(tmp_path / "x.star"), "--nan-policy", "zero"],
        "--angpix": [str(atoms), str(tmp_path / "x.cif"), "--angpix", "2"],
        "rename it .mrc": [str(star.with_suffix(".mrcs")), str(tmp_path / "x.mrc")],
        ".mrc": [str(volume), str(tmp_path / "x.star"), "--angpix", "2"],
    }
    for option, arguments in refused.items():
        assert main(["convert", *arguments]) == (3 if "rename" in option else 2)
        assert option in capsys.readouterr().err
        assert not (tmp_path / "x.star").exists()


def test_nan_in_copied_images(star, tmp_path, capsys):
    stack = star.with_suffix(".mrcs")
    content = bytearray(stack.read_bytes())
    content[1024:1028] = np.float32(np.nan).tobytes()
    stack.write_bytes(content)
    options = [str(star), str(tmp_path / "b.star"), "--copy-images"]
    assert main(["convert", *options]) == 3
    assert "--nan-policy" in capsys.readouterr().err
    assert main(["convert", *options, "--nan-policy", "zero", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["particles"], record["images_copied"]) == (COUNT, True)
    assert vx.io.read_particles(tmp_path / "b.star").images()[0, 0, 0] == 0.0


def names(path):
    return set(vx.io.read_particles(path).reader.stacks)


def test_stacks_are_named_from_the_project(star, tmp_path, monkeypatch):
    folder = tmp_path / "jobs" / "a"
    folder.mkdir(parents=True)
    project = ["--project", str(tmp_path)]
    table, copied = folder / "a.star", folder / "b.star"
    assert main(["convert", str(star), str(table), *project]) == 0
    assert main(["convert", str(star), str(copied), "--copy-images", *project]) == 0
    monkeypatch.chdir(tmp_path)
    assert names(table) == {"particles.mrcs"}
    assert names(copied) == {"jobs/a/b.mrcs"}
    for path in (table, copied):
        compared(star, path)


@pytest.mark.parametrize("name", ["a.lst", "a.star"])
def test_formats_that_hold_a_particle_at_least(star, tmp_path, name, capsys):
    tables = vx.io.read_star(star)
    tables["particles"] = tables["particles"].select(slice(0))
    vx.io.write_star(tmp_path / "none.star", tables)
    to = "eman2" if name == "a.lst" else "cistem"
    target = tmp_path / name
    tokens = ["convert", str(tmp_path / "none.star"), str(target), "--to", to]
    assert main(tokens) == 3
    assert "there are no particles" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kv", "300000"], "do give it in kV"),
        (["--path-map", "ab"], "isn't OLD=NEW"),
    ],
)
def test_what_is_typed_wrongly_is_wrong_usage(star, tmp_path, options, message, capsys):
    assert main(["convert", str(star), str(tmp_path / "a.cs"), *options]) == 2
    assert message in capsys.readouterr().err
    if options[0] == "--path-map":
        for command in ("info", "check"):
            assert main([command, str(star), *options]) == 2


def test_words_in_place_of_coordinates(star, tmp_path, capsys):
    tables = vx.io.read_star(star)
    columns = {
        "rlnMicrographName": ["m.mrc"] * COUNT,
        "rlnCoordinateX": ["1", "abc", "3", "4"],
        "rlnCoordinateY": [1, 2, 3, 4],
    }
    tables["particles"] = tables["particles"].updated(columns)
    vx.io.write_star(tmp_path / "bad.star", tables)
    assert main(["convert", str(tmp_path / "bad.star"), str(tmp_path / "a.csv")]) == 3
    assert "rlnCoordinateX" in (said := capsys.readouterr().err)
    assert "'abc' in row 2 (line" in said
    assert main(["check", str(tmp_path / "bad.star")]) == 3
    said = capsys.readouterr().out
    assert "row 2: rlnCoordinateX isn't a finite number ('abc')" in said
