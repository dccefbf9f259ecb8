"""Where the particles of a micrograph lie, and how."""

from typing import Any

import numpy as np

from ..image import random_places
from ._draw import preferred_angles, stream, uniform_angles, uniform_heights
from ._exit import UsageError
from ._job import read_angles
from ._micrograph_recipe import MicrographRecipe
from ._species import Species


_DECIMALS = 6


def heights_of(recipe: MicrographRecipe, species: tuple[Species, ...]) -> np.ndarray:
    """Return the height of each particle above the middle of the ice, Å.

    Args:
        recipe: the parameters, resolved.
        species: one after the other.
    """
    return rounded(_joined(_heights, recipe, species))


def angles_of(recipe: MicrographRecipe, species: tuple[Species, ...]) -> np.ndarray:
    """Return rot, tilt and psi of each particle, degrees.

    Args:
        recipe: the parameters, resolved.
        species: one after the other.
    """
    return rounded(_joined(_angles, recipe, species))


def places_of(
    recipe: MicrographRecipe, species: tuple[Species, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixel (x, y) of each particle, and the rest of its place, Å.

    Pixels are whole, as programs that cut boxes need them; the rest is the origin's.

    Args:
        recipe: the parameters, resolved.
        species: that share the field.
    """
    pixel_size = float(recipe.angpix or 0.0)
    distance = recipe.distance
    if distance is None:
        distance = max(each.specimen.diameter for each in species)
    y, x = recipe.shape
    extent = (y * pixel_size, x * pixel_size)
    places = _random_places(recipe, extent, distance)
    middle = np.array([(x - 1) / 2, (y - 1) / 2])
    exact = places / pixel_size + middle
    whole = np.clip(np.round(exact), 0, np.array([x, y]) - 1)
    return whole, rounded((exact - whole) * pixel_size)


def rounded(values: np.ndarray) -> np.ndarray:
    """Return values as files have them."""
    return np.round(values, _DECIMALS) + 0.0


def _joined(
    draw: Any, recipe: MicrographRecipe, species: tuple[Species, ...]
) -> np.ndarray:
    """Return what is drawn of each species, one after the other."""
    drawn = [
        draw(recipe, each, number) for number, each in enumerate(species) if each.count
    ]
    return np.concatenate(drawn)


def _heights(recipe: MicrographRecipe, species: Species, number: int) -> np.ndarray:
    spread = recipe.heights
    if spread is None:
        spread = max(recipe.ice - species.specimen.diameter, 0.0)
    return spread * uniform_heights(recipe.seed, species.count, number)


def _angles(recipe: MicrographRecipe, species: Species, number: int) -> np.ndarray:
    count = species.count
    if recipe.orientations == "uniform":
        return uniform_angles(recipe.seed, count, number)
    if recipe.orientations == "preferred":
        return preferred_angles(recipe.seed, count, species=number)
    angles = read_angles(recipe.orientations, **recipe.reading.limit)
    return np.asarray(angles, float)[np.arange(count) % len(angles)]


def _random_places(
    recipe: MicrographRecipe, extent: tuple[float, float], distance: float
) -> np.ndarray:
    key, n = stream(recipe.seed, "place"), sum(recipe.copies)
    try:
        return random_places(key, extent, n, distance)
    except ValueError as error:
        reason = str(error).partition("; do ")[0]
        raise UsageError(
            f"{reason}; do lower --n-copies or --distance, or raise --size"
        ) from error
