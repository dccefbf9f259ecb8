"""Movies: frames of a specimen that fades and moves, and their weighted sum."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._batching import cast_floats
from .._checks import NOT_NEGATIVE, checked, checked_count, checked_number
from .._typing import HalfSpectrum, Image, ScalarLike, as_float, real_dtype
from ..detector import frame_filters
from ..grid import Grid, as_scalar, crop, to_real
from ..optics import image_spectrum
from ..pose import Pose
from ..potential import moved
from ._microscope import Microscope
from ._simulate import scatter


def simulate_movie(
    structure: PyTree,
    pose: Pose,
    microscope: Microscope,
    dose_per_frame: ScalarLike,
    n_frames: int,
    drift: Float[Array, "frames 2"] | None = None,
) -> Float[Array, "frames y x"]:
    r"""Return the noise-free contrast of each frame of a movie.

    The image of the undamaged specimen, as of `simulate`, is made once. In frame i its
    spectrum is multiplied by the mean of the exposure filter during that frame
    (`vitrax.detector.frame_filters`), and moved by the drift.

    The drift moves images by their phases: what leaves the box on one side comes in on
    the other. Let the microscope's padding hold it.

    Args:
        structure: `Atoms`, `Gaussians`, `FourierMap`, `VoxelMap`, or a type of your
            own.
        pose: of the structure, where the drift is 0.
        microscope: the instrument; its voltage is that of the exposure filter.
        dose_per_frame: e/Å².
        n_frames: number of frames. It is static: `jax.jit(simulate_movie,
            static_argnames="n_frames")`.
        drift: (x, y) of the specimen in each frame, Å; none if None.

    Raises:
        TypeError: if `n_frames` isn't a static integer.
        ValueError: if an argument is batched, a map doesn't fit the grid, the drift
            hasn't a row for each frame, the dose is negative, or the voltage isn't
            within 80 and 400 kV.

    References:
        Grant and Grigorieff 2015, eLife 4:e06980.

    Example:
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[50.0]], [[4.0]])
        >>> scope = vx.Microscope(vx.Grid(32, 1.0), 300.0, vx.Lens(defocus=2_000.0))
        >>> movie = vx.simulate_movie(blob, vx.Pose.identity(), scope, 2.0, 20)
        >>> movie.shape, bool(movie[0].std() > 2 * movie[-1].std())
        ((20, 32, 32), True)
    """
    verb, dtype = "simulate_movie", real_dtype(structure)
    nouns = checked(verb, structure=structure, pose=pose, microscope=microscope)
    structure, pose, microscope = cast_floats(nouns, dtype)
    count = checked_count(verb, "n_frames", n_frames)
    dose = checked_number(
        verb, "dose_per_frame", dose_per_frame, NOT_NEGATIVE, "give it in e/Å²"
    )
    path = _drift(verb, drift, count, dtype)
    before = scatter(structure, pose, microscope)
    spectrum = image_spectrum(before, microscope.lens, microscope.wavelength)
    grid = before.grid
    dose = as_scalar("dose_per_frame", dose, grid.pixel_size)
    filters = frame_filters(grid, dose, count, microscope.voltage)

    def frame(left: Array, shift: Array) -> Image:
        faded = spectrum * left.astype(spectrum.dtype)
        image = to_real(moved(faded, shift, grid), grid.shape)
        return crop(image, microscope.grid.shape)

    return jax.vmap(frame)(filters, path)


def weighted_sum(
    frames: Float[Array, "frames y x"],
    weights: Float[Array, "frames y kx"],
    grid: Grid,
    drift: Float[Array, "frames 2"] | None = None,
) -> Image:
    r"""Return the sum of a movie's frames, each frequency weighted, the drift undone.

    $$F(k) = \frac{\sum_i w_i(k)\, e^{2\pi i k \cdot d_i} F_i(k)}
    {\sqrt{\sum_i w_i(k)^2}}$$

    White noise of the frames is white noise of the same variance in the sum. With the
    weights of `vitrax.detector.dose_weights` the signal-to-noise is the largest; a
    frequency at which all weights are 0 is 0.

    Args:
        frames: contrast, counts or recorded images.
        weights: of each frame, at each frequency of a half spectrum.
        grid: of the frames.
        drift: (x, y) of the specimen in each frame, Å; none if None.

    Raises:
        ValueError: if the shapes of frames, weights, drift and grid don't belong
            together.

    References:
        Grant and Grigorieff 2015, eLife 4:e06980, equation 9.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> from vitrax.detector import dose_weights
        >>> from vitrax.image import weighted_sum
        >>> grid = vx.Grid(4, pixel_size=1.0)
        >>> weights = dose_weights(grid, 1.0, 9, voltage=300.0)
        >>> weighted_sum(jnp.ones((9, 4, 4)), weights, grid)[0, 0].round(6).item()
        3.0
    """
    grid = checked("weighted_sum", grid=grid)
    dtype = frames.dtype
    _check_frames(frames, weights, grid)
    path = _drift("weighted_sum", drift, len(frames), dtype)
    grid, weights = cast_floats((grid, weights), dtype)

    def back(frame: Image, weight: Array, shift: Array) -> HalfSpectrum:
        spectrum = jnp.fft.rfft2(frame)
        return moved(spectrum * weight.astype(spectrum.dtype), -shift, grid)

    total = jnp.sum(jax.vmap(back)(frames, weights, path), axis=0)
    squares = jnp.sum(weights**2, axis=0)
    some = squares > 0
    scale = jnp.where(some, 1 / jnp.sqrt(jnp.where(some, squares, 1)), 0)
    return jnp.fft.irfft2(total * scale.astype(total.dtype), s=grid.shape)


def _drift(
    verb: str, drift: Array | None, count: int, dtype: np.dtype
) -> Float[Array, "frames 2"]:
    """Return the drift of each frame in `dtype`, zeros for None."""
    if drift is None:
        return jnp.zeros((count, 2), dtype)
    path = as_float(drift).astype(dtype)
    if path.shape != (count, 2):
        raise ValueError(
            f"cannot {verb} because the drift has shape {path.shape} where {count} "
            f"frames have ({count}, 2); do give (x, y) in Å of each frame"
        )
    return path


def _check_frames(frames: Array, weights: Array, grid: Grid) -> None:
    """Raise if frames and weights aren't those of one movie on `grid`."""
    count = len(frames) if frames.ndim == 3 else 0
    shapes = (count, *grid.shape), (count, *grid.half_shape)
    if not count or (frames.shape, weights.shape) != shapes:
        raise ValueError(
            f"cannot weighted_sum because frames have shape {frames.shape}, weights "
            f"{weights.shape}, on a grid of {grid.shape}; do give frames "
            f"[frames, y, x] on that grid and weights on their half spectrum, as "
            f"vitrax.detector.dose_weights returns them"
        )
