import errno
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax._files import InputError
from vitrax._typing import default_float
from vitrax.cli import main
from vitrax.cli._config import expand
from vitrax.cli._job import read_angles


PDB = """\
ATOM      1  N   ALA A   1      12.000  20.000  31.000  1.00 15.00           N
ATOM      2  CA  ALA A   1      16.500  23.000  29.000  1.00 15.00           C
ATOM      3  C   ALA A   1       8.000  26.000  36.000  1.00 20.00           C
ATOM      4  O   ALA A   1       9.500  14.000  25.000  0.50 20.00           O
ATOM      5  SG  CYS A   2      15.000  16.000  38.000  1.00 20.00           S
END
"""


def small(**options):
    """Return the options of a small, quick run."""
    values = {"n": 7, "box": 32, "angpix": 1.5} | options
    named = [(f"--{name.replace('_', '-')}", value) for name, value in values.items()]
    return ["--no-report", "--quiet", *(token for pair in named for token in pair)]


@pytest.fixture(scope="module")
def atoms(tmp_path_factory):
    path = tmp_path_factory.mktemp("atoms") / "five.pdb"
    path.write_text(PDB)
    return path


def run(*tokens):
    return main(["simulate", *map(str, tokens)])


def read(out):
    particles = vx.io.read_particles(out / "particles.star")
    record = json.loads((out / "run.json").read_text())
    return particles, record


def pixels(out):
    return vx.io.read_stack(out / "particles.mrcs")[:]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def clean(atoms, tmp_path_factory):
    out = tmp_path_factory.mktemp("clean") / "out"
    options = small(shift_sd=3, astigmatism=400, b_envelope=30)
    assert run(atoms, "--out", out, *options) == 0
    return out


def test_outputs_are_there(clean):
    assert names(clean) == ["map.mrc", "particles.mrcs", "particles.star", "run.json"]
    assert names(clean.parent) == ["out"]


def test_images_are_those_of_the_library_on_the_written_files(clean):
    particles, _ = read(clean)
    voxel_map = vx.io.read_map(clean / "map.mrc", unit="V")
    voxel_map = jax.tree.map(lambda x: x.astype(default_float()), voxel_map)
    kernel = vx.structure.SliceKernel(points=4, padding=1.5)
    specimen = vx.FourierMap.from_map(voxel_map, kernel)
    stack = pixels(clean)
    for i in range(3):
        shift = tuple(particles.shifts[i].tolist())
        pose = vx.Pose.from_euler(*particles.angles[i], shift=shift)
        expected = -np.asarray(vx.simulate(specimen, pose, particles.microscope(i)))
        error = np.abs(stack[i] - expected).max() / np.abs(stack[i]).max()
        assert error < 1e-3


def test_protein_is_white(clean):
    # The transfer at zero frequency is Q in RELION's sign.
    assert pixels(clean).mean() > 0


def test_star_says_what_was_asked_for(clean):
    particles, record = read(clean)
    tables = vx.io.read_star(clean / "particles.star")
    assert tables["particles"].rows == 7
    assert tables["optics"]["rlnImageSize"].tolist() == [32]
    assert (tables["particles"]["rlnCtfBfactor"] == 30.0).all()
    assert "rlnMicrographName" in tables["particles"]
    assert set(tables["particles"]["rlnRandomSubset"]) <= {1, 2}
    assert (particles.defocus[:, 0] >= 8000).all()
    assert record["parameters"]["kv"] == 300.0
    assert record["parameters"]["astigmatism"] == 400.0
    assert record["results"]["snr"] is None
    assert len(record["inputs"][0]["sha256"]) == 64


def test_map_is_in_volts_about_the_centre_of_mass(clean, atoms):
    _, record = read(clean)
    written = vx.io.read_map(clean / "map.mrc")
    assert record["results"]["specimen"]["map_unit"] == "V"
    total = float(written.values.sum()) * 1.5**3
    gaussians = vx.io.read_atoms(atoms).to_gaussians()
    expected = 47.8776472 * float(gaussians.amplitudes.sum())
    assert total == pytest.approx(expected, rel=1e-3)
    axis = 1.5 * (np.arange(32) - 16)
    along_x = np.asarray(written.values).sum(axis=(0, 1))
    numbers = np.array([7, 6, 6, 4, 16])
    positions = np.asarray(vx.io.read_atoms(atoms).positions)
    centre = numbers @ positions / numbers.sum()
    np.testing.assert_allclose(
        record["results"]["specimen"]["centre"], centre, atol=1e-3
    )
    assert abs((axis * along_x).sum() / along_x.sum()) < 1.0


