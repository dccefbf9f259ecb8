"""The factor of a phase object, against numpy's complex exponential."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vitrax.wave import scattered_by


PHASES = np.concatenate([np.linspace(-60, 60, 998), np.logspace(-12, 0, 27)])[None]


def exact(phases, contrast):
    return np.expm1(1j * phases * np.exp(1j * np.arcsin(contrast)))


@pytest.mark.parametrize("contrast", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
def test_it_is_the_complex_exponential(contrast, dtype):
    phases = jnp.asarray(PHASES, dtype)
    actual = np.asarray(scattered_by(phases, jnp.asarray(contrast)))
    expected = exact(np.asarray(phases, float), contrast)
    assert actual.dtype == (np.complex64 if dtype == jnp.float32 else np.complex128)
    # Relative to the phase where that is small; a large one is rounded itself.
    size = np.minimum(np.abs(PHASES), 1) * np.exp(-contrast * PHASES)
    error = np.abs(actual - expected) / np.maximum(size, np.abs(expected))
    rounding = float(jnp.finfo(dtype).eps)
    assert (error / (16 + np.abs(PHASES))).max() < rounding


def test_its_derivative_is_that_of_the_exponential():
    phases = jnp.asarray(PHASES)
    contrast = jnp.asarray(0.1)

    def factor(phases):
        return scattered_by(phases, contrast)

    _, slope = jax.jvp(factor, (phases,), (jnp.ones_like(phases),))
    turn = 1j * np.exp(1j * np.arcsin(0.1))
    expected = turn * (1 + exact(PHASES, 0.1))
    np.testing.assert_allclose(slope, expected, rtol=1e-12)
