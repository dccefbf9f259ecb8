import dataclasses
import pathlib

import numpy as np
import pytest

from vitrax.cli._draw import draw_particles
from vitrax.cli._optics_facts import contrast_per_map, delocalisation, spread_warning
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
