"""The contract of a pure verb with jit, vmap and grad, as one function.

What is done with results is done by numpy, which compiles nothing for each shape.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vitrax import batch_axes
from vitrax._typing import complex_dtype


# Of the largest value, and of a directional derivative.
RELATIVE = {np.dtype(np.float32): 5e-5, np.dtype(np.float64): 1e-10}
GRADIENT = 1e-5
# Of central differences, relative to the leaf, and the rounding that it magnifies.
STEP = 1e-5
ROUNDING = 1e-14


def check_transforms(fn, args, shifted):
    """Check that `fn` is a pure verb.

    It agrees with itself under jit, vmap and grad, is traced once for two valid inputs,
    its derivatives are those of finite differences, and a batched argument is an error.
    Rounding hides the differences in single precision: use double.

    Args:
        fn: function of nouns and float arrays, that returns float arrays.
        args: the arguments, whose leaves are float arrays.
        shifted: the same with other values.
    """
    check_jit(fn, args, shifted)
    check_vmap(fn, args, shifted)
    gradient = check_gradient(fn, args)
    check_derivatives(fn, args, gradient)
    check_rejects_batches(fn, args, shifted)


def check_transforms_of_draw(fn, args, shifted):
    """Check all of `check_transforms` but finite differences: whole numbers jump."""
    check_jit(fn, args, shifted)
    check_vmap(fn, args, shifted)
    check_gradient(fn, args)
    check_rejects_batches(fn, args, shifted)


def check_jit(fn, args, shifted):
    """Check jit = eager, with one trace for two inputs."""
    once = jax.jit(eqx.debug.assert_max_traces(fn, max_traces=1))
    assert_close(once(*args), fn(*args))
    assert_close(once(*shifted), fn(*shifted))


def check_vmap(fn, args, shifted):
    """Check vmap = loop, over all arguments and over each noun alone."""
    expected = stack(fn(*args), fn(*shifted))
    assert_close(jax.jit(jax.vmap(fn))(*stack(args, shifted)), expected)
    for i, arg in enumerate(args):
        if not isinstance(arg, eqx.Module):
            continue
        both = stack(arg, shifted[i])
        axes = tuple(batch_axes(both) if i == j else None for j in range(len(args)))
        batched = jax.jit(jax.vmap(fn, in_axes=axes))(*args[:i], both, *args[i + 1 :])
        one, other = fn(*args), fn(*args[:i], shifted[i], *args[i + 1 :])
        assert_close(batched, stack(one, other))


def check_gradient(fn, args):
    """Check jit(grad) = grad, and that both are finite; return the gradient."""
    eager = jax.grad(lambda args: weighted_sum(fn(*args)))(args)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(eager))
    gradient = jitted_gradient(fn)(args)
    assert_close(gradient, eager)
    return gradient


def jitted_gradient(fn):
    """Return the compiled gradient of a weighted sum of what `fn` returns."""
    return jax.jit(jax.grad(lambda args: weighted_sum(fn(*args))))


def check_derivatives(fn, args, gradient):
    """Check both modes' derivatives in each leaf against central differences."""
    total = jax.jit(lambda args: weighted_sum(fn(*args)))
    forward = jax.jit(lambda args, step: jax.jvp(total, (args,), (step,))[1])
    magnitude = sum(float(jnp.sum(jnp.abs(y))) for y in jax.tree.leaves(fn(*args)))
    for name, direction in directions(args):

        def along(t, direction=direction):
            return total(jax.tree.map(lambda x, d: moved(x, t * d), args, direction))

        numerical = central_difference(along, STEP)
        reverse, size = inner_product(gradient, direction)
        tolerance = GRADIENT * size + ROUNDING * magnitude / STEP
        assert abs(float(forward(args, direction)) - numerical) <= tolerance, name
        assert abs(reverse - numerical) <= tolerance, name


