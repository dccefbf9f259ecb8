"""Central slices: accuracy, extent, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import clouds
import vitrax as vx
from vitrax.potential import DirectSum
from vitrax.structure import SliceKernel


FINE = SliceKernel(points=4, padding=1.5)
ANGLES = [
    (0.0, 0.0, 0.0),
    (90.0, 0.0, 0.0),
    (0.0, 90.0, 0.0),
    (90.0, 90.0, 0.0),
    (20.0, 80.0, -10.0),
    (45.0, 45.0, 45.0),
    (0.0, 45.0, 0.0),
    (10.0, 3.0, 5.0),
    (33.0, 54.7, 12.0),
    (120.0, 70.0, 200.0),
]


def relative(a, b):
    return float(np.linalg.norm(np.asarray(a) - b) / np.linalg.norm(b))


@pytest.fixture(scope="module")
def project():
    return jax.jit(vx.project)


@pytest.mark.parametrize("radius", [15.0, 22.0])
def test_default_slice_is_within_5e_3_of_the_closed_form_at_every_pose(project, radius):
    positions = clouds.cloud(200, radius)
    voxel_map = vx.VoxelMap(clouds.volume(positions, 1.01, 96), 1.0)
    fourier_map = vx.FourierMap.from_map(voxel_map)
    for angles in ANGLES:
        pose = vx.Pose.from_euler(*angles, shift=(3.0, -2.0))
        image = project(fourier_map, pose, vx.Grid(96, 1.0))
        exact = clouds.projection(
            positions, 1.01, 96, np.asarray(pose.as_matrix()), (3.0, -2.0)
        )
        assert relative(image, exact) < 5e-3, angles


@pytest.mark.parametrize(
    ("kernel", "most"), [(SliceKernel(), 5e-3), (FINE, 1e-3)], ids=repr
)
@pytest.mark.parametrize("n", [24, 25])
def test_slices_of_a_map_agree_with_the_direct_sum(project, n, kernel, most):
    voxel_map = vx.VoxelMap(clouds.volume(clouds.cloud(50, 0.3 * n), 1.01, n), 1.0)
    fourier_map = vx.FourierMap.from_map(voxel_map, kernel)
    grid = vx.Grid(n, 1.0)
    direct = jax.jit(lambda pose: vx.project(voxel_map, pose, grid, DirectSum()))
    for angles in ANGLES:
        pose = vx.Pose.from_euler(*angles, shift=(1.0, 2.0))
        exact = np.asarray(direct(pose))
        assert relative(project(fourier_map, pose, grid), exact) < most, angles


def test_the_projection_is_a_line_integral_in_map_units_times_length(project):
    voxel_map = vx.VoxelMap(clouds.volume(clouds.cloud(20, 5.0), 2.0, 32), 1.5)
    for pixel in (1.5, 2.0):
        grid = vx.Grid(32, pixel)
        image = project(
            vx.FourierMap.from_map(voxel_map, FINE), vx.Pose.identity(), grid
        )
        total = float(image.sum()) * pixel**2
        assert total == pytest.approx(float(voxel_map.values.sum()) * 1.5**3, rel=1e-3)


def test_a_smaller_grid_is_cropped_from_the_whole_projection(project):
    voxel_map = vx.VoxelMap(clouds.volume(clouds.cloud(20, 8.0), 2.0, 32), 1.0)
    fourier_map = vx.FourierMap.from_map(voxel_map)
    pose = vx.Pose.from_euler(10.0, 20.0, 30.0)
    whole = project(fourier_map, pose, vx.Grid(32, 1.0))
    part = project(fourier_map, pose, vx.Grid((20, 17), 1.0))
    np.testing.assert_allclose(part, vx.grid.crop(whole, (20, 17)), atol=1e-12)


def test_frequencies_beyond_the_map_s_nyquist_are_zero(project):
    voxel_map = vx.VoxelMap(clouds.volume(clouds.cloud(20, 8.0), 0.5, 32), 1.0)
    fourier_map = vx.FourierMap.from_map(voxel_map)
    image = project(fourier_map, vx.Pose.identity(), vx.Grid(64, 0.5))
    spectrum = np.abs(np.fft.fft2(image))
    beyond = np.abs(np.fft.fftfreq(64, 0.5)) > 0.51
    assert spectrum[beyond].max() < 1e-9 * spectrum.max()


def test_a_grid_on_which_the_map_would_wrap_is_refused():
    fourier_map = vx.FourierMap.from_map(vx.VoxelMap(jnp.ones((16, 16, 16)), 2.0))
    with pytest.raises(
        ValueError, match=r"cannot project a map of 32\.00 Å onto 16 pixels"
    ):
        vx.project(fourier_map, vx.Pose.identity(), vx.Grid(16, 1.0))


def test_a_grid_beyond_the_padding_is_refused():
    fourier_map = vx.FourierMap.from_map(vx.VoxelMap(jnp.ones((16, 16, 16)), 1.0))
    with pytest.raises(ValueError, match="copies of the map would appear"):
        vx.project(fourier_map, vx.Pose.identity(), vx.Grid(48, 1.0))


def test_a_map_that_is_not_a_cube_is_refused():
    with pytest.raises(ValueError, match=r"cannot slice a map of shape \(8, 8, 6\)"):
        vx.FourierMap.from_map(vx.VoxelMap(jnp.ones((8, 8, 6)), 1.0))


def test_a_voxel_map_is_projected_as_its_fourier_map(project):
    voxel_map = vx.VoxelMap(clouds.volume(clouds.cloud(20, 5.0), 2.0, 16), 1.0)
    pose, grid = vx.Pose.from_euler(10.0, 20.0, 30.0), vx.Grid(16, 1.0)
    expected = project(vx.FourierMap.from_map(voxel_map), pose, grid)
    np.testing.assert_allclose(project(voxel_map, pose, grid), expected, atol=1e-12)


@pytest.mark.slow
def test_gradients_in_pose_and_map_agree_with_finite_differences():
    voxel_map = vx.VoxelMap(clouds.volume(clouds.cloud(20, 4.0), 2.0, 16), 1.0)
    grid, target = vx.Grid(16, 1.0), jnp.ones((16, 16))

    def loss(tangent, scale):
        pose = vx.Pose.from_euler(10.0, 20.0, 30.0, shift=(1.0, 0.5)).moved(tangent)
        scaled = vx.VoxelMap(voxel_map.values * scale, voxel_map.voxel_size)
        image = vx.project(vx.FourierMap.from_map(scaled), pose, grid)
        return jnp.sum((image - target) ** 2)

    point = (jnp.zeros(5), jnp.asarray(1.3))
    check_grads(jax.jit(loss), point, 1, ("fwd", "rev"), 1e-6, 1e-5)


def test_a_gradient_in_the_pose_alone_scatters_nothing_into_the_map():
    fourier_map = vx.FourierMap.from_map(vx.VoxelMap(jnp.ones((8, 8, 8)), 1.0))
    total = lambda pose: jnp.sum(vx.project(fourier_map, pose, vx.Grid(8, 1.0)) ** 2)
    assert "scatter" not in str(jax.make_jaxpr(jax.grad(total))(vx.Pose.identity()))
