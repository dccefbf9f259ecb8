"""Anisotropic magnification: closed form, agreement of the projectors, gradient."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import clouds
import vitrax as vx
from vitrax.potential import DirectSum, FourierSlice, NonUniformFFT, RaySum
from vitrax.structure import SliceKernel
from vitrax.wave import WeakPhase


MATRIX = np.array([[1.1, 0.12], [-0.05, 0.93]])
ANGLES, SHIFT = (20.0, 80.0, -10.0), (2.5, -1.5)
POSE = vx.Pose.from_euler(*ANGLES, shift=SHIFT)
STRETCHED = vx.Pose(POSE.rotation, POSE.shift, magnification=MATRIX)
GRID = vx.Grid((64, 61), 1.0)


def points():
    rng = np.random.default_rng(0)
    positions = 4 * rng.normal(size=(8, 3))
    weights, variances = rng.uniform(1, 2, (8, 1)), rng.uniform(5, 7, (8, 1))
    return positions, weights, variances


def closed_form(grid, matrix=MATRIX):
    """Return the spectrum of pixel-averaged Gaussians at M k, shifted at k (numpy)."""
    positions, weights, variances = points()
    ky, kx = (np.asarray(k) for k in grid.frequency_axes())
    k = np.stack(np.broadcast_arrays(kx[None, :], ky[:, None]), -1)
    turned = positions @ np.asarray(POSE.as_matrix())[:2].T
    there = k @ matrix.T
    phase = there @ turned.T
    decay = (there**2).sum(-1)[..., None] * variances[:, 0]
    each = weights[:, 0] * np.exp(-2j * np.pi * phase - 2 * np.pi**2 * decay)
    pixel = np.sinc(k * float(grid.pixel_size)).prod(-1)
    return each.sum(-1) * pixel * np.exp(-2j * np.pi * (k @ np.array(SHIFT)))


def relative(actual, expected):
    actual, expected = np.asarray(actual), np.asarray(expected)
    return np.abs(actual - expected).max() / np.abs(expected).max()


def test_the_spectrum_of_gaussians_is_that_at_the_magnified_frequency():
    actual = NonUniformFFT()(vx.Gaussians(*points()), STRETCHED, GRID)
    inside = np.s_[np.r_[0:32, 33:64], :]
    assert relative(actual[inside], closed_form(GRID)[inside]) < 1e-8
    for wrong in (MATRIX.T, np.linalg.inv(MATRIX), np.eye(2)):
        assert relative(actual[inside], closed_form(GRID, wrong)[inside]) > 0.03


def test_the_image_is_the_plain_one_at_other_places():
    # P(x) = P0(M^-T (x - s)) / |det M|, of Gaussians in closed form.
    positions, weights, variances = points()
    stretch = MATRIX.T
    y, x = (np.asarray(axis) for axis in GRID.axes())
    places = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), -1) - SHIFT
    plain = places @ np.linalg.inv(stretch).T
    turned = positions @ np.asarray(POSE.as_matrix())[:2].T
    squared = ((plain[..., None, :] - turned) ** 2).sum(-1)
    each = weights[:, 0] * np.exp(-squared / (2 * variances[:, 0]))
    expected = (each / (2 * np.pi * variances[:, 0])).sum(-1) / np.linalg.det(MATRIX)
    spectrum = NonUniformFFT()(vx.Gaussians(*points()), STRETCHED, GRID)
    ky, kx = (np.sinc(np.asarray(k)) for k in GRID.frequency_axes())
    pixel = jnp.asarray(ky[:, None] * kx[None, :] + 0j)
    image = vx.grid.to_real(spectrum / pixel, GRID.shape)
    # What of the Gaussians lies beyond Nyquist.
    assert relative(image, expected) < 1e-6


@pytest.mark.slow
def test_projectors_of_maps_agree():
    values = clouds.volume(clouds.cloud(20, 4.0), 3.0, 24)
    voxel_map, grid = vx.VoxelMap(values, 1.0), vx.Grid(32, 1.0)
    exact = vx.project(voxel_map, STRETCHED, grid, DirectSum())
    assert (
        relative(vx.project(voxel_map, STRETCHED, grid, NonUniformFFT()), exact) < 1e-9
    )
    fine = vx.FourierMap.from_map(voxel_map, SliceKernel(points=4, padding=2.0))
    assert relative(vx.project(fine, STRETCHED, grid, FourierSlice()), exact) < 1e-3
    assert relative(vx.project(voxel_map, STRETCHED, grid, RaySum()), exact) < 2e-2
    for projector in (NonUniformFFT(), RaySum()):
        plain = vx.project(voxel_map, POSE, grid, projector)
        assert relative(plain, exact) > 0.05


def test_separable_gaussians_name_the_way_out():
    with pytest.raises(
        ValueError, match=r"because Gaussians .*; do pass NonUniformFFT"
    ):
        vx.project(vx.Gaussians(*points()), STRETCHED, GRID)


def microscope(grid, matrix, **lens):
    lens = vx.Lens(8_000.0, 600.0, 25.0, magnification=matrix, **lens)
    return vx.Microscope(grid, 300.0, lens, scattering=WeakPhase(NonUniformFFT()))


def test_an_image_is_magnified_as_a_whole():
    # A similarity: the image of a turned and enlarged object, through the same lens.
    angle = np.deg2rad(10.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    grid, structure = vx.Grid(32, 1.0), vx.Gaussians(*points())
    one = vx.simulate(structure, POSE, microscope(grid, 1.1 * turn))
    # At k the spectrum is that of pixels 1/1.1 as large at k turned.
    fine = vx.Grid(32, 1 / 1.1)
    back = vx.Rotation.from_matrix(
        jnp.asarray(np.block([[turn.T, np.zeros((2, 1))], [np.zeros((1, 2)), 1.0]]))
    )
    turned = vx.Pose(back @ POSE.rotation, POSE.shift / 1.1)
    lens = vx.Lens(8_000.0, 600.0, 25.0 - 10.0)
    other = vx.Microscope(fine, 300.0, lens, scattering=WeakPhase(NonUniformFFT()))
    expected = vx.simulate(structure, turned, other) / 1.1**2
    # Averages over square pixels differ where these are turned.
    assert relative(one, expected) < 5e-3


def test_the_pose_s_own_comes_before_the_lens_s():
    grid, structure = vx.Grid(24, 1.5), vx.Gaussians(*points())
    own = np.array([[1.0, 0.02], [0.0, 1.03]])
    pose = vx.Pose(POSE.rotation, POSE.shift, magnification=own)
    both = vx.scatter(structure, pose, microscope(grid, MATRIX)).spectrum
    total = vx.Pose(POSE.rotation, POSE.shift, magnification=own @ MATRIX)
    alone = vx.scatter(structure, total, microscope(grid, None)).spectrum
    np.testing.assert_allclose(both, alone, atol=1e-9 * np.abs(alone).max())
    assert pose.moved(jnp.zeros(5)).magnification.tolist() == own.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["slice", "ray sum"])
def test_the_gradient_is_that_of_finite_differences(kind):
    values = clouds.volume(clouds.cloud(10, 3.0), 3.0, 12)
    voxel_map, grid = vx.VoxelMap(values, 1.5), vx.Grid(14, 1.5)
    projector = {"slice": FourierSlice(), "ray sum": RaySum()}[kind]
    weights = jr.normal(jr.key(0), grid.shape)
    lens = {"beam_tilt": (1.0, 0.5), "odd_zernike": (0.0, 1.0, 2.0)}
    lens |= {"even_zernike": (0.0, 1.0, 2.0, 3.0), "convergence": 0.2, "aperture": 6.0}

    @jax.jit
    def loss(matrix):
        scope = vx.Microscope(
            grid,
            300.0,
            vx.Lens(3_000.0, 600.0, 25.0, magnification=matrix, **lens),
            scattering=WeakPhase(projector),
        )
        return jnp.sum(weights * vx.simulate(voxel_map, POSE, scope))

    gradient = jax.jit(jax.grad(loss))(jnp.asarray(MATRIX))
    step = 1e-6
    for i in range(2):
        for j in range(2):
            moved = np.zeros((2, 2))
            moved[i, j] = step
            slope = (loss(MATRIX + moved) - loss(MATRIX - moved)) / (2 * step)
            scale = float(jnp.abs(gradient).max())
            np.testing.assert_allclose(gradient[i, j], slope, atol=2e-4 * scale)
