"""Ice as a random field: its power, its samples, how it moves."""

import inspect

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import vitrax as vx
from vitrax.physics import PENG_1996
from vitrax.structure import (
    Ice,
    IceField,
    StructureFactor,
    water_intensity,
    water_potential,
)


GRID = vx.Grid((48, 45), 1.1)


def atom(number, k):
    """Return a scattering factor (numpy)."""
    a, b = PENG_1996.amplitudes(bytes([number])), PENG_1996.b_factors(bytes([number]))
    return np.sum(a[0] * np.exp(-b[0] * (np.asarray(k)[..., None] / 2) ** 2), -1)


def sphere(count):
    """Return directions, evenly spread."""
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - z**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], -1)


def test_the_intensity_of_a_molecule_is_its_mean_over_directions():
    half = np.deg2rad(104.52 / 2)
    across, along = 0.9572 * np.sin(half), 0.9572 * np.cos(half)
    hydrogens = np.array([[across, along, 0.0], [-across, along, 0.0]])
    for k in (0.1, 0.4, 0.9):
        waves = np.exp(-2j * np.pi * k * sphere(4000) @ hydrogens.T)
        total = atom(8, k) + atom(1, k) * waves.sum(1)
        expected = np.mean(np.abs(total) ** 2)
        np.testing.assert_allclose(water_intensity(jnp.asarray(k)), expected, rtol=1e-5)


def test_the_power_at_zero_is_that_of_density_fluctuations():
    ice = Ice(thickness=250.0)
    expected = (
        250.0 * 0.0314 * (47.8776 * (atom(8, 0.0) + 2 * atom(1, 0.0))) ** 2 * 0.03
    )
    np.testing.assert_allclose(ice.power(GRID)[0, 0], expected, rtol=1e-5)


def test_the_mean_potential_is_that_of_neutral_atoms():
    total = atom(8, 0.0) + 2 * atom(1, 0.0)
    np.testing.assert_allclose(water_potential(), 0.0314 * 47.8776 * total, rtol=1e-6)
    default = inspect.signature(vx.structure.displaced_solvent).parameters["potential"]
    np.testing.assert_allclose(default.default, water_potential(), rtol=1e-4)


@pytest.mark.parametrize("shape", [(32, 32), (31, 33)])
def test_samples_have_the_power(shape):
    grid = vx.Grid(shape, 1.2)
    ice = Ice(thickness=300.0)
    draw = jax.jit(jax.vmap(lambda key: ice.sample(key, grid).values))
    values = np.asarray(draw(jr.split(jr.key(0), 400)))
    power = np.mean(np.abs(np.fft.rfft2(values)) ** 2, 0) * 1.2**2 / values[0].size
    expected = np.array(ice.power(grid))
    assert np.abs(values.mean(axis=(1, 2))).max() < 1e-10
    ratio = power.ravel()[1:] / expected.ravel()[1:]
    # Of 400 draws each ratio has a standard deviation of 0.05, or 0.07 if it is real.
    assert abs(ratio.mean() - 1) < 0.01
    assert 0.04 < ratio.std() < 0.07


def test_a_sample_grows_with_the_root_of_the_thickness():
    draw = lambda t: Ice(t).sample(jr.key(1), GRID).values
    values, slope = jax.jvp(draw, (jnp.asarray(300.0),), (jnp.asarray(1.0),))
    np.testing.assert_allclose(slope, values / 600.0, atol=1e-10)


def test_no_two_molecules_of_ice_are_in_one_place():
    """The pair correlation is the sine transform of S - 1."""
    density = 0.0314
    k = np.linspace(1e-3, 3.0, 6000)
    excess = np.asarray(StructureFactor.vitreous()(jnp.asarray(k))) - 1
    assert excess.min() > -0.98
    r = np.arange(0.9, 8.0, 0.05)
    wave = 4 * np.pi * k**2 * np.sinc(2 * np.outer(r, k))
    g = 1 + wave @ excess * (k[1] - k[0]) / density
    shell = 4 * np.pi * r**2 * density * g
    assert np.abs(np.sum(shell[r < 2.3]) * 0.05) < 0.1
    np.testing.assert_allclose(np.sum(shell[(r > 2.3) & (r < 3.3)]) * 0.05, 4, atol=0.2)
    assert 2.7 <= r[np.argmax(g)] <= 2.81
    second = (r > 3.6) & (r < 5.5)
    assert 4.4 < r[second][np.argmax(g[second])] < 4.9


def test_the_first_peak_of_ice_is_at_3_7_angstroms():
    k = np.linspace(0.2, 0.35, 3001)
    factor = StructureFactor.vitreous()(jnp.asarray(k))
    assert abs(1 / k[np.argmax(factor)] - 3.7) < 0.02


def test_what_diffuses_keeps_its_power_and_loses_its_phase():
    grid, ice = vx.Grid(32, 1.2), Ice(300.0, displacement=0.9)

    def step(key):
        before, after = jr.split(key)
        field = ice.sample(before, grid)
        return field.values, ice.diffused(after, field, dose=0.7).values

    pair = jax.jit(jax.vmap(step))(jr.split(jr.key(2), 400))
    one, two = (np.fft.rfft2(np.asarray(values)) for values in pair)
    power, after = np.mean(np.abs(one) ** 2, 0), np.mean(np.abs(two) ** 2, 0)
    assert abs(np.mean((after / np.where(power, power, 1)).ravel()[1:]) - 1) < 0.01
    kept = np.mean(one.conj() * two, 0).real.ravel()[1:] / power.ravel()[1:]
    k2 = np.asarray(grid.frequency_squared()).ravel()[1:]
    expected = np.exp(-4 * np.pi**2 * k2 * 0.9 * 0.7 / 6)
    assert np.sqrt(np.mean((kept - expected) ** 2)) < 0.04
    assert abs(np.mean(kept - expected)) < 0.005


