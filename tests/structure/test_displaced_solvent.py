"""Solvent that atoms displace, and hydrogens that models lack."""

import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.physics import POTENTIAL_FACTOR
from vitrax.structure import (
    FRASER_1978,
    displaced_solvent,
    in_solvent,
    with_mean_hydrogens,
)


def atoms(elements=(1, 6, 7, 8, 16, 11), b_factor=30.0, occupancy=0.5):
    count = len(elements)
    positions = np.arange(3.0 * count).reshape(count, 3)
    return vx.Atoms(positions, elements, [b_factor] * count, [occupancy] * count)


def form_factor(gaussians, k):
    """Return the scattering factor of each atom, Å (numpy)."""
    variances = np.asarray(gaussians.variances)
    return np.sum(gaussians.amplitudes * np.exp(-2 * np.pi**2 * variances * k**2), -1)


def test_a_hole_is_fraser_s_gaussian():
    hole = displaced_solvent(atoms([6], b_factor=0.0, occupancy=1.0), potential=4.0)
    volume = 16.44
    np.testing.assert_allclose(hole.amplitudes * POTENTIAL_FACTOR, [[-4.0 * volume]])
    depth = hole.amplitudes * (2 * np.pi * hole.variances) ** -1.5 * POTENTIAL_FACTOR
    # At its middle the solvent is gone, all of it.
    np.testing.assert_allclose(depth, [[-4.0]])
    r2 = 1.7**2
    there = depth * np.exp(-r2 / (2 * hole.variances))
    np.testing.assert_allclose(there, -4.0 * np.exp(-np.pi * r2 / volume ** (2 / 3)))


def test_groups_have_the_volumes_of_their_atoms():
    """CH, CH2, CH3, NH, NH3 and OH of tables of X-ray scattering in solution."""
    carbon, hydrogen, nitrogen, oxygen = FRASER_1978(bytes([6, 1, 7, 8]))
    groups = [carbon + n * hydrogen for n in (1, 2, 3)]
    groups += [nitrogen + hydrogen, nitrogen + 3 * hydrogen, oxygen + hydrogen]
    np.testing.assert_allclose(groups, [21.59, 26.74, 31.89, 7.64, 17.94, 14.28])


def test_b_factors_and_occupancies_count_as_for_atoms():
    sharp = displaced_solvent(atoms(b_factor=0.0, occupancy=1.0))
    hole = displaced_solvent(atoms())
    np.testing.assert_allclose(hole.amplitudes, 0.5 * sharp.amplitudes)
    np.testing.assert_allclose(
        hole.variances[:5], sharp.variances[:5] + 30 / (8 * np.pi**2)
    )
    assert float(hole.amplitudes[5, 0]) == 0.0


def test_at_low_frequency_it_is_the_difference_at_high_nothing():
    structure = atoms()
    alone, hole = structure.to_gaussians(), displaced_solvent(structure)
    both = in_solvent(structure)
    difference = alone.amplitudes.sum(1) + hole.amplitudes[:, 0]
    np.testing.assert_allclose(form_factor(both, 0.0), difference)
    fine, coarse = ([form_factor(g, k) for g in (both, alone)] for k in (0.8, 0.5))
    np.testing.assert_allclose(fine[0], fine[1], rtol=1e-2)
    # Carbon displaces most; hydrogen scatters least at 2 Å.
    np.testing.assert_allclose(coarse[0][1], coarse[1][1], rtol=1e-2)
    np.testing.assert_allclose(coarse[0][1:], coarse[1][1:], rtol=0.05)
    np.testing.assert_allclose(coarse[0], coarse[1], rtol=0.2)


def test_solvent_without_potential_changes_nothing():
    structure = atoms()
    both = in_solvent(structure, potential=0.0)
    alone = structure.to_gaussians()
    for k in (0.0, 0.2):
        np.testing.assert_allclose(form_factor(both, k), form_factor(alone, k))


def test_apoferritin_has_the_volume_and_potential_of_a_protein():
    shell = with_mean_hydrogens(vx.datasets.apoferritin())
    share = np.asarray(shell.occupancies)
    masses = np.zeros(256)
    masses[[1, 6, 7, 8, 11, 16]] = 1.008, 12.011, 14.007, 15.999, 22.99, 32.06
    mass = np.sum(masses[np.frombuffer(shell.elements, np.uint8)] * share)
    volume = np.sum(FRASER_1978(shell.elements) * share)
    # The partial specific volume of proteins is 0.73 cm³/g.
    assert abs(volume / (mass * 1.66054) - 0.73) < 0.02
    volts = POTENTIAL_FACTOR / volume
    alone = float(shell.to_gaussians().amplitudes.sum()) * volts
    contrast = float(in_solvent(shell).amplitudes.sum()) * volts
    np.testing.assert_allclose([alone, contrast], [7.85, 3.28], atol=0.02)


def test_mean_hydrogens_are_about_as_many_as_the_real_ones(shared):
    path = shared / "structures" / "1uao.pdb"
    real = vx.io.read_atoms(path)
    mean = with_mean_hydrogens(vx.io.read_atoms(path, hydrogens=False))
    heavy = len(real) - real.elements.count(1)
    # A peptide with two glycines and many acids has a sixth less.
    assert 0.8 < real.elements.count(1) / float(mean.occupancies[heavy:].sum()) < 1.0
    of = lambda a: float(in_solvent(a).amplitudes.sum())
    assert abs(of(mean) / of(real) - 1) < 0.03


def test_mean_hydrogens_are_spread_as_their_bond():
    carbon = vx.Atoms([[1.0, 2.0, 3.0]], [6], [10.0], [0.5])
    both = with_mean_hydrogens(carbon)
    assert both.elements == bytes([6, 1])
    np.testing.assert_allclose(both.occupancies, [0.5, 0.5 * 1.225])
    # The mean over a sphere of radius d, to second order in k.
    k = 0.05
    wave = np.sinc(2 * k * 1.09)
    np.testing.assert_allclose(
        np.exp(-(both.b_factors[1] - 10.0) * k**2 / 4), wave, rtol=1e-4
    )


def test_mean_hydrogens_keep_precision_and_leave_ions_alone():
    single = vx.Atoms(np.zeros((2, 3), np.float32), [6, 11], [1.0, 1.0], [1.0, 1.0])
    both = with_mean_hydrogens(single)
    assert both.elements == bytes([6, 11, 1])
    assert both.positions.dtype == jnp.float32


def test_what_they_refuse():
    with pytest.raises(ValueError, match="because 1 of the 6 atoms are hydrogens; do"):
        with_mean_hydrogens(atoms())
    with pytest.raises(ValueError, match=r"because potential is -1.0, not 0 or more"):
        displaced_solvent(atoms(), potential=-1.0)
