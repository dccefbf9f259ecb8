"""Depth, in the first Born approximation."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import clouds
import vitrax as vx
from vitrax.potential import SeparableGaussians, ewald_spectrum
from vitrax.structure import SliceKernel
from vitrax.wave import EwaldSphere, WeakPhase


GRID = vx.Grid(32, 1.0)
LENS = vx.Lens(3_000.0, spherical_aberration=0.0, amplitude_contrast=0.07)
POSE = vx.Pose.from_euler(20.0, 40.0, 50.0, shift=(1.0, -2.0))


def relative(a, b):
    return float(np.linalg.norm(np.asarray(a - b)) / np.linalg.norm(np.asarray(b)))


def scope(scattering, lens=LENS, voltage=300.0):
    return vx.Microscope(GRID, voltage, lens, scattering=scattering)


def cloud():
    return vx.Gaussians(
        clouds.cloud(20, 8.0), jnp.full((20, 1), 1e-2), jnp.full((20, 1), 2.0)
    )


@pytest.mark.parametrize("z", [-20.0, 20.0])
def test_depth_is_a_defocus_of_as_much(z):
    spot = vx.Gaussians([[0.0, 0.0, z]], [[1e-3]], [[1.5]])
    flat = vx.Gaussians([[0.0, 0.0, 0.0]], [[1e-3]], [[1.5]])
    identity = vx.Pose.identity()
    image = vx.simulate(spot, identity, scope(EwaldSphere()))
    weak = jax.jit(lambda d: vx.simulate(flat, identity, scope(WeakPhase(), d)))
    moves = np.arange(-40.0, 41.0, 4.0)
    left = [
        relative(weak(dataclasses.replace(LENS, defocus=LENS.defocus + move)), image)
        for move in moves
    ]
    # Electrons travel towards -z.
    assert moves[int(np.argmin(left))] == -z
    assert min(left) < 2e-3


def test_a_height_of_the_pose_is_that_of_its_atoms():
    axis = np.asarray(POSE.as_matrix())[2]
    moved = vx.Gaussians(
        cloud().positions + 60.0 * axis[None], cloud().amplitudes, cloud().variances
    )
    raised = vx.Pose(POSE.rotation, POSE.shift, 60.0)
    a = vx.simulate(moved, POSE, scope(EwaldSphere()))
    b = vx.simulate(cloud(), raised, scope(EwaldSphere()))
    np.testing.assert_allclose(a, b, atol=1e-12)


def test_maps_and_gaussians_agree():
    volume = vx.render(cloud(), vx.Grid((32, 32, 32), 1.0))
    fourier_map = vx.FourierMap.from_map(volume, SliceKernel(4, 2.0))
    image = vx.simulate(cloud(), POSE, scope(EwaldSphere()))
    for structure, most in ((fourier_map, 1e-3), (volume, 6e-3)):
        assert (
            relative(vx.simulate(structure, POSE, scope(EwaldSphere())), image) < most
        )


@pytest.mark.parametrize(("voltage", "most"), [(1e6, 1e-4), (1e8, 1e-6)])
def test_the_sphere_becomes_flat_at_high_voltage(voltage, most):
    volts = 1e3 * voltage
    wavelength = 12.2642598 / np.sqrt(volts * (1 + 9.78475598e-7 * volts))
    curved, _ = ewald_spectrum(cloud(), POSE, GRID, jnp.asarray(wavelength))
    flat = SeparableGaussians()(cloud(), POSE, GRID)
    flat = np.asarray(vx.grid.both_halves(flat, GRID.shape[1]))
    inner = np.abs(np.fft.fftfreq(32)) < 0.4
    inner = inner[:, None] & inner[None, :]
    assert relative(np.asarray(curved)[inner], flat[inner]) < most


def test_images_are_flat_ones_at_high_voltage():
    # A million kV: lower ones are refused as volts from 10 000 kV on. The defocus is
    # that of as much phase as 3 µm at 300 kV.
    lens = vx.Lens(5e6, spherical_aberration=0.0, amplitude_contrast=0.07)
    curved, flat = (
        vx.simulate(cloud(), POSE, scope(theory, lens, 1e6))
        for theory in (EwaldSphere(), WeakPhase())
    )
    at_300 = [
        vx.simulate(cloud(), POSE, scope(theory))
        for theory in (EwaldSphere(), WeakPhase())
    ]
    assert relative(curved, flat) < 1e-4
    assert relative(*at_300) > 2e-3


def test_the_two_halves_differ_by_the_sign_of_depth():
    wavelength = jnp.asarray(0.0197)
    curved, _ = ewald_spectrum(cloud(), POSE, GRID, wavelength)
    mirrored = vx.Gaussians(
        cloud().positions * jnp.asarray([[1.0, 1.0, -1.0]]),
        cloud().amplitudes,
        cloud().variances,
    )
    identity = vx.Pose.identity()
    up, _ = ewald_spectrum(cloud(), identity, GRID, wavelength)
    down, _ = ewald_spectrum(mirrored, identity, GRID, wavelength)
    opposite = np.conj(np.asarray(up)[-np.arange(32)][:, -np.arange(32)])
    inner = np.s_[1:15, 1:15]
    np.testing.assert_allclose(opposite[inner], np.asarray(down)[inner], atol=1e-12)
    assert np.abs(np.asarray(curved).imag).max() > 0


def test_what_is_unknown_to_the_sphere_is_refused():
    with pytest.raises(TypeError, match="cannot put a dict on the Ewald sphere"):
        ewald_spectrum({}, POSE, GRID, jnp.asarray(0.02))
