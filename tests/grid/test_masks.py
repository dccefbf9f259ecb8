"""Soft masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vitrax.grid import Grid, circular_mask, rectangular_mask, spherical_mask


@pytest.mark.parametrize("shape", [(24, 24), (25, 25), (24, 31), (33, 26)])
@pytest.mark.parametrize("edge", [0.0, 4.5])
def test_circular_mask_is_exact_inside_and_outside(shape, edge):
    mask = np.asarray(circular_mask(Grid(shape, 1.5), radius=9.0, edge=edge))
    y, x = np.meshgrid(*[(np.arange(n) - n // 2) * 1.5 for n in shape], indexing="ij")
    r = np.hypot(y, x)
    assert np.all(mask[r <= 9.0] == 1.0)
    assert np.all(mask[r >= 9.0 + edge + 1e-9] == 0.0)
    between = (r > 9.0) & (r < 9.0 + edge)
    expected = 0.5 * (1 + np.cos(np.pi * (r[between] - 9.0) / max(edge, 1e-9)))
    np.testing.assert_allclose(mask[between], expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(12, 12, 12), (13, 12, 15)])
def test_spherical_mask_counts_and_centres(shape):
    grid = Grid(shape, 1.0)
    mask = np.asarray(spherical_mask(grid, radius=1.0, centre=(2.0, -1.0, 0.0)))
    z, y, x = (n // 2 for n in shape)
    assert mask.sum() == 7
    assert mask[z, y - 1, x + 2] == 1.0
    assert mask[z, y - 1, x + 3] == mask[z + 1, y - 1, x + 2] == 1.0
    soft = spherical_mask(grid, radius=2.0, edge=2.0)
    assert float(soft[z, y, x + 3]) == pytest.approx(0.5)


def test_centre_is_x_then_y():
    mask = circular_mask(Grid((20, 30), 2.0), radius=1.0, centre=(6.0, -8.0))
    assert jnp.argwhere(mask).tolist() == [[10 - 4, 15 + 3]]


@pytest.mark.parametrize("shape", [(20, 20), (21, 23)])
def test_rectangular_mask_has_full_sides_and_soft_edges(shape):
    grid = Grid(shape, 1.0)
    mask = np.asarray(rectangular_mask(grid, sides=(8.0, 4.0), edge=2.0))
    y, x = (n // 2 for n in shape)
    assert np.all(mask[y - 2 : y + 3, x - 4 : x + 5] == 1.0)
    np.testing.assert_allclose(mask[y, x + 5], 0.5)
    np.testing.assert_allclose(mask[y + 3, x + 5], 0.25)
    assert mask[y, x + 6] == mask[y + 4, x] == 0.0
    moved = rectangular_mask(grid, (8.0, 4.0), 2.0, centre=(1.0, -2.0))
    np.testing.assert_allclose(moved, np.roll(mask, (-2, 1), (0, 1)), atol=1e-15)


def test_rectangular_mask_of_a_volume():
    mask = np.asarray(rectangular_mask(Grid((9, 9, 9), 1.0), sides=(6.0, 4.0, 2.0)))
    assert mask.sum() == 7 * 5 * 3
    assert mask.any(axis=(0, 1)).sum() == 7


def test_area_grows_with_the_radius_at_the_rate_of_the_circumference():
    grid = Grid((101, 101), 1.0)
    area = jax.grad(lambda radius: circular_mask(grid, radius, edge=8.0).sum())
    # d/dr of pi r^2 + (soft part) is 2 pi times the mean radius of the edge.
    assert float(area(20.0)) == pytest.approx(2 * np.pi * 24.0, rel=1e-3)


def test_derivatives_are_finite_at_the_centre_and_with_a_hard_edge():
    def total(radius, edge, x, pixel_size):
        grid = Grid((16, 16), pixel_size)
        return circular_mask(grid, radius, edge, centre=(x, 0.0)).sum()

    for edge in (0.0, 3.0):
        gradient = jax.grad(total, argnums=(0, 1, 2, 3))(4.0, edge, 0.0, 1.0)
        assert all(bool(jnp.isfinite(g)) for g in gradient)


def test_dtype_follows_the_grid():
    grid = Grid((8, 8), np.float32(1.0))
    assert circular_mask(grid, radius=2.0, edge=1.0).dtype == jnp.float32
    assert rectangular_mask(grid, sides=(2.0, 3.0)).dtype == jnp.float32


def test_masks_refuse_grids_and_numbers_that_do_not_fit():
    flat, deep = Grid((8, 8), 1.0), Grid((8, 8, 8), 1.0)
    with pytest.raises(ValueError, match="do use spherical_mask"):
        circular_mask(deep, 2.0)
    with pytest.raises(ValueError, match="do use circular_mask"):
        spherical_mask(flat, 2.0)
    with pytest.raises(ValueError, match="mask of 3 sides"):
        rectangular_mask(flat, (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="centre on 3 coordinates"):
        circular_mask(flat, 2.0, centre=(1.0, 2.0, 3.0))


@pytest.mark.parametrize("radius", [0.0, -3.0])
def test_a_radius_that_isn_t_positive_is_refused(radius):
    message = f"_mask because radius is {radius}, not positive and finite; do give it"
    with pytest.raises(ValueError, match="cannot circular" + message):
        circular_mask(Grid(8, 1.0), radius)
    with pytest.raises(ValueError, match="cannot spherical" + message):
        spherical_mask(Grid((8, 8, 8), 1.0), radius)


def test_negative_edges_and_sides_are_refused():
    with pytest.raises(ValueError, match=r"because edge is -1\.0, not 0 or more"):
        circular_mask(Grid(8, 1.0), 3.0, edge=-1.0)
    with pytest.raises(ValueError, match=r"because sides\[1\] is -2.0, not 0 or more"):
        rectangular_mask(Grid(8, 1.0), sides=(3.0, -2.0))