def test_result_does_not_depend_on_batches(clean, atoms, tmp_path):
    options = small(snr=0.5, shift_sd=2)
    for size in (2, 7):
        assert (
            run(atoms, "-o", tmp_path / f"{size}", *options, "--batch-size", size) == 0
        )
    few, many = (pixels(tmp_path / name) for name in ("2", "7"))
    np.testing.assert_allclose(few, many, atol=2e-5 * np.abs(many).max())


def test_snr_is_over_all_pixels_of_all_images(atoms, tmp_path):
    assert run(atoms, "-o", tmp_path / "clean", *small(n=40)) == 0
    for mask in ("box", "particle"):
        out = tmp_path / mask
        options = small(n=40, snr=0.2, snr_mask=mask, particle_diameter=24)
        assert run(atoms, "-o", out, *options, "--no-normalise") == 0
        signal = pixels(tmp_path / "clean").astype(float)
        noise = pixels(out) - signal
        if mask == "particle":
            axis = 1.5 * (np.arange(32) - 16)
            signal = signal[:, np.hypot(axis[:, None], axis) <= 12]
        record = read(out)[1]["results"]
        assert record["snr"][mask] == pytest.approx(0.2, rel=1e-6)
        variance = record["noise_variance"]
        assert signal.var() / variance == pytest.approx(0.2, rel=1e-4)
        assert noise.var() == pytest.approx(variance, rel=0.03)
        # One variance for all images.
        assert noise.var(axis=(1, 2)).max() < 1.3 * variance


def test_noisy_stack_is_scaled_to_noise_of_sd_one(atoms, tmp_path):
    options = small(n=30, snr=0.05)
    for name, extra in (("scaled", []), ("physical", ["--no-normalise"])):
        assert run(atoms, "-o", tmp_path / name, *options, *extra) == 0
    record = read(tmp_path / "scaled")[1]["results"]
    scaled, physical = pixels(tmp_path / "scaled"), pixels(tmp_path / "physical")
    np.testing.assert_allclose(
        scaled, record["scale_factor"] * physical, rtol=1e-4, atol=1e-4
    )
    axis = 1.5 * (np.arange(32) - 16)
    radius = record["specimen"]["particle_diameter"] / 2
    outside = scaled[:, np.hypot(axis[:, None], axis) > radius]
    assert outside.std() == pytest.approx(1.0, abs=0.05)
    assert outside.mean() == pytest.approx(0.0, abs=0.05)
    assert record["background_sd"] == pytest.approx(outside.std(), rel=1e-3)


def test_dose_counts_electrons(atoms, tmp_path):
    options = small(n=30, dose=40, box=40)
    for name, extra in (("scaled", []), ("physical", ["--no-normalise"])):
        assert run(atoms, "-o", tmp_path / name, *options, *extra) == 0
    record = read(tmp_path / "scaled")[1]["results"]
    # 40 e/Å² in pixels of 1.5 Å.
    assert record["noise_variance"] == pytest.approx(1 / 90)
    assert record["scale_factor"] == pytest.approx(90**0.5)
    scaled, physical = (pixels(tmp_path / name) for name in ("scaled", "physical"))
    counts = 90 * (1 - physical)
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-3)
    np.testing.assert_allclose(scaled, 90**0.5 * physical, rtol=1e-4, atol=1e-4)
    assert record["background_mean"] == pytest.approx(0.0, abs=0.03)
    assert record["background_sd"] == pytest.approx(1.0, abs=0.03)
    assert 0 < record["snr"]["box"] < 1


def test_mtf_and_solvent_lessen_the_signal(clean, atoms, tmp_path):
    curve = {"rlnResolutionInversePixel": [0.0, 0.5], "rlnMtfValue": [1.0, 0.4]}
    vx.io.write_star(tmp_path / "mtf.star", {"mtf": vx.io.StarTable(curve)})
    options = small(shift_sd=3, astigmatism=400, b_envelope=30)
    given = ["--mtf", tmp_path / "mtf.star"]
    assert run(atoms, "-o", tmp_path / "mtf", *options, *given) == 0
    frequency = np.hypot(np.fft.fftfreq(32)[:, None], np.fft.fftfreq(32))
    transfer = 1 - 1.2 * np.minimum(frequency, 0.5)
    expected = np.fft.ifft2(np.fft.fft2(pixels(clean)) * transfer).real
    found = pixels(tmp_path / "mtf")
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert run(atoms, "-o", tmp_path / "in", *options, "--solvent") == 0
    inside, vacuum = pixels(tmp_path / "in"), pixels(clean)
    assert 0 < inside.mean() < 0.8 * vacuum.mean()
    record = read(tmp_path / "in")[1]
    assert record["results"]["specimen"]["hydrogens"] == "mean of proteins"
    assert "vacuum" not in " ".join(record["warnings"])


