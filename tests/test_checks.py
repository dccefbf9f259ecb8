"""Checks of ranks and of traced values."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from jaxtyping import Array, Float

import vitrax as vx
from vitrax._checks import annotation_rank, check_ranks, field_ranks, is_concrete


def test_check_is_the_identity_when_off(monkeypatch):
    monkeypatch.delenv("VITRAX_ENABLE_CHECKS", raising=False)
    x = jnp.ones(3)
    assert vx.maybe_error_if(x, True, "never seen") is x


@pytest.mark.parametrize("value", ["0", "false", "False", ""])
def test_check_is_off_for_these_values(monkeypatch, value):
    monkeypatch.setenv("VITRAX_ENABLE_CHECKS", value)
    assert float(vx.maybe_error_if(jnp.ones(()), True, "never seen")) == 1.0


def test_check_raises_when_on(monkeypatch):
    monkeypatch.setenv("VITRAX_ENABLE_CHECKS", "1")
    assert float(vx.maybe_error_if(jnp.ones(()), jnp.asarray(False), "no")) == 1.0
    with pytest.raises(RuntimeError, match="cannot use this"):
        vx.maybe_error_if(jnp.ones(()), jnp.asarray(True), "cannot use this")


def test_rank_of_a_nested_field_is_checked():
    batched = jax.vmap(vx.Pose.from_euler)(jnp.ones(3), jnp.ones(3), jnp.ones(3))
    with pytest.raises(
        ValueError, match=r"cannot fly because pose\.rotation\.quaternion"
    ):
        check_ranks("fly", pose=batched)


def test_right_ranks_pass():
    check_ranks("fly", pose=vx.Pose.identity(), grid=vx.Grid((4, 4), 1.0))


def test_ranks_are_those_of_the_annotations():
    assert dict(field_ranks(vx.Pose)) == {"rotation": None, "shift": 1}
    assert dict(field_ranks(vx.Grid)) == {"pixel_size": 0}
    assert dict(field_ranks(vx.VoxelMap))["values"] == 3


def test_rank_of_an_optional_array():
    assert annotation_rank(Float[Array, "a b"] | None) == 2
    assert annotation_rank(Float[Array, "..."]) is None
    assert annotation_rank(int) is None


def test_an_array_in_a_plain_field_of_any_rank_passes():
    class Free(eqx.Module):
        x: Float[Array, "..."]

    check_ranks("fly", free=Free(jnp.ones((2, 3))))


def test_traced_values_are_not_concrete():
    seen = []
    jax.jit(lambda x: seen.append(is_concrete(x, 1.0)) or x)(jnp.ones(()))
    assert seen == [False]
    assert is_concrete(jnp.ones(()), 2)
