"""Batches of nouns, and maps over them that fit in memory."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ._checks import iterate_ranks


def batch_axes(noun: PyTree) -> Any:
    """Return the `in_axes` of `jax.vmap` for a noun of which some leaves are batched.

    A leaf with one axis more than its field's annotation says gets 0, another None.

    Args:
        noun: a noun, such as a `Pose` made by `Pose.uniform`.

    Returns:
        The same structure with 0 or None in place of each array.

    Raises:
        ValueError: if an array has neither the rank of one item nor one more.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> poses = vx.Pose.uniform(jax.random.key(0), 5)
        >>> vx.batch_axes(poses).shift
        0
    """
    axes = {}
    for path, array, rank in iterate_ranks(noun, type(noun).__name__):
        extra = array.ndim - rank
        if extra not in (0, 1):
            raise ValueError(
                f"cannot find the batch axis of {path} because its shape "
                f"{tuple(array.shape)} has {extra} axes more than one item's {rank}; "
                f"do batch along one axis"
            )
        axes[id(array)] = 0 if extra else None
    leaves, structure = jax.tree.flatten(noun)
    return jax.tree.unflatten(structure, [axes.get(id(leaf)) for leaf in leaves])


def map_batched(
    fn: Callable[[Any], Any],
    xs: PyTree,
    *,
    batch_size: int,
    mesh: jax.sharding.Mesh | None = None,
) -> Any:
    """Return `fn` of every item of `xs`, at most `batch_size` items at a time.

    Equal to `jax.vmap(fn)(xs)`, in the memory of one batch; under `jax.grad` each batch
    is computed again rather than stored. The result doesn't depend on `batch_size` or
    on the devices beyond rounding.

    Args:
        fn: function of one item.
        xs: items along the first axis of every leaf.
        batch_size: items at a time, on each device. It needn't divide their number.
        mesh: devices to spread the items over; None means one device.

    Returns:
        The results, along the first axis of every leaf.

    Raises:
        ValueError: if `batch_size` isn't positive, or leaves differ in length.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> vx.map_batched(lambda x: x**2, jnp.arange(5.0), batch_size=2).tolist()
        [0.0, 1.0, 4.0, 9.0, 16.0]
    """
    if batch_size < 1:
        raise ValueError(
            f"cannot map in batches of {batch_size} because a batch holds at least one "
            f"item; do pass batch_size >= 1"
        )
    lengths = {leaf.shape[0] if leaf.ndim else None for leaf in jax.tree.leaves(xs)}
    if len(lengths) != 1 or None in lengths:
        raise ValueError(
            f"cannot map over xs because its leaves have first axes {lengths}; do give "
            f"every leaf one leading axis of the same length"
        )
    step = jax.checkpoint(fn)

    def per_device(items: PyTree) -> Any:
        return jax.lax.map(step, items, batch_size=batch_size)

    if mesh is None:
        return per_device(xs)
    length = jax.tree.leaves(xs)[0].shape[0]
    return _map_sharded(per_device, xs, length, mesh)


def _map_sharded(
    per_device: Callable[[Any], Any], xs: PyTree, length: int, mesh: jax.sharding.Mesh
) -> Any:
    """Return `per_device` of equal shares of `xs`, the last filled with item 0."""
    fill = -length % mesh.size
    filled = jax.tree.map(
        lambda x: jnp.concatenate([x, jnp.repeat(x[:1], fill, axis=0)]), xs
    )
    # Of a mesh with explicit axes, results of any length couldn't be cut again.
    mesh = jax.sharding.Mesh(mesh.devices, mesh.axis_names)
    spec = jax.sharding.PartitionSpec(mesh.axis_names)
    shares = jax.shard_map(
        per_device, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False
    )
    return jax.tree.map(lambda y: y[:length], shares(filled))


def cast_floats(tree: PyTree, dtype: Any) -> Any:
    """Return `tree` with its float arrays, and only those, in `dtype`."""
    return jax.tree.map(
        lambda x: (
            x.astype(dtype)
            if eqx.is_array(x) and jnp.issubdtype(x.dtype, jnp.floating)
            else x
        ),
        tree,
    )
