"""Envelopes that a lens is given as objects."""

import jax
import jax.numpy as jnp
import numpy as np

import vitrax as vx
from vitrax.optics import Drift, ThickSpecimen, specimen_envelope


GRID = vx.Grid((12, 13), 1.2)


def test_a_drift_is_the_mean_over_its_path():
    path = np.array([2.0, -1.5])
    ky, kx = (np.asarray(axis) for axis in GRID.frequency_axes())
    along = ky[:, None] * path[1] + kx[None, :] * path[0]
    nodes, weights = np.polynomial.legendre.leggauss(30)
    mean = sum(
        w * np.cos(np.pi * along * u) for u, w in zip(nodes, weights, strict=True)
    )
    np.testing.assert_allclose(
        Drift(path)(GRID, jnp.asarray(0.02)), mean / 2, atol=1e-12
    )


def test_damping_is_a_factor_of_the_transfer():
    plain, thick = (
        vx.Microscope(GRID, 300.0, vx.Lens(9_000.0, b_factor=20.0, damping=damping))
        for damping in (None, ThickSpecimen(400.0))
    )
    left = specimen_envelope(GRID, plain.wavelength, 400.0)
    np.testing.assert_allclose(thick.ctf(), plain.ctf() * left, atol=1e-14)


def test_a_gradient_reaches_the_damping():
    def total(thickness):
        lens = vx.Lens(9_000.0, damping=ThickSpecimen(thickness))
        return jnp.sum(vx.Microscope(GRID, 300.0, lens).ctf() ** 2)

    slope = jax.grad(total)(300.0)
    numerical = (total(300.01) - total(299.99)) / 0.02
    np.testing.assert_allclose(slope, numerical, rtol=1e-6)
    assert float(slope) < 0