def test_dose_excludes_snr(atoms, tmp_path, capsys):
    options = small(dose=40, snr=0.1)
    assert "--dose" in failing(capsys, 2, atoms, "-o", tmp_path / "out", *options)


@pytest.mark.slow
def test_double_precision_gives_the_same_images(clean, atoms, tmp_path):
    options = small(shift_sd=3, astigmatism=400, b_envelope=30)
    assert (
        run(atoms, "--out", tmp_path / "out", *options, "--x64", "--no-overwrite") == 0
    )
    # Rotations are drawn in the precision of the run: compare through the file.
    options = ["--from", clean / "particles.star", "--no-report", "-q", "--x64"]
    assert run(clean / "map.mrc", "-o", tmp_path / "again", *options) == 0
    error = np.abs(pixels(tmp_path / "again") - pixels(clean)).max()
    assert error < 2e-3 * np.abs(pixels(clean)).max()


def test_run_can_be_repeated_from_its_record(clean, tmp_path):
    out = tmp_path / "again"
    config = clean / "run.json"
    assert main(["simulate", "--config", str(config), "--out", str(out), "-q"]) == 0
    np.testing.assert_array_equal(pixels(out), pixels(clean))
    for name in ("particles.mrcs", "particles.star", "map.mrc"):
        assert (out / name).read_bytes() == (clean / name).read_bytes()


def test_report_is_written(atoms, tmp_path):
    options = ["--n", 3, "--box", 32, "--angpix", 1.5, "-q", "--snr", 1]
    assert run(atoms, "-o", tmp_path / "out", *options) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    for text in ("vacuum", "Contrast transfer", "at 3 Å", "at 5 Å", "Orientations"):
        assert text in page
    assert "spreads beyond the box" in page


def test_from_goes_row_by_row_and_finds_the_conventions_right(clean, tmp_path):
    out = tmp_path / "out"
    options = ["--from", clean / "particles.star", "--no-report", "-q"]
    assert run(clean / "map.mrc", "-o", out, *options) == 0
    given, again = read(clean)[0], read(out)[0]
    np.testing.assert_array_equal(given.angles, again.angles)
    np.testing.assert_array_equal(given.defocus, again.defocus)
    np.testing.assert_array_equal(given.shifts, again.shifts)
    parameters = read(out)[1]["parameters"]
    assert parameters["defocus"] is parameters["shift_sd"] is parameters["kv"] is None
    assert parameters["from"] == str(clean / "particles.star")
    repeated = expand(["simulate", "--config", str(out / "run.json")])
    assert not [token for token in repeated if "defocus" in token]
    conventions = read(out)[1]["results"]["conventions"]
    assert conventions["verdict"].startswith("Yes")
    assert conventions["mean_correlation"]["as given"] > 0.999
    np.testing.assert_allclose(
        pixels(out), pixels(clean), atol=2e-3 * pixels(clean).max()
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rlnOriginXAngst": -1, "rlnOriginYAngst": -1}, "negate rlnOriginXAngst"),
        ("transposed", "invert the rotations"),
        ("dark", "anticorrelated"),
    ],
)
def test_wrong_convention_is_found(clean, tmp_path, change, named):
    tables = vx.io.read_star(clean / "particles.star")
    particles = tables["particles"]
    if change == "transposed":
        rot, psi = particles["rlnAngleRot"], particles["rlnAnglePsi"]
        turned = {"rlnAngleRot": -psi, "rlnAnglePsi": -rot}
        turned["rlnAngleTilt"] = -particles["rlnAngleTilt"]
    elif change == "dark":
        turned = {}
    else:
        turned = {name: sign * particles[name] for name, sign in change.items()}
    path = clean / "wrong.star"
    vx.io.write_star(path, {**tables, "particles": particles.updated(turned)})
    options = ["--from", path, "--no-report", "-q"]
    options += ["--contrast", "dark"] if change == "dark" else []
    assert run(clean / "map.mrc", "-o", tmp_path / "out", *options) == 0
    path.unlink()
    verdict = read(tmp_path / "out")[1]["results"]["conventions"]["verdict"]
    assert named in verdict


