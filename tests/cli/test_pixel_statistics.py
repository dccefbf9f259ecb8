import numpy as np
import pytest

from vitrax.cli._pixel_statistics import PixelStatistics, disc


def statistics(images, mask, batch):
    found = PixelStatistics(mask)
    for start in range(0, len(images), batch):
        found = found.add(images[start : start + batch])
    return found


def test_variance_is_of_all_pixels_of_all_images():
    rng = np.random.default_rng(0)
    # Images of different means: their spread counts too.
    images = rng.normal(size=(7, 16, 16)) + np.arange(7)[:, None, None]
    mask = disc(16, 10.0)
    found = statistics(images, mask, 3)
    assert found.mean() == pytest.approx(images[:, mask].mean(), rel=1e-12)
    assert found.variance() == pytest.approx(images[:, mask].var(), rel=1e-12)
    per_image = np.mean([image[mask].var() for image in images])
    assert found.variance() > 2 * per_image


def test_batches_change_nothing():
    images = np.random.default_rng(0).normal(size=(10, 8, 8)).astype(np.float32)
    mask = disc(8, 100.0)
    assert (
        statistics(images, mask, 3).variance()
        == statistics(images, mask, 10).variance()
    )


def test_disc_has_its_area_and_centre():
    mask = disc(64, 40.0)
    assert mask.sum() == pytest.approx(np.pi * 20**2, rel=0.01)
    rows, columns = np.nonzero(mask)
    assert (rows.mean(), columns.mean()) == (32.0, 32.0)
