"""Our projections and images against those of relion_project 3.1."""

import json
import shutil

import jax
import jax.numpy as jnp
import mrcfile
import numpy as np
import pytest
import relion_images

import vitrax as vx
from vitrax.cli import main
from vitrax.physics import RELION, interaction_parameter
from vitrax.structure import SliceKernel, Trilinear


FINE = SliceKernel(points=4, padding=1.5)
LEAST = {True: 0.9998, False: 0.9999}


def pose_of(row):
    # RELION's origin is what centres the particle: the negative of where it is.
    return vx.Pose.from_euler(row[0], row[1], row[2], shift=-row[3:5])


def contrast_of(structure, row, grid, **aberrations):
    """Return the physical contrast, in units of the map's values."""
    lens = vx.Lens(
        defocus=0.5 * (row[5] + row[6]),
        astigmatism=row[5] - row[6],
        astigmatism_angle=row[7],
        spherical_aberration=relion_images.CS,
        amplitude_contrast=relion_images.CONTRAST,
        phase_shift=row[8],
        b_factor=row[9],
        **aberrations,
    )
    voltage = relion_images.VOLTAGE
    microscope = vx.Microscope(grid, voltage, lens, constants=RELION)
    pose = pose_of(row)
    if lens.magnification is not None:
        # relion_project magnifies the CTF alone: this undoes it in the projection.
        undone = jnp.linalg.inv(lens.magnification)
        pose = vx.Pose(pose.rotation, pose.shift, magnification=undone)
    image = vx.simulate(structure, pose, microscope)
    return image / (2 * interaction_parameter(voltage, RELION))


def images_of(structure, rows, grid, ctf, **aberrations):
    """Return what relion_project should make: voxel sums, protein white."""

    def one(row):
        if ctf:
            return -contrast_of(structure, row, grid, **aberrations) / grid.pixel_size
        return vx.project(structure, pose_of(row), grid) / grid.pixel_size

    return np.asarray(jax.jit(jax.vmap(one))(jnp.asarray(rows)))


def below_nyquist(image):
    """Return the image without its mean and without what RELION stores otherwise.

    At a radius of N // 2 frequencies, RELION's rounding decides whether it reads them.
    """
    ky, kx = (np.fft.fftfreq(n, 1 / n) for n in image.shape)
    radius = np.hypot(ky[:, None], kx[None, :])
    inside = (radius > 0) & (radius < len(image) // 2)
    return np.fft.ifft2(np.fft.fft2(image) * inside).real


def agreement(ours, theirs):
    """Return the correlation below Nyquist, and the scale of theirs over ours."""
    a, b = below_nyquist(ours), below_nyquist(theirs)
    correlation = np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2))
    return correlation, np.sum(a * b) / np.sum(a**2)


def assert_agree(ours, theirs, least, scale=0.01):
    """Assert that each pair of images agrees, sign and scale included."""
    assert ours.shape == theirs.shape
    for one, other in zip(ours, theirs, strict=True):
        correlation, factor = agreement(one, other)
        assert correlation >= least
        assert factor == pytest.approx(1.0, abs=scale)


@pytest.fixture(scope="module")
def helix():
    return vx.VoxelMap(relion_images.helix_map(), relion_images.PIXEL)


@pytest.fixture(scope="module")
def stored():
    return np.load(relion_images.STORED)


@pytest.mark.parametrize("kernel", [SliceKernel(), FINE], ids=repr)
def test_stored_images_of_relion(helix, stored, kernel):
    fourier_map = vx.FourierMap.from_map(helix, kernel)
    rows, theirs = stored["rows"], stored["images"].astype(float)
    grid = vx.Grid(helix.shape[1:], helix.voxel_size)
    with_ctf = images_of(fourier_map, rows[:3], grid, ctf=True)
    assert_agree(with_ctf, theirs[:3], LEAST[True])
    without = images_of(fourier_map, rows[3:], grid, ctf=False)
    assert_agree(without, theirs[3:], LEAST[False])


def difference(ours, theirs):
    """Return the relative L2 difference below Nyquist."""
    a, b = below_nyquist(ours), below_nyquist(theirs)
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def test_trilinear_slices_are_those_of_stored_images(helix, stored):
    fourier_map = vx.FourierMap.from_map(helix, Trilinear(padding=4))
    rows, theirs = stored["rows"], stored["images"].astype(float)
    grid = vx.Grid(helix.shape[1:], helix.voxel_size)
    with_ctf = images_of(fourier_map, rows[:3], grid, ctf=True)
    without = images_of(fourier_map, rows[3:], grid, ctf=False)
    for one, other in zip([*with_ctf, *without], theirs, strict=True):
        assert difference(one, other) < 1e-6
    fourier_map = vx.FourierMap.from_map(helix, Trilinear(padding=2))
    assert (
        difference(images_of(fourier_map, rows[3:], grid, False)[0], theirs[3]) > 1e-3
    )


