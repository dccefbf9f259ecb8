"""Exit waves and images against those of abTEM, from its own slabs.

VITRAX_ABTEM_PYTHON names a Python that has abTEM 1.0.
"""

import os
import pathlib
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.optics import image_spectrum
from vitrax.physics import Constants
from vitrax.wave import Beam, Fresnel, propagate, transmit


PYTHON = os.environ.get("VITRAX_ABTEM_PYTHON")
SCRIPT = pathlib.Path(__file__).with_name("abtem_waves.py")
# abTEM's default, of the Nyquist frequency: not quite 2/3.
BAND_LIMIT = 0.6666666
# (file, pixels of a side, size of a pixel, thickness of a slab): Å.
CASES = [("1uao.pdb", 128, 0.3, 1.0), ("8zpm.cif.gz", 320, 0.4, 2.0)]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="VITRAX_ABTEM_PYTHON names no Python"),
]


@pytest.fixture(scope="module", params=CASES, ids=[case[0] for case in CASES])
def peer(request, shared, tmp_path_factory):
    """Return the pixel size and what abTEM made of a structure."""
    name, pixels, pixel_size, thickness = request.param
    atoms = vx.io.read_atoms(shared / "structures" / name)
    positions = np.asarray(atoms.positions)
    low, high = positions.min(axis=0), positions.max(axis=0)
    side = pixels * pixel_size
    # A little vacuum above and below, and the middle in that of the box.
    box = np.asarray([side, side, high[2] - low[2] + 4.0])
    positions = positions + (box - low - high)[None] / 2
    folder = tmp_path_factory.mktemp("abtem")
    np.savez(
        folder / "atoms.npz",
        positions=positions,
        numbers=np.frombuffer(atoms.elements, np.uint8),
        box=box,
        pixels=pixels,
        thickness=thickness,
    )
    command = [PYTHON, "-W", "ignore", SCRIPT, "atoms.npz", "waves.npz"]
    subprocess.run(command, cwd=folder, check=True, timeout=600)
    return pixel_size, dict(np.load(folder / "waves.npz"))


@pytest.fixture(scope="module")
def wave(peer):
    """Return our wave at z = 0, the beam and abTEM's exit plane."""
    pixel_size, made = peer
    thickness = float(made["thickness"][0])
    np.testing.assert_allclose(made["thickness"], thickness)
    beam = Beam(300.0, constants=Constants("abTEM", *map(float, made["constants"])))
    slabs = jnp.asarray(made["slabs"])
    grid = vx.Grid(slabs.shape[1:], pixel_size)
    phases = beam.interaction * slabs
    through = jax.jit(transmit, static_argnames="band_limit")
    wave = through(phases, thickness, grid, beam, band_limit=BAND_LIMIT)
    # Its slabs act where the electrons enter them.
    return wave, beam, 0.5 * (len(slabs) + 1) * thickness


def apart(actual, expected):
    return np.linalg.norm(np.asarray(actual) - expected) / np.linalg.norm(expected)


def test_exit_waves_are_abtem_s(peer, wave):
    middle, beam, exit_plane = wave
    there = propagate(middle, beam.wavelength, exit_plane, Fresnel())
    error = apart(there.scattered(), peer[1]["wave"] - 1)
    print(f"exit wave, scattered part: {error:.1e}")
    assert error < 1e-10


@pytest.mark.parametrize("index", [0, 1])
def test_images_are_abtem_s(peer, wave, index):
    middle, beam, exit_plane = wave
    defocus = (2_000.0, 10_000.0)[index]
    # A defocus of the exit plane is one of the middle that is smaller by its height.
    lens = vx.Lens(defocus - exit_plane, amplitude_contrast=0.0)
    spectrum = image_spectrum(middle, lens, beam.wavelength)
    contrast = vx.grid.to_real(spectrum, middle.grid.shape)
    error = apart(contrast, peer[1]["images"][index] - 1)
    print(f"image at {defocus:.0f} Å, contrast: {error:.1e}")
    assert error < 1e-10
