"""Slabs of potential: closed forms, sums, and each slicer against another."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtr

import clouds
import vitrax as vx
from vitrax.potential import (
    GaussianSlabs,
    RaySum,
    VoxelSlabs,
    WindowedSlabs,
    default_slicer,
)


GRID = vx.Grid((33, 40), 0.8)
POSE = vx.Pose(vx.Rotation.from_euler(20.0, 80.0, -10.0), (2.3, -1.7), 1.9)
FAST = WindowedSlabs(reach=9, depth=6)
# Smaller than the Gaussians: some boxes for each.
SMALL = WindowedSlabs(reach=6, depth=2)
# (thickness, number): thicker than the whole, odd, even and thin.
CUTS = [(40.0, 1), (2.9, 9), (0.7, 40)]


def some(seed=0, count=12):
    rng = np.random.default_rng(seed)
    return vx.Gaussians(
        rng.uniform(-6, 6, (count, 3)),
        rng.uniform(-1, 3, (count, 2)),
        rng.uniform(0.2, 1.9, (count, 2)),
    )


def largest(x):
    return float(jnp.abs(x).max())


@pytest.fixture(scope="module")
def density():
    return vx.VoxelMap(clouds.volume(clouds.cloud(20, 3.0), 3.0, 16), 1.1)


def test_a_slab_holds_the_share_of_a_gaussian_between_its_faces():
    blob = vx.Gaussians([[1.0, 2.0, 3.0]], [[2.5]], [[1.7]])
    slabs = GaussianSlabs()(blob, vx.Pose.identity(), GRID, 2.0, 6)
    edges = np.asarray([-np.inf, -4, -2, 0, 2, 4, np.inf])
    share = np.diff(ndtr((edges - 3.0) / np.sqrt(1.7)))
    image = np.asarray(vx.project(blob, vx.Pose.identity(), GRID))
    np.testing.assert_allclose(slabs, share[:, None, None] * image, atol=1e-13)


LEVEL = vx.Pose.identity()
RAISED = vx.Pose(LEVEL.rotation, (0.0, 0.0), 1.2)
# The tilt turns x into -z after the rotation by rot has turned y into x.
TILTED = vx.Pose.from_euler(90.0, 90.0, 0.0)


@pytest.mark.parametrize(
    ("pose", "expected"),
    [(LEVEL, [0, 1, 0, 1]), (RAISED, [0, 0, 1, 1]), (TILTED, [0, 0, 1, 1])],
)
def test_slabs_are_in_the_order_in_which_electrons_meet_them(pose, expected):
    positions = [[0.0, 1.0, 2.9], [0.0, 3.0, -1.0]]
    narrow = vx.Gaussians(positions, [[1.0]] * 2, [[1e-4]] * 2)
    slabs = GaussianSlabs()(narrow, pose, GRID, 2.1, 4)
    np.testing.assert_allclose(slabs.sum((1, 2)) * 0.64, expected, atol=1e-9)
    # r_img = A r_obj, and electrons travel to +z.
    depths = narrow.positions @ pose.as_matrix()[2] + (1.2 if pose is RAISED else 0.0)
    counted = np.histogram(depths, 2.1 * np.arange(-2, 3))[0]
    np.testing.assert_array_equal(counted, expected)


@pytest.mark.parametrize(("thickness", "count"), CUTS)
def test_exact_slabs_sum_to_the_projection(thickness, count):
    slabs = GaussianSlabs()(some(), POSE, GRID, thickness, count)
    image = vx.project(some(), POSE, GRID)
    assert slabs.shape == (count, 33, 40)
    assert largest(slabs.sum(0) - image) < 1e-10 * largest(image)


@pytest.mark.parametrize(("thickness", "count"), CUTS)
def test_windowed_slabs_sum_to_the_projection(thickness, count):
    slicer = WindowedSlabs(reach=9, depth=min(count, 24))
    slabs = slicer(some(), POSE, GRID, thickness, count)
    image = vx.project(some(), POSE, GRID)
    assert largest(slabs.sum(0) - image) < 1e-6 * largest(image)


def at_edges(pose=POSE):
    """Return the pose where some of the atoms lie at the edge of the image, or beyond.

    The boxes of others don't divide the pixels and slabs that are left.
    """
    return vx.Pose(pose.rotation, (12.0, -14.0), 1.9)


def test_windowed_slabs_are_the_exact_ones():
    exact = GaussianSlabs()(some(), at_edges(), GRID, 3.1, 9)
    fast = FAST(some(), at_edges(), GRID, 3.1, 9)
    assert largest(fast - exact) < 1e-6 * largest(exact)


@pytest.mark.parametrize(
    ("reach", "depth", "pose"),
    [(9, 1, POSE), (9, 4, at_edges()), (1, 9, at_edges()), (4, 3, POSE)],
)
def test_as_many_boxes_are_taken_as_gaussians_need(reach, depth, pose):
    exact = GaussianSlabs()(some(), pose, GRID, 1.9, 14)
    # Compiled, where nothing is known of the widths.
    slicer = WindowedSlabs(reach, depth)
    fast = jax.jit(lambda structure: slicer(structure, pose, GRID, 1.9, 14))(some())
    assert largest(fast - exact) < 1e-6 * largest(exact)
    image = vx.project(some(), pose, GRID)
    assert largest(fast.sum(0) - image) < 1e-6 * largest(image)


def test_thin_slabs_are_the_exact_ones():
    exact = GaussianSlabs()(some(), POSE, GRID, 0.1, 250)
    fast = jax.jit(lambda x: WindowedSlabs()(x, POSE, GRID, 0.1, 250))(some())
    assert largest(fast - exact) < 1e-6 * largest(exact)
    # A Gaussian ends where 3e-7 of it are left, not at a step.
    moments = [(np.arange(250) ** 2) @ np.asarray(x.sum((1, 2))) for x in (fast, exact)]
    assert moments[0] == pytest.approx(moments[1], rel=1e-7)


def test_a_batch_of_structures_takes_what_the_widest_needs():
    narrow, wide = some(), some()
    narrow = dataclasses.replace(narrow, variances=0.05 * narrow.variances)
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), narrow, wide)

    def cut(structure):
        return WindowedSlabs(reach=4, depth=3)(structure, POSE, GRID, 1.9, 14)

    slabs = jax.jit(jax.vmap(cut))(both)
    for one, structure in zip(slabs, (narrow, wide), strict=True):
        np.testing.assert_allclose(one, cut(structure), atol=1e-13)
    # Boxes that none needs are still skipped: nothing else is asked for both answers.
    assert str(jax.make_jaxpr(jax.vmap(cut))(both)).count(" cond[") == 3


def test_gaussians_without_a_width_aren_t_hidden():
    # Such as come from a gradient step under jit, where nothing checks them.
    @jax.jit
    def cut(factor):
        blobs = some(count=2)
        broken = dataclasses.replace(blobs, variances=factor * blobs.variances)
        return FAST(broken, POSE, GRID, 3.1, 9)

    assert bool(jnp.isnan(cut(jnp.nan)).any())
    assert bool(jnp.isfinite(cut(1.0)).all())


def test_boxes_that_aren_t_needed_take_no_memory():
    # 50 of 25 by 25 boxes of which 3 by 3 by 3 are needed; a slab is 0.05 MB.
    grid, blobs = vx.Grid(75, 1.0), some(count=200)

    def loss(structure):
        slabs = WindowedSlabs(reach=1, depth=2)(structure, POSE, grid, 1.0, 100)
        return (slabs**2).sum()

    memory = jax.jit(jax.grad(loss)).lower(blobs).compile().memory_analysis()
    slabs = 100 * 75 * 75 * 8
    assert memory is not None
    assert memory.temp_size_in_bytes < 6 * slabs


def test_less_than_a_millionth_of_a_gaussian_is_cut_off():
    # As wide as one box holds; the centre half a pixel off the middle of it.
    widest = (9 * 0.8 / 5.1001) ** 2
    blob = vx.Gaussians([[0.399, 0.399, 0.0]], [[1.0]], [[widest]])
    slabs = FAST(blob, vx.Pose.identity(), GRID, 3.1, 5)
    lost = 1 - float(slabs.sum()) * 0.64
    assert 1e-8 < lost < 1e-6


@pytest.mark.parametrize("chunk", [1, 5])
def test_chunks_of_gaussians_change_nothing(chunk, monkeypatch):
    whole = FAST(some(), POSE, GRID, 3.1, 9)
    each = 6 * 19 * 19
    monkeypatch.setattr(vx.potential._windowed_slabs, "_CHUNK_SIZE", chunk * each)
    np.testing.assert_allclose(FAST(some(), POSE, GRID, 3.1, 9), whole, atol=1e-13)


@pytest.mark.parametrize("slicer", [GaussianSlabs(), FAST, SMALL])
def test_gradients_are_finite_differences(slicer):
    weights = jax.random.normal(jax.random.key(0), (9, 33, 40))
    structure, pose = some(count=4), POSE

    def loss(structure, pose, thickness):
        return (weights * slicer(structure, pose, GRID, thickness, 9)).sum()

    args = (structure, pose, jnp.asarray(3.1))
    value = jax.jit(loss)
    leaves, tree = jax.tree.flatten(jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(*args))
    for i, slope in enumerate(leaves):
        step = 1e-6 * np.random.default_rng(i).normal(size=slope.shape)
        moves = [step if i == j else np.zeros(x.shape) for j, x in enumerate(leaves)]
        move = jax.tree.unflatten(tree, moves)
        up, down = (
            value(*jax.tree.map(lambda x, dx, sign=sign: x + sign * dx, args, move))
            for sign in (1, -1)
        )
        numerical = float(up - down) / 2e-6
        assert float((slope * step).sum()) / 1e-6 == pytest.approx(
            numerical, rel=2e-6, abs=2e-6
        )


@pytest.mark.parametrize("fast", [FAST, SMALL])
def test_gradients_of_windows_are_those_of_the_exact_slabs(fast):
    weights = jax.random.normal(jax.random.key(0), (9, 33, 40))

    def gradient(slicer):
        def loss(structure):
            return (weights * slicer(structure, POSE, GRID, 3.1, 9)).sum()

        return jax.tree.leaves(jax.jit(jax.grad(loss))(some()))

    for one, two in zip(gradient(fast), gradient(GaussianSlabs()), strict=True):
        assert largest(one - two) < 1e-5 * largest(two)


def test_atoms_are_cut_as_their_gaussians():
    atoms = vx.Atoms(
        [[0.0, 1.0, 2.0], [3.0, 0.0, -2.0]], [6, 8], [20.0, 30.0], [1, 0.5]
    )
    one = WindowedSlabs()(atoms, POSE, GRID, 2.0, 9)
    two = WindowedSlabs()(atoms.to_gaussians(), POSE, GRID, 2.0, 9)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("thickness", "count"), [(60.0, 1), (0.4, 80)])
def test_slabs_of_a_map_sum_to_its_rays(density, thickness, count):
    grid = vx.Grid((12, 13), 1.3)
    fn = jax.jit(VoxelSlabs().__call__, static_argnums=4)
    slabs = fn(density, POSE, grid, thickness, count)
    image = vx.project(density, POSE, grid, RaySum())
    assert largest(slabs.sum(0) - image) < 1e-10 * largest(image)


@pytest.mark.parametrize("thickness", [3.3, 0.7])
def test_slabs_of_a_map_are_those_of_its_gaussians(density, thickness):
    grid, count = vx.Grid(16, 1.1), int(30 / thickness)
    points = clouds.cloud(20, 3.0) * 1.1
    # A slab of points: the projection of each, times its share.
    depths = points @ np.asarray(POSE.as_matrix())[2] + 1.9
    edges = thickness * (np.arange(count + 1) - count / 2)
    edges[[0, -1]] = -np.inf, np.inf
    share = np.diff(ndtr((edges[:, None] - depths[None]) / np.sqrt(3.0 * 1.21)), axis=0)
    blobs = vx.Gaussians(points, np.ones((20, 1)), np.full((20, 1), 3.63))
    exact = GaussianSlabs()(blobs, POSE, grid, thickness, count)
    np.testing.assert_allclose(
        exact.sum((1, 2)) * 1.21, share.sum(1), atol=0.02 * share.sum(1).max()
    )
    fn = jax.jit(VoxelSlabs().__call__, static_argnums=4)
    slabs = np.asarray(fn(density, POSE, grid, thickness, count))
    # The map's Gaussians have integral 1 in voxels.
    scale = float((slabs * exact).sum() / (exact**2).sum())
    error = np.linalg.norm(slabs - scale * exact) / np.linalg.norm(slabs)
    assert error < 0.03


def test_a_map_and_its_pose_are_differentiable(density):
    grid = vx.Grid(9, 2.0)
    weights = jax.random.normal(jax.random.key(0), (12, 9, 9))

    def loss(pose, values):
        structure = vx.VoxelMap(values, 1.1)
        return (weights * VoxelSlabs()(structure, pose, grid, 2.9, 12)).sum()

    value = jax.jit(loss)
    slopes = jax.jit(jax.grad(loss, argnums=(0, 1)))(POSE, density.values)
    turn = vx.Pose(POSE.rotation, POSE.shift + jnp.asarray([1e-6, 0.0]), 1.9 + 1e-6)
    back = vx.Pose(POSE.rotation, POSE.shift - jnp.asarray([1e-6, 0.0]), 1.9 - 1e-6)
    moved = (value(turn, density.values) - value(back, density.values)) / 2e-6
    expected = slopes[0].shift[0] + slopes[0].height
    assert float(moved) == pytest.approx(float(expected), rel=1e-5)
    other = value(POSE, 2 * density.values) - value(POSE, density.values)
    assert float((slopes[1] * density.values).sum()) == pytest.approx(float(other))


def test_what_reaches_beyond_the_slabs_is_refused(density):
    for slicer in (GaussianSlabs(), FAST):
        with pytest.raises(ValueError, match=r"depth of .* Å where .* 6\.2 Å; do give"):
            slicer(some(), POSE, GRID, 3.1, 4)
    with pytest.raises(ValueError, match=r"the map reaches to a depth of"):
        VoxelSlabs()(density, POSE, vx.Grid(8, 1.1), 2.0, 4)


def test_what_isn_t_a_number_of_slabs_is_refused(unchecked):
    with pytest.raises(ValueError, match="cannot make WindowedSlabs with 0 because"):
        WindowedSlabs(reach=0)
    with pytest.raises(ValueError, match=r"cannot cut into 2\.5 slabs"):
        FAST(some(), POSE, GRID, 3.1, 2.5)  # pyright: ignore


def test_what_has_no_slicer_is_refused(density, unchecked):
    with pytest.raises(TypeError, match="cannot cut a FourierMap into slabs"):
        default_slicer(vx.FourierMap.from_map(density))
    with pytest.raises(
        TypeError, match="cannot cut VoxelMap into slabs by WindowedSlabs"
    ):
        FAST(density, POSE, GRID, 3.1, 9)


@pytest.mark.parametrize("slicer", [GaussianSlabs(), FAST, SMALL])
def test_float32_stays_float32(slicer):
    single = jax.tree.map(lambda x: x.astype(jnp.float32), (some(), POSE, GRID))
    slabs = slicer(*single, 3.1, 9)
    assert slabs.dtype == jnp.float32
    exact = GaussianSlabs()(some(), POSE, GRID, 3.1, 9)
    assert largest(slabs.astype(float) - exact) < 3e-6 * largest(exact)