@pytest.mark.parametrize(("size", "padding"), relion_images.NOISE_CASES)
def test_trilinear_slices_of_noise_are_relion_s_up_to_nyquist(stored, size, padding):
    values = jnp.asarray(relion_images.noise_map(size).astype(float))
    voxel_map = vx.VoxelMap(values, relion_images.PIXEL)
    fourier_map = vx.FourierMap.from_map(voxel_map, Trilinear(padding))
    rows, theirs = relion_images.noise_rows(), stored[f"noise_{size}_{padding}"]
    # RELION 3.1 puts the origin of an odd image a pixel from ours.
    rows[:, 3:5] -= size % 2 * relion_images.PIXEL
    ours = images_of(fourier_map, rows, vx.Grid(size, relion_images.PIXEL), ctf=False)
    for one, other in zip(ours, theirs.astype(float), strict=True):
        assert difference(one, other) < 1e-6
    ky, kx = (np.fft.fftfreq(size, 1 / size) for _ in range(2))
    beyond = np.hypot(ky[:, None], kx) > size // 2
    for images in (ours, theirs.astype(float)):
        assert np.abs(np.fft.fft2(images)[:, beyond]).max() < 1e-3


@pytest.mark.parametrize(
    "change",
    [
        lambda row: np.concatenate([-row[2::-1], row[3:]]),
        lambda row: row * np.where(np.isin(np.arange(10), [3, 4]), -1, 1),
        lambda row: row + np.where(np.arange(10) == 7, 90.0, 0.0),
        lambda row: row * np.where(np.arange(10) == 7, -1, 1),
        lambda row: row + np.where(np.arange(10) == 8, 20.0, 0.0),
        lambda row: row * np.where(np.arange(10) == 9, 0.0, 1),
    ],
    ids=[
        "transposed rotation",
        "negated shift",
        "turned angle",
        "negated angle",
        "other phase shift",
        "no B-factor",
    ],
)
def test_stored_images_tell_conventions_apart(helix, stored, change):
    fourier_map = vx.FourierMap.from_map(helix, FINE)
    grid = vx.Grid(helix.shape[1:], helix.voxel_size)
    rows = np.stack([change(row) for row in stored["rows"][:3]])
    ours = images_of(fourier_map, rows, grid, ctf=True)
    pairs = zip(ours, stored["images"][:3].astype(float), strict=True)
    assert min(agreement(one, other)[0] for one, other in pairs) < 0.9996


def test_a_mirrored_map_is_told_apart(helix, stored):
    mirrored = vx.VoxelMap(jnp.roll(helix.values[::-1], 1, axis=0), helix.voxel_size)
    grid = vx.Grid(helix.shape[1:], helix.voxel_size)
    rows, theirs = stored["rows"][3:], stored["images"][3:].astype(float)
    ours = images_of(vx.FourierMap.from_map(mirrored, FINE), rows, grid, ctf=False)
    assert agreement(ours[0], theirs[0])[0] < 0.95


def map_65(shared):
    return vx.VoxelMap(mrcfile.read(shared / "maps" / "70S_65_5A.mrc"), 5.0)


def map_3j9g(shared):
    return vx.io.read_map(shared / "maps" / "3j9g_64_4.4A.mrc")


