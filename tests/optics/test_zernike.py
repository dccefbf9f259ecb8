"""Higher aberrations: closed forms, and RELION's order, signs and units."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.optics import odd_phase, phase_error, zernike_orders, zernike_sum
from vitrax.physics import wavelength


GRID = vx.Grid((12, 13), 1.3)
WAVELENGTH = wavelength(300.0)
# (n, m) of the first terms, as CONVENTIONS has them.
EVEN = [(0, 0), (2, -2), (2, 0), (2, 2), (4, -4), (4, -2), (4, 0), (4, 2), (4, 4)]
ODD = [(1, -1), (1, 1), (3, -3), (3, -1), (3, 1), (3, 3), (5, -5)]
# Of k and the azimuth.
CLOSED = {
    ("even", 1): lambda k, a: k**2 * np.sin(2 * a),
    ("even", 2): lambda k, a: 2 * k**2 - 1,
    ("even", 3): lambda k, a: k**2 * np.cos(2 * a),
    ("even", 5): lambda k, a: (4 * k**4 - 3 * k**2) * np.sin(2 * a),
    ("even", 6): lambda k, a: 6 * k**4 - 6 * k**2 + 1,
    ("even", 8): lambda k, a: k**4 * np.cos(4 * a),
    ("odd", 0): lambda k, a: k * np.sin(a),
    ("odd", 1): lambda k, a: k * np.cos(a),
    ("odd", 2): lambda k, a: k**3 * np.sin(3 * a),
    ("odd", 4): lambda k, a: (3 * k**3 - 2 * k) * np.cos(a),
    ("odd", 5): lambda k, a: k**3 * np.cos(3 * a),
}


def polar(grid):
    ky, kx = (np.asarray(k) for k in grid.frequency_axes())
    return np.hypot(ky[:, None], kx), np.arctan2(ky[:, None], kx + 0 * ky[:, None])


def one(index):
    return jnp.zeros(index + 1).at[index].set(1.0)


def test_order_is_relion_s():
    assert [zernike_orders(i, "even") for i in range(9)] == EVEN
    assert [zernike_orders(i, "odd") for i in range(7)] == ODD
    with pytest.raises(ValueError, match="cannot order both Zernike polynomials"):
        zernike_orders(0, "both")


@pytest.mark.parametrize(("parity", "index"), CLOSED, ids=str)
def test_polynomials_in_closed_form(parity, index):
    actual = zernike_sum(one(index), parity, *GRID.frequency_axes())
    np.testing.assert_allclose(actual, CLOSED[parity, index](*polar(GRID)), atol=1e-14)


def test_even_terms_lessen_the_phase_error():
    lens = vx.Lens(12_000.0, 800.0, 25.0)
    terms = jnp.asarray([0.1, -2.0, 3.0, 1.0])
    with_terms = vx.Lens(12_000.0, 800.0, 25.0, even_zernike=terms)
    difference = phase_error(with_terms, GRID, WAVELENGTH) - phase_error(
        lens, GRID, WAVELENGTH
    )
    expected = -zernike_sum(terms, "even", *GRID.frequency_axes())
    np.testing.assert_allclose(difference, expected, atol=1e-10)


def test_tilt_in_closed_form_and_as_odd_terms():
    x, y = 0.7, -1.1
    k, angle = polar(GRID)
    strength = 2 * np.pi * 1e-3 * 2.7e7 * float(WAVELENGTH) ** 2
    along = x * k * np.cos(angle) + y * k * np.sin(angle)
    tilted = odd_phase(vx.Lens(0.0, beam_tilt=(x, y)), GRID, WAVELENGTH)
    np.testing.assert_allclose(tilted, -strength * k**2 * along, atol=1e-12)
    terms = -strength / 3 * np.array([2 * y, 2 * x, 0.0, y, x, 0.0])
    same = odd_phase(vx.Lens(0.0, odd_zernike=terms), GRID, WAVELENGTH)
    np.testing.assert_allclose(same, tilted, atol=1e-10)


def test_odd_aberrations_turn_the_phases_of_the_image():
    blob = vx.Gaussians([[1.0, -2.0, 0.5]], [[5.0]], [[4.0]])
    grid, pose = vx.Grid(24, 1.0), vx.Pose.identity()
    lens = vx.Lens(9_000.0)
    tilted = vx.Lens(9_000.0, beam_tilt=(2.0, 0.5))
    plain, turned = (
        vx.simulate(blob, pose, vx.Microscope(grid, 300.0, each))
        for each in (lens, tilted)
    )
    phase = odd_phase(tilted, grid, vx.Microscope(grid, 300.0, lens).wavelength)
    expected = vx.grid.to_fourier(plain) * jnp.exp(1j * phase.astype(complex))
    inside = np.s_[np.r_[0:12, 13:24], :12]
    np.testing.assert_allclose(
        vx.grid.to_fourier(turned)[inside], expected[inside], atol=1e-9
    )


def test_derivatives_of_all_aberrations():
    blob = vx.Gaussians([[1.0, -2.0, 0.5]], [[5.0]], [[4.0]])
    grid, pose = vx.Grid(16, 1.5), vx.Pose.identity()
    weights = jax.random.normal(jax.random.key(0), (16, 16))

    def loss(lens):
        return (
            weights * vx.simulate(blob, pose, vx.Microscope(grid, 300.0, lens))
        ).sum()

    lens = vx.Lens(
        9_000.0,
        beam_tilt=jnp.asarray([1.0, 0.5]),
        odd_zernike=0.1 * jnp.ones(6),
        even_zernike=0.1 * jnp.ones(9),
    )
    value, gradient = jax.jit(loss), jax.jit(jax.grad(loss))(lens)
    leaves, structure = jax.tree.flatten(lens)
    for i, leaf in enumerate(leaves):
        step = 1e-4 * max(1.0, float(jnp.abs(leaf).max()))
        moved = [
            structure.unflatten([*leaves[:i], leaf + s, *leaves[i + 1 :]])
            for s in (step, -step)
        ]
        numerical = (value(moved[0]) - value(moved[1])) / (2 * step)
        actual = jnp.sum(jax.tree.leaves(gradient)[i])
        np.testing.assert_allclose(actual, numerical, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", ["beam_tilt", "odd_zernike", "even_zernike"])
def test_what_is_not_finite_is_refused(name):
    with pytest.raises(ValueError, match=f"cannot make Lens because {name}"):
        vx.Lens(9_000.0, **{name: (np.nan, 0.0)})
