"""Our projected potentials from other tables against abTEM's.

abTEM multiplies by the scattering factor in Fourier space, so it holds no frequency
beyond Nyquist, and places an atom between pixels by shares of the four around it.
"""

import os
import pathlib
import subprocess

import numpy as np
import pytest

import vitrax as vx
from vitrax import physics
from vitrax.potential import NonUniformFFT, SeparableGaussians


PYTHON = os.environ.get("VITRAX_ABTEM_PYTHON")
SCRIPT = pathlib.Path(__file__).with_name("abtem_potential.py")
TABLES = {"Lobato": physics.LOBATO_2014, "Kirkland": physics.KIRKLAND_2020}
AWAY = 0.5

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        PYTHON is None,
        reason="needs VITRAX_ABTEM_PYTHON, the path of a Python with abTEM",
    ),
]


def chignolin(shared, b_factor, step=None):
    """Return centred atoms, at multiples of `step` if there is one."""
    atoms = vx.io.read_atoms(shared / "structures" / "1uao.pdb")
    positions = np.asarray(atoms.positions, float)
    positions = positions - positions.mean(axis=0)
    if step is not None:
        positions = step * np.round(positions / step)
    full = np.ones(len(atoms))
    return vx.Atoms(positions, atoms.elements, b_factor * full, full)


def potentials_of_abtem(folder, atoms, grid):
    """Return abTEM's projection for each formula, V·Å."""
    size, box = grid.shape[0], grid.shape[0] * float(grid.pixel_size)
    np.savez(
        folder / "in.npz",
        positions=np.asarray(atoms.positions) + box / 2,
        numbers=np.frombuffer(atoms.elements, np.uint8),
        box=box,
        size=size,
        deviation=np.sqrt(float(atoms.b_factors[0]) / (8 * np.pi**2)),
    )
    command = [PYTHON, SCRIPT, folder / "in.npz", folder / "out.npz"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return np.load(folder / "out.npz")


def projected(atoms, grid, table, projector):
    """Return our projection, V·Å."""
    gaussians = atoms.to_gaussians(table)
    image = vx.project(gaussians, vx.Pose.identity(), grid, projector)
    return np.asarray(image) * physics.POTENTIAL_FACTOR


def not_averaged(image, pixel_size):
    """Undo the average over pixels of an image without frequencies beyond Nyquist."""
    k = np.fft.fftfreq(len(image), pixel_size)
    average = np.sinc(k * pixel_size)
    return np.fft.ifft2(np.fft.fft2(image) / average[:, None] / average[None, :]).real


def away_from_nuclei(atoms, grid):
    """Return which pixels are farther from each nucleus than half an Å."""
    y, x = (np.asarray(axis) for axis in grid.axes())
    away = np.ones(grid.shape, bool)
    for centre in np.asarray(atoms.positions):
        away &= np.hypot(y[:, None] - centre[1], x[None, :] - centre[0]) >= AWAY
    return away


def difference(ours, theirs, where):
    return np.linalg.norm((ours - theirs)[where]) / np.linalg.norm(theirs[where])


def test_atoms_on_pixels(shared, tmp_path):
    grid = vx.Grid(256, 0.25)
    atoms = chignolin(shared, 0.0, step=0.25)
    theirs = potentials_of_abtem(tmp_path, atoms, grid)
    away = away_from_nuclei(atoms, grid)
    for name, table in TABLES.items():
        image = projected(atoms, grid, table, NonUniformFFT(widths=64))
        ours = not_averaged(image, 0.25)
        assert difference(ours, theirs[name], away) < 4e-3
        assert ours.sum() == pytest.approx(theirs[name].sum(), rel=1e-4)
        (other,) = set(TABLES) - {name}
        assert difference(ours, theirs[other], away) > 6e-3


@pytest.mark.parametrize(
    ("size", "b_factor"), [(512, 0.0), (256, 20.0)], ids=["sharp", "blurred"]
)
def test_atoms_anywhere(shared, tmp_path, size, b_factor):
    grid = vx.Grid(size, 64.0 / size)
    atoms = chignolin(shared, b_factor)
    theirs = potentials_of_abtem(tmp_path, atoms, grid)
    away = away_from_nuclei(atoms, grid)
    for name, table in TABLES.items():
        ours = projected(atoms, grid, table, SeparableGaussians())
        assert difference(ours, theirs[name], away) < 1e-2
