"""The interpolation kernel of Fourier slices."""

import numpy as np
import pytest

from vitrax.structure import SliceKernel
from vitrax.structure._slice_kernel import kernel_values


KERNELS = [SliceKernel(), SliceKernel(4, 1.5)]


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_the_kernel_and_its_slope_vanish_at_its_edge(kernel):
    value, slope = kernel_values(np.array([-1.0, 1.0]), kernel.coefficients)
    assert np.abs(value).max() < 1e-12
    assert np.abs(slope).max() < 1e-12


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_the_kernel_s_slope_is_its_derivative(kernel):
    t = np.linspace(-0.95, 0.95, 7)
    above, below = (kernel_values(t + s, kernel.coefficients)[0] for s in (1e-5, -1e-5))
    slope = kernel_values(t, kernel.coefficients)[1]
    np.testing.assert_allclose((above - below) / 2e-5, slope, atol=1e-8)


@pytest.mark.parametrize(
    ("kernel", "most"),
    [
        (SliceKernel(), 9e-3),
        (SliceKernel(3, 1.5), 8e-3),
        (SliceKernel(4, 1.5), 1e-3),
    ],
)
def test_a_wave_is_interpolated_between_its_nodes(kernel, most):
    nodes = np.arange(-20, 21)
    half = 0.5 * 0.5 / kernel.padding
    for x in np.linspace(-half, half, 5):
        wave = np.exp(-2j * np.pi * nodes * x) / kernel.transform(np.array([x]))
        at = np.linspace(-1.0, 1.0, 23)
        t = 2 * (at[:, None] - nodes) / kernel.points
        weights = np.where(np.abs(t) < 1, kernel_values(t, kernel.coefficients)[0], 0.0)
        np.testing.assert_allclose(
            weights @ wave, np.exp(-2j * np.pi * at * x), atol=most
        )


def test_kernels_are_equal_by_value_so_that_jit_traces_once():
    assert SliceKernel(3, 1.4) == SliceKernel()
    assert hash(SliceKernel(3, 1.4)) == hash(SliceKernel())
    assert SliceKernel(4, 1.5) != SliceKernel()


@pytest.mark.parametrize("n", [63, 64, 97])
def test_a_padded_size_is_even_and_large_enough(n):
    size = SliceKernel().padded_size(n)
    assert size % 2 == 0
    assert size >= 1.4 * n


def test_what_is_not_supported_is_refused():
    with pytest.raises(ValueError, match="cannot interpolate with 2 points"):
        SliceKernel(points=2)
    with pytest.raises(ValueError, match=r"cannot pad 0\.5 times"):
        SliceKernel(padding=0.5)
