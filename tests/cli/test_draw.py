import pathlib

import numpy as np
import pytest

import vitrax as vx
from vitrax.cli._draw import draw_particles, draw_rows, preferred_angles, uniform_angles
from vitrax.cli._recipe import Recipe


def recipe(**options) -> Recipe:
    return Recipe(structure=pathlib.Path("a.pdb"), out=pathlib.Path("out"), **options)


@pytest.mark.slow
def test_row_depends_on_its_number_alone():
    options = {"astigmatism": 300.0, "shift_sd": 3.0, "seed": 5}
    few, many = (
        draw_particles(recipe(n=7, **options)),
        draw_particles(recipe(n=30, **options)),
    )
    for name in ("angles", "shifts", "defocus"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:7])


def test_seeds_differ():
    a, b = (draw_particles(recipe(n=5, seed=seed)) for seed in (0, 1))
    assert np.abs(a.angles - b.angles).min() > 1e-3
    assert np.abs(a.defocus - b.defocus)[:, [0, 2]].min() > 1e-3


def test_draws_are_in_range():
    table = draw_particles(
        recipe(n=2000, astigmatism=400.0, shift_sd=2.0, phase_shift=30.0)
    )
    mean, difference, _ = table.defocus.T
    assert 8000 <= mean.min() < 8100 < 19900 < mean.max() <= 20000
    assert 0 <= difference.min() < 10 < 390 < difference.max() <= 400
    assert table.shifts.std() == pytest.approx(2.0, rel=0.05)
    subset = table.columns["rlnRandomSubset"]
    assert set(subset) == {1, 2}
    assert 0.45 < (subset == 1).mean() < 0.55
    assert (table.phase_shifts == 30.0).all()


def test_micrograph_has_one_lens():
    table = draw_particles(recipe(n=60, particles_per_micrograph=20, astigmatism=100.0))
    names = table.columns["rlnMicrographName"].reshape(3, 20)
    assert (names == names[:, :1]).all()
    assert len(set(names[:, 0])) == 3
    lenses = table.defocus.reshape(3, 20, 3)
    assert np.ptp(lenses, axis=1).max() == 0
    assert len(np.unique(lenses[:, 0, 0])) == 3


def test_height_spreads_the_defocus_within_a_micrograph():
    options = {"n": 400, "particles_per_micrograph": 400, "height_spread": 300.0}
    defocus = draw_particles(recipe(**options)).defocus[:, 0]
    assert 280 < np.ptp(defocus) <= 300


def test_without_micrographs_each_particle_has_a_defocus():
    assert len(np.unique(draw_particles(recipe(n=50)).defocus[:, 0])) == 50


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
    table = draw_particles(recipe(n=5), angles)
    np.testing.assert_array_equal(table.angles, angles[[0, 1, 0, 1, 0]])


def test_rows_are_drawn_with_replacement():
    rows = draw_rows(0, 500, 20)
    assert set(rows) == set(range(20))


def test_tables_are_relions_with_the_shift_negated():
    stack = draw_particles(recipe(n=3, shift_sd=3.0, b_envelope=50.0, angpix=1.5))
    tables = vx.io.particle_tables(stack)
    particles = tables["particles"]
    np.testing.assert_array_equal(particles["rlnOriginXAngst"], -stack.shifts[:, 0])
    assert tables["optics"]["rlnImagePixelSize"].tolist() == [1.5]
    assert (particles["rlnCtfBfactor"] == 50.0).all()


def test_even_shifts_fill_a_square():
    drawn = draw_particles(recipe(n=4000, shift_max=5.0)).shifts
    assert 4.98 < np.abs(drawn).max() <= 5.0
    # Even: the deviation is that of a uniform law, and no coordinate knows the other.
    assert drawn.std(axis=0) == pytest.approx(5.0 / 3**0.5, rel=0.03)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.05
    quarters = np.histogram(drawn[:, 0], bins=4, range=(-5, 5))[0] / 4000
    np.testing.assert_allclose(quarters, 0.25, atol=0.03)
    few = draw_particles(recipe(n=5, shift_max=5.0))
    np.testing.assert_array_equal(few.shifts, drawn[:5])
    others = draw_particles(recipe(n=5))
    np.testing.assert_array_equal(few.defocus, others.defocus)


def test_normal_and_even_shifts_exclude_each_other():
    with pytest.raises(ValueError, match="--shift-max 2 with --shift-sd 1 because"):
        recipe(shift_max=2.0, shift_sd=1.0)
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        recipe(shift_max=-1.0)
