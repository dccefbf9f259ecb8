"""Random poses and defoci: row i depends on the seed and on i alone."""

import dataclasses
import functools as ft
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ..image import OpticsGroup, ParticleStack
from ..pose import Rotation
from ._particle_options import DEFAULTS, ParticleOptions


# Micrographs of the bookkeeping kind, where each particle has a defocus of its own.
NOMINAL_PER_MICROGRAPH = 100
# RELION's files hold six decimals: images are made from what the file will say.
_DECIMALS = 6

_STREAMS = (
    "rotation", "shift", "defocus", "astigmatism", "angle", "height", "subset", "row",
    "noise", "place", "ice", "counts", "model",
)  # fmt: skip


def stream(seed: int, name: str) -> jax.Array:
    """Return the key of one kind of draw.

    Args:
        seed: of the data set.
        name: of the kind, such as "noise".
    """
    return jr.fold_in(jr.key(seed), _STREAMS.index(name))


def draw_particles(
    recipe: ParticleOptions, euler: np.ndarray | None = None
) -> ParticleStack:
    """Return the particles of a recipe that takes nothing from a file.

    Args:
        recipe: the parameters, resolved.
        euler: orientations to go through in turn, (n, 3) in degrees, where given.

    Returns:
        A stack without images.
    """
    n = _given(recipe, "n")
    per_micrograph = recipe.particles_per_micrograph
    micrograph = np.arange(n) // (per_micrograph or NOMINAL_PER_MICROGRAPH)
    draws = _draw_numbers(recipe.seed, n)
    same_lens = micrograph if per_micrograph else np.arange(n)
    names = np.array([f"micrographs/{m + 1:06d}.mrc" for m in micrograph])
    return ParticleStack(
        reader=no_images,
        rows=np.arange(n),
        optics=(optics_of(recipe),),
        groups=np.zeros(n, np.int64),
        angles=_rounded(_angles(recipe, n, euler)),
        shifts=_rounded(_shifts(recipe, draws)),
        defocus=_rounded(_defocus(recipe, draws, same_lens)),
        phase_shifts=np.full(n, recipe.phase_shift),
        b_factors=np.full(n, recipe.b_envelope),
        scales=np.ones(n),
        columns={
            "rlnMicrographName": names,
            "rlnRandomSubset": 1 + draws["subset"].astype(np.int64),
        },
    )


def optics_of(recipe: ParticleOptions) -> OpticsGroup:
    """Return the one optics group of a recipe.

    Args:
        recipe: the parameters, resolved.
    """
    return OpticsGroup(
        pixel_size=_given(recipe, "angpix"),
        voltage=_given(recipe, "kv"),
        spherical_aberration=_given(recipe, "cs"),
        amplitude_contrast=_given(recipe, "q0"),
        box=_given(recipe, "box"),
    )


def no_images(rows: np.ndarray) -> NoReturn:
    """Raise: particles that are yet to be simulated have no images."""
    raise ValueError(
        f"cannot read {len(rows)} images because they aren't simulated yet; do read "
        f"the stack that is written"
    )


def draw_subsets(seed: int, n: int) -> np.ndarray:
    """Return a random half, 1 or 2, for each of `n` particles."""
    return 1 + _draw_numbers(seed, n)["subset"].astype(np.int64)


def draw_rows(seed: int, n: int, count: int) -> np.ndarray:
    """Return `n` row numbers below `count`, with replacement."""
    rows = _per_item(seed, "row", n, lambda key: jr.randint(key, (), 0, count))
    return rows.astype(np.int64)


def draw_models(seed: int, n: int, count: int, species: int = 0) -> np.ndarray:
    """Return the model, below `count`, that each of `n` particles is of; all as likely.

    Args:
        seed: of the data set.
        n: number of particles.
        count: of models.
        species: each draws its own.
    """
    models = _per_item(
        seed, "model", n, lambda key: jr.randint(key, (), 0, count), species
    )
    return models.astype(np.int64)


def with_models(particles: ParticleStack, seed: int, count: int) -> ParticleStack:
    """Return particles with the number of a model each, from 1, as rlnClassNumber.

    Args:
        particles: of one species.
        seed: of the data set.
        count: of models; the particles as they are where it is 1.
    """
    if count == 1:
        return particles
    numbers = 1 + draw_models(seed, len(particles), count)
    columns = {**particles.columns, "rlnClassNumber": numbers}
    return dataclasses.replace(particles, columns=columns)


def uniform_angles(seed: int, n: int, species: int = 0) -> np.ndarray:
    """Return `n` orientations uniform over rotations, (n, 3) in degrees.

    Args:
        seed: of the data set.
        n: number of orientations.
        species: each draws its own.
    """
    return _per_item(seed, "rotation", n, _uniform_euler, species)