def map_of_lysozyme(shared):
    atoms = vx.io.read_atoms(shared / "structures" / "1dpx.pdb")
    gaussians = atoms.to_gaussians()
    positions = gaussians.positions - gaussians.positions.mean(axis=0, keepdims=True)
    gaussians = vx.Gaussians(positions, gaussians.amplitudes, gaussians.variances)
    return jax.jit(vx.render)(gaussians, vx.Grid((64, 64, 64), 1.2))


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_project") is None, reason="needs relion_project on the PATH"
)
@pytest.mark.parametrize("ctf", [True, False], ids=["ctf", "no ctf"])
@pytest.mark.parametrize(
    ("make_map", "kernel"),
    [(map_3j9g, FINE), (map_of_lysozyme, FINE), (map_of_lysozyme, SliceKernel())],
    ids=["3j9g", "lysozyme", "lysozyme by default"],
)
def test_images_of_relion_project(shared, tmp_path, make_map, kernel, ctf):
    voxel_map = make_map(shared)
    pixel_size = float(voxel_map.voxel_size)
    rows = relion_images.draw_rows(24, seed=0)
    relion = relion_images.Relion(tmp_path)
    theirs = relion.project(voxel_map.values, pixel_size, rows, ctf)
    values = jnp.asarray(np.asarray(voxel_map.values, float))
    fourier_map = vx.FourierMap.from_map(vx.VoxelMap(values, pixel_size), kernel)
    ours = images_of(fourier_map, rows, vx.Grid(values.shape[1:], pixel_size), ctf)
    assert_agree(ours, theirs, LEAST[ctf], scale=0.02)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_project") is None, reason="needs relion_project on the PATH"
)
@pytest.mark.parametrize("ctf", [True, False], ids=["ctf", "no ctf"])
@pytest.mark.parametrize("padding", [1, 2, 4])
@pytest.mark.parametrize("make_map", [map_3j9g, map_of_lysozyme])
def test_trilinear_slices_are_those_of_relion_project(
    shared, tmp_path, make_map, padding, ctf
):
    # RELION keeps the size of a pixel in single precision, which holds this one.
    voxel_map, pixel_size = make_map(shared), 1.25
    rows = relion_images.draw_rows(24, seed=1)
    rows[:2, :3] = [[0.0, 0.0, 0.0], [90.0, 0.0, 0.0]]
    relion = relion_images.Relion(tmp_path)
    theirs = relion.project(voxel_map.values, pixel_size, rows, ctf, padding)
    values = jnp.asarray(np.asarray(voxel_map.values, float))
    fourier_map = vx.FourierMap.from_map(
        vx.VoxelMap(values, pixel_size), Trilinear(padding)
    )
    ours = images_of(fourier_map, rows, vx.Grid(values.shape[1:], pixel_size), ctf)
    for one, other in zip(ours, theirs, strict=True):
        assert difference(one, other) < 1e-6


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_project") is None, reason="needs relion_project on the PATH"
)
@pytest.mark.parametrize("padding", [1, 2, 3])
def test_trilinear_slices_of_an_odd_map_are_those_of_relion_project(
    shared, tmp_path, padding
):
    voxel_map = map_65(shared)
    rows = relion_images.draw_rows(8, seed=1)
    relion = relion_images.Relion(tmp_path)
    theirs = relion.project(voxel_map.values, 5.0, rows, False, padding)
    values = vx.VoxelMap(jnp.asarray(np.asarray(voxel_map.values, float)), 5.0)
    fourier_map = vx.FourierMap.from_map(values, Trilinear(padding))
    rows[:, 3:5] -= 5.0
    ours = images_of(fourier_map, rows, vx.Grid(65, 5.0), False)
    for one, other in zip(ours, theirs, strict=True):
        assert difference(one, other) < 1e-6


EVEN = (0.0, 3.0, 0.0, -4.0, 20.0, 0.0, 0.0, -30.0, 10.0)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_project") is None, reason="needs relion_project on the PATH"
)
def test_even_aberrations_are_those_of_relion_project(shared, tmp_path):
    voxel_map = map_3j9g(shared)
    pixel_size = float(voxel_map.voxel_size)
    rows, grid = relion_images.draw_rows(4, seed=2), vx.Grid(64, pixel_size)
    listed = "[" + ",".join(map(str, EVEN)) + "]"
    theirs = relion_images.Relion(tmp_path).project(
        voxel_map.values, pixel_size, rows, True, 2, rlnEvenZernike=listed
    )
    values = vx.VoxelMap(jnp.asarray(np.asarray(voxel_map.values, float)), pixel_size)
    fourier_map = vx.FourierMap.from_map(values, Trilinear(2))
    ours = images_of(fourier_map, rows, grid, True, even_zernike=EVEN)
    plain = images_of(fourier_map, rows, grid, True)
    for one, other, without in zip(ours, theirs, plain, strict=True):
        assert difference(one, other) < 1e-6
        assert difference(without, other) > 1e-2


