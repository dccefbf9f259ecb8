"""Values between pixels."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.ndimage

from vitrax.grid import Grid, interpolate_cubic, interpolate_linear


BOTH = [jax.jit(interpolate_linear), jax.jit(interpolate_cubic)]
SHAPES = [(9, 12), (8, 7), (5, 6, 7)]


def points_within(grid, n, key):
    """Return points (x, y, ...) at least two pixels inside the grid."""
    low = jnp.asarray([axis[2] for axis in grid.axes()][::-1])
    high = jnp.asarray([axis[-3] for axis in grid.axes()][::-1])
    return jr.uniform(key, (n, grid.ndim), minval=low, maxval=high)


@pytest.mark.parametrize("interpolate", BOTH, ids=["linear", "cubic"])
@pytest.mark.parametrize("shape", SHAPES)
def test_pixels_are_met_exactly(interpolate, shape):
    grid = Grid(shape, 0.5)
    values = jr.normal(jr.key(0), shape)
    points = jnp.stack(jnp.meshgrid(*grid.axes(), indexing="ij")[::-1], axis=-1)
    np.testing.assert_allclose(interpolate(values, points, grid), values, atol=1e-13)


@pytest.mark.parametrize(
    ("interpolate", "degree"), [(BOTH[0], 1), (BOTH[1], 2)], ids=["linear", "cubic"]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_polynomials_are_reproduced(interpolate, degree, shape):
    grid = Grid(shape, 1.3)

    def polynomial(*coordinates):
        return sum((i + 1) * x**degree - x for i, x in enumerate(coordinates)) + 0.5

    values = polynomial(*jnp.meshgrid(*grid.axes(), indexing="ij")[::-1])
    points = points_within(grid, 30, jr.key(1))
    expected = polynomial(*points.T)
    np.testing.assert_allclose(interpolate(values, points, grid), expected, rtol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_linear_equals_scipy_also_outside(shape):
    grid = Grid(shape, 1.0)
    values = jr.normal(jr.key(2), shape)
    points = jr.uniform(jr.key(3), (200, len(shape)), minval=-8.0, maxval=8.0)
    index = np.asarray(points)[:, ::-1].T + np.asarray(grid.centre)[:, None]
    padded = np.pad(np.asarray(values), 10)
    expected = scipy.ndimage.map_coordinates(padded, index + 10, order=1)
    np.testing.assert_allclose(BOTH[0](values, points, grid), expected, atol=1e-12)


@pytest.mark.parametrize("interpolate", BOTH, ids=["linear", "cubic"])
def test_zero_outside(interpolate):
    grid = Grid((6, 7), 2.0)
    points = jnp.asarray([[40.0, 0.0], [0.0, -40.0], [12.0, 0.0], [1e9, 1e9]])
    assert interpolate(jnp.ones((6, 7)), points, grid).tolist() == [0.0] * 4


@pytest.mark.parametrize("interpolate", BOTH, ids=["linear", "cubic"])
def test_slope_along_each_coordinate(interpolate):
    grid = Grid((12, 14), 2.0)
    y, x = jnp.meshgrid(*grid.axes(), indexing="ij")
    slope = jax.grad(interpolate, argnums=1)(
        3 * x - 5 * y, jnp.asarray([1.2, 2.7]), grid
    )
    np.testing.assert_allclose(slope, [3.0, -5.0], rtol=1e-10)


def test_cubic_is_closer_than_linear_to_a_smooth_image_and_has_a_continuous_slope():
    grid = Grid((32, 32), 1.0)
    blob = jnp.exp(-grid.radius_squared() / 18.0)
    points = points_within(grid, 100, jr.key(4))
    exact = jnp.exp(-jnp.sum(points**2, axis=1) / 18.0)
    linear, cubic = (float(jnp.abs(f(blob, points, grid) - exact).max()) for f in BOTH)
    assert cubic < 0.1 * linear < 2e-3
    slope = jax.grad(lambda x: interpolate_cubic(blob, jnp.stack([x, x * 0]), grid))
    assert float(slope(2.0 - 1e-9)) == pytest.approx(float(slope(2.0 + 1e-9)), abs=1e-7)


def test_one_point_gives_one_value_in_the_precision_of_the_image():
    image = jnp.ones((6, 6), jnp.float32)
    value = interpolate_cubic(image, jnp.zeros(2), Grid((6, 6), 1.0))
    assert value.shape == ()
    assert value.dtype == jnp.float32


def test_interpolation_refuses_another_grid_and_other_points():
    grid = Grid((6, 6), 1.0)
    with pytest.raises(
        ValueError, match=r"cannot interpolate values of shape \(5, 6\)"
    ):
        interpolate_linear(jnp.zeros((5, 6)), jnp.zeros((3, 2)), grid)
    with pytest.raises(ValueError, match=r"points of shape \(2, 3\)"):
        interpolate_linear(jnp.zeros((6, 6)), jnp.zeros((2, 3)), grid)
