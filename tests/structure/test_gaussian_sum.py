"""Gaussians on a grid: windows against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.special import erf

import vitrax as vx
from vitrax.structure import sum_gaussians


def averages(n, pixel, centres, variances):
    edges = (np.arange(n + 1) - n // 2 - 0.5) * pixel
    cumulative = 0.5 * erf(
        (edges - centres[..., None]) / np.sqrt(2 * variances)[..., None]
    )
    return np.diff(cumulative, axis=-1) / pixel


def exact(positions, amplitudes, variances, shape, pixel):
    waves = [
        averages(n, pixel, positions[:, i, None] + 0 * variances, variances)
        for i, n in enumerate(shape)
    ]
    if len(shape) == 2:
        return np.einsum("at,aty,atx->yx", amplitudes, *waves)
    return np.einsum("at,atz,aty,atx->zyx", amplitudes, *waves)


def problem(shape, widest, seed=0):
    rng = np.random.default_rng(seed)
    spread = 0.6 * np.array(shape)
    positions = rng.uniform(-spread, spread, (40, len(shape)))
    amplitudes = rng.uniform(-1.0, 1.0, (40, 3))
    variances = rng.uniform(0.1, widest, (40, 3))
    return positions, amplitudes, variances


@pytest.mark.parametrize(
    "widest", [0.5, 3.0, 40.0], ids=["narrow", "middle", "whole grid"]
)
@pytest.mark.parametrize("shape", [(40, 37), (12, 15), (36, 18)])
def test_windows_lose_nothing_wherever_the_gaussians_lie(shape, widest):
    numbers = problem(shape, widest)
    image = jax.jit(sum_gaussians)(*map(jnp.asarray, numbers), vx.Grid(shape, 1.3))
    reference = exact(*numbers, shape, 1.3)
    np.testing.assert_allclose(image, reference, atol=1e-10 * np.abs(reference).max())


def test_a_volume_is_summed_as_an_image_is():
    shape = (18, 20, 17)
    numbers = problem(shape, 0.4)
    volume = jax.jit(sum_gaussians)(*map(jnp.asarray, numbers), vx.Grid(shape, 1.0))
    reference = exact(*numbers, shape, 1.0)
    np.testing.assert_allclose(volume, reference, atol=1e-10 * np.abs(reference).max())


def test_chunks_of_gaussians_change_nothing(monkeypatch):
    import vitrax.structure._gaussian_sum as module

    numbers = tuple(map(jnp.asarray, problem((40, 37), 0.5)))
    grid = vx.Grid((40, 37), 1.0)
    whole = jax.jit(sum_gaussians)(*numbers, grid)
    monkeypatch.setattr(module, "_CHUNK_SIZE", 16 * 16 * 7)
    chunked = jax.jit(lambda *n: module.sum_gaussians(*n, grid))(*numbers)
    np.testing.assert_allclose(whole, chunked, atol=1e-13)


@pytest.mark.parametrize("widest", [0.5, 40.0])
def test_gradients_agree_with_finite_differences(widest):
    numbers = tuple(jnp.asarray(x[:5]) for x in problem((20, 19), widest))
    grid = vx.Grid((20, 19), 1.0)
    total = jax.jit(lambda *n: jnp.sum(sum_gaussians(*n, grid) ** 2))
    check_grads(total, numbers, 1, ("fwd", "rev"), 1e-6, 1e-6)
