"""The interpolation kernel of Fourier slices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.potential import DirectSum
from vitrax.structure import SliceKernel
from vitrax.structure._slice_kernel import kernel_values


KERNELS = [SliceKernel(), SliceKernel(4, 1.5)]


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_the_kernel_and_its_slope_vanish_at_its_edge(kernel):
    value, slope = kernel_values(np.array([-1.0, 1.0]), kernel.coefficients)
    assert np.abs(value).max() < 1e-12
    assert np.abs(slope).max() < 1e-12


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_the_kernel_s_slope_is_its_derivative(kernel):
    t = np.linspace(-0.95, 0.95, 7)
    above, below = (kernel_values(t + s, kernel.coefficients)[0] for s in (1e-5, -1e-5))
    slope = kernel_values(t, kernel.coefficients)[1]
    np.testing.assert_allclose((above - below) / 2e-5, slope, atol=1e-8)


@pytest.mark.parametrize(
    ("kernel", "most"),
    [
        (SliceKernel(), 9e-3),
        (SliceKernel(3, 1.5), 8e-3),
        (SliceKernel(4, 1.5), 1e-3),
    ],
)
def test_a_wave_is_interpolated_between_its_nodes(kernel, most):
    nodes = np.arange(-20, 21)
    half = 0.5 * 0.5 / kernel.padding
    for x in np.linspace(-half, half, 5):
        wave = np.exp(-2j * np.pi * nodes * x) / kernel.transform(np.array([x]))
        at = np.linspace(-1.0, 1.0, 23)
        t = 2 * (at[:, None] - nodes) / kernel.points
        weights = np.where(np.abs(t) < 1, kernel_values(t, kernel.coefficients)[0], 0.0)
        np.testing.assert_allclose(
            weights @ wave, np.exp(-2j * np.pi * at * x), atol=most
        )


def test_kernels_are_equal_by_value_so_that_jit_traces_once():
    assert SliceKernel(3, 1.4) == SliceKernel()
    assert hash(SliceKernel(3, 1.4)) == hash(SliceKernel())
    assert SliceKernel(4, 1.5) != SliceKernel()


@pytest.mark.parametrize("n", [63, 64, 97])
def test_a_padded_size_is_even_and_large_enough(n):
    size = SliceKernel().padded_size(n)
    assert size % 2 == 0
    assert size >= 1.4 * n


def test_what_is_not_supported_is_refused():
    with pytest.raises(ValueError, match="cannot interpolate with 2 points"):
        SliceKernel(points=2)
    with pytest.raises(ValueError, match=r"cannot pad 0\.5 times"):
        SliceKernel(padding=0.5)


N = 16
ANGLES = [
    (0.0, 0.0, 0.0),
    (0.0, 90.0, 0.0),
    (0.0, 45.0, 0.0),
    (20.0, 80.0, -10.0),
    (120.0, 70.0, 200.0),
]


def cube_of_noise(part):
    """Return a map of noise in a cube about the origin, part of the box along it."""
    inside = np.abs(np.arange(N) - N // 2) <= 0.5 * part * N
    values = np.random.default_rng(0).normal(size=(N,) * 3) + 1.0
    mask = inside[:, None, None] & inside[:, None] & inside
    return vx.VoxelMap(jnp.asarray(values * mask), 1.0)


@pytest.mark.parametrize("kernel", [*KERNELS, SliceKernel(5, 1.5)], ids=repr)
def test_the_error_that_is_predicted_is_that_of_slices(kernel):
    project = jax.jit(vx.project, static_argnums=3)
    grid = vx.Grid(N, 1.0)
    for part in (0.4, 0.7, 1.0):
        voxel_map = cube_of_noise(part)
        fourier_map = vx.FourierMap.from_map(voxel_map, kernel)
        found = []
        for angles in ANGLES:
            pose = vx.Pose.from_euler(*angles)
            exact = project(voxel_map, pose, grid, DirectSum())
            slices = project(fourier_map, pose, grid)
            found.append(float(jnp.linalg.norm(slices - exact)))
            found[-1] /= float(jnp.linalg.norm(exact))
        predicted = kernel.error(voxel_map)
        assert max(found) < 2 * predicted
        assert max(found) > 0.6 * predicted


def test_the_error_of_one_voxel_is_that_of_waves_from_it():
    values = np.zeros((N, N, N))
    values[N // 2, N // 2, 1] = 3.0
    kernel = SliceKernel()
    x = (1 - N // 2) / kernel.padded_size(N)
    nodes = np.arange(-20, 21)
    squared = []
    for place in (0.0, 0.0, x):
        wave = np.exp(-2j * np.pi * nodes * place) / kernel.transform(np.array([place]))
        at = (np.arange(200) + 0.5) / 200
        t = 2 * (at[:, None] - nodes) / kernel.points
        weights = np.where(np.abs(t) < 1, kernel_values(t, kernel.coefficients)[0], 0.0)
        apart = weights @ wave - np.exp(-2j * np.pi * at * place)
        squared.append(np.mean(np.abs(apart) ** 2))
    expected = np.sqrt(np.sum(squared))
    found = kernel.error(vx.VoxelMap(values, 1.0))
    assert found == pytest.approx(expected, rel=1e-3)


def test_a_map_that_fills_its_box_gets_a_finer_kernel():
    chosen = [SliceKernel.for_map(cube_of_noise(part)) for part in (0.4, 0.8, 1.0)]
    assert chosen == [SliceKernel(), SliceKernel(4, 1.5), SliceKernel(5, 1.5)]
    assert SliceKernel.for_map(cube_of_noise(0.4), 1e-3) == SliceKernel(4, 1.5)
    assert SliceKernel.for_map(vx.VoxelMap(np.zeros((4, 4, 4)), 1.0)) == SliceKernel()
    rod = np.zeros((N, N, N))
    rod[2:14, 7:10, 7:10] = 1.0
    for axis in range(3):
        turned = vx.VoxelMap(np.moveaxis(rod, 0, axis), 1.0)
        assert SliceKernel.for_map(turned) == SliceKernel(4, 1.5)


def test_what_no_kernel_can_do_is_refused():
    with pytest.raises(ValueError, match=r"cannot choose a kernel .* within 1e-09"):
        SliceKernel.for_map(cube_of_noise(1.0), 1e-9)
    with pytest.raises(ValueError, match=r"do choose the kernel outside jit"):
        jax.jit(lambda m: vx.FourierMap.from_map(m, SliceKernel.for_map(m)))(
            cube_of_noise(0.4)
        )