def test_resampled_rows_come_from_the_file(clean, tmp_path):
    options = ["--from", clean / "particles.star", "--resample", "--n", 20]
    out = tmp_path / "out"
    assert run(clean / "map.mrc", "-o", out, *options, "--no-report", "-q") == 0
    given, drawn = read(clean)[0], read(out)[0]
    assert len(drawn) == 20
    assert {tuple(row) for row in drawn.angles} <= {tuple(row) for row in given.angles}


@pytest.mark.slow
def test_orientations_from_a_file(clean, atoms, tmp_path):
    out = tmp_path / "out"
    options = ["--orientations", clean / "particles.star", *small(n=10)]
    assert run(atoms, "-o", out, *options) == 0
    expected = read(clean)[0].angles[np.arange(10) % 7]
    np.testing.assert_array_equal(read(out)[0].angles, expected)


def test_map_is_put_on_the_particles_grid(clean, tmp_path):
    out = tmp_path / "out"
    options = ["--box", 40, "--angpix", 2.0, "--n", 2, "--no-report", "-q"]
    assert run(clean / "map.mrc", "-o", out, *options) == 0
    written = vx.io.read_map(out / "map.mrc")
    assert written.shape == (40, 40, 40)
    assert float(written.voxel_size) == pytest.approx(2.0)
    left = read(out)[1]["results"]["amplitude_left"]
    assert left == {"at 3 Å": {"envelope": None}, "at 5 Å": {"envelope": 1.0}}


def test_b_factors_and_resolution_blur_the_map(atoms, tmp_path):
    power = {}
    for name, options in {
        "model": [],
        "scaled": ["--b-factor", "scale:10"],
        "all": ["--b-factor", "200"],
        "low": ["--resolution", "12"],
    }.items():
        assert run(atoms, "-o", tmp_path / name, *small(), *options) == 0
        written = vx.io.read_map(tmp_path / name / "map.mrc")
        power[name] = float(jnp.sum(written.values**2))
        left = read(tmp_path / name)[1]["results"]["amplitude_left"]["at 5 Å"]
        if name == "low":
            assert left["--resolution"] == 0.0
        if name == "all":
            expected = np.exp(-200 / 4 / 25)
            assert left["atoms' B-factors"] == pytest.approx(expected, rel=1e-3)
    assert power["model"] > 3 * power["scaled"] > 0
    assert power["model"] > 3 * power["all"]
    assert power["model"] > 3 * power["low"]


@pytest.mark.slow
def test_symmetry_copies_the_asymmetric_unit(atoms, tmp_path):
    options = small(n=1, symmetry="D2", box=80)
    assert run(atoms, "-o", tmp_path / "out", *options) == 0
    assert read(tmp_path / "out")[1]["results"]["specimen"]["atoms"] == 20


def test_dry_run_makes_nothing(atoms, tmp_path, capsys):
    assert run(atoms, "-o", tmp_path / "out", *small(), "--dry-run") == 0
    said = capsys.readouterr().out
    for word in ("disk", "memory", "time", "particles.mrcs"):
        assert word in said
    assert names(tmp_path) == []


# What goes wrong.


def failing(capsys, code, *tokens):
    assert run(*tokens) == code
    said = capsys.readouterr().err
    assert said.startswith("vitrax: cannot ")
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return said


def test_odd_box_is_wrong_usage_with_the_reason(atoms, tmp_path, capsys):
    said = failing(capsys, 2, atoms, "-o", tmp_path / "out", *small(box=33))
    assert "RELION" in said
    assert "--box 34" in said


def test_unknown_option_is_wrong_usage(atoms, tmp_path, capsys):
    said = failing(capsys, 2, atoms, "-o", tmp_path / "out", "--colour", "red")
    assert "--colour" in said


def test_too_small_a_box_is_wrong_usage(atoms, tmp_path, capsys):
    tokens = [atoms, "-o", tmp_path / "out", *small(box=8)]
    assert "--box" in failing(capsys, 2, *tokens)


