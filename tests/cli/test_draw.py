import pathlib

import numpy as np
import pytest

from vitrax.cli._draw import draw_rows, draw_table, preferred_angles, uniform_angles
from vitrax.cli._recipe import Recipe
from vitrax.cli._table import as_star


def recipe(**options) -> Recipe:
    return Recipe(structure=pathlib.Path("a.pdb"), out=pathlib.Path("out"), **options)


def test_row_depends_on_its_number_alone():
    options = {"astigmatism": 300.0, "shift_sd": 3.0, "seed": 5}
    few, many = draw_table(recipe(n=7, **options)), draw_table(recipe(n=30, **options))
    for name in ("euler", "shift", "defocus", "defocus_angle", "subset"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:7])


def test_seeds_differ():
    a, b = (draw_table(recipe(n=5, seed=seed)) for seed in (0, 1))
    assert np.abs(a.euler - b.euler).min() > 1e-3
    assert np.abs(a.defocus - b.defocus).min() > 1e-3


def test_draws_are_in_range():
    table = draw_table(
        recipe(n=2000, astigmatism=400.0, shift_sd=2.0, phase_shift=30.0)
    )
    mean, difference = table.mean_defocus(), table.astigmatism()
    assert 8000 <= mean.min() < 8100 < 19900 < mean.max() <= 20000
    assert 0 <= difference.min() < 10 < 390 < difference.max() <= 400
    assert table.shift.std() == pytest.approx(2.0, rel=0.05)
    assert set(table.subset) == {1, 2}
    assert 0.45 < (table.subset == 1).mean() < 0.55
    assert (table.phase_shift == 30.0).all()


def test_micrograph_has_one_lens():
    table = draw_table(recipe(n=60, particles_per_micrograph=20, astigmatism=100.0))
    assert table.micrograph.tolist() == [1] * 20 + [2] * 20 + [3] * 20
    for name in ("defocus", "defocus_angle"):
        column = getattr(table, name).reshape(3, 20, -1)
        assert np.ptp(column, axis=1).max() == 0
        assert len(np.unique(column[:, 0, 0])) == 3


def test_height_spreads_the_defocus_within_a_micrograph():
    options = {"n": 400, "particles_per_micrograph": 400, "height_spread": 300.0}
    defocus = draw_table(recipe(**options)).mean_defocus()
    assert 280 < np.ptp(defocus) <= 300


def test_without_micrographs_each_particle_has_a_defocus():
    assert len(np.unique(draw_table(recipe(n=50)).defocus[:, 0])) == 50


def test_uniform_views_cover_the_sphere_evenly():
    tilt = uniform_angles(0, 4000)[:, 1]
    assert np.cos(np.deg2rad(tilt)).mean() == pytest.approx(0.0, abs=0.04)
    assert (np.cos(np.deg2rad(tilt)) ** 2).mean() == pytest.approx(1 / 3, abs=0.02)


def test_preferred_views_gather_about_z():
    cosine = np.cos(np.deg2rad(preferred_angles(0, 4000, 10.0)[:, 1]))
    # The mean of von Mises and Fisher's distribution is coth(kappa) - 1 / kappa.
    assert cosine.mean() == pytest.approx(1 / np.tanh(10.0) - 0.1, abs=0.01)


def test_given_angles_are_gone_through_in_turn():
    angles = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    table = draw_table(recipe(n=5), angles)
    np.testing.assert_array_equal(table.euler, angles[[0, 1, 0, 1, 0]])


def test_rows_are_drawn_with_replacement():
    rows = draw_rows(0, 500, 20)
    assert set(rows) == set(range(20))


def test_star_has_relions_columns_and_the_shift_negated():
    table = draw_table(recipe(n=3, shift_sd=3.0, b_envelope=50.0))
    tables = as_star(table, box=64, pixel_size=1.5)
    particles = tables["particles"]
    np.testing.assert_array_equal(particles["rlnOriginXAngst"], -table.shift[:, 0])
    assert particles["rlnImageName"][2] == "000003@particles.mrcs"
    assert tables["optics"]["rlnImagePixelSize"] == [1.5]
    assert (particles["rlnCtfBfactor"] == 50.0).all()
    assert {"rlnMicrographName", "rlnRandomSubset", "rlnClassNumber"} <= set(particles)
