"""Checks of ranks and of traced values."""

import logging

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

import vitrax as vx
from vitrax._checks import (
    POSITIVE,
    annotation_rank,
    check_fields,
    check_ranks,
    checked,
    checked_number,
    field_ranks,
    is_concrete,
    is_known,
    must,
)


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
    assert dict(field_ranks(vx.Pose)) == {
        "rotation": None,
        "shift": 1,
        "height": 0,
        "magnification": 2,
    }
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


# jax gives the first call's error another type than the next ones'.
AT_RUN_TIME = (RuntimeError, ValueError)


class Tank(eqx.Module):
    """A noun with a rule."""

    levels: Float[Array, "..."] = eqx.field(metadata=must(POSITIVE, "fill it"))

    def __check_init__(self):
        check_fields(self)


class Train(eqx.Module):
    tank: Tank


def test_the_first_wrong_value_is_named():
    message = r"cannot make Tank because levels\[0, 1\] is -2.0, not positive and fin"
    with pytest.raises(ValueError, match=message + "ite; do fill it"):
        Tank(jnp.asarray([[1.0, -2.0], [3.0, np.nan]]))
    with pytest.raises(ValueError, match="because levels is inf, not"):
        Tank(np.float32(np.inf))


def test_what_is_not_yet_known_passes():
    jax.jit(lambda x: Tank(x).levels)(-1.0)
    jax.vmap(Tank)(jnp.asarray([-1.0]))
    for leaf in (None, object(), True, jax.ShapeDtypeStruct((), float)):
        assert not is_known(leaf)
        Tank(leaf)


def test_known_values_are_checked_without_compiling(caplog):
    values = jnp.ones((3, 5, 7))
    jax.config.update("jax_log_compiles", True)
    try:
        with caplog.at_level(logging.DEBUG, "jax"):
            Tank(values)
    finally:
        jax.config.update("jax_log_compiles", False)
    assert not caplog.records


def test_rules_of_traced_values_are_checked_when_on(monkeypatch):
    def level(train):
        return checked("drive", train=train).tank.levels.sum()

    empty = jax.tree.map(jnp.negative, Train(Tank(jnp.ones(3))))
    monkeypatch.delenv("VITRAX_ENABLE_CHECKS", raising=False)
    assert float(jax.jit(level)(empty)) == -3.0
    monkeypatch.setenv("VITRAX_ENABLE_CHECKS", "1")
    # Traced anew: the variable is read then.
    checked_level = jax.jit(lambda train: level(train))
    assert float(checked_level(Train(Tank(jnp.ones(3))))) == 3.0
    message = "cannot drive because train.tank.levels isn't positive and finite; do fi"
    with pytest.raises(AT_RUN_TIME, match=message):
        checked_level(empty).block_until_ready()


def test_numbers_are_checked_known_or_traced(monkeypatch):
    def root(x):
        return checked_number("root", "x", x, POSITIVE, "square it first") ** 0.5

    assert root(4.0) == 2.0
    with pytest.raises(ValueError, match=r"cannot root because x is -4\.0, not pos"):
        root(-4.0)
    monkeypatch.setenv("VITRAX_ENABLE_CHECKS", "1")
    with pytest.raises(AT_RUN_TIME, match="cannot root because x isn't positive"):
        jax.jit(root)(-4.0).block_until_ready()
