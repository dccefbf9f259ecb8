"""How radiation damage fades the specimen while it is exposed."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import NOT_NEGATIVE, Rule, checked, checked_count, checked_number
from .._typing import HalfImage, Scalar, ScalarLike, as_float
from ..grid import Grid, as_scalar, frequency_radius


# Grant and Grigorieff 2015, equation 3, for 300 kV: e/Å² of a frequency in 1/Å.
_SCALE, _POWER, _FLOOR = 0.24499, 1.6649, 2.8141
_VOLTAGES = Rule(lambda x: (x >= 80) & (x <= 400), "within 80 and 400 kV")
_IN_KILOVOLTS = "give it in kV, 300.0 for 300 000 V"
_IN_DOSE = "give it in e/Å²"
# Coefficients of (1 - exp(-x)) / x, the highest power first, to 1e-17 below x = 1/4.
_SERIES = tuple((-1) ** n / math.factorial(n + 1) for n in range(12, -1, -1))


def critical_exposure(
    k: Float[Array, "..."] | float, voltage: ScalarLike
) -> Float[Array, "..."]:
    r"""Return the exposure after which a frequency's amplitude has fallen to 1/√e.

    $$N_c(k) = s(U)\,(0.24499\, k^{-1.6649} + 2.8141)$$

    with $s = 1, 0.8, 0.532$ at $U = 300, 200, 100$ kV, and on the parabola through
    these three at other voltages (1.13 at 400, 0.59 at 120, 0.47 at 80 kV).

    Args:
        k: frequencies, 1/Å. At 0 the result is infinite, its derivative taken as 0.
        voltage: kV.

    Returns:
        The critical exposure in e/Å², in the precision of `k`.

    Raises:
        ValueError: if the voltage isn't within 80 and 400 kV.

    References:
        Grant and Grigorieff 2015, eLife 4:e06980, equation 3, measured at 300 kV; the
        factors for 200 and 100 kV are those that cisTEM takes.

    Example:
        >>> from vitrax.detector import critical_exposure
        >>> round(float(critical_exposure(0.25, voltage=300.0)), 4)
        5.2774
    """
    radius = as_float(k)
    rate = _damage(radius, _sensitivity("critical_exposure", voltage, radius))
    harmed = rate > 0
    return jnp.where(harmed, 1 / jnp.where(harmed, rate, 1), jnp.inf)


def exposure_filter(grid: Grid, dose: ScalarLike, voltage: ScalarLike) -> HalfImage:
    r"""Return the amplitude that is left after an exposure, $e^{-N/2N_c(k)}$.

    Args:
        grid: of the image.
        dose: $N$ that the specimen has got, e/Å².
        voltage: kV.

    Returns:
        The filter on the half spectrum of `grid`, 1 at zero frequency.

    Raises:
        ValueError: if the dose is negative, or the voltage isn't within 80 and 400 kV.

    References:
        Grant and Grigorieff 2015, eLife 4:e06980, equation 2.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.detector import exposure_filter
        >>> grid = vx.Grid((1, 4), pixel_size=2.0)
        >>> exposure_filter(grid, dose=20.0, voltage=300.0)[0].round(3).tolist()
        [1.0, 0.39, 0.15]
    """
    rate = _rates("exposure_filter", grid, voltage)
    return jnp.exp(-0.5 * _dose("exposure_filter", "dose", dose, rate) * rate)


def frame_filters(
    grid: Grid, dose_per_frame: ScalarLike, n_frames: int, voltage: ScalarLike
) -> Float[Array, "frames y kx"]:
    r"""Return the mean amplitude that is left while each frame of a movie is exposed.

    With $x = d/2N_c(k)$ for the dose $d$ of a frame, the mean of `exposure_filter` from
    $id$ to $(i + 1)d$ is

    $$q_i(k) = e^{-ix}\,\frac{1 - e^{-x}}{x}.$$

    Args:
        grid: of the frames.
        dose_per_frame: e/Å².
        n_frames: number of frames.
        voltage: kV.

    Raises:
        ValueError: if the dose is negative, there is no frame, or the voltage isn't
            within 80 and 400 kV.
        TypeError: if `n_frames` isn't a static integer.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.detector import frame_filters
        >>> grid = vx.Grid((1, 4), pixel_size=2.0)
        >>> frame_filters(grid, 10.0, 2, voltage=300.0)[:, 0, 1].round(3).tolist()
        [0.798, 0.498]
    """
    halved = _halved("frame_filters", grid, dose_per_frame, voltage)
    before = _starts("frame_filters", n_frames, halved)
    return jnp.exp(-before * halved[None]) * _mean_decay(halved)[None]


def dose_weights(
    grid: Grid, dose_per_frame: ScalarLike, n_frames: int, voltage: ScalarLike
) -> Float[Array, "frames y kx"]:
    r"""Return the weights that sum a movie's frames with the largest signal-to-noise.

    $$w_i(k) = q_i(k) \Big/ \sqrt{\textstyle\sum_j q_j(k)^2}$$

    of the amplitudes $q_i$ that are left: the sum of squares is 1, so that white noise
    stays white. Frames of the same dose differ by a factor $e^{-d/2N_c}$ each, so the
    mean over a frame's exposure and the amplitude at its end give the same weights, as
    does any exposure before the first frame.

    Args:
        grid: of the frames.
        dose_per_frame: e/Å².
        n_frames: number of frames.
        voltage: kV.

    Raises:
        ValueError: if the dose is negative, there is no frame, or the voltage isn't
            within 80 and 400 kV.
        TypeError: if `n_frames` isn't a static integer.

    References:
        Grant and Grigorieff 2015, eLife 4:e06980, equation 9.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.detector import dose_weights
        >>> grid = vx.Grid((1, 4), pixel_size=2.0)
        >>> weights = dose_weights(grid, 10.0, 2, voltage=300.0)
        >>> weights[:, 0, 1].round(3).tolist()
        [0.848, 0.53]
    """
    halved = _halved("dose_weights", grid, dose_per_frame, voltage)
    # Relative to the first frame: far frequencies' amplitudes themselves would be 0.
    left = jnp.exp(-_starts("dose_weights", n_frames, halved) * halved[None])
    return left / jnp.sqrt(jnp.sum(left**2, axis=0, keepdims=True))


def _halved(
    verb: str, grid: Grid, dose_per_frame: ScalarLike, voltage: ScalarLike
) -> HalfImage:
    """Return d / 2N_c of a frame at each frequency."""
    rate = _rates(verb, grid, voltage)
    return 0.5 * _dose(verb, "dose_per_frame", dose_per_frame, rate) * rate


def _starts(verb: str, n_frames: int, like: HalfImage) -> Float[Array, "frames 1 1"]:
    """Return the number of frames before each frame."""
    return jnp.arange(checked_count(verb, "n_frames", n_frames)).astype(like.dtype)[
        :, None, None
    ]


def _rates(verb: str, grid: Grid, voltage: ScalarLike) -> HalfImage:
    """Return 1 / N_c at each frequency of an image."""
    grid = checked(verb, grid=grid)
    radius = frequency_radius(grid)
    return _damage(radius, _sensitivity(verb, voltage, radius))


def _damage(radius: Float[Array, "..."], scale: Scalar) -> Float[Array, "..."]:
    """Return 1 / N_c: finite where N_c isn't, with derivative 0 there."""
    positive = radius > 0
    power = jnp.where(positive, jnp.where(positive, radius, 1) ** _POWER, 0)
    return power / ((_SCALE + _FLOOR * power) * scale)


def _sensitivity(verb: str, voltage: ScalarLike, like: Array) -> Scalar:
    """Return the critical exposure at a voltage over that at 300 kV."""
    voltage = checked_number(verb, "voltage", voltage, _VOLTAGES, _IN_KILOVOLTS)
    volts = as_scalar("voltage", voltage, like)
    return 1 + (volts - 300) * (0.002 - 3.4e-6 * (volts - 200))


def _dose(verb: str, name: str, dose: ScalarLike, like: Array) -> Scalar:
    """Return a dose as a scalar with the dtype of `like`."""
    return as_scalar(
        name, checked_number(verb, name, dose, NOT_NEGATIVE, _IN_DOSE), like
    )


def _mean_decay(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return (1 - exp(-x)) / x, the mean of exp(-t) for t from 0 to x."""
    small = x < 0.25
    series = jnp.zeros_like(x)
    for coefficient in _SERIES:
        series = series * x + coefficient
    large = jnp.where(small, 1, x)
    return jnp.where(small, series, -jnp.expm1(-large) / large)
