import errno
import gzip
import json

import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main
from vitrax.cli._config import expand
from vitrax.cli._placing import centre_of_map, good_box


PDB = """\
ATOM      1  N   ALA A   1      12.000  20.000  31.000  1.00 15.00           N
ATOM      2  CA  ALA A   1      16.500  23.000  29.000  1.00 15.00           C
ATOM      3  SG  CYS A   2      15.000  16.000  38.000  1.00 20.00           S
END
"""
ATOMS = np.array([[12.0, 20.0, 31.0], [16.5, 23.0, 29.0], [15.0, 16.0, 38.0]])


@pytest.fixture(scope="module")
def atoms(tmp_path_factory):
    path = tmp_path_factory.mktemp("atoms") / "three.pdb"
    path.write_text(PDB)
    return path


def run(*tokens):
    return main(["volume", *map(str, tokens)])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def made(atoms, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "three.mrc"
    assert run(atoms, "-o", out, "--box", 24, "--angpix", 1.5) == 0
    return out


@pytest.fixture(scope="module")
def blob(tmp_path_factory):
    """A Gaussian (x, y, z) = (5, -3, 2) Å off the middle of a map of 2 Å voxels."""
    axis = 2.0 * (np.arange(20) - 10)
    x, y, z = (np.exp(-((axis - at) ** 2) / (2 * 3.0**2)) for at in (5, -3, 2))
    values = jnp.asarray(np.einsum("z,y,x->zyx", z, y, x))
    path = tmp_path_factory.mktemp("blob") / "blob.mrc"
    vx.io.write_map(path, vx.VoxelMap(values, 2.0), origin=(100.0, 50.0, 0.0))
    return path


def mass_centre(path):
    """Return (x, y, z) of a written map's mass by the place in its header, Å."""
    header = vx.io.read_header(path)
    values = np.asarray(vx.io.read_map(path).values, float)
    indices = [
        np.tensordot(np.arange(n), values.sum(axis=others), 1)
        for n, others in zip(values.shape[::-1], [(0, 1), (0, 2), (1, 2)], strict=True)
    ]
    size = np.array(header.voxel_size)
    return np.array(header.origin) + size * np.array(indices) / values.sum()


def test_map_is_that_of_the_library(made, atoms):
    gaussians = vx.io.read_atoms(atoms).to_gaussians()
    centre = np.array([7, 6, 16]) @ ATOMS / 29
    moved = vx.Gaussians(
        gaussians.positions - centre[None], gaussians.amplitudes, gaussians.variances
    )
    expected = np.asarray(vx.render(moved, vx.Grid((24, 24, 24), 1.5)).values)
    written = vx.io.read_map(made)
    assert float(written.voxel_size) == 1.5
    error = np.abs(np.asarray(written.values) - expected).max()
    assert error < 1e-5 * expected.max()


def test_map_lies_over_its_atoms(atoms, tmp_path):
    # Voxels of 1.5 Å are too coarse for atoms: their centre comes out 0.02 Å off.
    out = tmp_path / "fine.mrc"
    assert run(atoms, "-o", out, "--box", 32, "--angpix", 0.75, "-q") == 0
    weights = np.asarray(vx.io.read_atoms(atoms).to_gaussians().amplitudes).sum(axis=1)
    expected = weights @ ATOMS / weights.sum()
    np.testing.assert_allclose(mass_centre(out), expected, atol=1e-3)


def test_record_says_what_was_made(made):
    record = json.loads(made.with_suffix(".json").read_text())
    values = np.asarray(vx.io.read_map(made).values)
    results = record["results"]
    assert results["unit"] == "V"
    assert results["shape"] == [24, 24, 24]
    found = [results[name] for name in ("min", "max", "mean")]
    expected = [values.min(), values.max(), values.mean()]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert results["specimen"]["atoms"] == 3
    assert len(record["inputs"][0]["sha256"]) == 64


def test_run_can_be_repeated_from_its_record(made, tmp_path):
    out = tmp_path / "again.mrc"
    record = made.with_suffix(".json")
    assert main(["volume", "--config", str(record), "--out", str(out), "-q"]) == 0
    assert out.read_bytes() == made.read_bytes()
    assert "--box=24" in expand(["volume", "--config", str(record)])


def test_result_and_how_to_look_at_it_are_said(atoms, tmp_path, capsys):
    out = tmp_path / "a.mrc"
    assert run(atoms, "-o", out, "--angpix", 2, "--json") == 0
    said = capsys.readouterr()
    for text in (str(out), "in V", "min 0", "mean", "chimerax", "a.json", "2 Å"):
        assert text in said.err
    record = json.loads(said.out)
    assert record == json.loads((tmp_path / "a.json").read_text())
    # Half as much again as the atoms need.
    assert record["parameters"]["box"] == 20


def test_assembly_of_a_file_and_point_group(atoms, tmp_path):
    options = ["--symmetry", "C3", "--box", 64, "--angpix", 2, "-q"]
    assert run(atoms, "-o", tmp_path / "c3.mrc", *options) == 0
    record = json.loads((tmp_path / "c3.json").read_text())
    assert record["results"]["specimen"]["atoms"] == 9


def test_b_factor_and_resolution_take_detail_away(made, atoms, tmp_path):
    def power(name, *options):
        out = tmp_path / f"{name}.mrc"
        assert run(atoms, "-o", out, "--box", 24, "--angpix", 1.5, "-q", *options) == 0
        return float(np.sum(np.asarray(vx.io.read_map(out).values, float) ** 2))

    sharp = power("same")
    assert sharp > 3 * power("blurred", "--b-factor", 200) > 0
    assert sharp > 3 * power("low", "--resolution", 10) > 0


def test_map_keeps_its_place_on_another_grid(blob, tmp_path):
    out = tmp_path / "fine.mrc"
    assert run(blob, "-o", out, "--angpix", 1.25, "--box", 40, "-q") == 0
    written = vx.io.read_map(out)
    assert written.shape == (40, 40, 40)
    place = np.array([100.0, 50.0, 0.0]) + 20 + [5, -3, 2]
    np.testing.assert_allclose(mass_centre(out), place, atol=0.02)
    axis = 1.25 * (np.arange(40) - 20)
    x, y, z = (np.exp(-((axis - at) ** 2) / (2 * 3.0**2)) for at in (5, -3, 2))
    # Less the outermost voxels, where the old box ends.
    inside = (slice(8, -8),) * 3
    expected = np.einsum("z,y,x->zyx", z, y, x)[inside]
    np.testing.assert_allclose(written.values[inside], expected, atol=2e-3)


def test_map_is_centred_where_asked(blob, tmp_path):
    assert run(blob, "-o", tmp_path / "same.mrc", "-q") == 0
    original = vx.io.read_map(blob).values
    same = vx.io.read_map(tmp_path / "same.mrc").values
    np.testing.assert_array_equal(same, original)
    assert run(blob, "-o", tmp_path / "centred.mrc", "-q", "--centre") == 0
    centred = np.asarray(vx.io.read_map(tmp_path / "centred.mrc").values)
    assert np.unravel_index(centred.argmax(), centred.shape) == (10, 10, 10)
    # What is at the map's middle still lies where it did.
    place = np.array([100.0, 50.0, 0.0]) + 20 + [5, -3, 2]
    np.testing.assert_allclose(mass_centre(tmp_path / "centred.mrc"), place, atol=0.1)
    np.testing.assert_allclose(
        centre_of_map(np.asarray(original), 2.0), [5, -3, 2], atol=0.05
    )


@pytest.mark.parametrize(("least", "box"), [(1, 16), (95, 96), (97, 100), (257, 270)])
def test_box_that_nobody_chose_is_even_and_quick(least, box):
    assert good_box(least) == box


def test_dry_run_makes_nothing(atoms, tmp_path, capsys):
    assert run(atoms, "-o", tmp_path / "a.mrc", "--dry-run") == 0
    said = capsys.readouterr().out
    for word in ("disk", "memory", "a.mrc", "a.json", "1.06 Å"):
        assert word in said
    assert names(tmp_path) == []


# What goes wrong.


def failing(capsys, code, *tokens):
    assert run(*tokens) == code
    said = capsys.readouterr().err
    assert said.startswith("vitrax: cannot ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["-o", "a.png"], "--out a.png.mrc"),
        (["-o", "a.mrc", "--box", "4"], "--box"),
        (["-o", "a.mrc", "--b-factor", "hot"], "--b-factor hot"),
        (["-o", "a.mrc", "--symmetry", "Q7"], "Q7"),
        (["-o", "a.mrc", "--box", "8", "--angpix", "1"], "do use --box"),
        (["-o", "a.mrc", "--n", "3"], "vitrax volume --help"),
        ([], "vitrax volume --help"),
    ],
)
def test_wrong_usage(atoms, tmp_path, capsys, monkeypatch, options, named):
    monkeypatch.chdir(tmp_path)
    assert named in failing(capsys, 2, atoms, *options)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.mrc", None),
        ("unknown.pdb", PDB.replace("           S\n", "          Qq\n")),
        ("missing.cif", ...),
    ],
)
def test_bad_structure_is_a_bad_input(made, tmp_path, capsys, name, content):
    path = tmp_path / name
    if content is None:
        path.write_bytes(made.read_bytes()[:5000])
    elif content is not ...:
        path.write_text(content)
    before = names(tmp_path)
    assert name in failing(capsys, 3, path, "-o", tmp_path / "out.mrc")
    assert names(tmp_path) == before


