"""A structure that moves along given directions."""

import inspect

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import vitrax as vx
from vitrax.structure import Path


MODES = jr.normal(jr.key(0), (2, 3, 3))
POSITIONS = jr.normal(jr.key(1), (3, 3))
ATOMS = vx.Atoms(POSITIONS, [6, 7, 8], [20.0] * 3, [1.0] * 3)
GAUSSIANS = vx.Gaussians(POSITIONS, np.ones((3, 2)), np.ones((3, 2)))


@pytest.mark.parametrize("structure", [ATOMS, GAUSSIANS], ids=["Atoms", "Gaussians"])
def test_a_point_of_a_path_is_the_sum_of_its_modes(structure):
    moved = Path(structure, MODES).at(jnp.asarray([0.3, -2.0]))
    assert jax.tree.structure(moved) == jax.tree.structure(structure)
    expected = POSITIONS + 0.3 * MODES[0] - 2.0 * MODES[1]
    np.testing.assert_allclose(moved.positions, expected, rtol=1e-12)
    rest = [jax.tree.leaves(each)[1:] for each in (moved, structure)]
    assert all(np.array_equal(*pair) for pair in zip(*rest, strict=True))


def test_images_change_with_the_coordinate_as_the_chain_rule_says():
    path, grid = Path(GAUSSIANS, MODES), vx.Grid(8, 1.0)
    image = lambda s: vx.project(s, vx.Pose.identity(), grid)
    at, step = jnp.zeros(2), jnp.asarray([1.0, 0.0])
    slope = jax.jvp(lambda c: image(path.at(c)), (at,), (step,))[1]
    along = jax.tree.map(jnp.zeros_like, GAUSSIANS)
    along = jax.tree.unflatten(
        jax.tree.structure(GAUSSIANS), [MODES[0], *jax.tree.leaves(along)[1:]]
    )
    expected = jax.jvp(image, (GAUSSIANS,), (along,))[1]
    np.testing.assert_allclose(slope, expected, atol=1e-12)


def test_what_it_refuses():
    # Unwrapped, as the types that tests check would object first.
    with pytest.raises(
        ValueError, match=r"displacements have shape \(2, 2, 3\) and pos"
    ):
        Path(ATOMS, np.zeros((2, 2, 3)))
    with pytest.raises(
        ValueError, match=r"coordinates of shape \(3,\) because there ar"
    ):
        inspect.unwrap(Path.at)(Path(ATOMS, MODES), jnp.zeros(3))
