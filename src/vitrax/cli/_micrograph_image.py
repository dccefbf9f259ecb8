"""The pixels of a micrograph: ice, particles, lens and camera."""

import functools as ft
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._typing import ScalarLike, default_float
from ..detector import Camera, PoissonNoise, expose
from ..grid import Grid, apply_filter, crop
from ..image import Microscope, simulate_micrograph
from ..structure import Ice
from ._draw import stream
from ._exit import NumericalError
from ._micrograph_job import MicrographJob, poses_of


# Below this, 1 - x/3 is the mean of a decay to seven digits.
_FEW = 1e-3


def steps_of(job: MicrographJob) -> int:
    """Return how many steps `image_of` reports.

    Args:
        job: made ready.
    """
    return job.recipe.layers + 2


def image_of(
    job: MicrographJob, advance: Callable[[int], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the micrograph, and what the camera expects without noise.

    Args:
        job: made ready.
        advance: called after each step.

    Raises:
        NumericalError: if a pixel isn't finite.
    """
    recipe = job.recipe
    scope = job.microscope(job.field())
    layers: list[tuple[jax.Array, float]] = []
    for number in range(recipe.layers):
        height = ((number + 0.5) / recipe.layers - 0.5) * recipe.ice
        key = jax.random.fold_in(stream(recipe.seed, "ice"), number)
        ice = Ice(thickness=jnp.asarray(recipe.ice / recipe.layers, default_float()))
        layer = mean_ice(key, ice, recipe.dose, scope.grid)
        layers.append((layer.block_until_ready(), height))
        advance(1)
    species = [
        (ready, poses_of(job, number))
        for number, (ready, each) in enumerate(zip(job.ready, job.species, strict=True))
        if each.count
    ]
    contrast = _contrast(species, scope, layers, job.box, recipe.shape)
    contrast.block_until_ready()
    del layers
    advance(1)
    grid = Grid(recipe.shape, job.pixel_size)
    expected = _expected(contrast, job.camera, recipe.dose, grid)
    counts = _counted(stream(recipe.seed, "counts"), expected)
    recorded = _finite(_recorded(counts, job.camera, grid))
    clean = _finite(_recorded(expected, job.camera, grid))
    advance(1)
    return recorded, clean


@jax.jit
def mean_ice(key: jax.Array, ice: Ice, dose: ScalarLike, grid: Grid) -> jax.Array:
    """Return the mean over an exposure of one layer of ice, V·Å.

    Args:
        key: one for each layer.
        ice: its kind and thickness.
        dose: of the exposure, e/Å².
        grid: of the field.
    """
    left = jnp.sqrt(share_left(ice, grid, dose))
    return apply_filter(ice.sample(key, grid).values, left)


def share_left(ice: Ice, grid: Grid, dose: ScalarLike) -> jax.Array:
    r"""Return the power of the mean over an exposure, over that of ice at rest.

    A frequency that keeps the part $e^{-aN}$ of its amplitude after the exposure $N$,
    as `Ice.diffused` says, has in the mean over it the part

    $$\frac{2}{x^2}\left(x - 1 + e^{-x}\right), \quad x = aN$$

    Args:
        ice: says how far its molecules go.
        grid: of the spectrum.
        dose: of the exposure, e/Å².
    """
    moved = ice.displacement * jnp.asarray(dose, ice.displacement.dtype)
    x = (4 * np.pi**2 / 6) * moved * grid.frequency_squared().astype(moved.dtype)
    many = jnp.where(x > _FEW, x, 1.0)
    return jnp.where(x > _FEW, 2 * (many + jnp.expm1(-many)) / many**2, 1 - x / 3)


@ft.partial(jax.jit, static_argnums=(3, 4))
def _contrast(
    species: Any,
    scope: Microscope,
    layers: Any,
    box: int,
    shape: tuple[int, int],
) -> jax.Array:
    """Return the contrast of the field, what is beyond its edges cut off."""
    return crop(simulate_micrograph(species, scope, box, layers), shape)


@jax.jit
def _expected(
    contrast: jax.Array, camera: Camera, dose: ScalarLike, grid: Grid
) -> jax.Array:
    return expose(contrast, camera, dose, grid)


@jax.jit
def _counted(key: jax.Array, expected: jax.Array) -> jax.Array:
    """Return counts, row by row from keys of their own: memory is that of a row."""
    keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(
        jnp.arange(expected.shape[0])
    )

    def one(pair: tuple[jax.Array, jax.Array]) -> jax.Array:
        key, row = pair
        return PoissonNoise().sample(key, row[None])[0]

    return jax.lax.map(one, (keys, expected), batch_size=min(64, len(expected)))


@jax.jit
def _recorded(counts: jax.Array, camera: Camera, grid: Grid) -> jax.Array:
    return camera.readout(counts, grid)


def _finite(image: jax.Array) -> np.ndarray:
    """Return an image as float32, or raise where it isn't finite."""
    array = np.asarray(image, np.float32)
    if not np.isfinite(array).all():
        raise NumericalError(
            "cannot simulate the micrograph because some pixels aren't finite; do "
            "check the structure's B-factors with 'vitrax info', and the optics"
        )
    return array
