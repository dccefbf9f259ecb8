"""Verbs say in what order their arguments stand."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx


GRID = vx.Grid(8, 1.0)
SCOPE = vx.Microscope(GRID, 300.0, vx.Lens(1e4))
BLOB = vx.Gaussians([[0.0, 0.0, 0.0]], [[2.5]], [[1.0]])
POSE = vx.Pose.identity()
IMAGE = np.zeros((8, 8))
ORDER = {
    vx.simulate: "structure, pose, microscope",
    vx.scatter: "structure, pose, microscope",
    vx.project: "structure, pose, grid",
    vx.render: "structure, grid",
    vx.expose: "contrast, camera, dose, grid",
}


def refused(verb, *arguments, match):
    order = rf"{verb.__name__}\({ORDER[verb]}\)"
    with pytest.raises(TypeError, match=f"cannot {verb.__name__} .*{match}.*{order}"):
        verb(*arguments)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("verb", [vx.simulate, vx.scatter])
def test_simulate_and_scatter(verb):
    refused(verb, SCOPE, POSE, BLOB, match="microscope is of type Gaussians, not Micr")
    refused(verb, BLOB, SCOPE, POSE, match="pose is of type Microscope, not Pose")
    refused(verb, BLOB, (1.0, 2.0, 3.0), SCOPE, match="pose is of type tuple, not Pose")
    refused(verb, BLOB, POSE, GRID, match="microscope is of type Grid")
    refused(verb, "6z6u.pdb", POSE, SCOPE, match="structure is '6z6u.pdb'.*read_atoms")
    refused(verb, None, POSE, SCOPE, match="structure is None")
    with pytest.raises(TypeError, match="cannot project a Grid because no projector"):
        verb(GRID, POSE, SCOPE)


@pytest.mark.usefixtures("unchecked")
def test_project_render_and_expose():
    refused(vx.project, BLOB, GRID, POSE, match="pose is of type Grid")
    refused(vx.project, BLOB, POSE, (8, 8), match="grid is of type tuple, not Grid")
    refused(vx.project, POSE, BLOB, GRID, match="pose is of type Gaussians")
    refused(vx.render, GRID, BLOB, match="a Grid because")
    refused(vx.render, BLOB, (8, 8, 8), match="grid is of type tuple")
    refused(vx.render, "6z6u.pdb", GRID, match="structure is '6z6u.pdb'")
    refused(vx.expose, IMAGE, 20.0, vx.Camera(), GRID, match="camera is of type float")
    refused(vx.expose, IMAGE, vx.Camera(), GRID, 20.0, match="grid is of type float")
    refused(vx.expose, vx.Camera(), IMAGE, 20.0, GRID, match="camera is of type nd")


@pytest.mark.usefixtures("unchecked")
def test_structures_of_any_type_may_be_registered():
    from vitrax.potential import AbstractProjector, default_projector

    class Constant(AbstractProjector):
        def __call__(self, structure, pose, grid):
            return vx.grid.to_fourier(jnp.full(grid.shape, structure.value))

        def working_grid(self, structure, grid):
            return grid

    class Mine(NamedTuple):
        value: Any

    default_projector.register(Mine, lambda structure: Constant())
    image = vx.project(Mine(value=jnp.asarray(2.0)), POSE, GRID)
    np.testing.assert_allclose(image, 2.0, rtol=1e-6)