def check_rejects_batches(fn, args, shifted):
    """Check that one batched leaf of a noun, without vmap, is an error."""
    for i, (arg, other) in enumerate(zip(args, shifted, strict=True)):
        if not isinstance(arg, eqx.Module):
            continue
        leaves, structure = jax.tree.flatten(arg)
        for j, (one, two) in enumerate(
            zip(leaves, jax.tree.leaves(other), strict=True)
        ):
            both = structure.unflatten([*leaves[:j], stack(one, two), *leaves[j + 1 :]])
            with pytest.raises(ValueError, match=r"cannot .* shape"):
                fn(*args[:i], both, *args[i + 1 :])


def check_stays_single(fn, args):
    """Check that what `fn` returns, and its gradient, are single as all of `args` are.

    Without running it: with x64 on, where a stray double would show.
    """
    single = cast(args, jnp.float32)
    gradient = jax.grad(lambda args: weighted_sum(fn(*args)))
    shapes = (jax.eval_shape(fn, *single), jax.eval_shape(gradient, single))
    assert {leaf.dtype.name for leaf in jax.tree.leaves(shapes)} <= {
        "float32",
        "complex64",
    }


def assert_close(actual, expected, tolerance=None):
    """Assert equal structures, dtypes, and values to rounding of the largest."""
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    leaves = zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True)
    for one, two in leaves:
        one, two = np.asarray(one), np.asarray(two)
        assert one.dtype == two.dtype
        assert one.shape == two.shape
        relative = tolerance or RELATIVE[two.real.dtype]
        largest = float(np.max(np.abs(two), initial=0.0))
        np.testing.assert_allclose(one, two, rtol=relative, atol=relative * largest)


def weighted_sum(tree):
    """Return one number that depends on every value, with weights of either sign."""
    total = 0.0
    for leaf in jax.tree.leaves(tree):
        weights = jnp.cos(jnp.arange(leaf.size, dtype=leaf.real.dtype)) + 0.5
        parts = (leaf.real, leaf.imag) if jnp.iscomplexobj(leaf) else (leaf,)
        total = total + sum(jnp.sum(weights * part.ravel()) for part in parts)
    return total


def central_difference(fn, step):
    """Return the derivative of fn at 0, of fourth order."""
    at = [float(fn(n * step)) for n in (-2, -1, 1, 2)]
    return (8 * (at[2] - at[1]) - (at[3] - at[0])) / (12 * step)


def directions(args):
    """Yield (name, direction) that moves one leaf of `args`, by as much as it has."""
    paths, structure = jax.tree_util.tree_flatten_with_path(args)
    for i, (path, leaf) in enumerate(paths):
        steps = [np.zeros_like(each) for _, each in paths]
        typical = np.sqrt(np.mean(np.abs(np.asarray(leaf)) ** 2)) or 1.0
        steps[i] = np.asarray(typical * normal(i, leaf), leaf.dtype)
        yield jax.tree_util.keystr(path), structure.unflatten(steps)


def normal(seed, leaf):
    """Return normal numbers of variance 1, complex where a leaf is."""
    rng = np.random.default_rng(seed)
    real = rng.standard_normal(leaf.shape)
    if not jnp.iscomplexobj(leaf):
        return real
    return (real + 1j * rng.standard_normal(leaf.shape)) / np.sqrt(2)


def moved(x, step):
    """Return a leaf a step away."""
    return jnp.asarray(np.asarray(x) + step)


def inner_product(gradient, direction):
    """Return the derivative along a direction, and the size that it may have."""
    pairs = zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True)
    products = [
        (np.sum(np.asarray(g) * d).real, np.linalg.norm(g) * np.linalg.norm(d))
        for g, d in pairs
    ]
    return tuple(float(sum(column)) for column in zip(*products, strict=True))


def stack(one, other):
    """Return a batch of two."""
    return jax.tree.map(lambda *x: jnp.asarray(np.stack(x)), one, other)


def cast(tree, dtype):
    """Return `tree` with all its floats in `dtype`."""
    parts = complex_dtype(dtype)
    return jax.tree.map(
        lambda x: jnp.asarray(x, parts if jnp.iscomplexobj(x) else dtype), tree
    )
