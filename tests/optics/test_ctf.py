"""The contrast transfer function: sign, axis, envelope, derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.physics import CISTEM, CODATA, RELION


GRID = vx.Grid((24, 31), 1.3)


def scope(grid=GRID, voltage=300.0, constants=CODATA, **lens):
    lens = vx.Lens(**{"defocus": 12_000.0, **lens})
    return vx.Microscope(grid, voltage, lens, constants=constants)


def by_azimuth(grid, wavelength, u, v, angle, cs, contrast, phase, b_factor=0.0):
    """Return sin γ, RELION's, from the azimuth of each frequency (numpy)."""
    pixel = float(grid.pixel_size)
    ky = np.fft.fftfreq(grid.shape[0], pixel)[:, None]
    kx = np.fft.rfftfreq(grid.shape[1], pixel)[None, :]
    azimuth = np.arctan2(ky, kx)
    k = np.hypot(kx, ky)
    defocus = 0.5 * (u + v) + 0.5 * (u - v) * np.cos(2 * (azimuth - np.deg2rad(angle)))
    gamma = np.pi * wavelength * defocus * k**2
    gamma -= 0.5 * np.pi * cs * 1e7 * wavelength**3 * k**4
    gamma += np.deg2rad(phase) + np.arctan(contrast / np.sqrt(1 - contrast**2))
    return np.sin(gamma) * np.exp(-b_factor * k**2 / 4)


@pytest.mark.parametrize("contrast", [0.0, 0.07, 0.1, 1.0])
@pytest.mark.parametrize("astigmatism", [0.0, 1500.0])
def test_at_zero_frequency_it_is_minus_the_amplitude_contrast(contrast, astigmatism):
    ctf = scope(amplitude_contrast=contrast, astigmatism=astigmatism).ctf()
    assert abs(float(ctf[0, 0]) + contrast) < 1e-12


def test_protein_is_dark_under_focus_and_light_over_focus():
    near_zero = (0, 2)
    assert float(scope(defocus=+8_000.0).ctf()[near_zero]) < -0.5
    assert float(scope(defocus=-8_000.0).ctf()[near_zero]) > 0.5


@pytest.mark.parametrize("constants", [CODATA, RELION, CISTEM], ids=lambda c: c.name)
def test_it_is_minus_relion_s_formula_with_the_azimuth(constants):
    lens = {"astigmatism": 3000.0, "astigmatism_angle": -37.0, "phase_shift": 40.0}
    lens |= {"amplitude_contrast": 0.1, "spherical_aberration": 1.2, "b_factor": 50.0}
    microscope = scope(voltage=200.0, constants=constants, **lens)
    expected = by_azimuth(
        GRID,
        float(microscope.wavelength),
        *(13_500.0, 10_500.0, -37.0),
        *(1.2, 0.1, 40.0, 50.0),
    )
    np.testing.assert_allclose(microscope.ctf(), -expected, atol=1e-11)


def test_the_wavelength_of_relion_s_constants_is_used():
    ctf = scope(constants=RELION).ctf()
    expected = by_azimuth(GRID, 0.0196876153, 12e3, 12e3, 0.0, 2.7, 0.07, 0.0)
    np.testing.assert_allclose(ctf, -expected, atol=1e-7)
    assert np.abs(scope().ctf() + expected).max() > 1e-4


@pytest.mark.parametrize("row", range(3))
def test_it_is_cistem_s_with_cistem_s_wavelength(shared, row):
    file = np.load(shared / "cistem" / "ctf.npz")
    u, v, angle, voltage, cs, contrast, pixel = file["parameters"][row]
    lens = {"defocus": (u + v) / 2, "astigmatism": u - v, "astigmatism_angle": angle}
    lens |= {"spherical_aberration": cs, "amplitude_contrast": contrast}
    grid = vx.Grid(128, pixel)
    worst = {
        constants.name: np.abs(
            np.asarray(scope(grid, voltage, constants, **lens).ctf()) - file["ctf"][row]
        ).max()
        for constants in (CISTEM, CODATA)
    }
    assert worst[CISTEM.name] < 2e-4
    assert 2e-4 < worst[CODATA.name] < 1e-2


def test_with_angle_zero_the_larger_defocus_acts_along_x():
    grid = vx.Grid(32, 2.0)
    astigmatic = scope(grid, defocus=10_000.0, astigmatism=2_000.0).ctf()
    along_x, along_y = astigmatic[0, :], astigmatic[:, 0]
    np.testing.assert_allclose(
        along_x, scope(grid, defocus=11_000.0).ctf()[0, :], atol=1e-12
    )
    np.testing.assert_allclose(
        along_y, scope(grid, defocus=9_000.0).ctf()[:, 0], atol=1e-12
    )
    assert float(jnp.abs(along_x[:16] - along_y[:16]).max()) > 0.1


