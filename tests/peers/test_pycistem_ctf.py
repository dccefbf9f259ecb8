"""Astigmatic CTFs that cisTEM computed on whole grids, with its own azimuth."""

import pathlib

import numpy as np
import pytest

import vitrax as vx
from vitrax.physics import CISTEM


# Made by pycistem_ctf.py, here, with pycistem 0.4.1.
STORED = np.load(pathlib.Path(__file__).with_name("pycistem_ctf.npz"))
CASES = list(enumerate(STORED["settings"]))


def ours(setting, angle):
    size, voltage, cs, contrast, u, v, _, pixel, phase = setting
    lens = vx.Lens((u + v) / 2, u - v, angle, cs, contrast, phase)
    return np.asarray(
        vx.Microscope(vx.Grid(int(size), pixel), voltage, lens, constants=CISTEM).ctf()
    )


def below_nyquist(setting):
    """Return where cisTEM's and our sign of a Nyquist frequency can't differ."""
    size = int(setting[0])
    ky, kx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]
    return (np.abs(ky) < 0.5) & (np.abs(kx) < 0.5)


@pytest.mark.parametrize(("index", "setting"), CASES)
def test_astigmatic_ctfs_are_cistem_s(index, setting):
    inside = below_nyquist(setting)
    difference = np.abs(ours(setting, setting[6]) - STORED[f"ctf_{index}"])
    assert difference[inside].max() < 2e-4


@pytest.mark.parametrize(("index", "setting"), CASES)
def test_the_other_meanings_of_the_angle_are_far_off(index, setting):
    inside = below_nyquist(setting)
    for wrong in (90.0 - setting[6], 90.0 + setting[6]):
        difference = np.abs(ours(setting, wrong) - STORED[f"ctf_{index}"])
        assert difference[inside].max() > 0.1
