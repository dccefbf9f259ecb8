"""Ice in a movie: the power of one frame, and how much of it two frames share."""

import jax
import jax.random as jr
import numpy as np
import pytest

import vitrax as vx
from vitrax.image import simulate_ice_movie
from vitrax.structure import Ice


SCOPE = vx.Microscope(
    vx.Grid((64, 64), 2.0), 300.0, vx.Lens(defocus=8_000.0, amplitude_contrast=0.1)
)
ICE = Ice(thickness=300.0)
DOSE, FRAMES = 2.0, 3


@pytest.fixture(scope="module")
def spectra():
    """Return the transforms of many movies [movie, frame, y, kx]."""

    def one(key):
        return simulate_ice_movie(key, ICE, SCOPE, DOSE, FRAMES)

    movies = jax.jit(jax.vmap(one))(jr.split(jr.key(0), 200))
    return np.fft.rfft2(np.asarray(movies))


def rings():
    k = np.sqrt(np.asarray(SCOPE.grid.frequency_squared()))
    return [(k >= low) & (k < low + 0.04) for low in (0.02, 0.06, 0.1, 0.14, 0.18)]


def test_a_frame_has_the_power_of_ice_through_the_ctf(spectra):
    sigma = float(SCOPE.beam.interaction)
    ctf = np.asarray(SCOPE.ctf())
    per_area = np.asarray(ICE.power(SCOPE.grid)) * (2 * sigma * ctf) ** 2
    expected = per_area * SCOPE.grid.shape[0] * SCOPE.grid.shape[1] / 4.0
    power = np.mean(np.abs(spectra) ** 2, axis=(0, 1))
    for ring in rings():
        np.testing.assert_allclose(power[ring].mean(), expected[ring].mean(), rtol=0.05)


@pytest.mark.parametrize("apart", [1, 2])
def test_frames_share_what_molecules_that_moved_leave(spectra, apart):
    moved = float(ICE.displacement) * DOSE * apart
    shared = np.exp(
        -4 * np.pi**2 * np.asarray(SCOPE.grid.frequency_squared()) * moved / 6
    )
    cross = np.mean(spectra[:, apart:] * spectra[:, :-apart].conj(), axis=(0, 1)).real
    power = np.mean(np.abs(spectra) ** 2, axis=(0, 1))
    for ring in rings():
        expected = (shared * power)[ring].sum() / power[ring].sum()
        np.testing.assert_allclose(
            cross[ring].sum() / power[ring].sum(), expected, atol=0.02
        )


def test_it_is_added_to_the_protein():
    blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[50.0]], [[9.0]])
    protein = vx.simulate_movie(blob, vx.Pose.identity(), SCOPE, DOSE, FRAMES)
    ice = simulate_ice_movie(jr.key(0), ICE, SCOPE, DOSE, FRAMES)
    assert protein.shape == ice.shape == (FRAMES, 64, 64)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="dose_per_frame"):
        simulate_ice_movie(jr.key(0), ICE, SCOPE, -1.0, FRAMES)
    with pytest.raises(TypeError, match="n_frames"):
        simulate_ice_movie(jr.key(0), ICE, SCOPE, 1.0, 2.5)