MATRIX = np.array([[1.02, 0.04], [-0.02, 0.985]])
LABELS = ("rlnMagMat00", "rlnMagMat01", "rlnMagMat10", "rlnMagMat11")


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_project") is None, reason="needs relion_project on the PATH"
)
def test_the_ctf_of_relion_project_is_magnified_as_ours(shared, tmp_path):
    # As if of small voxels, with high frequencies, where a hundredth tells.
    values, pixel_size = map_3j9g(shared).values, 2.0
    rows, grid = relion_images.draw_rows(4, seed=4), vx.Grid(64, pixel_size)
    rows[:, 9] = 0.0
    columns = dict(zip(LABELS, MATRIX.ravel(), strict=True))
    relion = relion_images.Relion(tmp_path)
    theirs = relion.project(values, pixel_size, rows, True, 2, **columns)
    voxel_map = vx.VoxelMap(jnp.asarray(np.asarray(values, float)), pixel_size)
    fourier_map = vx.FourierMap.from_map(voxel_map, Trilinear(2))

    def apart(matrix):
        ours = images_of(fourier_map, rows, grid, True, magnification=matrix)
        return [difference(*pair) for pair in zip(ours, theirs, strict=True)]

    assert max(apart(MATRIX)) < 1e-6
    for wrong in (MATRIX.T, np.linalg.inv(MATRIX), np.eye(2)):
        assert min(apart(wrong)) > 1e-3


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_project") is None, reason="needs relion_project on the PATH"
)
@pytest.mark.parametrize("ctf", [True, False], ids=["ctf", "no ctf"])
@pytest.mark.parametrize("padding", [2, 4])
def test_vitrax_project_writes_the_stack_of_relion_project(
    shared, tmp_path, padding, ctf
):
    rows = relion_images.draw_rows(8, seed=1)
    relion, values = relion_images.Relion(tmp_path), map_3j9g(shared).values
    theirs = relion.project(values, 4.4, rows, ctf, padding)
    files = ["map.mrc", "--out", "ours", "--angles", "poses.star", "--quiet"]
    files = [each if each[0] == "-" else tmp_path / each for each in files]
    options = ["--kernel", "trilinear", "--pad", padding]
    options += ["--ctf"] if ctf else []
    assert main(["project", *map(str, [*files, *options])]) == 0
    ours = vx.io.read_stack(tmp_path / "ours" / "projections.mrcs")[:]
    for one, other in zip(ours, theirs, strict=True):
        assert difference(one, other) < 1e-5
        # Sign and scale, at zero frequency, which difference leaves out.
        assert one.mean() == pytest.approx(other.mean(), rel=1e-4)
        assert one.mean() > 0


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_project") is None, reason="needs relion_project on the PATH"
)
@pytest.mark.parametrize("ctf", [True, False], ids=["ctf", "no ctf"])
def test_vitrax_project_by_default_agrees_for_a_map_that_fills_its_box(
    shared, tmp_path, ctf
):
    rows = relion_images.draw_rows(24, seed=0)
    relion, values = relion_images.Relion(tmp_path), map_3j9g(shared).values
    theirs = relion.project(values, 4.4, rows, ctf, 4)
    files = ["map.mrc", "--out", "ours", "--angles", "poses.star", "--quiet"]
    files = [each if each[0] == "-" else tmp_path / each for each in files]
    assert main(["project", *map(str, files), *(["--ctf"] if ctf else [])]) == 0
    ours = vx.io.read_stack(tmp_path / "ours" / "projections.mrcs")[:].astype(float)
    assert_agree(ours, theirs, LEAST[ctf], scale=0.02)
    record = json.loads((tmp_path / "ours" / "run.json").read_text())
    assert record["results"]["kernel"] == repr(FINE)


def read_numbers(path):
    """Return the first three columns of a STAR file's rows of numbers."""
    rows = [line.split() for line in path.read_text().splitlines()]
    numeric = [row[:3] for row in rows if len(row) > 3]
    return np.asarray(numeric, float)


def test_odd_images_of_relion_lie_a_pixel_from_ours(shared):
    # RELION 3.1 puts the origin of an odd image at pixel (N + 1) / 2.
    density = mrcfile.read(shared / "maps" / "70S_65_5A.mrc").astype(float)
    with mrcfile.open(shared / "relion" / "rln_proj_65.mrcs", permissive=True) as file:
        theirs = np.array(file.data, float)
    fourier_map = vx.FourierMap.from_map(vx.VoxelMap(density, 1.0))
    angles = read_numbers(shared / "relion" / "rln_proj_65.star")
    grid = vx.Grid(65, 1.0)

    def at(shift):
        poses = [vx.Pose.from_euler(*row, shift=shift) for row in angles]
        return np.stack([np.asarray(vx.project(fourier_map, p, grid)) for p in poses])

    assert_agree(at((1.0, 1.0)), theirs, 0.9995)
    for one, other in zip(at((0.0, 0.0)), theirs, strict=True):
        assert agreement(one, other)[0] < 0.9


def test_the_shift_between_relion_s_stacks_is_that_of_a_pose(shared):
    stacks = []
    for name in ("rln_proj_64_centered.mrcs", "rln_proj_64_shifted.mrcs"):
        with mrcfile.open(shared / "relion" / name, permissive=True) as file:
            stacks.append(np.array(file.data, float))
    grid = vx.Grid(64, 1.0)
    down_and_right = [(-10, -6), (5, -10), (-11, 8), (3, 13)]
    for still, moved, (dy, dx) in zip(*stacks, down_and_right, strict=True):
        spectrum = vx.grid.to_fourier(jnp.asarray(still))
        there = vx.potential.moved(spectrum, jnp.asarray([dx, dy], float), grid)
        image = vx.grid.to_real(there, (64, 64))
        np.testing.assert_allclose(image, moved, atol=1e-6 * np.abs(moved).max())
