import dataclasses
import pathlib

import numpy as np
import pytest

from vitrax.cli._draw import draw_particles
from vitrax.cli._optics_facts import (
    contrast_per_map,
    defocus_warnings,
    delocalisation,
    spread_warning,
)
from vitrax.cli._recipe import Recipe


def particles(**options):
    recipe = Recipe(structure=pathlib.Path("a"), out=pathlib.Path("b"), n=20, **options)
    return draw_particles(recipe)


def test_delocalisation_is_the_slope_of_the_phase_error():
    k, step = np.array([0.1, 0.25]), 1e-6

    def gamma(k):
        length, cs = 0.019687489, 2.7e7
        return np.pi * length * 1.2e4 * k**2 - np.pi / 2 * cs * length**3 * k**4

    slope = (gamma(k + step) - gamma(k - step)) / (2 * step) / (2 * np.pi)
    np.testing.assert_allclose(delocalisation(k, 1.2e4, 300.0, 2.7), slope, rtol=1e-6)


def test_small_box_is_warned_of_and_the_box_it_names_is_not():
    stack = particles(defocus=(20000.0, 20000.0))
    said = spread_warning(stack, 128, 1.0, 100.0, None)
    assert said is not None
    needed = int(said.rpartition("A box of ")[2].split()[0])
    assert spread_warning(stack, needed, 1.0, 100.0, None) is None
    assert spread_warning(stack, needed - 4, 1.0, 100.0, None) is not None


def test_coarse_map_spreads_less():
    stack = particles(defocus=(20000.0, 20000.0))
    assert spread_warning(stack, 256, 1.0, 100.0, None) is not None
    assert spread_warning(stack, 256, 1.0, 100.0, 10.0) is None


def test_contrast_per_map_is_twice_sigma_times_the_pixel():
    stack = particles(angpix=1.5)
    assert contrast_per_map(stack, 1.5) == [pytest.approx(2 * 6.526161e-4 * 1.5)]
    slow = dataclasses.replace(stack.optics[0], voltage=100.0)
    changed = dataclasses.replace(stack, optics=(slow,))
    assert contrast_per_map(changed, 1.5) == [pytest.approx(2 * 9.243958e-4 * 1.5)]


@pytest.mark.parametrize(
    ("defocus", "told"),
    [((0.8, 2.0), True), ((-1.5, 0.0), True), ((0.0, 0.0), False), ((0.0, 2e4), False)],
)
def test_a_defocus_in_micrometres_is_warned_of(defocus, told):
    largest = max(defocus, key=abs)
    said = " ".join(defocus_warnings(particles(defocus=defocus), largest))
    assert ("is it µm? --defocus is in Å" in said) == told


def test_a_defocus_in_micrometres_of_a_file_is_counted():
    stack = particles()
    assert defocus_warnings(stack) == []
    defocus = stack.defocus.copy()
    defocus[3:5, 0] = 1.2
    defocus[7, 0] = 0.0
    (said,) = defocus_warnings(dataclasses.replace(stack, defocus=defocus))
    assert "2 of 20 particles have a defocus below 100 Å (1.2 Å for particle 4)" in said


def test_an_astigmatism_beyond_the_defocus_is_warned_of():
    defocus = particles().defocus.copy()
    defocus[:, :2] = (1000.0, 1990.0)
    assert defocus_warnings(dataclasses.replace(particles(), defocus=defocus)) == []
    defocus[2, :2] = (1000.0, -2010.0)
    (said,) = defocus_warnings(dataclasses.replace(particles(), defocus=defocus))
    assert said.startswith("Warning: 1 of 20 particles have an astigmatism so large")
    assert "(U -5 Å, V 2005 Å for particle 3)" in said
