"""Radiation damage as cisTEM computes it."""

import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.detector import critical_exposure, exposure_filter, frame_filters


# Made by pycistem_exposure.py, here, with pycistem 0.4.1. cisTEM computes in single.
STORED = np.load(pathlib.Path(__file__).with_name("pycistem_exposure.npz"))
FREQUENCIES = STORED["frequencies"]
VOLTAGES = list(enumerate(STORED["voltages"]))
EXPOSURES = list(enumerate(STORED["exposures"]))
TOLERANCE = 3e-7


def at_frequency(k, make):
    """Return a filter at one frequency, the first one of a grid with that step."""
    return np.asarray(make(vx.Grid((1, 4), 1 / (4 * k))))[..., 0, 1]


@pytest.mark.parametrize(("index", "voltage"), VOLTAGES)
def test_critical_exposures_are_cistem_s(index, voltage):
    ours = critical_exposure(jnp.asarray(FREQUENCIES), voltage)
    np.testing.assert_allclose(STORED["critical"][index], ours, rtol=TOLERANCE)


@pytest.mark.parametrize(("which", "exposure"), EXPOSURES)
@pytest.mark.parametrize(("index", "voltage"), VOLTAGES)
def test_filters_are_cistem_s(index, voltage, which, exposure):
    ours = [
        at_frequency(k, lambda grid: exposure_filter(grid, exposure[1], voltage))
        for k in FREQUENCIES
    ]
    theirs = STORED["at_end"][index, which]
    np.testing.assert_allclose(theirs, ours, atol=TOLERANCE)


@pytest.mark.parametrize(("index", "voltage"), VOLTAGES)
def test_the_mean_over_an_exposure_is_cistem_s(index, voltage):
    ours = [
        at_frequency(k, lambda grid: frame_filters(grid, 20.0, 1, voltage))[0]
        for k in FREQUENCIES
    ]
    theirs = STORED["cumulative"][index, 1]
    np.testing.assert_allclose(theirs, ours, atol=TOLERANCE)


@pytest.mark.parametrize(("index", "voltage"), VOLTAGES)
def test_the_mean_over_a_later_frame_is_cistem_s(index, voltage):
    start, end = STORED["exposures"][3]
    step = end - start
    last = int(start / step)
    ours = [
        at_frequency(k, lambda grid: frame_filters(grid, step, last + 1, voltage))[last]
        for k in FREQUENCIES
    ]
    theirs = STORED["cumulative"][index, 3]
    np.testing.assert_allclose(theirs, np.asarray(ours) * step / end, atol=TOLERANCE)
