import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main
from vitrax.cli._micrograph_image import mean_ice, share_left
from vitrax.cli._micrograph_report import binned, mean_power


PDB = """\
ATOM      1  N   ALA A   1      12.000  20.000  31.000  1.00 15.00           N
ATOM      2  CA  ALA A   1      16.500  23.000  29.000  1.00 15.00           C
ATOM      3  C   ALA A   1       8.000  26.000  36.000  1.00 20.00           C
ATOM      4  O   ALA A   1       9.500  14.000  25.000  0.50 20.00           O
ATOM      5  SG  CYS A   2      15.000  16.000  38.000  1.00 20.00           S
END
"""
ANGLES = ("Rot", "Tilt", "Psi")
SMALL = ["--size", 96, 80, "--angpix", 2, "--box", 32, "--n-copies", 4, "-q"]


@pytest.fixture(scope="module")
def atoms(tmp_path_factory):
    path = tmp_path_factory.mktemp("atoms") / "five.pdb"
    path.write_text(PDB)
    return path


def run(*tokens):
    return main(["simulate-micrograph", *map(str, tokens)])


def image(path):
    return np.asarray(vx.io.read_stack(path)[0], float)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def made(atoms, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "out"
    options = ["--astigmatism", 300, "--astigmatism-angle", 30, "--ice", 200]
    assert run(atoms, "-o", out, *SMALL, *options, "--noise-free") == 0
    return out


@pytest.fixture(scope="module")
def vacuum(atoms, tmp_path_factory):
    out = tmp_path_factory.mktemp("vacuum") / "out"
    options = ["--ice", 0, "--heights", 300, "--noise-free", "--no-report"]
    assert run(atoms, "-o", out, *SMALL, *options) == 0
    return out


def test_outputs_are_there(made):
    found = [
        "micrograph.mrc",
        "noise-free.mrc",
        "report.html",
        "run.json",
        "truth.star",
    ]
    assert names(made) == found
    assert names(made.parent) == ["out"]
    assert image(made / "micrograph.mrc").shape == (80, 96)
    page = (made / "report.html").read_text()
    for text in ("Thon", "truth.star", "five.pdb", "astigmatism-angle"):
        assert text in page


def test_counts_are_whole_and_those_of_the_dose(made):
    recorded, clean = (image(made / f"{n}.mrc") for n in ("micrograph", "noise-free"))
    # Whole but for the rounding of the transform that reads them out.
    np.testing.assert_allclose(recorded, np.round(recorded), atol=1e-3)
    # 40 e/Å² in pixels of 2 Å, and Poisson's variance.
    assert recorded.mean() == pytest.approx(160, abs=1)
    assert (recorded - clean).var() == pytest.approx(160, rel=0.06)
    assert (recorded - clean).mean() == pytest.approx(0, abs=0.6)


@pytest.mark.slow
def test_truth_says_where_the_particles_are(atoms, tmp_path):
    # Blurred, so that little rings at Nyquist beyond the boxes of the particles.
    vacuum, options = (
        tmp_path / "out",
        ["--ice", 0, "--heights", 300, "--b-factor", 200],
    )
    options += ["--noise-free", "--no-report"]
    assert run(atoms, "-o", vacuum, *SMALL, *options) == 0
    clean = image(vacuum / "noise-free.mrc")
    tables = vx.io.read_star(vacuum / "truth.star")
    particles = tables["particles"]
    assert tables["optics"]["rlnImageSize"].tolist() == [32]
    assert (particles["rlnMicrographName"] == "micrograph.mrc").all()
    assert particles["rlnClassNumber"].tolist() == [1] * 4
    # The image that the library makes of each row, in a box about its coordinates.
    voxel_map = _map_of(vacuum)
    expected = np.zeros((80 + 256, 96 + 256))
    scope = vx.Grid(128, 2.0)
    for i in range(4):
        lens = vx.Lens(float(particles["rlnDefocusU"][i]), amplitude_contrast=0.07)
        micro = vx.Microscope(scope, 300.0, lens)
        angles = [float(particles[f"rlnAngle{name}"][i]) for name in ANGLES]
        shift = [-float(particles[f"rlnOrigin{axis}Angst"][i]) for axis in "XY"]
        pose = vx.Pose.from_euler(*angles, shift=(shift[0], shift[1]))
        one = np.asarray(vx.simulate(voxel_map, pose, micro))
        x, y = (int(particles[f"rlnCoordinate{axis}"][i]) for axis in "XY")
        expected[y + 64 : y + 192, x + 64 : x + 192] += one
    expected = 160 * expected[128:-128, 128:-128]
    signal = clean - 160
    assert np.corrcoef(signal.ravel(), expected.ravel())[0, 1] > 0.999
    # The mean differs by what the edges of the boxes of 128 pixels wrap.
    assert np.abs(signal - expected).max() < 0.03 * np.abs(expected).max()


def _map_of(out):
    """Return the atoms of a run as they were imaged, from its record."""
    record = json.loads((out / "run.json").read_text())
    (structure,) = record["parameters"]["structure"]
    centre = record["results"]["specimens"][0]["centre"]
    atoms = vx.io.read_atoms(structure)
    moved = atoms.positions - jnp.asarray(centre, atoms.positions.dtype)[None]
    b_factors = jnp.full_like(atoms.b_factors, 200.0)
    moved = vx.Atoms(moved, atoms.elements, b_factors, atoms.occupancies)
    voxel_map = vx.render(moved.to_gaussians(), vx.Grid((128,) * 3, 2.0))
    return vx.FourierMap.from_map(
        voxel_map, vx.structure.SliceKernel(points=4, padding=1.5)
    )


def test_defocus_is_less_by_the_height(vacuum, made):
    for out, spread in ((vacuum, 300), (made, 200)):
        table = vx.io.read_star(out / "truth.star")["particles"]
        mean = (table["rlnDefocusU"] + table["rlnDefocusV"]) / 2
        results = json.loads((out / "run.json").read_text())["results"]
        assert mean.min() == pytest.approx(12000 - results["highest_height"])
        assert mean.max() == pytest.approx(12000 - results["lowest_height"])
        assert 0 < mean.max() - mean.min() < spread
    np.testing.assert_allclose(table["rlnDefocusU"] - table["rlnDefocusV"], 300)
    np.testing.assert_allclose(table["rlnDefocusAngle"], 30)


def test_solvent_lessens_the_contrast_and_ice_adds_noise(made, vacuum, atoms, tmp_path):
    options = ["--heights", 300, "--ice", 0, "--noise-free", "--no-report"]
    assert run(atoms, "-o", tmp_path / "a", *SMALL, *options, "--solvent") == 0
    inside = image(tmp_path / "a" / "noise-free.mrc") - 160
    outside = image(vacuum / "noise-free.mrc") - 160
    assert np.abs(inside.mean()) < 0.8 * np.abs(outside.mean())
    assert image(made / "noise-free.mrc").std() > 2 * outside.std()
    facts = json.loads((made / "run.json").read_text())["results"]["specimens"][0]
    assert facts["surroundings"] == "solvent"


@pytest.mark.slow
def test_more_species_and_gain_leave_the_first_as_it_was(vacuum, atoms, tmp_path):
    options = ["--ice", 0, "--heights", 300, "--noise-free", "--no-report"]
    sizes = ["--n-copies", 4, 2, "--distance", 10, "--gain", 3]
    out = tmp_path / "out"
    assert run(atoms, atoms, "-o", out, *SMALL[:-3], *options, *sizes, "-q") == 0
    table = vx.io.read_star(out / "truth.star")["particles"]
    assert table["rlnClassNumber"].tolist() == [1, 1, 1, 1, 2, 2]
    before = vx.io.read_star(vacuum / "truth.star")["particles"]
    for name in ("rlnAngleRot", "rlnAngleTilt", "rlnDefocusU"):
        np.testing.assert_array_equal(table[name][:4], before[name])
    assert not set(table["rlnAngleRot"][4:]) & set(table["rlnAngleRot"][:4])
    assert image(out / "micrograph.mrc").mean() == pytest.approx(480, abs=5)
    # The record repeats the run, two structures and all.
    again = tmp_path / "again"
    assert run("--config", out / "run.json", "-o", again, "-q") == 0
    assert (again / "truth.star").read_bytes() == (out / "truth.star").read_bytes()
    np.testing.assert_array_equal(
        image(again / "micrograph.mrc"), image(out / "micrograph.mrc")
    )


def test_mtf_dims_the_signal_and_leaves_white_noise(vacuum, atoms, tmp_path):
    curve = {"rlnResolutionInversePixel": [0.0, 0.5], "rlnMtfValue": [1.0, 0.4]}
    vx.io.write_star(tmp_path / "mtf.star", {"mtf": vx.io.StarTable(curve)})
    options = ["--ice", 0, "--heights", 300, "--noise-free", "--no-report"]
    out = tmp_path / "out"
    given = ["--mtf", tmp_path / "mtf.star"]
    assert run(atoms, "-o", out, *SMALL, *options, *given) == 0
    before, after = (image(each / "noise-free.mrc") - 160 for each in (vacuum, out))
    ky, kx = np.fft.fftfreq(80)[:, None], np.fft.fftfreq(96)
    mtf = 1 - 1.2 * np.minimum(np.hypot(ky, kx), 0.5)
    expected = np.fft.ifft2(np.fft.fft2(before) * mtf).real
    np.testing.assert_allclose(after, expected, atol=2e-3 * np.abs(before).max())


# The parts.


@pytest.mark.slow
def test_ice_is_that_of_the_library_and_fades_with_the_exposure():
    ice, grid = vx.structure.Ice(thickness=100.0), vx.Grid((48, 64), 1.3)
    key = jax.random.key(3)
    still = np.fft.rfft2(ice.sample(key, grid).values)
    scale = np.abs(still).max()
    for dose in (0.0, 20.0):
        layer = np.fft.rfft2(mean_ice(key, ice, dose, grid))
        left = np.sqrt(np.asarray(share_left(ice, grid, dose)))
        np.testing.assert_allclose(layer, left * still, atol=1e-6 * scale)
    assert left[0, 20] < 0.5


def test_mean_over_the_exposure_is_that_of_many_frames():
    ice, grid, frames = vx.structure.Ice(thickness=100.0), vx.Grid(8, 1.5), 400
    left = share_left(ice, grid, 20.0)
    # The mean square of a mean of correlated frames: the sum of all correlations.
    lags = np.abs(np.subtract.outer(np.arange(frames), np.arange(frames)))
    rate = 4 * np.pi**2 / 6 * 1.1 * np.asarray(grid.frequency_squared(), float)
    for where in ((0, 0), (0, 1), (3, 2), (4, 4)):
        expected = np.exp(-rate[where] * 20.0 / frames * lags).mean()
        assert float(left[where]) == pytest.approx(expected, rel=2e-3)


def test_mean_power_of_white_noise_is_its_variance():
    white = np.random.default_rng(0).normal(0, 3, (256, 192))
    power = mean_power(white, 64)
    assert power[1:, 1:].mean() == pytest.approx(9, rel=0.05)
    assert binned(white, 5).shape == (51, 38)
    assert binned(white[:10, :10], 5)[1, 0] == pytest.approx(white[5:10, :5].mean())


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
        (["--size", "8"], "--size 8"),
        (["--n-copies", "3", "4"], "--n-copies 3 4"),
        (["--n-copies", "4000"], "lower --n-copies"),
        (["--box", "33"], "--box 34"),
        (["--ice", "0", "--ice-layers", "2"], "--ice-layers"),
        (["--map-volts", "1"], "--map-volts"),
        (["--colour", "red"], "--colour"),
    ],
)
def test_wrong_usage(atoms, tmp_path, capsys, options, named):
    given = [atoms, "-o", tmp_path / "out", "--size", 64, "--n-copies", 2, "-q"]
    for name in ("--size", "--n-copies"):
        if name in options:
            del given[given.index(name) : given.index(name) + 2]
    assert named in failing(capsys, 2, *given, *options)
    assert names(tmp_path) == []


