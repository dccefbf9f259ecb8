"""Geometry of projections: origin, shift, hand, sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import clouds
import vitrax as vx
from vitrax.potential import DirectSum, moved
from vitrax.structure import SliceKernel


PARITIES = [(16, 16), (16, 17), (17, 16), (17, 17)]
FINE = SliceKernel(points=4, padding=2.0)
# Positions without a mirror plane, weights that tell them apart.
POINTS = np.array(
    [[6.0, 1.0, -2.0], [-3.0, 5.0, 2.0], [0.0, -4.0, 5.0], [1.0, 2.0, 7.0]]
)
WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0])


def relion_matrix(rot, tilt, psi):
    """Return A of CONVENTIONS 2.1, element by element: r_image = A r_object."""
    (ca, cb, cg), (sa, sb, sg) = (
        f(np.deg2rad([rot, tilt, psi])) for f in (np.cos, np.sin)
    )
    return np.array(
        [
            [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
            [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
            [sb * ca, sb * sa, cb],
        ]
    )


def blob_at(*position, variance=1.5):
    return vx.Gaussians([position], [[1.0]], [[variance]])


def map_of_blob(n, variance=1.5):
    return vx.FourierMap.from_map(
        vx.VoxelMap(clouds.volume(np.zeros((1, 3)), variance, n), 1.0), FINE
    )


def peak(image):
    return tuple(int(i) for i in np.unravel_index(np.argmax(image), image.shape))


def gaussians(points, weights, variance=2.0):
    return vx.Gaussians(points, weights[:, None], np.full((len(weights), 1), variance))


def closed_form(points, weights, variance, shape):
    """Return projected Gaussians of given (x, y) on pixels a unit apart (numpy)."""
    rows, columns = (
        clouds.waves(n, points[:, axis], variance)
        for n, axis in zip(shape, (1, 0), strict=True)
    )
    return np.einsum("j,yj,xj->yx", weights, rows, columns)


@pytest.mark.parametrize("shape", PARITIES)
def test_the_origin_of_atoms_is_pixel_half_n(shape):
    image = vx.project(blob_at(0.0, 0.0, 0.0), vx.Pose.identity(), vx.Grid(shape, 1.0))
    y, x = (n // 2 for n in shape)
    assert peak(image) == (y, x)
    np.testing.assert_allclose(
        image[y - 3 : y + 4], image[y + 3 : y - 4 : -1], atol=1e-12
    )
    np.testing.assert_allclose(
        image[:, x - 3 : x + 4], image[:, x + 3 : x - 4 : -1], atol=1e-12
    )


@pytest.mark.parametrize(
    ("n", "shape"), [(15, (16, 17)), (15, (17, 16)), (16, (16, 16)), (16, (17, 17))]
)
def test_the_origin_of_maps_is_voxel_half_n(n, shape):
    pose = vx.Pose.from_euler(30.0, 50.0, 70.0)
    image = np.asarray(vx.project(map_of_blob(n), pose, vx.Grid(shape, 1.0)))
    assert peak(image) == (shape[0] // 2, shape[1] // 2)
    expected = closed_form(np.zeros((1, 2)), np.ones(1), 1.5, shape)
    np.testing.assert_allclose(image, expected, atol=2e-3 * expected.max())


@pytest.mark.parametrize(
    "structure", [blob_at(0.0, 0.0, 0.0), map_of_blob(32)], ids=type
)
def test_a_shift_moves_the_peak_along_x_then_y(structure):
    pose = vx.Pose.from_euler(30.0, 50.0, 70.0, shift=(5.0, -7.0))
    image = vx.project(structure, pose, vx.Grid((64, 48), 1.0))
    assert peak(image) == (25, 29)


@pytest.mark.parametrize(
    "structure", [blob_at(0.0, 0.0, 0.0), map_of_blob(32)], ids=type
)
def test_a_shift_is_in_angstroms(structure):
    pose = vx.Pose.from_euler(30.0, 50.0, 70.0, shift=(6.0, -9.0))
    image = vx.project(structure, pose, vx.Grid((32, 24), 1.5))
    assert peak(image) == (10, 16)


@pytest.mark.parametrize(
    "angles", [(20.0, 80.0, -10.0), (35.0, 90.0, 0.0), (-60.0, 140.0, 75.0)]
)
@pytest.mark.parametrize("kind", ["atoms", "map"])
def test_the_hand_is_that_of_points_turned_by_relion_s_matrix(angles, kind):
    grid, pose = vx.Grid(32, 1.0), vx.Pose.from_euler(*angles, shift=(1.0, -2.0))
    structure, variance = gaussians(POINTS, WEIGHTS), 2.0
    if kind == "map":
        x, y, z = (clouds.waves(32, POINTS[:, i], 2.0) for i in range(3))
        values = np.einsum("j,zj,yj,xj->zyx", WEIGHTS, z, y, x)
        structure = vx.FourierMap.from_map(vx.VoxelMap(values, 1.0), FINE)
    else:
        # The mean over a pixel is, to fourth order, a Gaussian wider by p²/12.
        variance += 1 / 12
    image = np.asarray(vx.project(structure, pose, grid))
    turned = POINTS @ relion_matrix(*angles).T + np.array([1.0, -2.0, 0.0])
    expected = closed_form(turned, WEIGHTS, variance, grid.shape)
    assert apart(image, expected) < 3e-3
    for flip in ([-1, 1, 1], [1, -1, 1], [1, 1, -1]):
        mirrored = (POINTS * flip) @ relion_matrix(*angles).T
        mirrored = mirrored + np.array([1.0, -2.0, 0.0])
        other = closed_form(mirrored, WEIGHTS, variance, grid.shape)
        assert apart(image, other) > 0.1


def apart(image, expected):
    """Return the relative L2 distance."""
    return np.linalg.norm(image - expected) / np.linalg.norm(expected)


def test_projections_of_gaussians_add_up():
    one, two = gaussians(POINTS, WEIGHTS), gaussians(-2 * POINTS, WEIGHTS**2, 3.0)
    both = jax.tree.map(lambda *x: jnp.concatenate(x), one, two)
    pose, grid = vx.Pose.from_euler(20.0, 80.0, -10.0), vx.Grid((32, 33), 1.0)
    total = vx.project(one, pose, grid) + vx.project(two, pose, grid)
    np.testing.assert_allclose(vx.project(both, pose, grid), total, atol=1e-10)


def test_projections_of_maps_add_up():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 16, 16, 16))
    pose, grid = vx.Pose.from_euler(20.0, 80.0, -10.0), vx.Grid(16, 1.0)
    one, two, both = (
        vx.project(vx.VoxelMap(values, 1.0), pose, grid)
        for values in (one, two, one - 2 * two)
    )
    np.testing.assert_allclose(both, one - 2 * two, atol=1e-10)


@pytest.mark.parametrize("kind", ["atoms", "map"])
def test_the_mean_is_the_same_at_every_pose(kind):
    structure, grid = gaussians(POINTS, WEIGHTS), vx.Grid(48, 1.0)
    if kind == "map":
        values = vx.render(structure, vx.Grid((48, 48, 48), 1.0)).values
        structure = vx.FourierMap.from_map(vx.VoxelMap(values, 1.0))
    still = float(vx.project(structure, vx.Pose.identity(), grid).mean())
    poses = vx.Pose.uniform(jax.random.key(0), 8)
    project = jax.jit(jax.vmap(vx.project, in_axes=(None, 0, None)))
    images = project(structure, poses, grid)
    np.testing.assert_allclose(images.mean(axis=(1, 2)), still, rtol=1e-5)


def test_moving_atoms_is_a_phase_ramp():
    grid, pose = vx.Grid((48, 50), 1.0), vx.Pose.from_euler(20.0, 80.0, -10.0)
    structure = gaussians(POINTS, WEIGHTS, variance=4.0)
    step = np.array([1.37, -0.61, 2.9])
    back = np.asarray(pose.as_matrix()).T
    there = gaussians(POINTS + back @ step, WEIGHTS, 4.0)
    spectrum = vx.grid.to_fourier(vx.project(structure, pose, grid))
    ramped = moved(spectrum, jnp.asarray(step[:2]), grid)
    image = vx.grid.to_real(ramped, grid.shape)
    np.testing.assert_allclose(vx.project(there, pose, grid), image, atol=1e-8)


def test_the_transform_of_pixel_averages_is_that_of_gaussians_times_sincs():
    pixel, variance = 1.3, 8.0
    grid, pose = vx.Grid((48, 45), pixel), vx.Pose.from_euler(20.0, 80.0, -10.0)
    image = vx.project(gaussians(POINTS, WEIGHTS, variance), pose, grid)
    ky, kx = (np.asarray(axis) for axis in grid.frequency_axes())
    x, y, _ = relion_matrix(20.0, 80.0, -10.0) @ POINTS.T
    waves = np.exp(-2j * np.pi * np.multiply.outer(ky, y))[:, None, :]
    waves = waves * np.exp(-2j * np.pi * np.multiply.outer(kx, x))
    k2 = ky[:, None] ** 2 + kx[None, :] ** 2
    expected = (waves @ WEIGHTS) * np.exp(-2 * np.pi**2 * variance * k2) / pixel**2
    expected *= np.sinc(ky * pixel)[:, None] * np.sinc(kx * pixel)
    np.testing.assert_allclose(vx.grid.to_fourier(image), expected, atol=1e-8)


@pytest.fixture(scope="module")
def small_map():
    return vx.VoxelMap(clouds.volume(clouds.cloud(30, 4.0), 1.5, 20), 1.0)


@pytest.fixture(scope="module")
def exact(small_map):
    """Return the exact projection at TURNED."""
    project = jax.jit(lambda pose: vx.project(small_map, pose, GRID, DirectSum()))
    return np.asarray(project(TURNED))


GRID = vx.Grid(20, 1.0)
TURNED = vx.Pose.from_euler(33.0, 54.7, 12.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernel", "most"),
    [(SliceKernel(5, 1.5), 3e-4), (SliceKernel(6, 1.5), 1e-4)],
    ids=repr,
)
def test_more_points_are_more_accurate(small_map, exact, kernel, most):
    fourier_map = vx.FourierMap.from_map(small_map, kernel)
    image = jax.jit(vx.project)(fourier_map, TURNED, GRID)
    assert apart(np.asarray(image), exact) < most


def test_an_image_has_two_axes():
    with pytest.raises(
        ValueError, match=r"cannot project onto a grid of shape \(8, 8,"
    ):
        vx.project(blob_at(0.0, 0.0, 0.0), vx.Pose.identity(), vx.Grid((8, 8, 8), 1.0))


@pytest.mark.usefixtures("unchecked")
def test_a_projector_of_other_structures_is_told():
    at = vx.Pose.identity(), vx.Grid(8, 1.0)
    message = "cannot project Gaussians by DirectSum because it takes VoxelMap; do "
    with pytest.raises(TypeError, match=message):
        vx.project(blob_at(0.0, 0.0, 0.0), *at, DirectSum())
    cube = vx.VoxelMap(np.ones((4, 4, 4)), 1.0)
    with pytest.raises(TypeError, match="because it takes Gaussians or Atoms; do"):
        vx.project(cube, *at, vx.potential.SeparableGaussians())
    with pytest.raises(TypeError, match="because structure is 'blob', not atoms"):
        vx.project("blob", *at)


def test_a_box_that_isn_t_a_cube_is_summed_on_its_longest_side():
    box = vx.VoxelMap(np.ones((4, 6, 8)), 1.0)
    assert DirectSum().working_grid(box, vx.Grid((5, 9), 1.0)).shape == (8, 9)
