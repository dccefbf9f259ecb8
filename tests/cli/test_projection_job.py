import errno
import json

import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main
from vitrax.physics import RELION, interaction_parameter


N, SIZE = 24, 2.5


def run(*tokens):
    return main(["project", *map(str, tokens)])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def pixels(out):
    return np.asarray(vx.io.read_stack(out / "projections.mrcs")[:], float)


def record_of(out):
    return json.loads((out / "run.json").read_text())


def blobs():
    axis = SIZE * (np.arange(N) - N // 2)
    places = [(6.0, -4.0, 2.0), (-5.0, 5.0, 8.0), (0.0, -7.0, -6.0)]
    each = [[np.exp(-((axis - at) ** 2) / (2 * 4.0**2)) for at in p] for p in places]
    values = sum(np.einsum("z,y,x->zyx", z, y, x) for x, y, z in each)
    return vx.VoxelMap(jnp.asarray(values), SIZE)


@pytest.fixture(scope="module")
def density(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "blobs.mrc"
    vx.io.write_map(path, blobs())
    return path


@pytest.fixture(scope="module")
def plain(density, tmp_path_factory):
    out = tmp_path_factory.mktemp("plain") / "out"
    options = ["--n", 5, "--shift-sd", 3, "--seed", 4, "--kernel", "fine", "-q"]
    assert run(density, "-o", out, *options) == 0
    return out


@pytest.fixture(scope="module")
def under_ctf(density, tmp_path_factory):
    out = tmp_path_factory.mktemp("ctf") / "out"
    options = ["--n", 5, "--shift-sd", 3, "--astigmatism", 500, "--b-envelope", 40]
    assert run(density, "-o", out, "--ctf", *options, "--kernel", "fine", "-q") == 0
    return out


def test_outputs_are_there(plain):
    expected = ["projections.mrcs", "projections.star", "run.json"]
    assert names(plain) == expected
    assert names(plain.parent) == ["out"]


def test_projections_are_sums_of_voxels_of_the_library(plain):
    particles = vx.io.read_particles(plain / "projections.star")
    assert particles.angles is not None
    specimen = vx.FourierMap.from_map(blobs(), vx.structure.SliceKernel(4, 1.5))
    for i, image in enumerate(pixels(plain)):
        shift = tuple(particles.shifts[i].tolist())
        pose = vx.Pose.from_euler(*particles.angles[i], shift=shift)
        expected = vx.project(specimen, pose, vx.Grid(N, SIZE)) / SIZE
        np.testing.assert_allclose(image, expected, atol=1e-5 * image.max())


def test_sum_along_z_is_the_view_without_rotation(density, tmp_path):
    tables = {
        "optics": {"rlnOpticsGroup": [1], "rlnVoltage": [300.0],
                   "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
                   "rlnImagePixelSize": [SIZE]},
        "particles": {"rlnImageName": ["1@a.mrcs"], "rlnOpticsGroup": [1],
                      "rlnAngleRot": [0.0], "rlnAngleTilt": [0.0],
                      "rlnAnglePsi": [0.0]},
    }  # fmt: skip
    star = tmp_path / "one.star"
    vx.io.write_star(star, {k: vx.io.StarTable(v) for k, v in tables.items()})
    # The file has no box: it is the map's.
    options = ["--angles", star, "--kernel", "fine", "-q"]
    assert run(density, "-o", tmp_path / "out", *options) == 0
    expected = np.asarray(blobs().values).sum(axis=0)
    np.testing.assert_allclose(pixels(tmp_path / "out")[0], expected, atol=3e-3)


def test_projection_is_positive_and_keeps_the_sum(plain):
    total = float(blobs().values.sum())
    np.testing.assert_allclose(pixels(plain).sum(axis=(1, 2)), total, rtol=1e-3)
    assert pixels(plain).min() > -0.02 * pixels(plain).max()


def test_plain_projections_have_no_ctf_in_their_table(plain):
    tables = vx.io.read_star(plain / "projections.star")
    particles = tables["particles"]
    assert "rlnAngleRot" in particles
    ctf = ("rlnDefocusU", "rlnPhaseShift", "rlnCtfBfactor", "rlnCtfScalefactor")
    assert [name for name in ctf if name in particles] == []
    assert tables["optics"]["rlnImagePixelSize"].tolist() == [SIZE]
    parameters = record_of(plain)["parameters"]
    assert parameters["defocus"] is parameters["kv"] is parameters["angles"] is None


def test_ctf_is_that_of_the_library_with_relion_s_wavelength(under_ctf):
    particles = vx.io.read_particles(under_ctf / "projections.star")
    assert particles.defocus is not None
    assert particles.b_factors.tolist() == [40.0] * 5
    specimen = vx.FourierMap.from_map(blobs(), vx.structure.SliceKernel(4, 1.5))
    assert particles.angles is not None
    for i, image in enumerate(pixels(under_ctf)):
        shift = tuple(particles.shifts[i].tolist())
        pose = vx.Pose.from_euler(*particles.angles[i], shift=shift)
        scope = particles.microscope(i)
        scope = vx.Microscope(scope.grid, 300.0, scope.lens, constants=RELION)
        per_voxel = 2 * SIZE * float(interaction_parameter(300.0, RELION))
        expected = -np.asarray(vx.simulate(specimen, pose, scope)) / per_voxel
        np.testing.assert_allclose(image, expected, atol=2e-5 * np.abs(image).max())


def test_protein_is_white_with_and_without_ctf(plain, under_ctf):
    # The transfer at zero frequency is the amplitude contrast, in RELION's sign.
    assert pixels(plain).mean() > 0
    mean = pixels(under_ctf).mean() / pixels(plain).mean()
    assert mean == pytest.approx(0.07, rel=1e-2)


def test_line_integral_is_the_sum_times_the_pixel(density, plain, tmp_path):
    config = ["--config", plain / "run.json", "-o", tmp_path / "out", "-q"]
    assert run(*config, "--line-integral") == 0
    np.testing.assert_allclose(pixels(tmp_path / "out"), SIZE * pixels(plain), 1e-5)


@pytest.mark.parametrize("kind", ["plain", "under_ctf"])
def test_run_can_be_repeated_from_its_record(kind, tmp_path, request):
    before, out = request.getfixturevalue(kind), tmp_path / "out"
    assert run("--config", before / "run.json", "--out", out, "-q") == 0
    for name in ("projections.mrcs", "projections.star"):
        assert (out / name).read_bytes() == (before / name).read_bytes()


def test_angles_go_row_by_row_with_their_optics(under_ctf, density, tmp_path):
    star, out = under_ctf / "projections.star", tmp_path / "out"
    options = ["--angles", star, "--ctf", "--kernel", "fine", "-q"]
    assert run(density, "-o", out, *options) == 0
    np.testing.assert_allclose(pixels(out), pixels(under_ctf), atol=1e-5)
    assert record_of(out)["parameters"]["angles"] == str(star)
    both = [vx.io.read_particles(f / "projections.star") for f in (out, under_ctf)]
    for name in ("angles", "shifts", "defocus", "b_factors"):
        np.testing.assert_array_equal(*(getattr(each, name) for each in both))
    assert run(density, "-o", tmp_path / "two", *options, "--n", 2) == 0
    assert len(pixels(tmp_path / "two")) == 2


def test_images_do_not_depend_on_batches(density, plain, tmp_path):
    config = ["--config", plain / "run.json", "-o", tmp_path / "out", "-q"]
    assert run(*config, "--batch-size", 2) == 0
    np.testing.assert_allclose(pixels(tmp_path / "out"), pixels(plain), atol=1e-5)


def test_file_of_orientations_says_how_many(plain, density, tmp_path):
    out = tmp_path / "out"
    options = ["--orientations", plain / "projections.star", "-q"]
    assert run(density, "-o", out, *options) == 0
    given, again = (vx.io.read_particles(f / "projections.star") for f in (plain, out))
    np.testing.assert_array_equal(given.angles, again.angles)
    assert not again.shifts.any()


def test_kernels_differ_by_what_they_say(density, plain, tmp_path):
    config = ["--config", plain / "run.json", "-q"]
    errors = {}
    for name, options in {
        "default": ["--kernel", "default"],
        "4": ["--kernel", "trilinear", "--pad", 4],
        "1": ["--kernel", "trilinear", "--pad", 1],
    }.items():
        assert run(*config, "-o", tmp_path / name, *options) == 0
        difference = pixels(tmp_path / name) - pixels(plain)
        errors[name] = np.linalg.norm(difference) / np.linalg.norm(pixels(plain))
    assert 0 < errors["default"] < 5e-3
    assert errors["default"] < errors["4"] < 2e-2 < errors["1"]


def test_a_map_that_fills_its_box_gets_a_finer_kernel(density, tmp_path):
    noise = np.random.default_rng(0).normal(size=(N, N, N)).astype(np.float32)
    vx.io.write_map(tmp_path / "full.mrc", vx.VoxelMap(noise, SIZE))
    kernels = {}
    for path in (density, tmp_path / "full.mrc"):
        for kernel in ("default", "fine"):
            out = tmp_path / f"{path.stem}-{kernel}"
            options = ["-o", out, "--n", 1, "--kernel", kernel, "-q"]
            assert run(path, *options) == 0
            kernels[out.name] = record_of(out)["results"]["kernel"]
    assert kernels == {
        "blobs-default": "SliceKernel(points=3, padding=1.4)",
        "blobs-fine": "SliceKernel(points=4, padding=1.5)",
        "full-default": "SliceKernel(points=5, padding=1.5)",
        "full-fine": "SliceKernel(points=5, padding=1.5)",
    }


def test_atoms_are_projected_in_volts(tmp_path):
    path = tmp_path / "one.pdb"
    line = "ATOM      1  N   ALA A   1      12.000  20.000  31.000  1.00 40.00"
    path.write_text(line + "           N\n")
    options = ["--n", 2, "--angpix", 1, "--kernel", "fine", "--line-integral", "-q"]
    assert run(path, "-o", tmp_path / "out", *options) == 0
    results = record_of(tmp_path / "out")["results"]
    assert results["unit"] == "V Å"
    amplitude = float(vx.io.read_atoms(path).to_gaussians().amplitudes.sum())
    totals = pixels(tmp_path / "out").sum(axis=(1, 2))
    np.testing.assert_allclose(totals, 47.8776472 * amplitude, rtol=2e-3)


def test_result_is_said(density, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(density, "-o", out, "--n", 2, "--json") == 0
    said = capsys.readouterr()
    for text in (str(out), "projecting: 2/2", "positive where", "sums of voxels"):
        assert text in said.err
    assert json.loads(said.out) == record_of(out)


def test_dry_run_makes_nothing(density, tmp_path, capsys):
    assert run(density, "-o", tmp_path / "out", "--n", 3, "--dry-run") == 0
    said = capsys.readouterr().out
    for word in ("3 projections", "disk", "memory", "projections.mrcs"):
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
        (["--pad", "4"], "do give --kernel trilinear"),
        (["--kernel", "trilinear", "--pad", "5"], "--pad"),
        (["--kernel", "cubic"], "--kernel"),
        (["--defocus", "8000", "9000", "--kv", "200"], "--kv, --defocus .* --ctf too"),
        (["--box", "25"], "--box 26"),
        (["--box", "8"], "do use --box"),
        (["--resample"], "give --angles FILE"),
        (["--snr", "1"], "vitrax project --help"),
    ],
)
def test_wrong_usage(density, tmp_path, capsys, options, named):
    import re

    said = failing(capsys, 2, density, "-o", tmp_path / "out", *options)
    assert re.search(named, said)
    assert names(tmp_path) == []


def test_options_that_the_star_file_says_are_refused(under_ctf, density, capsys):
    star = under_ctf / "projections.star"
    options = ["--angles", star, "--ctf", "--defocus", "1e4", "1e4", "--kv", 200]
    said = failing(capsys, 2, density, "-o", star.parent / "out", *options)
    assert "--defocus, --kv (300 in the file) with --angles" in said


@pytest.mark.parametrize(
    ("missing", "ctf", "code"),
    [("rlnAngleTilt", False, 3), ("rlnDefocusU", True, 3), ("rlnDefocusU", False, 0)],
)
def test_missing_column_of_angles(
    under_ctf, density, tmp_path, capsys, missing, ctf, code
):
    tables = vx.io.read_star(under_ctf / "projections.star")
    rest = {k: v for k, v in tables["particles"].items() if k != missing}
    star = tmp_path / "short.star"
    vx.io.write_star(star, {**tables, "particles": vx.io.StarTable(rest)})
    options = [density, "-o", tmp_path / "out", "--angles", star, "-q"]
    options += ["--ctf"] if ctf else []
    if code == 0:
        assert run(*options) == 0
        return
    assert missing in failing(capsys, code, *options)
    assert names(tmp_path) == ["short.star"]


def test_truncated_map_is_a_bad_input(density, tmp_path, capsys):
    path = tmp_path / "cut.mrc"
    path.write_bytes(density.read_bytes()[:5000])
    assert "truncated" in failing(capsys, 3, path, "-o", tmp_path / "out")


def test_occupied_folder_is_a_bad_input(plain, density, capsys):
    before = (plain / "run.json").read_text()
    failing(capsys, 3, density, "-o", plain, "--n", 2)
    assert (plain / "run.json").read_text() == before


@pytest.mark.parametrize(
    ("error", "code"),
    [(OSError(errno.ENOSPC, "No space", "projections.mrcs"), 5),
     (KeyboardInterrupt(), 130)],
)  # fmt: skip
def test_what_fails_leaves_nothing(density, tmp_path, capsys, monkeypatch, error, code):
    def fail(*_):
        raise error

    monkeypatch.setattr("vitrax.io.StackWriter.append", fail)
    failing(capsys, code, density, "-o", tmp_path / "out", "--n", 2)
    assert names(tmp_path) == []


def test_lack_of_disk_is_foreseen(density, tmp_path, capsys, monkeypatch):
    usage = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert "--n" in failing(capsys, 5, density, "-o", tmp_path / "out", "--n", 9)


@pytest.mark.filterwarnings("ignore:.*is from RELION 3.0")
@pytest.mark.parametrize("name", ["relion31.star", "sample_particles_relion30.star"])
def test_star_files_of_others(shared, tmp_path, name):
    out = tmp_path / "out"
    path, density = shared / "relion" / name, shared / "maps" / "3j9g_64_4.4A.mrc"
    options = ["--angles", path, "--n", 2, "--ctf", "--box", 80, "--angpix", 4.4]
    assert run(density, "-o", out, *options, "-q") == 0
    given = vx.io.read_particles(path)[:2]
    made = vx.io.read_particles(out / "projections.star")
    np.testing.assert_allclose(made.angles, given.angles, atol=1e-6)
    np.testing.assert_allclose(made.defocus, given.defocus, atol=1e-6)
    np.testing.assert_allclose(made.shifts, given.shifts, atol=1e-6)


def test_angles_alone_need_no_optics(shared, tmp_path):
    out = tmp_path / "out"
    density = shared / "maps" / "3j9g_64_4.4A.mrc"
    options = ["--angles", shared / "relion" / "rln_proj_64.star", "-q"]
    assert run(density, "-o", out, *options) == 0
    optics = vx.io.read_star(out / "projections.star")["optics"]
    assert optics["rlnImagePixelSize"].tolist() == [4.4]
    assert pixels(out).shape == (5, 64, 64)