def _uniform_euler(key: jax.Array) -> jax.Array:
    return Rotation.uniform(key).as_euler()


def preferred_angles(
    seed: int, n: int, concentration: float = 10.0, species: int = 0
) -> np.ndarray:
    r"""Return `n` orientations whose views gather about the map's z axis.

    The cosine $u$ of the tilt has the density $\propto e^{\kappa u}$ of von Mises and
    Fisher; the other two angles are uniform.

    Args:
        seed: of the data set.
        n: number of orientations.
        concentration: $\kappa$.
        species: each draws its own.
    """

    def one(key: jax.Array) -> jax.Array:
        u, rot, psi = jr.uniform(key, (3,), jnp.float32)
        cosine = 1 + jnp.log(u + (1 - u) * jnp.exp(-2 * concentration)) / concentration
        tilt = jnp.rad2deg(jnp.arccos(jnp.clip(cosine, -1.0, 1.0)))
        return jnp.stack([360 * rot - 180, tilt, 360 * psi - 180])

    return _per_item(seed, "rotation", n, one, species)


def _given(recipe: ParticleOptions, name: str) -> Any:
    """Return a value of the recipe, or its default where it isn't resolved."""
    value = getattr(recipe, name)
    return DEFAULTS[name] if value is None else value


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.round(values, _DECIMALS) + 0.0


def _angles(recipe: ParticleOptions, n: int, euler: np.ndarray | None) -> np.ndarray:
    if euler is not None:
        return np.asarray(euler, float)[np.arange(n) % len(euler)]
    if recipe.orientations == "preferred":
        return preferred_angles(recipe.seed, n, recipe.concentration)
    return uniform_angles(recipe.seed, n)


def _shifts(recipe: ParticleOptions, draws: dict[str, np.ndarray]) -> np.ndarray:
    """Return (x, y) of each particle, Å: normal, or even within a square."""
    if recipe.shift_max:
        return recipe.shift_max * draws["even shift"]
    return recipe.shift_sd * draws["shift"]


def _defocus(
    recipe: ParticleOptions, draws: dict[str, np.ndarray], same_lens: np.ndarray
) -> np.ndarray:
    """Return the mean of U and V (Å), U - V (Å) and the angle of U, (n, 3)."""
    low, high = recipe.defocus
    mean = low + (high - low) * draws["defocus"][same_lens]
    mean += recipe.height_spread * (draws["height"] - 0.5)
    astigmatism = recipe.astigmatism * draws["astigmatism"][same_lens]
    return np.stack([mean, astigmatism, 180.0 * draws["angle"][same_lens]], axis=1)


def _draw_numbers(seed: int, n: int) -> dict[str, np.ndarray]:
    """Return all draws but the rotations, of each item 0 to n - 1."""
    drawn = _all_draws(jr.key(seed), n)
    return {name: np.asarray(values).astype(float) for name, values in drawn.items()}


@ft.partial(jax.jit, static_argnums=1)
def _all_draws(key: jax.Array, n: int) -> dict[str, jax.Array]:
    def one(item: jax.Array) -> dict[str, jax.Array]:
        keys = {
            name: jr.fold_in(jr.fold_in(key, number), item)
            for number, name in enumerate(_STREAMS)
        }
        names = ("defocus", "astigmatism", "angle", "height")
        uniform = {name: jr.uniform(keys[name], (), jnp.float32) for name in names}
        return uniform | {
            "shift": jr.normal(keys["shift"], (2,), jnp.float32),
            "even shift": jr.uniform(keys["shift"], (2,), jnp.float32, -1.0, 1.0),
            "subset": jr.bernoulli(keys["subset"]),
        }

    return jax.vmap(one)(jnp.arange(n))


def uniform_heights(seed: int, n: int, species: int) -> np.ndarray:
    """Return `n` heights, uniform from -1/2 to 1/2.

    Args:
        seed: of the data set.
        n: number of particles.
        species: each draws its own.
    """
    return _per_item(seed, "height", n, _uniform, species) - 0.5


def _uniform(key: jax.Array) -> jax.Array:
    return jr.uniform(key, (), jnp.float32)


def _per_item(seed: int, name: str, n: int, draw: Any, species: int = 0) -> np.ndarray:
    """Return one draw for each item 0 to n - 1, from keys of their own."""
    key = stream(seed, name)
    key = jr.fold_in(key, 2**31 + species) if species else key
    return np.asarray(_each(key, n, draw)).astype(float)


@ft.partial(jax.jit, static_argnums=(1, 2))
def _each(key: jax.Array, n: int, draw: Any) -> jax.Array:
    return jax.vmap(lambda item: draw(jr.fold_in(key, item)))(jnp.arange(n))
