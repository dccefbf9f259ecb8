"""The converter of float fields."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vitrax._typing import as_float, complex_dtype, default_float


pytestmark = pytest.mark.float32


@pytest.mark.parametrize(
    "value",
    [1, 2.0, True, np.int32(3), np.arange(3), [1, 2], (0.5, 1), jnp.arange(3)],
    ids=repr,
)
def test_numbers_become_the_default_float(value):
    array = as_float(value)
    assert array.dtype == default_float()
    assert not array.weak_type


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_float_arrays_keep_their_dtype(dtype):
    assert as_float(jnp.ones(2, dtype)).dtype == dtype
    assert as_float(np.ones(2, dtype)).dtype == dtype


def test_doubles_stay_doubles_only_under_x64():
    assert as_float(np.ones(2)).dtype == default_float()


def test_weak_types_are_removed():
    weak = jnp.asarray(1.0)
    assert weak.weak_type
    assert not as_float(weak).weak_type


def test_python_numbers_are_traced_once():
    traces = []
    jax.jit(lambda x: traces.append(1) or x)(as_float(1.0))
    jax.jit(lambda x: x)(as_float(2))
    doubled = jax.jit(lambda x: traces.append(1) or 2 * x)
    doubled(as_float(1.0)), doubled(as_float(2)), doubled(as_float(np.float64(3)))
    assert len(traces) == 2


def test_complex_values_are_an_error():
    with pytest.raises(TypeError, match="cannot use a complex value"):
        as_float(1j)


def test_complex_dtype_has_the_same_precision():
    assert complex_dtype(jnp.float32) == jnp.complex64
    assert complex_dtype(np.float64) == jnp.complex128


@pytest.mark.parametrize("value", ["a", None, object(), [1.0, "a"]])
def test_what_is_no_number_is_named(value):
    with pytest.raises(TypeError, match=r"cannot use .* because it isn't made of num"):
        as_float(value)
