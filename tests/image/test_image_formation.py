"""Simulated images: sign, scale, geometry, padding, derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import clouds
import vitrax as vx
from vitrax.physics import POTENTIAL_FACTOR, interaction_parameter


LENS = vx.Lens(9_000.0, 600.0, 25.0, 2.7, 0.1, b_factor=20.0)
# Without spherical aberration and defocus, a phase plate of 90 degrees gives the
# potential itself, negative.
IN_FOCUS = vx.Lens(0.0, 0.0, 0.0, 0.0, 0.0, 90.0)
PARITIES = [(16, 16), (16, 17), (17, 16), (17, 17)]
POSE = vx.Pose.from_euler(20.0, 80.0, -10.0, shift=(1.0, -2.0))


def scope(shape=(32, 30), pixel_size=1.5, lens=LENS, **others):
    return vx.Microscope(vx.Grid(shape, pixel_size), 300.0, lens, **others)


def some_gaussians(seed=0, count=6):
    rng = np.random.default_rng(seed)
    return vx.Gaussians(
        4 * rng.normal(size=(count, 3)),
        rng.uniform(1, 3, (count, 2)),
        rng.uniform(1, 3, (count, 2)),
    )


def some_map(n=16):
    values = clouds.volume(clouds.cloud(20, 4.0), 2.0, n)
    return vx.FourierMap.from_map(vx.VoxelMap(values, 1.5))


def blob():
    return vx.Gaussians([[0.0, 0.0, 0.0]], [[2.0]], [[2.0]])


@pytest.mark.parametrize("defocus", [3_000.0, 12_000.0])
def test_protein_is_dark(defocus):
    microscope = scope((48, 48), lens=vx.Lens(defocus))
    image = np.asarray(vx.simulate(some_gaussians(), vx.Pose.identity(), microscope))
    projection = vx.project(some_gaussians(), vx.Pose.identity(), microscope.grid)
    assert float(np.sum(image * np.asarray(projection))) < 0
    assert image.mean() < 0


def test_the_contrast_of_a_phase_plate_in_focus_is_minus_twice_the_phase():
    microscope = scope(lens=IN_FOCUS)
    image = vx.simulate(some_gaussians(), POSE, microscope)
    phase = vx.project(some_gaussians(), POSE, microscope.grid) * POTENTIAL_FACTOR
    phase = phase * interaction_parameter(300.0)
    np.testing.assert_allclose(image, -2 * phase, atol=1e-12)


def test_the_mean_contrast_is_that_of_the_amplitude_contrast():
    microscope, structure = scope(), some_gaussians()
    image = vx.simulate(structure, POSE, microscope)
    area = microscope.grid.size * 1.5**2
    phase = 6.526161e-4 * 47.8776472 * float(structure.amplitudes.sum()) / area
    assert float(image.mean()) == pytest.approx(-2 * 0.1 * phase, rel=1e-6)


@pytest.mark.parametrize("structure", [some_gaussians(), some_map()], ids=type)
def test_an_image_is_the_projection_times_the_ctf(structure):
    microscope = scope((32, 31))
    projection = np.asarray(vx.project(structure, POSE, microscope.grid))
    factor = 2 * float(interaction_parameter(300.0))
    factor *= vx.potential.potential_scale(structure)
    spectrum = np.fft.rfft2(projection) * np.asarray(microscope.ctf()) * factor
    image = vx.simulate(structure, POSE, microscope)
    scale = float(jnp.abs(image).max())
    np.testing.assert_allclose(
        image, np.fft.irfft2(spectrum, s=(32, 31)), atol=1e-12 * scale
    )


@pytest.mark.slow
def test_a_map_in_volts_gives_the_image_of_its_atoms():
    structure, microscope = some_gaussians(), scope((48, 48), 1.0)
    potential = jax.jit(vx.render)(structure, vx.Grid((48, 48, 48), 1.0))
    kernel = vx.structure.SliceKernel(points=4, padding=2.0)
    of_map = vx.simulate(vx.FourierMap.from_map(potential, kernel), POSE, microscope)
    of_atoms = np.asarray(vx.simulate(structure, POSE, microscope))
    apart = np.linalg.norm(np.asarray(of_map) - of_atoms) / np.linalg.norm(of_atoms)
    # Voxel averages along three axes, turned, aren't pixel averages along two.
    assert apart < 0.05


@pytest.mark.parametrize("shape", PARITIES)
def test_the_origin_is_pixel_half_n(shape):
    image = vx.simulate(blob(), vx.Pose.identity(), scope(shape, lens=IN_FOCUS))
    darkest = np.unravel_index(np.argmin(image), shape)
    assert darkest == (shape[0] // 2, shape[1] // 2)


@pytest.mark.parametrize("padding", [1, 2])
def test_a_shift_moves_the_image_along_x_then_y(padding):
    microscope = scope((64, 48), 1.0, IN_FOCUS, padding=padding)
    pose = vx.Pose.from_euler(30.0, 50.0, 70.0, shift=(5.0, -7.0))
    image = vx.simulate(blob(), pose, microscope)
    assert np.unravel_index(np.argmin(image), (64, 48)) == (25, 29)


def test_images_of_gaussians_add_up():
    one, two = some_gaussians(0), some_gaussians(1)
    both = jax.tree.map(lambda *x: jnp.concatenate(x), one, two)
    total = vx.simulate(one, POSE, scope()) + vx.simulate(two, POSE, scope())
    np.testing.assert_allclose(vx.simulate(both, POSE, scope()), total, atol=1e-10)


def test_turning_the_molecule_in_the_plane_turns_image_and_astigmatism():
    # A quarter turn of everything, on a square odd grid, turns the pixels.
    grid = {"shape": (31, 31), "pixel_size": 1.5}
    image = vx.simulate(some_gaussians(), POSE, scope(**grid))
    quarter = vx.Rotation.from_axis_angle((0.0, 0.0, 90.0))
    turned_pose = vx.Pose(quarter @ POSE.rotation, (2.0, 1.0))
    turned_lens = vx.Lens(9_000.0, 600.0, 115.0, 2.7, 0.1, b_factor=20.0)
    turned = vx.simulate(some_gaussians(), turned_pose, scope(**grid, lens=turned_lens))
    # From +x to +y is from columns to rows: rot90 in the direction of falling indices.
    np.testing.assert_allclose(turned, np.rot90(image, k=-1), atol=1e-12)


def test_the_padded_image_is_cut_from_a_larger_one():
    small, large = scope((32, 30)), scope((64, 60))
    padded = scope((32, 30), padding=2)
    cut = vx.grid.crop(vx.simulate(some_gaussians(), POSE, large), (32, 30))
    np.testing.assert_allclose(
        vx.simulate(some_gaussians(), POSE, padded), cut, atol=1e-13
    )
    wrapped = vx.simulate(some_gaussians(), POSE, small)
    assert float(jnp.abs(wrapped - cut).max()) > 1e-3 * float(jnp.abs(cut).max())


def test_the_ctf_is_that_of_the_image_s_own_grid_whatever_the_padding():
    np.testing.assert_array_equal(scope(padding=2).ctf(), scope().ctf())


@pytest.mark.parametrize("padding", [0, -1])
def test_a_padding_that_is_no_positive_integer_is_refused(padding):
    with pytest.raises(ValueError, match="cannot pad the box"):
        scope(padding=padding)


def test_a_batched_lens_without_vmap_is_refused():
    lens = vx.Lens(jnp.asarray([9e3, 1e4]))
    with pytest.raises(ValueError, match=r"cannot simulate because microscope\.lens"):
        vx.simulate(blob(), vx.Pose.identity(), scope(lens=lens))


def test_single_precision_stays_and_is_close():
    single = jax.tree.map(lambda x: x.astype(jnp.float32), some_gaussians())
    image = vx.simulate(single, POSE, scope())
    assert image.dtype == jnp.float32
    exact = vx.simulate(some_gaussians(), POSE, scope())
    scale = float(jnp.abs(exact).max())
    np.testing.assert_allclose(image, exact, atol=1e-4 * scale)


@pytest.fixture(scope="module")
def derivatives():
    """Return a function that gives the gradient, and its derivative along a step."""
    structure = some_map()

    def total(values):
        pixel_size, defocus, rot, tilt, psi, x, y = values
        pose = vx.Pose.from_euler(rot, tilt, psi, jnp.stack([x, y]))
        microscope = scope((16, 17), pixel_size, vx.Lens(defocus))
        image = vx.simulate(structure, pose, microscope)
        return jnp.sum(image * jnp.cos(jnp.arange(17.0))[None, :])

    return jax.jit(lambda at, step: jax.jvp(jax.grad(total), (at,), (step,)))


@pytest.mark.slow
@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (20.0, 80.0, -10.0)])
def test_derivatives_of_the_image_of_a_map_are_finite_and_right(derivatives, angles):
    at = jnp.asarray([1.6, 9_000.0, *angles, 0.5, -1.0])
    for step in np.eye(7):
        gradient, curvature = derivatives(at, step)
        assert np.all(np.isfinite(gradient))
        assert np.all(np.isfinite(curvature))
    pixel_size = np.eye(7)[0]
    curvature = np.asarray(derivatives(at, pixel_size)[1])
    above, below = (derivatives(at + h * pixel_size, pixel_size) for h in (1e-5, -1e-5))
    numerical = np.asarray(above[0] - below[0]) / 2e-5
    scale = np.abs(curvature).max()
    assert scale > 0
    np.testing.assert_allclose(curvature, numerical, atol=1e-4 * scale)


@pytest.mark.parametrize("voltage", [0.0, -300.0, 3e5, 1e4, 999_999.0, np.nan, np.inf])
def test_a_voltage_that_isn_t_in_kilovolts_is_refused(voltage):
    message = (
        f"because voltage is {voltage}, not above 0 and below 10 000 kV .*; do give"
    )
    with pytest.raises(ValueError, match="cannot make Microscope " + message):
        vx.Microscope(vx.Grid(8, 1.0), voltage, LENS)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("grid", [vx.Grid((8, 8, 8), 1.0), 8])
def test_the_grid_of_a_microscope_is_that_of_an_image(grid):
    message = r"cannot make Microscope with .*8.* as grid because an image has two axes"
    with pytest.raises(ValueError, match=message):
        vx.Microscope(grid, 300.0, LENS)


@pytest.mark.parametrize("compiled", [False, True])
def test_traced_values_are_checked_when_asked_for(monkeypatch, compiled):
    monkeypatch.setenv("VITRAX_ENABLE_CHECKS", "1")
    focused = eqx.tree_at(lambda s: s.lens.defocus, scope((8, 8)), jnp.asarray(np.nan))
    verb = jax.jit(lambda scope: scope.ctf()) if compiled else vx.Microscope.ctf
    message = "cannot call Microscope.ctf because microscope.lens.defocus isn't finite"
    with pytest.raises((RuntimeError, ValueError), match=message):
        jax.block_until_ready(verb(focused))


def test_an_image_of_wrong_values_is_refused_when_asked_for(monkeypatch):
    monkeypatch.setenv("VITRAX_ENABLE_CHECKS", "1")
    flat = eqx.tree_at(lambda s: s.variances, blob(), jnp.asarray([[-1.0]]))
    simulate = jax.jit(lambda structure: vx.simulate(structure, POSE, scope((8, 8))))
    message = "cannot simulate because structure.variances isn't positive and finite"
    with pytest.raises((RuntimeError, ValueError), match=message):
        jax.block_until_ready(simulate(flat))
