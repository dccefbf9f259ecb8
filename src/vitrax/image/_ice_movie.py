"""The frames of ice whose molecules move under the beam."""

import jax.random as jr
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from .._batching import cast_floats
from .._checks import NOT_NEGATIVE, check_key, checked, checked_count, checked_number
from .._typing import Image, ScalarLike, real_dtype
from ..pose import Pose
from ..structure import Gaussians, Ice, IceField, InIce
from ._microscope import Microscope
from ._simulate import simulate


def simulate_ice_movie(
    key: PRNGKeyArray,
    ice: Ice,
    microscope: Microscope,
    dose_per_frame: ScalarLike,
    n_frames: int,
) -> Float[Array, "frames y x"]:
    r"""Return the noise-free contrast of ice alone in each frame of a movie.

    Each frame is a piece of ice, seen as a specimen is, and the next one what its
    molecules became after `dose_per_frame` (`Ice.diffused`): at the frequency k two
    frames that are n apart share the part $e^{-4\pi^2 k^2 n \langle u^2 \rangle / 6}$,
    so that a sum of frames holds less ice than protein. Within a frame it stands still.

    Contrast of a weak specimen adds: add these frames to those of `simulate_movie`.

    Args:
        key: of the ice; another one is another piece.
        ice: its thickness, and how far its molecules move.
        microscope: the instrument.
        dose_per_frame: e/Å².
        n_frames: number of frames, static.

    Raises:
        TypeError: if `key` isn't a random key, or `n_frames` isn't a static integer.
        ValueError: if an argument is batched, or the dose is negative.

    References:
        McMullan, Vinothkumar and Henderson 2015, Ultramicroscopy 158, 26-32.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> from vitrax.image import simulate_ice_movie
        >>> scope = vx.Microscope(vx.Grid(32, 1.0), 300.0, vx.Lens(defocus=2_000.0))
        >>> ice = vx.structure.Ice(thickness=300.0)
        >>> simulate_ice_movie(jax.random.key(0), ice, scope, 1.0, 5).shape
        (5, 32, 32)
    """
    verb = "simulate_ice_movie"
    check_key(verb, key)
    count = checked_count(verb, "n_frames", n_frames)
    dose = checked_number(
        verb, "dose_per_frame", dose_per_frame, NOT_NEGATIVE, "give it in e/Å²"
    )
    nouns = checked(verb, ice=ice, microscope=microscope)
    ice, microscope = cast_floats(nouns, real_dtype(ice))
    nothing = Gaussians([[0.0, 0.0, 0.0]], [[0.0]], [[1.0]])
    nothing, pose = cast_floats((nothing, Pose.identity()), real_dtype(ice))
    start, later = jr.split(key)

    def frame(field: IceField, key: PRNGKeyArray) -> tuple[IceField, Image]:
        image = simulate(InIce(nothing, field), pose, microscope)
        return ice.diffused(key, field, dose), image

    first = ice.sample(start, microscope.padded_grid())
    _, frames = lax.scan(frame, first, jr.split(later, count))
    return frames
