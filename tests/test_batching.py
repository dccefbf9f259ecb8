"""Batches of nouns, and maps that fit in memory."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import vitrax as vx
from vitrax._batching import cast_floats


pytestmark = pytest.mark.float32


def wave(x):
    return {"sine": jnp.sin(x), "square": x**2}


@pytest.mark.parametrize("batch_size", [1, 3, 7, 20])
def test_map_equals_vmap_for_any_batch_size(getkey, batch_size):
    xs = jr.normal(getkey(), (7, 2))
    actual = vx.map_batched(wave, xs, batch_size=batch_size)
    expected = jax.vmap(wave)(xs)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), actual, expected
    )


@pytest.mark.parametrize("items", [1, 4, 7])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_map_over_a_mesh_equals_one_device(getkey, items, batch_size):
    mesh = jax.make_mesh((2,), ("items",), devices=jax.devices("cpu")[:2])
    xs = jr.normal(getkey(), (items, 2))
    actual = vx.map_batched(wave, xs, batch_size=batch_size, mesh=mesh)
    expected = vx.map_batched(wave, xs, batch_size=batch_size)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), actual, expected
    )


def test_map_of_nouns(getkey):
    poses = vx.Pose.uniform(getkey(), 5)
    matrices = vx.map_batched(vx.Pose.as_matrix, poses, batch_size=2)
    np.testing.assert_allclose(matrices, jax.vmap(vx.Pose.as_matrix)(poses), rtol=1e-5)


def test_gradient_through_a_map(getkey):
    xs = jr.normal(getkey(), (5,))
    total = lambda xs: jnp.sum(vx.map_batched(jnp.sin, xs, batch_size=2))
    for gradient in (jax.grad(total), jax.jit(jax.grad(total))):
        np.testing.assert_allclose(gradient(xs), jnp.cos(xs), rtol=1e-6)


def test_gradient_stores_no_more_than_the_inputs():
    def steep(x):
        return jnp.sum(jnp.exp(jnp.sin(jnp.ones((100, 100)) * x)))

    total = lambda xs: jnp.sum(vx.map_batched(steep, xs, batch_size=1))
    residuals = jax.eval_shape(lambda xs: jax.vjp(total, xs)[1], jnp.ones(50))
    stored = sum(leaf.size for leaf in jax.tree.leaves(residuals))
    assert stored < 50 * 100


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batch_without_items_is_an_error(batch_size):
    with pytest.raises(ValueError, match="cannot map in batches of"):
        vx.map_batched(jnp.sin, jnp.ones(3), batch_size=batch_size)


@pytest.mark.parametrize(
    "xs",
    [(jnp.ones(3), jnp.ones(4)), jnp.ones(()), ()],
    ids=["lengths", "scalar", "none"],
)
def test_items_without_one_length_are_an_error(xs):
    with pytest.raises(ValueError, match="cannot map over xs"):
        vx.map_batched(lambda x: x, xs, batch_size=2)


def test_batch_axes_of_one_item_are_none():
    axes = vx.batch_axes(vx.Pose.identity())
    assert jax.tree.leaves(axes) == []


def test_batch_axes_mark_what_is_batched(getkey):
    pose = vx.Pose(vx.Rotation.uniform(getkey()), jnp.zeros((4, 2)))
    axes = vx.batch_axes(pose)
    assert axes.shift == 0
    assert axes.rotation.quaternion is None
    matrices = jax.vmap(lambda p: p.shift, in_axes=(axes,))(pose)
    assert matrices.shape == (4, 2)


def test_batch_axes_of_two_axes_are_an_error(getkey):
    pose = vx.Pose(vx.Rotation.identity(), jnp.zeros((4, 5, 2)))
    with pytest.raises(ValueError, match=r"cannot find the batch axis of Pose\.shift"):
        vx.batch_axes(pose)


def test_cast_leaves_integers_alone():
    tree = cast_floats({"a": jnp.ones(2), "b": jnp.arange(2)}, jnp.float16)
    assert tree["a"].dtype == jnp.float16
    assert jnp.issubdtype(tree["b"].dtype, jnp.integer)
