"""Movies of a fading, drifting specimen, and the weighted sum of their frames."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import vitrax as vx
from vitrax.detector import dose_weights, frame_filters
from vitrax.grid import apply_filter, power_spectrum, shell_average
from vitrax.image import weighted_sum


POSE = vx.Pose.from_euler(20.0, 80.0, -10.0, shift=(1.0, -2.0))
BLOBS = vx.Gaussians(
    3 * np.random.default_rng(0).normal(size=(4, 3)),
    np.full((4, 1), 20.0),
    np.full((4, 1), 1.5),
)
GRID = vx.Grid((20, 18), 1.5)
DOSE, FRAMES = 2.5, 4
DRIFT = np.asarray([[0.0, 0.0], [1.2, -0.4], [2.1, -0.9], [2.6, -1.5]])


def scope(padding=1, voltage=300.0):
    return vx.Microscope(GRID, voltage, vx.Lens(3_000.0, 200.0, 20.0), padding)


compiled = jax.jit(vx.simulate_movie, static_argnames="n_frames")


def movie(dose=DOSE, drift=None, verb=compiled, **settings):
    path = jnp.zeros((FRAMES, 2)) if drift is None else jnp.asarray(drift)
    return verb(BLOBS, POSE, scope(**settings), dose, FRAMES, path)


@pytest.mark.parametrize("padding", [1, 2])
def test_without_dose_and_drift_each_frame_is_the_image(padding):
    image = jax.jit(vx.simulate)(BLOBS, POSE, scope(padding))
    frames = compiled(BLOBS, POSE, scope(padding), 0.0, FRAMES)
    assert frames.shape == (FRAMES, *GRID.shape)
    for frame in frames:
        np.testing.assert_allclose(frame, image, atol=1e-13)


@pytest.mark.parametrize("voltage", [300.0, 200.0])
def test_frames_are_the_image_times_their_filters(voltage):
    image = vx.simulate(BLOBS, POSE, scope(voltage=voltage))
    filters = frame_filters(GRID, DOSE, FRAMES, voltage)
    for frame, left in zip(movie(voltage=voltage), filters, strict=True):
        np.testing.assert_allclose(frame, apply_filter(image, left), atol=1e-13)


def test_the_mean_of_the_frames_is_one_long_exposure():
    image = vx.simulate(BLOBS, POSE, scope())
    (whole,) = frame_filters(GRID, FRAMES * DOSE, 1, 300.0)
    np.testing.assert_allclose(movie().mean(0), apply_filter(image, whole), atol=1e-13)


def test_drift_moves_each_frame_as_the_pose_s_shift():
    frames = movie(0.0, DRIFT)
    for frame, step in zip(frames, DRIFT, strict=True):
        pose = vx.Pose(POSE.rotation, POSE.shift + jnp.asarray(step))
        image = np.asarray(vx.simulate(BLOBS, pose, scope()))
        # Atoms leave the box, images wrap round in it.
        apart = np.linalg.norm(frame - image) / np.linalg.norm(image)
        assert apart < 0.02
    assert np.linalg.norm(frames[3] - frames[0]) > 0.3 * np.linalg.norm(frames[0])


def test_a_whole_pixel_s_drift_moves_x_by_the_first_number():
    still, moved = movie(0.0), movie(0.0, np.tile([3.0, -1.5], (FRAMES, 1)))
    expected = np.roll(np.asarray(still), (-1, 2), (1, 2))
    np.testing.assert_allclose(moved, expected, atol=1e-13)


def test_shifting_back_gives_the_signal_at_its_place():
    weights = dose_weights(GRID, DOSE, FRAMES, 300.0)
    drifting = weighted_sum(movie(drift=DRIFT), weights, GRID, jnp.asarray(DRIFT))
    still = np.asarray(weighted_sum(movie(), weights, GRID))
    # Nyquist has no sign, so half a shift of it can't be undone.
    difference = np.fft.rfft2(drifting - still)[:, :-1]
    difference[10] = 0
    assert np.abs(difference).max() < 1e-11 * np.abs(np.fft.rfft2(still)).max()
    unaligned = weighted_sum(movie(drift=DRIFT), weights, GRID)
    assert np.linalg.norm(unaligned - still) > 0.1 * np.linalg.norm(still)


def test_the_signal_of_the_sum_is_the_root_of_the_filters_squares():
    image = vx.simulate(BLOBS, POSE, scope())
    filters = frame_filters(GRID, DOSE, FRAMES, 300.0)
    expected = apply_filter(image, jnp.sqrt(jnp.sum(filters**2, axis=0)))
    for weights in (dose_weights(GRID, DOSE, FRAMES, 300.0), filters):
        ours = weighted_sum(movie(), weights, GRID)
        np.testing.assert_allclose(ours, expected, atol=1e-13)


def test_no_other_weights_give_more_signal():
    best = dose_weights(GRID, DOSE, FRAMES, 300.0)
    others = best + 0.2 * jr.uniform(jr.key(1), best.shape)
    most = np.abs(np.fft.rfft2(weighted_sum(movie(), best, GRID)))
    less = np.abs(np.fft.rfft2(weighted_sum(movie(), others, GRID)))
    assert np.all(less[:, 1:-1] < most[:, 1:-1])


@pytest.mark.slow
@pytest.mark.parametrize("drift", [None, jnp.asarray(DRIFT)], ids=["still", "drifting"])
def test_white_noise_of_the_frames_has_variance_1_in_every_ring(drift):
    # Strong weights: 20 e/Å² a frame leave little of the last.
    weights = dose_weights(GRID, 20.0, FRAMES, 300.0)
    noise = jr.normal(jr.key(2), (600, FRAMES, *GRID.shape))
    summed = jax.jit(jax.vmap(lambda x: weighted_sum(x, weights, GRID, drift)))(noise)
    power = jax.vmap(power_spectrum)(summed).mean(0)
    rings = shell_average(power, GRID.shape, 10)
    np.testing.assert_allclose(rings[1:], 1.0, atol=5 / np.sqrt(600 * 2))
    assert float(rings[1:].mean()) == pytest.approx(1.0, abs=0.03)
    plain = jnp.ones_like(weights) * jnp.exp(-weights)
    assert float(jnp.abs(weighted_sum(noise[0], plain, GRID) - summed[0]).max()) > 0.1


@pytest.mark.slow
def test_frames_that_add_nothing_are_no_error():
    weights = jnp.zeros((FRAMES, *GRID.half_shape))
    frames = movie()

    def total(weights):
        return jnp.sum(weighted_sum(frames, weights, GRID) ** 2)

    value, slope = jax.value_and_grad(total)(weights)
    assert float(value) == 0.0
    assert bool(jnp.isfinite(slope).all())


@pytest.mark.slow
def test_a_movie_is_counted_frame_by_frame():
    camera, noise = vx.Camera(gain=2.0), vx.PoissonNoise()

    def record(key, contrast):
        counts = noise.sample(key, vx.expose(contrast, camera, DOSE, GRID))
        return camera.readout(counts, GRID)

    recorded = jax.vmap(record)(jr.split(jr.key(3), FRAMES), movie())
    mean = 2.0 * DOSE * 1.5**2 * (1 + float(movie().mean()))
    spread = 2.0 * np.sqrt(DOSE * 1.5**2 / recorded.size)
    assert float(recorded.mean()) == pytest.approx(mean, abs=4 * spread)


@pytest.mark.slow
@pytest.mark.float32
def test_a_movie_has_the_precision_of_the_structure():
    single = jax.tree.map(lambda x: x.astype(jnp.float32), BLOBS)
    frames = vx.simulate_movie(single, POSE, scope(), DOSE, FRAMES, jnp.asarray(DRIFT))
    assert frames.dtype == jnp.float32
    weights = dose_weights(GRID, DOSE, FRAMES, 300.0)
    assert weighted_sum(frames, weights, GRID).dtype == jnp.float32


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments_are_errors():
    with pytest.raises(ValueError, match=r"drift has shape \(3, 2\) where 4 frames"):
        movie(drift=DRIFT[:3])
    with pytest.raises(ValueError, match="cannot simulate_movie because n_frames is 0"):
        vx.simulate_movie(BLOBS, POSE, scope(), DOSE, 0)
    with pytest.raises(ValueError, match=r"because voltage is 60\.0, not within 80"):
        movie(verb=vx.simulate_movie, voltage=60.0)
    with pytest.raises(
        ValueError, match="cannot simulate_movie because dose_per_frame"
    ):
        movie(-1.0, verb=vx.simulate_movie)
    with pytest.raises(TypeError, match=r"jit\(simulate_movie, static_argnames='n_fra"):
        jax.jit(vx.simulate_movie)(BLOBS, POSE, scope(), DOSE, FRAMES)
    weights = dose_weights(GRID, DOSE, 3, 300.0)
    with pytest.raises(
        ValueError, match=r"cannot weighted_sum because frames have sha"
    ):
        weighted_sum(movie(), weights, GRID)
    with pytest.raises(ValueError, match=r"do give frames \[frames, y, x\]"):
        weighted_sum(movie()[0], weights, GRID)