def test_double_symmetry_is_wrong_usage(tmp_path, capsys):
    tokens = ["apoferritin", "-o", tmp_path / "out", "--symmetry", "O", "--n", 1]
    assert "leave --symmetry out" in failing(capsys, 2, *tokens)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "lfs.mrc",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        ),
        ("cut.mrc", None),
        ("unknown.pdb", PDB.replace("           S\n", "          Qq\n")),
        ("missing.pdb", ...),
    ],
)
def test_bad_structure_is_a_bad_input(clean, tmp_path, capsys, name, content):
    path = tmp_path / name
    if content is None:
        path.write_bytes((clean / "map.mrc").read_bytes()[:5000])
    elif content is not ...:
        path.write_text(content)
    before = names(tmp_path)
    assert name in failing(capsys, 3, path, "-o", tmp_path / "out", *small())
    assert names(tmp_path) == before


def test_star_without_a_column_is_a_bad_input(clean, tmp_path, capsys):
    tables = vx.io.read_star(clean / "particles.star")
    rest = {k: v for k, v in tables["particles"].items() if k != "rlnAngleTilt"}
    path = tmp_path / "short.star"
    vx.io.write_star(path, {**tables, "particles": vx.io.StarTable(rest)})
    tokens = [clean / "map.mrc", "--from", path, "-o", tmp_path / "out", "-q"]
    assert "rlnAngleTilt" in failing(capsys, 3, *tokens)


def test_occupied_folder_is_a_bad_input(clean, atoms, capsys):
    before = (clean / "run.json").read_text()
    failing(capsys, 3, atoms, "-o", clean, *small())
    assert (clean / "run.json").read_text() == before


def test_full_disk_leaves_nothing(atoms, tmp_path, capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "particles.mrcs")

    monkeypatch.setattr("vitrax.io.StackWriter.append", full)
    said = failing(capsys, 5, atoms, "-o", tmp_path / "out", *small())
    assert "space" in said
    assert names(tmp_path) == []


