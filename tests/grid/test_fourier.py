"""Transforms, cropping and padding in either space."""

import itertools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import vitrax.grid
from vitrax.grid import (
    Grid,
    crop,
    hermitian_weights,
    pad,
    to_fourier,
    to_real,
)


# One compilation for each shape, instead of one for each operation.
resample = jax.jit(vitrax.grid.resample, static_argnums=1)

SHAPES = [(8, 6), (9, 6), (8, 7), (9, 7), (4, 5, 6), (5, 4, 7)]
PAIRS = [
    (old, new) for old, new in itertools.product([(8, 6), (9, 7), (11, 8)], repeat=2)
]


@pytest.mark.parametrize("shape", SHAPES)
def test_to_real_inverts_to_fourier(shape):
    values = jr.normal(jr.key(0), shape)
    np.testing.assert_allclose(to_real(to_fourier(values), shape), values, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_parseval(shape):
    values = jr.normal(jr.key(1), shape)
    weights = hermitian_weights(shape[-1]).reshape((1,) * (len(shape) - 1) + (-1,))
    power = jnp.sum(weights * jnp.abs(to_fourier(values)) ** 2) / values.size
    assert float(power) == pytest.approx(float(jnp.sum(values**2)), rel=1e-12)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_crop_and_pad_keep_the_origin(old, new):
    smaller = tuple(min(a, b) for a, b in zip(old, new, strict=True))
    larger = tuple(max(a, b) for a, b in zip(old, new, strict=True))
    point = jnp.zeros(larger).at[Grid(larger, 1.0).centre].set(1.0)
    expected = jnp.zeros(smaller).at[Grid(smaller, 1.0).centre].set(1.0)
    np.testing.assert_array_equal(crop(point, smaller), expected)
    np.testing.assert_array_equal(pad(expected, larger), point)


def test_pad_fills():
    assert float(pad(jnp.zeros((2, 2)), (4, 5), fill=3.0).sum()) == 3.0 * 16


def test_crop_and_pad_refuse_the_wrong_way():
    with pytest.raises(ValueError, match=r"cannot crop .* do use pad"):
        crop(jnp.zeros((4, 4)), (4, 5))
    with pytest.raises(ValueError, match=r"cannot pad .* do use crop"):
        pad(jnp.zeros((4, 4)), (5, 3))


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_resample_evaluates_a_band_limited_image_at_the_new_pixels(old, new):
    def wave(shape):
        y, x = (
            np.asarray(a) / n for a, n in zip(Grid(shape, 1).axes(), shape, strict=True)
        )
        return (
            0.5
            + np.cos(2 * np.pi * (2 * x[None, :] - y[:, None]) + 0.3)
            + np.sin(2 * np.pi * (x[None, :] + 3 * y[:, None]))
        )

    np.testing.assert_allclose(
        resample(jnp.asarray(wave(old)), new), wave(new), atol=1e-12
    )


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_resample_keeps_the_mean(old, new):
    values = jr.normal(jr.key(2), old)
    assert float(resample(values, new).mean()) == pytest.approx(float(values.mean()))


@pytest.mark.parametrize("new", [(11, 13), (12, 10)])
def test_finer_pixels_and_back_change_nothing_below_nyquist(new):
    values = jr.normal(jr.key(2), (9, 7))
    back = resample(resample(values, new), (9, 7))
    np.testing.assert_allclose(back, values, atol=1e-12)


@pytest.mark.parametrize(
    ("old", "new"), [((8, 8), (4, 4)), ((9, 8), (5, 6)), ((4, 6), (7, 9))]
)
def test_resample_matches_the_explicit_sum_over_kept_frequencies(old, new):
    """Cropped Nyquist frequencies of both signs meet in one, at half weight each."""
    values = np.asarray(jr.normal(jr.key(3), old))
    matrix = [_resampling_matrix(a, b) for a, b in zip(old, new, strict=True)]
    expected = np.einsum("ay,bx,yx->ab", *matrix, values).real
    np.testing.assert_allclose(resample(jnp.asarray(values), new), expected, atol=1e-12)


def _resampling_matrix(old, new):
    """Return the trigonometric interpolant of one axis, by an explicit sum."""
    kept = min(old, new)
    k = np.arange(-(kept // 2), kept // 2 + 1)
    weight = np.where((kept % 2 == 0) & (np.abs(k) == kept // 2), 0.5, 1.0)
    x_old = (np.arange(old) - old // 2) / old
    x_new = (np.arange(new) - new // 2) / new
    phase = np.exp(2j * np.pi * k * (x_new[:, None, None] - x_old[None, :, None]))
    return (weight * phase).sum(-1) / old


def test_crop_by_two_keeps_the_mean_or_times_the_ratio_the_sum():
    values = 2.0 + jr.normal(jr.key(4), (8, 12))
    half = resample(values, (4, 6))
    ratio = values.size / half.size
    assert ratio == 4
    assert float(half.mean()) == pytest.approx(float(values.mean()), rel=1e-12)
    assert float((half * ratio).sum()) == pytest.approx(float(values.sum()), rel=1e-12)


def test_resample_in_three_dimensions_and_float32():
    values = jr.normal(jr.key(5), (4, 5, 6), jnp.float32)
    resampled = resample(values, (6, 5, 4))
    assert resampled.dtype == jnp.float32
    assert float(resampled.mean()) == pytest.approx(float(values.mean()), abs=1e-6)
