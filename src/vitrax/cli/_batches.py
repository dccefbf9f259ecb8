"""Particles as rows of numbers, in batches of one shape."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..image import ParticleStack
from ._exit import NumericalError


Rows = dict[str, np.ndarray]


def batches(rows: Rows, batch_size: int) -> Iterator[tuple[int, int, Rows, jax.Array]]:
    """Yield (start, stop, rows, items); the last row fills up the last batch.

    Args:
        rows: numbers of all particles, by name.
        batch_size: particles at a time.
    """
    count = len(next(iter(rows.values())))
    for start in range(0, count, batch_size):
        stop = min(start + batch_size, count)
        items = np.minimum(np.arange(start, start + batch_size), stop - 1)
        yield start, stop, {k: v[items] for k, v in rows.items()}, jnp.asarray(items)


def images_in_order(
    make: Callable[[int, Rows, jax.Array], tuple[jax.Array, ...]],
    particles: ParticleStack,
    rows: Rows,
    batch_size: int,
    models: int,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield images of particles in their order, batch by batch.

    Particles of several models are taken by model out of some batches at a time, so
    that one compiled function serves all, and are put back into their places.

    Args:
        make: images of rows of one model, given its number, the rows and their items.
        particles: say in rlnClassNumber of which model they are, where there are many.
        rows: numbers of the particles, by name.
        batch_size: images at a time.
        models: how many there are.
    """
    if models == 1:
        for start, stop, some, items in batches(rows, batch_size):
            images = make(0, some, items)
            yield tuple(finite(each[: stop - start], start) for each in images)
        return
    of_models = np.asarray(particles.columns["rlnClassNumber"]).astype(int) - 1
    few = max(batch_size // models, 1)
    for start in range(0, len(of_models), _WINDOW * batch_size):
        window = of_models[start : start + _WINDOW * batch_size]
        found: list[Any] = []
        for model in np.unique(window):
            own = np.flatnonzero(window == model)
            chosen = {name: column[start + own] for name, column in rows.items()}
            for first, last, some, items in batches(chosen, few):
                images = make(int(model), some, jnp.asarray(start + own[items]))
                for place, each in enumerate(images):
                    if place == len(found):
                        shape = (len(window), *each.shape[1:])
                        found.append(np.empty(shape, np.float32))
                    found[place][own[first:last]] = each[: last - first]
        yield tuple(finite(each, start) for each in found)


# Batches among which particles of several models are put in order.
_WINDOW = 4


def pose_rows(particles: ParticleStack) -> Rows:
    """Return what a projection depends on, one row per particle.

    Args:
        particles: with angles.
    """
    return _as_floats({"euler": known(particles.angles), "shift": particles.shifts})


def rows_of(particles: ParticleStack) -> Rows:
    """Return what an image depends on, one row per particle.

    Args:
        particles: with angles and defocus.
    """
    mean, astigmatism, angle = known(particles.defocus).T
    columns = {
        "defocus": mean,
        "astigmatism": astigmatism,
        "defocus_angle": angle,
        "phase_shift": particles.phase_shifts,
        "b_factor": particles.b_factors,
        "scale": particles.scales,
        "voltage": particles.voltages,
        "spherical_aberration": particles.shared("spherical_aberration"),
        "amplitude_contrast": particles.shared("amplitude_contrast"),
        **particles.aberrations(),
    }
    return pose_rows(particles) | _as_floats(columns)


def _as_floats(columns: Rows) -> Rows:
    dtype = np.float64 if jax.config.read("jax_enable_x64") else np.float32
    return {name: np.asarray(column, dtype) for name, column in columns.items()}


def known(values: np.ndarray | None) -> np.ndarray:
    """Return angles or defoci, which particles that are simulated always have."""
    assert values is not None
    return values


def finite(images: Any, start: int) -> np.ndarray:
    """Return images as float32, or raise where one isn't finite."""
    array = np.asarray(images, np.float32)
    bad = ~np.isfinite(array).all(axis=(1, 2))
    if bad.any():
        raise NumericalError(
            f"cannot simulate particle {start + int(bad.argmax()) + 1} because its "
            f"image isn't finite; do check the structure's B-factors and the optics "
            f"with 'vitrax info'"
        )
    return array