def test_constant_map_has_no_centre(tmp_path, capsys):
    path = tmp_path / "flat.mrc"
    vx.io.write_map(path, vx.VoxelMap(jnp.ones((8, 8, 8)), 2.0))
    options = ["-o", tmp_path / "out.mrc", "--centre"]
    assert "stands out" in failing(capsys, 2, path, *options)


def test_what_exists_is_kept_unless_told_otherwise(atoms, tmp_path, capsys):
    options = ["-o", tmp_path / "a.mrc", "--box", 24, "--angpix", 1.5, "-q"]
    (tmp_path / "a.json").write_text("mine")
    assert "a.json because it exists" in failing(capsys, 3, atoms, *options)
    assert (tmp_path / "a.json").read_text() == "mine"
    assert run(atoms, *options, "--overwrite") == 0
    assert names(tmp_path) == ["a.json", "a.mrc"]
    itself = [tmp_path / "a.mrc", *options, "--overwrite"]
    assert "read from it" in failing(capsys, 3, *itself)


def test_full_disk_leaves_nothing(atoms, tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "a.mrc")

    monkeypatch.setattr("vitrax.io.write_map", full)
    options = ["-o", tmp_path / "a.mrc", "--box", 24, "--angpix", 1.5]
    assert "space" in failing(capsys, 5, atoms, *options)
    assert names(tmp_path) == []