@pytest.mark.slow
def test_map_needs_volts(tmp_path, capsys):
    path = tmp_path / "a.mrc"
    blob = vx.Gaussians([[0.0] * 3], [[20.0]], [[30.0]])
    voxel_map = vx.render(blob, vx.Grid((24, 24, 24), 2.0))
    vx.io.write_map(path, voxel_map)
    options = [path, "-o", tmp_path / "out", "--size", 64, "--n-copies", 1, "-q"]
    options += ["--no-report", "--noise-free", "--ice", 0]
    assert "--map-volts" in failing(capsys, 2, *options)
    assert run(*options, "--map-volts", 1) == 0
    assert "map, not atoms" in failing(
        capsys, 2, *options, "--map-volts", 1, "--solvent", "--overwrite"
    )
    assert main(["simulate", str(path), "-o", str(tmp_path / "b"), "--dose", "9"]) == 2
    assert "--map-volts" in capsys.readouterr().err


def test_missing_mtf_is_a_bad_input(atoms, tmp_path, capsys):
    options = ["--mtf", tmp_path / "no.star", *SMALL]
    assert "no.star" in failing(capsys, 3, atoms, "-o", tmp_path / "out", *options)
    assert names(tmp_path) == []


def test_dry_run_makes_nothing(atoms, tmp_path, capsys):
    assert run(atoms, "-o", tmp_path / "out", *SMALL, "--dry-run") == 0
    said = capsys.readouterr().out
    for word in ("disk", "memory", "micrograph.mrc", "96 x 80", "4 of five.pdb"):
        assert word in said
    assert names(tmp_path) == []


def test_json_and_overwrite(atoms, made, capsys):
    assert "because" in failing(capsys, 3, atoms, "-o", made, *SMALL)
    options = [*SMALL, "--astigmatism", 300, "--astigmatism-angle", 30, "--ice", 200]
    options += ["--noise-free", "--overwrite", "--json"]
    before = image(made / "micrograph.mrc")
    assert run(atoms, "-o", made, *options) == 0
    assert json.loads(capsys.readouterr().out)["results"]["particles"] == 4
    np.testing.assert_array_equal(image(made / "micrograph.mrc"), before)
