"""Names of array shapes, and the one converter of fields."""

import reprlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float


Scalar = Float[Array, ""]
Vector2 = Float[Array, "2"]
Vector3 = Float[Array, "3"]
Matrix2 = Float[Array, "2 2"]
Matrix3 = Float[Array, "3 3"]
Image = Float[Array, "y x"]
Volume = Float[Array, "z y x"]
HalfImage = Float[Array, "y kx"]
HalfSpectrum = Complex[Array, "y kx"]
Spectrum = Complex[Array, "y x"]
HalfVolume = Complex[Array, "z y kx"]
ScalarLike = Float[Array, ""] | float | int


def default_float() -> np.dtype:
    """Return float64 under x64, float32 otherwise."""
    return jnp.dtype(jax.dtypes.canonicalize_dtype(np.float64))


def as_float(x: Any) -> Array:
    """Return `x` as a strongly typed float array.

    Python numbers, integers and booleans become the default float. Float arrays keep
    their dtype. A weakly typed array would be traced a second time by `jax.jit`, so
    weak types are removed.

    Raises:
        TypeError: if `x` is complex or isn't made of numbers.
    """
    if isinstance(x, jax.Array | np.ndarray | np.generic) and jnp.issubdtype(
        x.dtype, jnp.floating
    ):
        return jnp.asarray(x, dtype=jax.dtypes.canonicalize_dtype(x.dtype))
    try:
        # jax deprecates arrays of text, and warns before it refuses them.
        if any(isinstance(leaf, str | bytes) for leaf in jax.tree.leaves(x)):
            raise TypeError("text")
        array = jnp.asarray(x)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"cannot use {reprlib.repr(x)} as a float array because it isn't made of "
            f"numbers; do pass a number, or an array of numbers"
        ) from error
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise TypeError(
            "cannot use a complex value as a real field because its imaginary part "
            "would be lost; do pass .real or jnp.abs(...)"
        )
    return array.astype(default_float())


def float_or_none(x: Any) -> Any:
    """Return `as_float(x)`, or None for what isn't there."""
    return None if x is None else as_float(x)


def complex_dtype(dtype: Any) -> np.dtype:
    """Return the complex dtype with the precision of the real `dtype`."""
    return jnp.dtype(
        jnp.complex128 if jnp.dtype(dtype) == np.float64 else jnp.complex64
    )


def real_dtype(tree: Any) -> np.dtype:
    """Return the float dtype of the first array of `tree`, a complex one's parts'."""
    for leaf in jax.tree.leaves(tree):
        dtype = jnp.result_type(leaf)
        if jnp.issubdtype(dtype, jnp.inexact):
            return jnp.dtype(jnp.finfo(dtype).dtype)
    return default_float()
