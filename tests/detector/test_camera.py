"""The camera: mean, noise and efficiency of what it records."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from vitrax.detector import (
    Camera,
    GaussianTransfer,
    IdealTransfer,
    LorentzianTransfer,
    MeasuredTransfer,
    PixelTransfer,
    PoissonNoise,
    expose,
)
from vitrax.grid import Grid, power_spectrum, shell_average


MTF = LorentzianTransfer([0.7, 0.2], [20.0, 4.0], 0.1)
# Neither 1 at zero frequency nor the square of the MTF.
DQE = MeasuredTransfer([0.0, 0.3, 0.7], [0.6, 0.4, 0.15])
CAMERA = Camera(MTF, DQE, gain=30.0)
CAMERAS = {
    "ideal": Camera(),
    "counting": Camera.counting(MTF, gain=2.0),
    "super-resolution": Camera.counting(PixelTransfer(), pixel_size=2.6),
    "lossy": CAMERA,
}
each = pytest.mark.parametrize("name", CAMERAS)
GRID = Grid((16, 15), 1.3)
DOSE = 40.0


def contrast(shape=GRID.shape, size=0.05):
    return size * jr.normal(jr.key(0), shape)


def electrons(image, grid=GRID, dose=DOSE):
    return dose * float(grid.pixel_size) ** 2 * (1 + np.asarray(image))


def filtered(image, transfer):
    return np.fft.irfft2(np.fft.rfft2(image) * np.asarray(transfer), s=image.shape)


def recorded(camera, images, grid, dose):
    """Return a noisy image of each contrast."""

    def one(key, image):
        counts = PoissonNoise().sample(key, expose(image, camera, dose, grid))
        return camera.readout(counts, grid)

    keys = jr.split(jr.key(1), len(images))
    return np.asarray(jax.jit(jax.vmap(one))(keys, jnp.asarray(images)))


@each
def test_the_mean_is_gain_times_mtf_times_electrons(name):
    camera = CAMERAS[name]
    mean = camera.readout(expose(contrast(), camera, DOSE, GRID), GRID)
    expected = filtered(electrons(contrast()), camera.signal_transfer(GRID))
    np.testing.assert_allclose(mean, expected * float(camera.gain), rtol=1e-10)


@pytest.mark.slow
@each
def test_the_power_of_vacuum_is_electrons_times_ntf_squared(name):
    camera, grid, dose = CAMERAS[name], Grid((32, 32), 1.3), 20.0
    images = recorded(camera, np.zeros((400, 32, 32)), grid, dose)
    images = images - float(camera.gain) * dose * 1.69
    power = np.asarray(jax.vmap(power_spectrum)(jnp.asarray(images))).mean(0)
    expected = float(camera.gain) ** 2 * dose * 1.69 * camera.noise_transfer(grid) ** 2
    ratio = shell_average(jnp.asarray(power) / expected, grid.shape, 23)
    # A ring of m frequencies in 400 draws is known to 1 in sqrt(200 m).
    assert np.all(np.abs(ratio[2:20] - 1) < 0.03)
    assert np.all(np.abs(ratio - 1) < 0.2)


def test_the_efficiency_is_the_loss_of_signal_to_noise():
    # A wave along x of 6 frequencies, in 600 images.
    grid, dose = Grid((24, 24), 1.0), 100.0
    x = 2 * np.pi * np.arange(24) / 24
    waves = sum(np.cos(n * x) for n in range(1, 12, 2))
    wave = np.broadcast_to(0.05 * waves, (24, 24))
    both = recorded(CAMERA, np.stack([wave] * 600), grid, dose)
    spectra = np.fft.rfft2(both)[:, 0, 1:12:2] / 24
    signal = np.abs(spectra.mean(0)) ** 2
    noise = spectra.var(0)
    ideal_signal = (
        np.abs(np.fft.rfft2(electrons(wave, grid, dose))[0, 1:12:2] / 24) ** 2
    )
    efficiency = signal / noise / (ideal_signal / dose)
    expected = DQE(jnp.asarray(np.arange(1, 12, 2) / 24))
    np.testing.assert_allclose(efficiency, expected, rtol=0.2)
    assert np.mean(efficiency / expected) == pytest.approx(1.0, abs=0.06)


def test_vacuum_has_the_counts_of_the_dose():
    grid = Grid((64, 64), 0.5)
    expected = expose(jnp.zeros(grid.shape), Camera(), 50.0, grid)
    np.testing.assert_array_equal(expected, 12.5)
    counts = np.asarray(PoissonNoise().sample(jr.key(2), expected))
    assert counts.mean() == pytest.approx(12.5, abs=4 * np.sqrt(12.5) / 64)
    assert counts.var() == pytest.approx(12.5, abs=4 * 12.5 * np.sqrt(2) / 64)


def test_an_efficiency_below_1_loses_electrons():
    counts = expose(contrast(), CAMERA, DOSE, GRID)
    assert float(counts.mean()) == pytest.approx(
        0.6 * electrons(contrast()).mean(), rel=1e-12
    )


@pytest.mark.parametrize("pixel_size", [0.65, 1.3, 2.6])
def test_frequencies_are_those_of_the_physical_pixel(pixel_size):
    camera = Camera(pixel_size=pixel_size)
    along_x = camera.frequencies(GRID)[0]
    np.testing.assert_allclose(
        along_x, np.arange(8) / 15 * pixel_size / 1.3, rtol=1e-12
    )
    assert float(Camera().frequencies(GRID)[8, 0]) == 0.5


def test_counting_noise_is_white():
    camera = Camera.counting(MTF, gain=3.0, pixel_size=0.7)
    assert (float(camera.gain), float(camera.pixel_size)) == (3.0, 0.7)
    np.testing.assert_allclose(camera.noise_transfer(GRID), 1.0, rtol=1e-12)
    counts = expose(contrast(), camera, DOSE, GRID)
    np.testing.assert_allclose(camera.readout(counts, GRID), 3.0 * counts, rtol=1e-10)


def test_an_ideal_camera_counts_electrons():
    counts = expose(contrast(), Camera(), DOSE, GRID)
    np.testing.assert_allclose(counts, electrons(contrast()), rtol=1e-12)
    np.testing.assert_allclose(Camera().readout(counts, GRID), counts, rtol=1e-12)


def test_electrons_below_none_are_bent_to_a_few():
    def counts(c):
        return expose(jnp.full((1, 1), c), Camera(), 100.0, Grid((1, 1), 1.0))[0, 0]

    at = jnp.asarray([-3.0, -1.0, -0.995, -0.99, -0.985])
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(counts)))(at)
    expected = [1 / (2 + 200), 0.5, 1 / 1.5, 1.0, 1.5]
    np.testing.assert_allclose(values, expected, rtol=1e-10)
    steep = [1 / 202**2, 0.25, 1 / 1.5**2, 1.0, 1.0]
    np.testing.assert_allclose(slopes, 100 * np.asarray(steep), rtol=1e-10)


def test_no_electrons_are_no_counts():
    counts = expose(contrast(), CAMERA, 0.0, GRID)
    np.testing.assert_array_equal(counts, 0.0)


def test_transfers_that_end_at_0_have_finite_derivatives():
    mtf = MeasuredTransfer([0.0, 0.4], [1.0, 0.0])

    def total(mtf):
        camera = Camera.counting(mtf)
        counts = expose(contrast(), camera, DOSE, GRID)
        return jnp.sum(camera.readout(counts, GRID) ** 2)

    slopes = jax.tree.leaves(jax.jit(jax.grad(total))(mtf))
    assert all(bool(jnp.isfinite(slope).all()) for slope in slopes)


@pytest.mark.float32
@each
def test_results_have_the_precision_of_the_image(name):
    image = contrast().astype(jnp.float32)
    counts = expose(image, CAMERAS[name], DOSE, GRID)
    assert counts.dtype == jnp.float32
    assert CAMERAS[name].readout(counts, GRID).dtype == jnp.float32


def test_wrong_numbers_are_errors():
    with pytest.raises(ValueError, match=r"cannot make Camera because gain is 0\.0"):
        Camera(gain=0.0)
    with pytest.raises(ValueError, match=r"pixel_size is -1\.0, not positive"):
        Camera(pixel_size=-1.0)
    with pytest.raises(ValueError, match=r"cannot expose because dose is -1\.0"):
        expose(contrast(), Camera(), -1.0, GRID)


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments_are_errors():
    with pytest.raises(TypeError, match="because mtf is a ndarray; do pass a transfer"):
        Camera(mtf=np.ones(3))
    with pytest.raises(TypeError, match="because dqe is a float; do pass a transfer"):
        Camera(MTF, 0.8)
    with pytest.raises(ValueError, match=r"the grid \(16, 15\); do pass the grid of"):
        expose(jnp.zeros((16, 16)), Camera(), DOSE, GRID)
    with pytest.raises(ValueError, match=r"cannot Camera.readout .* the grid \(16, 15"):
        Camera().readout(jnp.zeros((16, 16)), GRID)
    with pytest.raises(TypeError, match=r"do image.astype\(float\)"):
        Camera().readout(jnp.zeros((16, 15), int), GRID)
    with pytest.raises(ValueError, match="cannot use dose because it has shape"):
        expose(contrast(), Camera(), jnp.ones(3), GRID)


def test_many_cameras_by_vmap():
    cameras = jax.vmap(lambda w: Camera(GaussianTransfer(w), IdealTransfer()))(
        jnp.asarray([0.2, 0.5])
    )
    images = jax.vmap(lambda camera: camera.readout(contrast(), GRID))(cameras)
    expected = Camera(GaussianTransfer(0.5)).readout(contrast(), GRID)
    np.testing.assert_allclose(images[1], expected, atol=1e-12)


def test_run_time_checks_see_traced_doses_below_0(monkeypatch):
    monkeypatch.setenv("VITRAX_ENABLE_CHECKS", "1")
    counts = jax.jit(lambda dose: expose(contrast(), CAMERA, dose, GRID))
    assert bool(jnp.isfinite(counts(DOSE)).all())
    with pytest.raises((RuntimeError, ValueError), match="dose isn't 0 or more"):
        jax.block_until_ready(counts(-DOSE))
