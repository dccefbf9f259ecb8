import numpy as np
import pytest

from vitrax.cli._map_resampling import resample_map


def blob(n: int, size: float, place=(3.0, -2.0, 1.0)) -> np.ndarray:
    axis = size * (np.arange(n) - n // 2)
    x, y, z = (np.exp(-((axis - p) ** 2) / (2 * 4.0**2)) for p in place)
    return z[:, None, None] * y[None, :, None] * x[None, None, :]


@pytest.mark.parametrize("n", [32, 33])
@pytest.mark.parametrize(("new_size", "box"), [(1.3, 48), (2.0, 32), (2.9, 24)])
def test_smooth_map_is_the_same_on_another_grid(n, new_size, box):
    old = blob(n, 2.0)
    new = resample_map(old, 2.0, new_size, box)
    axis = new_size * (np.arange(box) - box // 2)
    inside = np.abs(axis) < 24
    index = np.ix_(inside, inside, inside)
    np.testing.assert_allclose(new[index], blob(box, new_size)[index], atol=2e-4)


def test_equal_voxels_are_padded_and_cropped():
    values = np.random.default_rng(0).normal(size=(8, 8, 8))
    padded = resample_map(values, 1.0, 1.0, 12)
    np.testing.assert_allclose(padded[2:10, 2:10, 2:10], values, atol=1e-12)
    assert np.abs(padded[0]).max() == 0
    np.testing.assert_allclose(resample_map(padded, 1.0, 1.0, 8), values, atol=1e-12)


def test_what_is_beyond_the_new_nyquist_is_gone():
    wave = np.cos(np.pi * 0.8 * np.arange(40))
    values = np.broadcast_to(wave, (40, 40, 40))
    assert np.abs(resample_map(values, 1.0, 2.0, 10)).max() < 1e-10