def test_without_exposure_ice_stays():
    ice = Ice(300.0)
    field = ice.sample(jr.key(0), GRID)
    after = ice.diffused(jr.key(1), field, dose=0.0)
    np.testing.assert_allclose(after.values, field.values, atol=1e-9)


def test_rings_at_3_7_angstroms_are_best_seen_at_4_electrons():
    """The second number of McMullan et al. 2015 follows from the first.

    An image of exposure N holds the mean of the ice; its power over that of the shot
    noise, times the root of the number of images, is (x - 1 + exp(-x)) / x^1.5 with x
    the exposure over that in which the correlation falls to 1/e.
    """
    rate = 4 * np.pi**2 / 3.7**2 * float(Ice(1.0).displacement) / 6
    seen = lambda n: -(rate * n - 1 + np.exp(-rate * n)) / (rate * n) ** 1.5
    best = minimize_scalar(seen, bounds=(0.5, 20.0), method="bounded").x
    assert abs(best - 4.0) < 0.15


def test_a_box_of_water_scatters_as_its_molecules_do(shared):
    """S of the oxygens times a molecule's intensity, against the sum over all atoms."""
    with pytest.warns(vx.io.InputWarning, match=r"occupancy is 0|have no element"):
        water = vx.io.read_atoms(shared / "structures" / "tip3p_water_box.pdb.gz")
    positions, edge, most = np.asarray(water.positions, float), 35.0, 28
    elements = np.frombuffer(water.elements, np.uint8)
    index = np.arange(-most, most + 1)
    k = np.sqrt(sum(i**2 for i in np.ix_(*[index.astype(float)] * 3))) / edge
    sums = [waves(positions[elements == z], index / edge) for z in (8, 1)]
    shell = np.rint(k * edge).astype(int).ravel()
    mean = lambda x: np.bincount(shell, x.ravel()) / np.bincount(shell)
    count = np.sum(elements == 8)
    centres = mean(np.abs(sums[0]) ** 2 / count)
    molecule = np.asarray(water_intensity(jnp.asarray(k)))
    total = np.abs(atom(8, k) * sums[0] + atom(1, k) * sums[1]) ** 2 / count
    ratio = (mean(total / molecule) / centres)[4:29]
    assert np.sqrt(np.mean((ratio - 1) ** 2)) < 0.07
    assert np.abs(ratio - 1).max() < 0.13
    model = np.asarray(StructureFactor.liquid()(jnp.asarray(np.arange(29) / edge)))
    assert np.abs(model[6:29] / centres[6:29] - 1).max() < 0.045
    ice = np.asarray(StructureFactor.vitreous()(jnp.asarray(np.arange(29) / edge)))
    # Both let pass little of what is coarser than 5 Å; ice less than the liquid.
    assert np.all(ice[1:5] < centres[1:5])


def waves(positions, frequencies):
    """Return the sum of exp(-2πi k·r) over positions, [kx, ky, kz]."""
    x, y, z = (np.exp(-2j * np.pi * np.outer(frequencies, p)) for p in positions.T)
    planes = (x[:, None] * y[None]).reshape(-1, len(positions))
    return (planes @ z.T).reshape([len(frequencies)] * 3)


def test_the_spectrum_is_that_of_the_values():
    field = Ice(300.0).sample(jr.key(0), GRID)
    back = vx.grid.to_real(field.spectrum(), GRID.shape)
    np.testing.assert_allclose(back, field.values, atol=1e-9)


def test_what_ice_refuses():
    with pytest.raises(ValueError, match=r"cannot make Ice because thickness is 0.0"):
        Ice(0.0)
    with pytest.raises(
        ValueError, match=r"because displacement is -1.0, not 0 or more"
    ):
        Ice(1.0, displacement=-1.0)
    with pytest.raises(ValueError, match=r"on a grid of shape \(4, 4, 4\) because"):
        Ice(1.0).power(vx.Grid((4, 4, 4), 1.0))
    with pytest.raises(ValueError, match=r"shape \(4, 4\) and its grid \(4, 5\)"):
        IceField(jnp.zeros((4, 4)), vx.Grid((4, 5), 1.0))
    field = Ice(1.0).sample(jr.key(0), vx.Grid(4, 1.0))
    with pytest.raises(ValueError, match=r"because dose is -1.0, not 0 or more"):
        Ice(1.0).diffused(jr.key(0), field, -1.0)
    with pytest.raises(ValueError, match=r"heights \(1,\), centres \(2,\) and widths"):
        StructureFactor(0.1, 0.5, [1.0], [0.3, 0.4], [0.1])


@pytest.mark.usefixtures("unchecked")
def test_ice_wants_a_key():
    with pytest.raises(TypeError, match=r"because key is 3, not a random key"):
        Ice(1.0).sample(3, GRID)
