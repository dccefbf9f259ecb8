"""A quantity known as a function of the length of the frequency alone."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import check_ranks
from .._typing import ScalarLike, as_float
from ._grid import Grid
from ._radius import frequency_radius
from ._scalar import as_scalar
from ._spectra import corner_shells, radial_power_spectrum, shell_frequencies


class RadialProfile(eqx.Module):
    """Values at increasing frequencies, such as a power spectrum or an MTF.

    A profile belongs to no grid: `on` gives its values on any.

    Args:
        frequencies: increasing, 1/Å.
        values: at each of them.

    Example:
        >>> import vitrax as vx
        >>> from vitrax.grid import RadialProfile
        >>> profile = RadialProfile([0.0, 0.5], [1.0, 0.0])
        >>> profile.on(vx.Grid((1, 4), pixel_size=1.0)).tolist()
        [[1.0, 0.5, 0.0]]
    """

    frequencies: Float[Array, " shells"] = eqx.field(converter=as_float)
    values: Float[Array, " shells"] = eqx.field(converter=as_float)

    def on(self, grid: Grid) -> Float[Array, "..."]:
        """Return the values at each frequency of a half spectrum on `grid`.

        They are interpolated linearly; beyond the ends the profile is constant.

        Raises:
            ValueError: if the profile is a batch, or its arrays differ in length.
        """
        check_ranks("RadialProfile.on", profile=self, grid=grid)
        if self.frequencies.shape != self.values.shape:
            raise ValueError(
                f"cannot interpolate a profile with {self.frequencies.size} "
                f"frequencies and {self.values.size} values because they belong "
                f"together; do pass as many of either"
            )
        radius = frequency_radius(grid).astype(self.values.dtype)
        frequencies = self.frequencies.astype(self.values.dtype)
        values = jnp.interp(radius.ravel(), frequencies, self.values)
        return values.reshape(radius.shape)


def power_profile(values: Float[Array, "..."], pixel_size: ScalarLike) -> RadialProfile:
    """Return the radial power spectrum, to the corner, as a profile.

    The mean of an image tells nothing of its noise, so zero frequency gets the power of
    the first shell.

    Args:
        values: a micrograph or another image or volume.
        pixel_size: Å.

    Returns:
        The mean of $|F_k|^2/N$ at each frequency: white noise has its variance there.

    Example:
        >>> import jax
        >>> from vitrax.grid import power_profile
        >>> micrograph = 3.0 + jax.random.normal(jax.random.key(0), (128, 128))
        >>> power_profile(micrograph, pixel_size=1.0).values.mean().round(1).item()
        1.0
    """
    grid = Grid(values.shape, as_scalar("pixel_size", pixel_size, values))
    count = corner_shells(values.shape)
    power = radial_power_spectrum(values - jnp.mean(values), count)
    return RadialProfile(shell_frequencies(grid, count), power.at[0].set(power[1]))
