"""Several states of a structure."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import vitrax as vx


def states(count=3):
    return [
        vx.Atoms(np.full((2, 3), float(i)), [6, 8], [20.0, 30.0], [1.0, 0.5])
        for i in range(count)
    ]


def test_a_state_is_the_structure_that_was_given():
    given = states()
    ensemble = vx.Ensemble.from_structures(given)
    assert len(ensemble) == 3
    for i, structure in enumerate(given):
        for state in (ensemble.state(i), jax.jit(vx.Ensemble.state)(ensemble, i)):
            assert jax.tree.structure(state) == jax.tree.structure(structure)
            np.testing.assert_array_equal(state.positions, structure.positions)
    np.testing.assert_array_equal(ensemble.state(-1).positions, given[-1].positions)


def test_draws_follow_the_weights():
    ensemble = vx.Ensemble.from_structures(states(), [2.0, 6.0, 1.0])
    draws = jax.vmap(ensemble.sample)(jr.split(jr.key(0), 9000))
    counts = np.bincount(np.asarray(draws.positions)[:, 0, 0].astype(int))
    # Standard deviations of 42, 45 and 30.
    np.testing.assert_allclose(counts, [2000, 6000, 1000], atol=170)
    np.testing.assert_allclose(ensemble.probabilities, [2 / 9, 6 / 9, 1 / 9])


def test_a_draw_can_be_imaged():
    ensemble = vx.Ensemble.from_structures(states())
    image = vx.project(ensemble.sample(jr.key(1)), vx.Pose.identity(), vx.Grid(8, 2.0))
    assert image.shape == (8, 8)


def test_maps_can_be_states():
    maps = [vx.VoxelMap(jnp.full((4, 4, 4), float(i)), 2.0) for i in range(2)]
    ensemble = vx.Ensemble.from_structures([vx.FourierMap.from_map(m) for m in maps])
    assert ensemble.state(1).shape == (4, 4, 4)


def test_batches_of_ensembles_are_mapped():
    one, two = (
        vx.Ensemble.from_structures(states(), w) for w in ([1, 2, 3], [3, 2, 1])
    )
    both = jax.tree.map(lambda *x: jnp.stack(x), one, two)
    axes = vx.batch_axes(both)
    assert axes.weights == 0
    assert axes.structures.positions == 0
    third = jax.vmap(lambda e: e.state(2), in_axes=(axes,))(both)
    assert third.positions.shape == (2, 2, 3)
    with pytest.raises(ValueError, match=r"cannot call Ensemble.state .* rank 3; do"):
        both.state(0)


def test_what_it_refuses():
    with pytest.raises(ValueError, match="of 0 structures because there are 0 kinds"):
        vx.Ensemble.from_structures([])
    other = vx.Atoms(np.zeros((2, 3)), [6, 7], [20.0, 30.0], [1.0, 0.5])
    with pytest.raises(
        ValueError, match="of 2 structures because there are 2 kinds of"
    ):
        vx.Ensemble.from_structures([states()[0], other])
    with pytest.raises(ValueError, match=r"weights\[1\] is 0.0, not positive"):
        vx.Ensemble.from_structures(states(), [1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match=r"weights have shape \(2,\) and an array of"):
        vx.Ensemble.from_structures(states(), [1.0, 2.0])
    with pytest.raises(IndexError, match="cannot take state 3 because there are 3; do"):
        vx.Ensemble.from_structures(states()).state(3)