def test_lack_of_disk_is_foreseen(atoms, tmp_path, capsys, monkeypatch):
    usage = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    said = failing(capsys, 5, atoms, "-o", tmp_path / "a.mrc", "--box", 24)
    assert "10 kB left" in said


def test_maps_of_others(shared, tmp_path):
    for name, box in (("3j9g_64_4.4A.mrc", 64), ("EMD-3197.map", 20)):
        out = tmp_path / f"{box}.mrc"
        assert run(shared / "maps" / name, "-o", out, "-q") == 0
        ours, theirs = (vx.io.read_map(p) for p in (out, shared / "maps" / name))
        np.testing.assert_array_equal(ours.values, theirs.values)
        assert ours.shape == (box,) * 3
    # Its voxel size isn't said; 65 voxels become 66.
    path, out = shared / "maps" / "70S_65_5A.mrc", tmp_path / "70s.mrc"
    assert run(path, "-o", out, "-q", "--map-angpix", 5) == 0
    assert vx.io.read_map(out).shape == (66, 66, 66)


@pytest.mark.slow
def test_structures_of_others(shared, tmp_path):
    path = shared / "structures" / "8zpm.cif.gz"
    options = ["--angpix", 3, "--resolution", 8, "-q"]
    assert run(path, "-o", tmp_path / "a.mrc", *options) == 0
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["results"]["specimen"]["atoms"] == 3222


def test_policies_of_a_map(tmp_path, capsys):
    path, out = tmp_path / "map.mrc", tmp_path / "out.mrc"
    vx.io.write_map(path, vx.VoxelMap(jnp.ones((8, 8, 8)), 2.0))
    content = bytearray(path.read_bytes())
    content[1024:1028] = np.float32(np.nan).tobytes()
    path.write_bytes(content)
    assert run(path, "-o", out) == 3
    assert "--nan-policy zero or mask" in capsys.readouterr().err
    assert run(path, "-o", out, "--nan-policy", "mask") == 0
    np.testing.assert_allclose(vx.io.read_map(out).values, 1.0, atol=1e-5)
    assert "were set to the mean of the others" in out.with_suffix(".json").read_text()

    values = np.arange(512, dtype=np.uint16).astype(np.uint8)
    content[12:16] = bytes(4)
    path.write_bytes(bytes(content[:1024]) + values.tobytes())
    assert run(path, "-o", out, "--overwrite", "--mode0", "unsigned") == 0
    back = np.asarray(vx.io.read_map(out).values).ravel()
    np.testing.assert_allclose(back, values, atol=1e-3)
    assert "were taken as" not in out.with_suffix(".json").read_text()


@pytest.mark.parametrize("option", [("--mode0", "signed"), ("--nan-policy", "zero")])
def test_policies_are_not_for_atoms(atoms, tmp_path, capsys, option):
    assert run(atoms, "-o", tmp_path / "out.mrc", *option) == 2
    assert option[0] in capsys.readouterr().err


def test_packed_maps_and_atoms_have_a_limit(tmp_path, capsys):
    volume, atoms = tmp_path / "a.mrc", tmp_path / "a.pdb.gz"
    vx.io.write_map(volume, vx.VoxelMap(np.ones((8, 8, 8)), voxel_size=2.0))
    volume.write_bytes(gzip.compress(volume.read_bytes()))
    line = "HETATM    1  O   HOH A   1       1.000   2.000   3.000  1.00 20.00"
    atoms.write_bytes(gzip.compress((line + "           O\nEND\n").encode()))
    for path in (volume, atoms):
        arguments = [path, "-o", tmp_path / "b.mrc", "--box", "16", "--dry-run"]
        assert run(*arguments, "--max-memory", "10") == 3
        assert "max_unpacked= (--max-memory)" in capsys.readouterr().err
        assert run(*arguments, "--max-memory", "1MB") == 0
        assert run(*arguments, "--max-memory", "1 apple") == 2
