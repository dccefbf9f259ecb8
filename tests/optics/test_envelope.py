"""Envelopes against means over defoci, energies and directions of the beam."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.optics import envelope, focal_spread, transfer
from vitrax.physics import CODATA, RELION, lorentz_factor, wavelength


GRID = vx.Grid((16, 15), 1.0)
WAVELENGTH = float(wavelength(300.0))
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def lens(**more):
    return vx.Lens(9_000.0, 700.0, 25.0, **more)


@pytest.mark.parametrize("voltage", [100.0, 200.0, 300.0])
def test_the_focal_spread_is_that_of_the_textbook(voltage):
    # With E / mc² from the rest energy in eV rather than from the wavelength.
    energy, rest = voltage * 1e3, 510_998.95
    expected = 2.7e7 * 0.4 / energy * (1 + energy / rest) / (1 + energy / (2 * rest))
    spread = lens(chromatic_aberration=2.7, energy_spread=0.4)
    assert float(focal_spread(spread, wavelength(voltage))) == pytest.approx(
        expected, rel=1e-8
    )
    other = float(focal_spread(spread, wavelength(voltage, RELION)))
    assert other == pytest.approx(expected, rel=1e-4)
    assert float(focal_spread(lens(), wavelength(voltage))) == 0.0


def test_the_focal_spread_is_the_change_of_focus_with_the_energy():
    # Round lenses: 1/f goes as the relativistic (1 / p²) times a chromatic constant:
    # Δf = Cc ΔE d(log V*)/dE with V* = V (1 + B V).
    voltage, step = 300e3, 1.0
    corrected = [
        v * (1 + CODATA.relativistic_correction * v)
        for v in (voltage - step, voltage + step)
    ]
    slope = np.diff(np.log(corrected))[0] / (2 * step)
    spread = focal_spread(
        lens(chromatic_aberration=1.0, energy_spread=1.0), wavelength(300.0)
    )
    assert float(spread) == pytest.approx(1e7 * slope, rel=1e-8)
    factor = float(lorentz_factor(300.0)) / corrected[0]
    assert slope == pytest.approx(factor, rel=1e-5)


def test_the_temporal_envelope_is_the_mean_over_defoci():
    spread = {"chromatic_aberration": 2.7, "energy_spread": 1.1}
    defoci = 9_000.0 + NODES * float(focal_spread(lens(**spread), WAVELENGTH))
    each = [
        np.asarray(transfer(vx.Lens(d, 700.0, 25.0), GRID, WAVELENGTH)) for d in defoci
    ]
    mean = np.tensordot(WEIGHTS, each, 1)
    actual = transfer(lens(**spread), GRID, WAVELENGTH)
    np.testing.assert_allclose(actual, mean, atol=1e-9)
    assert np.abs(actual - transfer(lens(), GRID, WAVELENGTH)).max() > 0.1


def gamma(y, x, spherical_aberration):
    """Return the wave aberration of `lens`, without its constant (numpy)."""
    squared, azimuth = x**2 + y**2, np.arctan2(y, x)
    defocus = 9_000.0 + 350.0 * np.cos(2 * (azimuth - np.deg2rad(25.0)))
    spherical = 1e7 * spherical_aberration * WAVELENGTH**3
    return np.pi * (WAVELENGTH * defocus * squared - 0.5 * spherical * squared**2)


def tilted_transfer(qy, qx, spherical_aberration):
    """Return the linear transfer for a beam along q rather than along the axis."""
    ky, kx = (np.asarray(k) for k in GRID.frequency_axes())
    y, x = ky[:, None], kx[None, :]
    zero = gamma(qy, qx, spherical_aberration)
    plus, minus = (
        gamma(s * y + qy, s * x + qx, spherical_aberration) - zero for s in (1, -1)
    )
    constant = np.arcsin(0.07)
    return -(np.exp(1j * (plus + constant)) - np.exp(-1j * (minus + constant))) / 2j


def mean_over_directions(convergence, spherical_aberration=2.7):
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    q = nodes * convergence * 1e-3 / WAVELENGTH
    return sum(
        weights[i] * weights[j] * tilted_transfer(q[i], q[j], spherical_aberration)
        for i in range(len(q))
        for j in range(len(q))
    )


def test_the_spatial_envelope_is_the_mean_over_directions():
    # Exact without spherical aberration, where the phase error is quadratic.
    mean = mean_over_directions(0.1, spherical_aberration=0.0)
    round_off = np.abs(mean.imag).max()
    actual = transfer(lens(convergence=0.1, spherical_aberration=0.0), GRID, WAVELENGTH)
    np.testing.assert_allclose(actual, mean.real, atol=1e-9)
    assert round_off < 1e-9
    plain = transfer(lens(spherical_aberration=0.0), GRID, WAVELENGTH)
    assert np.abs(actual - plain).max() > 0.1


def test_with_spherical_aberration_the_mean_is_met_to_first_order():
    apart = []
    for convergence in (0.005, 0.01):
        mean = mean_over_directions(convergence)
        actual = np.asarray(transfer(lens(convergence=convergence), GRID, WAVELENGTH))
        apart.append(np.abs(actual - mean).max())
    assert apart[0] < 1e-4
    # What is left out goes with the square of the angle.
    assert apart[1] / apart[0] == pytest.approx(4.0, rel=0.2)


def test_the_spatial_envelope_of_a_round_lens_is_frank_s():
    k = np.sqrt(np.asarray(GRID.frequency_squared()))
    slope = 9_000.0 * k - 2.7e7 * WAVELENGTH**2 * k**3
    expected = np.exp(-2 * np.pi**2 * 1.5e-4**2 * slope**2)
    actual = envelope(vx.Lens(9_000.0, convergence=0.15), GRID, WAVELENGTH)
    np.testing.assert_allclose(actual, expected, atol=1e-12)


def test_the_aperture_stops_frequencies_beyond_its_angle():
    grid = vx.Grid(64, 1.0)
    actual = np.asarray(envelope(vx.Lens(9e3, aperture=4.0), grid, WAVELENGTH))
    k = np.sqrt(np.asarray(grid.frequency_squared()))
    cutoff = np.sin(4e-3) / WAVELENGTH
    assert (actual[k < cutoff - 0.5 / 64] == 1.0).all()
    assert (actual[k > cutoff + 0.5 / 64] == 0.0).all()
    between = np.abs(k - cutoff) < 0.4 / 64
    assert ((actual > 0) & (actual < 1))[between].all()
    half = vx.Lens(9e3, aperture=1e3 * np.arcsin(10 / 64 * WAVELENGTH))
    assert float(envelope(half, grid, WAVELENGTH)[0, 10]) == pytest.approx(0.5)


SOURCES = {
    "energy_spread": (0.3, 0.6, 1.2),
    "convergence": (0.05, 0.1, 0.2),
    "aperture": (16.0, 12.0, 8.0),
    "b_factor": (10.0, 50.0, 100.0),
}


@pytest.mark.parametrize("source", SOURCES)
def test_more_of_a_cause_leaves_less(source):
    more = {"chromatic_aberration": 2.7} if source == "energy_spread" else {}
    left = [
        np.asarray(envelope(lens(**{source: value}, **more), GRID, WAVELENGTH))
        for value in SOURCES[source]
    ]
    assert (left[0] >= left[1]).all()
    assert (left[1] >= left[2]).all()
    assert (left[0] > left[2] + 0.05).any()
    assert float(left[2][0, 0]) == 1.0


def test_without_causes_it_is_one_and_the_jaxpr_is_that_of_a_b_factor():
    plain = envelope(lens(), GRID, WAVELENGTH)
    assert (np.asarray(plain) == 1.0).all()
    operations = str(jax.make_jaxpr(lambda x: envelope(x, GRID, WAVELENGTH))(lens()))
    assert "sin" not in operations
    assert "sqrt" not in operations
    none = {"energy_spread": 0.0, "chromatic_aberration": 2.7, "convergence": 0.0}
    still = envelope(lens(**none), GRID, WAVELENGTH)
    np.testing.assert_array_equal(plain, still)


def test_chromatic_aberration_and_energy_spread_come_together():
    for name in ("chromatic_aberration", "energy_spread"):
        with pytest.raises(ValueError, match="only both together spread the focus; do"):
            vx.Lens(9e3, **{name: 1.0})


@pytest.mark.parametrize("name", ["energy_spread", "convergence", "aperture"])
def test_what_is_negative_is_refused(name):
    with pytest.raises(ValueError, match=f"because {name} is -1.0, not 0 or more"):
        vx.Lens(9e3, **{"chromatic_aberration": 1.0, "energy_spread": 1.0, name: -1.0})


def test_derivatives_are_those_of_finite_differences():
    weights = jax.random.normal(jax.random.key(0), GRID.half_shape)
    full = lens(
        b_factor=20.0,
        chromatic_aberration=2.7,
        energy_spread=0.9,
        convergence=0.1,
        aperture=7.0,
        even_zernike=jnp.asarray([0.0, 1.0, 2.0]),
        magnification=jnp.asarray([[1.02, 0.04], [-0.02, 0.985]]),
    )

    @jax.jit
    def loss(lens):
        return jnp.sum(weights * envelope(lens, GRID, WAVELENGTH))

    gradient = jax.jit(jax.grad(loss))(full)
    leaves, structure = jax.tree.flatten(full)
    for i, leaf in enumerate(leaves):
        step = 1e-5 * max(1.0, float(jnp.abs(leaf).max()))
        high, low = (
            loss(structure.unflatten([*leaves[:i], leaf + s, *leaves[i + 1 :]]))
            for s in (step, -step)
        )
        actual = jnp.sum(jax.tree.leaves(gradient)[i])
        np.testing.assert_allclose(
            actual, (high - low) / (2 * step), rtol=1e-5, atol=1e-8
        )