@pytest.mark.parametrize("angle", [0.0, 20.0, 45.0, 90.0, 110.0, 163.0, -35.0])
def test_the_larger_defocus_lies_along_the_angle(angle):
    grid = vx.Grid(128, 1.0)
    lens = vx.Lens(10_000.0, 1_500.0, angle)
    gamma = vx.optics.phase_error(lens, grid, 0.0196874890)
    extra = gamma - vx.optics.phase_error(vx.Lens(10_000.0), grid, 0.0196874890)
    ky, kx = (np.asarray(axis) for axis in grid.frequency_axes())
    k = np.hypot(ky[:, None], kx[None, :])
    ring = np.abs(k - 0.25) < 0.004
    doubled = 2 * np.arctan2(ky[:, None], kx[None, :])[ring]
    # Frequencies on the ring are a degree apart; the harmonic's phase is finer.
    basis = np.stack([np.cos(doubled), np.sin(doubled)], axis=1)
    defocus = np.asarray(extra)[ring] / k[ring] ** 2
    cosine, sine = np.linalg.lstsq(basis, defocus, rcond=None)[0]
    found = np.rad2deg(np.arctan2(sine, cosine)) / 2
    assert abs((found - angle + 90) % 180 - 90) < 0.5


@pytest.mark.parametrize("b_factor", [0.0, 100.0, 250.0])
def test_the_envelope_is_that_of_a_b_factor(b_factor):
    grid = vx.Grid(10, 1.0)
    ctf = scope(grid, b_factor=b_factor).ctf()
    k2 = np.asarray(grid.frequency_squared())
    expected = scope(grid).ctf() * np.exp(-b_factor * k2 / 4)
    np.testing.assert_allclose(ctf, expected, atol=1e-14)


def test_the_envelope_has_the_field_s_scale():
    envelope = vx.optics.envelope(vx.Lens(0.0, b_factor=100.0), vx.Grid(5, 1.0), 0.02)
    assert float(envelope[0, 1]) == pytest.approx(0.36787944, abs=5e-9)
    assert float(envelope[1, 0]) == pytest.approx(0.36787944, abs=5e-9)


def test_a_phase_plate_of_90_degrees_turns_sine_into_cosine():
    plain = scope(amplitude_contrast=0.0)
    shifted = scope(amplitude_contrast=0.0, phase_shift=90.0)
    total = np.asarray(plain.ctf()) ** 2 + np.asarray(shifted.ctf()) ** 2
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    assert float(shifted.ctf()[0, 0]) == pytest.approx(-1.0)


@pytest.mark.parametrize("shape", [(8, 8), (8, 7), (7, 8), (7, 7)])
def test_it_is_laid_out_as_the_half_spectrum(shape):
    grid = vx.Grid(shape, 2.0)
    ctf = scope(grid, astigmatism=4_000.0, astigmatism_angle=30.0).ctf()
    assert ctf.shape == grid.half_shape
    point = np.fft.irfft2(ctf, s=shape)
    np.testing.assert_allclose(
        np.fft.rfft2(point)[:, : (shape[1] + 1) // 2].imag, 0.0, atol=1e-12
    )


FIELDS = ["pixel_size", "defocus", "astigmatism", "astigmatism_angle"]


def image_of(values):
    """Return an image, as a function of (pixel size, defocus, astigmatism, angle)."""
    pixel_size, defocus, astigmatism, angle = values
    lens = vx.Lens(defocus, astigmatism, angle)
    microscope = vx.Microscope(vx.Grid((8, 9), pixel_size), 300.0, lens)
    blob = vx.Gaussians([[1.0, -2.0, 3.0]], [[5.0]], [[8.0]])
    return vx.simulate(blob, vx.Pose.from_euler(10.0, 20.0, 30.0), microscope)


@pytest.fixture(scope="module")
def derivatives():
    """Return a function that gives an image with its first two derivatives."""
    return jax.jit(
        lambda at: (image_of(at), jax.jacfwd(image_of)(at), jax.hessian(image_of)(at))
    )


@pytest.mark.parametrize("astigmatism", [0.0, 700.0])
def test_first_and_second_derivatives_of_an_image_are_finite(derivatives, astigmatism):
    # An image in real space has every frequency in it, zero too.
    at = jnp.asarray([2.0, 9_000.0, astigmatism, 25.0])
    for values in derivatives(at):
        assert bool(jnp.all(jnp.isfinite(values)))
    assert float(jnp.abs(derivatives(at)[2][..., 0, 0]).max()) > 0


@pytest.mark.parametrize("field", range(4), ids=FIELDS)
@pytest.mark.parametrize("astigmatism", [0.0, 700.0])
def test_derivatives_are_those_of_finite_differences(field, astigmatism):
    at = jnp.asarray([2.0, 9_000.0, astigmatism, 25.0])
    step = jnp.zeros(4).at[field].set([1e-4, 1.0, 1.0, 1e-2][field])
    image = jax.jit(image_of)
    numerical = (image(at + step) - image(at - step)) / 2
    exact = jax.jvp(image, (at,), (step,))[1]
    scale = float(jnp.abs(image(at)).max())
    largest = float(jnp.abs(exact).max()) + 1e-9 * scale
    np.testing.assert_allclose(exact, numerical, atol=2e-4 * largest)


def test_without_astigmatism_the_angle_does_nothing(derivatives):
    at = jnp.asarray([2.0, 9_000.0, 0.0, 25.0])
    slope = derivatives(at)[1]
    assert float(jnp.abs(slope[..., 2]).max()) > 0
    np.testing.assert_allclose(slope[..., 3], 0.0, atol=1e-12)