def test_ctrl_c_leaves_nothing(atoms, tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("vitrax.io.StackWriter.append", interrupt)
    failing(capsys, 130, atoms, "-o", tmp_path / "out", *small())
    assert names(tmp_path) == []


def test_image_that_is_not_finite_is_a_numerical_failure(
    atoms, tmp_path, capsys, monkeypatch
):
    from vitrax.cli import _stream

    broken = jnp.full((7, 32, 32), jnp.nan)
    monkeypatch.setattr(_stream, "_clean_images", lambda *_: broken)
    failing(capsys, 4, atoms, "-o", tmp_path / "out", *small())
    assert names(tmp_path) == []


@pytest.fixture(scope="module")
def dataset(clean, tmp_path_factory):
    """Give the particles of `clean` as CryoSPARC's data set, its images beside it."""
    path = tmp_path_factory.mktemp("cs") / "particles.cs"
    options = ["--copy-images", "--output-contrast", "dark", "--quiet"]
    source = str(clean / "particles.star")
    assert main(["convert", source, str(path), *options]) == 0
    return path


def same(a, b):
    """Assert that what was measured of two runs is the same."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a.keys() - {"seconds"}:
            same(a[key], b[key])
    elif isinstance(a, list):
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        # .cs holds poses in single precision.
        assert a == (pytest.approx(b, rel=2e-4) if isinstance(a, float) else b)


def test_particles_of_another_format_give_the_same_images(clean, dataset, tmp_path):
    for name, path in {"star": clean / "particles.star", "cs": dataset}.items():
        options = ["--from", path, "--snr", 0.5, "--no-report", "-q"]
        assert run(clean / "map.mrc", "-o", tmp_path / name, *options) == 0
    star, cs = tmp_path / "star", tmp_path / "cs"
    error = np.abs(pixels(star) - pixels(cs)).max()
    assert error < 1e-4 * np.abs(pixels(star)).max()
    results = [read(out)[1]["results"] for out in (star, cs)]
    for each in results:
        # Another format has another sentence about the conventions, of these numbers.
        assert each["conventions"].pop("verdict").startswith("Yes: over 7 images")
    same(*results)
    parameters = read(cs)[1]["parameters"]
    assert parameters["from"] == str(dataset)
    assert parameters["contrast"] is None
    forced = ["--from", dataset, "--contrast", "white", "--no-report", "-q"]
    assert run(clean / "map.mrc", "-o", tmp_path / "forced", *forced) == 0
    verdict = read(tmp_path / "forced")[1]["results"]["conventions"]["verdict"]
    assert "anticorrelated" in verdict


def test_passthrough_and_stack_belong_to_the_particles(clean, dataset, tmp_path):
    whole = np.load(dataset)
    kept = ["uid", *(name for name in whole.dtype.names if name.startswith("blob/"))]
    rest = ["uid", *(name for name in whole.dtype.names if name not in kept)]
    parts = {}
    for name, names_of in {"a": kept, "b": rest}.items():
        parts[name] = dataset.with_name(f"{name}.cs")
        part = np.zeros(len(whole), [(each, whole.dtype[each]) for each in names_of])
        for each in names_of:
            part[each] = whole[each]
        with parts[name].open("wb") as file:
            np.save(file, part)
    out = tmp_path / "out"
    options = ["--from", parts["a"], "--passthrough", parts["b"], "--no-report", "-q"]
    assert run(clean / "map.mrc", "-o", out, *options) == 0
    expected = pixels(clean)
    np.testing.assert_allclose(pixels(out), expected, atol=2e-3 * expected.max())
    angles = read_angles(str(dataset))
    np.testing.assert_allclose(angles, read(clean)[0].angles, atol=1e-3)
    with pytest.raises(InputError, match=r"cannot .*(angles|pose)"):
        read_angles(str(parts["a"]))
    record = read(out)[1]
    assert record["parameters"]["passthrough"] == [str(parts["b"])]
    assert str(parts["b"]) in [each["path"] for each in record["inputs"]]
    repeated = expand(["simulate", "--config", str(out / "run.json")])
    assert f"--passthrough={parts['b']}" in repeated
    stack = ["--from", parts["b"], "--stack", clean / "particles.mrcs", "--dry-run"]
    assert run(clean / "map.mrc", "-o", tmp_path / "x", *stack) == 0


def test_tables_of_any_format_are_no_structures(dataset, tmp_path, capsys):
    renamed = tmp_path / "structure.pdb"
    renamed.write_bytes(dataset.read_bytes())
    for path in (dataset, renamed):
        said = failing(capsys, 2, path, "-o", tmp_path / "out", *small())
        assert "it is a table of particles" in said
        assert f"--from {path}" in said


def test_even_shifts_are_recorded_and_repeated(atoms, tmp_path):
    first, again = tmp_path / "a", tmp_path / "b"
    assert run(atoms, "-o", first, *small(shift_max=4)) == 0
    assert read(first)[1]["parameters"]["shift_max"] == 4.0
    config = str(first / "run.json")
    assert main(["simulate", "--config", config, "--out", str(again), "-q"]) == 0
    np.testing.assert_array_equal(pixels(again), pixels(first))
    shifts = read(first)[0].shifts
    assert 1 < np.abs(shifts).max() <= 4


@pytest.mark.slow
def test_units_typed_wrongly_are_told_or_refused(atoms, tmp_path, capsys):
    options = ["-o", tmp_path / "out", "--n", 3, "--box", 32, "--angpix", 1.5]
    assert "--cs" in failing(capsys, 2, atoms, *options, "--cs", 2.7e7)
    assert run(atoms, *options, "--defocus", 0.8, 2.0, "--dry-run") == 0
    assert "is it µm?" in capsys.readouterr().out
    call = ["project", str(atoms), *map(str, options), "--dry-run"]
    assert main([*call, "--ctf", "--defocus", "1.2", "1.2"]) == 0
    assert "is it µm?" in capsys.readouterr().out
    call = ["simulate-micrograph", "apoferritin", "-o", str(tmp_path / "m")]
    call += ["--size", "64", "--angpix", "8", "--n-copies", "1", "--dry-run"]
    assert main([*call, "--defocus", "1.2"]) == 0
    assert "is it µm?" in capsys.readouterr().out


def test_projections_take_angles_of_any_format(clean, dataset, tmp_path):
    stacks = {}
    for name, path in {"star": clean / "particles.star", "cs": dataset}.items():
        call = ["project", clean / "map.mrc", "--angles", path, "-o", tmp_path / name]
        assert main([*map(str, call), "--ctf", "-q"]) == 0
        stacks[name] = vx.io.read_stack(tmp_path / name / "projections.mrcs")[:]
    largest = np.abs(stacks["star"]).max()
    np.testing.assert_allclose(stacks["cs"], stacks["star"], atol=1e-4 * largest)
