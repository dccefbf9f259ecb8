"""Transfers of detectors, in closed form and as measured."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vitrax.detector import (
    GaussianTransfer,
    IdealTransfer,
    LorentzianTransfer,
    MeasuredTransfer,
    PixelTransfer,
    ProductTransfer,
)


FREQUENCY = jnp.linspace(0.0, 0.7, 8).reshape(2, 4)
# Each with its point spread along a line, as a function of the distance in pixels.
LORENTZIAN = LorentzianTransfer([0.6, 0.3], [30.0, 6.0], 0.1)
MEASURED = MeasuredTransfer([0.0, 0.2, 0.5], [1.0, 0.8, 0.3])
ALL = {
    "ideal": (IdealTransfer(), lambda f: np.ones_like(f)),
    "gaussian": (GaussianTransfer(0.4), lambda f: np.exp(-2 * (0.4 * np.pi * f) ** 2)),
    "pixel": (
        PixelTransfer(),
        lambda f: np.sin(np.pi * f + 1e-30) / (np.pi * f + 1e-30),
    ),
    "lorentzian": (
        LORENTZIAN,
        lambda f: 0.6 / (1 + 30 * f**2) + 0.3 / (1 + 6 * f**2) + 0.1,
    ),
    "measured": (MEASURED, lambda f: np.interp(f, [0, 0.2, 0.5], [1, 0.8, 0.3])),
    "product": (
        ProductTransfer(MEASURED, GaussianTransfer(0.4)),
        lambda f: (
            np.interp(f, [0, 0.2, 0.5], [1, 0.8, 0.3])
            * np.exp(-2 * (0.4 * np.pi * f) ** 2)
        ),
    ),
}
each = pytest.mark.parametrize("name", ALL)


@each
def test_transfers_are_their_formulas(name):
    transfer, formula = ALL[name]
    actual = transfer(FREQUENCY)
    np.testing.assert_allclose(actual, formula(np.asarray(FREQUENCY)), rtol=1e-12)
    assert float(transfer(jnp.zeros(()))) == pytest.approx(1.0, abs=1e-12)


@each
def test_derivatives_are_finite_at_zero(name):
    transfer, _ = ALL[name]
    slope = jax.grad(lambda f: transfer(f))(jnp.zeros(()))
    assert bool(jnp.isfinite(slope))


@pytest.mark.float32
@each
def test_single_precision_stays(name):
    assert ALL[name][0](FREQUENCY.astype(jnp.float32)).dtype == jnp.float32


def transform(spread, f):
    """Return the transform of a point spread along a line, by its sum."""
    x = np.linspace(-40.0, 40.0, 400_001)
    return np.sum(spread(x) * np.cos(2 * np.pi * f * x)) * (x[1] - x[0])


def test_the_gaussian_is_the_transform_of_its_point_spread():
    def spread(x):
        return np.exp(-0.5 * (x / 0.7) ** 2) / np.sqrt(2 * np.pi * 0.49)

    expected = [transform(spread, f) for f in (0.1, 0.45)]
    ours = GaussianTransfer(0.7)(jnp.asarray([0.1, 0.45]))
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


def test_the_pixel_is_the_transform_of_a_box():
    expected = [
        transform(lambda x: (np.abs(x) < 0.5) * 1.0, f) for f in (0.1, 0.5, 1.3)
    ]
    ours = PixelTransfer()(jnp.asarray([0.1, 0.5, 1.3]))
    np.testing.assert_allclose(ours, expected, atol=1e-3)
    assert float(ours[1]) == pytest.approx(2 / np.pi, rel=1e-12)


def test_a_measured_transfer_is_constant_beyond_its_ends():
    curve = MeasuredTransfer([0.1, 0.4], [0.9, 0.5])
    assert curve(jnp.asarray([0.0, 0.25, 0.6])).tolist() == pytest.approx(
        [0.9, 0.7, 0.5]
    )
    slopes = jax.grad(lambda curve: curve(jnp.asarray(0.2)))(curve).values
    np.testing.assert_allclose(slopes, [2 / 3, 1 / 3], rtol=1e-12)


@pytest.mark.parametrize(
    ("frequencies", "values", "message"),
    [
        ([0.0, 0.5], [1.0], r"shape \(2,\), values \(1,\)"),
        ([], [], "do give a list of each"),
        ([0.0, 0.3, 0.3], [1.0, 0.5, 0.4], r"frequencies\[2\] isn't above"),
        ([0.0, -0.1], [1.0, 0.5], r"frequencies\[1\] is -0.1, not 0 or more"),
        ([0.0, 0.5], [1.0, float("nan")], r"values\[1\] is nan, not 0 or more"),
    ],
)
def test_points_that_are_no_curve_are_errors(frequencies, values, message):
    with pytest.raises(ValueError, match=message):
        MeasuredTransfer(frequencies, values)


def test_other_wrong_transfers_are_errors():
    with pytest.raises(ValueError, match=r"width is -0\.1, not 0 or more"):
        GaussianTransfer(-0.1)
    with pytest.raises(ValueError, match="do give a decay for each amplitude"):
        LorentzianTransfer([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"decays\[0\] is -1.0"):
        LorentzianTransfer([1.0], [-1.0])


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_transfer_is_an_error():
    with pytest.raises(TypeError, match=r"second is a float; do pass a transfer"):
        ProductTransfer(PixelTransfer(), 0.5)


def test_a_batched_transfer_is_an_error():
    both = jax.tree.map(lambda *x: jnp.stack(x), MEASURED, MEASURED)
    with pytest.raises(
        ValueError, match=r"cannot call MeasuredTransfer.__call__ because"
    ):
        both(FREQUENCY)
    np.testing.assert_allclose(
        jax.vmap(lambda transfer: transfer(FREQUENCY))(both)[1], MEASURED(FREQUENCY)
    )
