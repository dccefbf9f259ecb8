"""Places of particles in a field of view."""

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from .._checks import check_key


# Of discs thrown at random that may not overlap, no more than 0.547 of the area can be
# covered; nearly so many take for ever.
_MOST_COVERED = 0.52


def random_places(
    key: PRNGKeyArray,
    extent: tuple[float, float],
    count: int,
    distance: float,
) -> Float[np.ndarray, "places 2"]:
    """Return random places (x, y) in a field, Å from its middle, apart from each other.

    Each is uniform over what the earlier ones leave free (random sequential
    adsorption). Host-side: it returns numpy's numbers.

    Args:
        key: a jax random key.
        extent: of the field along (y, x), Å.
        count: of places.
        distance: that two places have at least, Å.

    Raises:
        ValueError: if so many don't fit.

    Example:
        >>> import jax
        >>> from vitrax.image import random_places
        >>> random_places(jax.random.key(0), (500.0, 400.0), 5, 100.0).shape
        (5, 2)
    """
    check_key("place particles", key)
    covered = count * np.pi * (distance / 2) ** 2 / (extent[0] * extent[1])
    if covered > _MOST_COVERED:
        raise ValueError(
            f"cannot place {count} particles {distance:.0f} Å apart in "
            f"{extent[0]:.0f} x {extent[1]:.0f} Å because they would cover "
            f"{covered:.0%} of it, and discs thrown at random cover at most "
            f"{_MOST_COVERED:.0%}; do take fewer, or a smaller distance"
        )
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key), np.uint32))
    half = 0.5 * np.asarray(extent[::-1])
    places = np.empty((count, 2))
    done, tried = 0, 0
    while done < count:
        new = rng.uniform(-half, half)
        tried += 1
        if np.all(np.sum((places[:done] - new) ** 2, axis=1) >= distance**2):
            places[done] = new
            done += 1
        elif tried > 10_000 * count:
            raise ValueError(
                f"cannot place {count} particles {distance:.0f} Å apart because only "
                f"{done} found room; do take fewer, or a smaller distance"
            )
    return places
