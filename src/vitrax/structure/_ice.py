"""Vitreous ice around a particle, as a random field."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from .._batching import cast_floats
from .._checks import (
    NOT_NEGATIVE,
    POSITIVE,
    check_fields,
    check_key,
    checked,
    checked_number,
    must,
)
from .._typing import (
    HalfImage,
    HalfSpectrum,
    Image,
    Scalar,
    ScalarLike,
    as_float,
    real_dtype,
)
from ..grid import Grid, frequency_radius, to_fourier
from ..physics import POTENTIAL_FACTOR
from ._structure_factor import StructureFactor
from ._water_molecule import water_intensity


class IceField(eqx.Module):
    """One piece of ice: its projected potential, about its mean.

    Args:
        values: [y, x], V·Å.
        grid: of the values.

    Raises:
        ValueError: if the values aren't on the grid.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> ice = vx.structure.Ice(thickness=300.0)
        >>> field = ice.sample(jax.random.key(0), vx.Grid(32, 1.0))
        >>> field.spectrum().shape
        (32, 17)
    """

    values: Image = eqx.field(converter=as_float)
    grid: Grid

    def __check_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise ValueError(
                f"cannot make IceField because its values have shape "
                f"{self.values.shape} and its grid {self.grid.shape}; do give the grid "
                f"of the values"
            )

    def spectrum(self) -> HalfSpectrum:
        """Return the half spectrum, V·Å: to be added to that of a projection in V·Å.

        A projection of `Atoms` or `Gaussians` is in V·Å once it was multiplied by
        `vitrax.potential.potential_scale`. `InIce` does it all.
        """
        field = checked("IceField.spectrum", field=self)
        return to_fourier(field.values)


class Ice(eqx.Module):
    r"""Vitreous ice, a Gaussian random field with the power spectrum of its molecules.

    The projected potential of a layer of thickness $t$ and $\rho$ molecules per volume
    has, per area, the power

    $$P(k) = t\, \rho\, (47.8776\,\mathrm{V\,Å^2})^2\, \langle |f_w(k)|^2 \rangle\,
    S(k)$$

    with the scattering factor $f_w$ of a water molecule (`water_intensity`) and the
    structure factor $S$ of their centres. Molecules turn freely here; in simulated
    water this differs from the sum over all atoms by 6 % (root mean square, 0.11 to
    0.8/Å; at most 11 %). The mean inner potential isn't part of it. Frequencies beyond
    Nyquist aren't in the field, nor folded into it. The central limit theorem makes it
    Gaussian: a pixel of 1 Å below 300 Å of ice sees some ten molecules.

    Args:
        thickness: $t$, Å.
        density: $\rho$, molecules/Å³; 0.0314 is 0.94 g/cm³.
        displacement: mean squared displacement of a molecule, in three dimensions, Å²
            for each e/Å² of exposure; 1.1 was measured at 300 kV.
        structure_factor: $S$; by default that of vitreous ice.

    Raises:
        ValueError: if thickness or density isn't positive, or the displacement is
            negative.

    References:
        McMullan, Vinothkumar and Henderson 2015, arXiv:1504.00947: the displacement of
        1.1 Å² per e/Å², and the best exposure of 4 e/Å² for rings at 3.7 Å, which this
        model gives as well.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> ice = vx.structure.Ice(thickness=300.0)
        >>> keys = jax.random.split(jax.random.key(0))
        >>> first = ice.sample(keys[0], vx.Grid(32, 1.0))
        >>> second = ice.diffused(keys[1], first, dose=1.0)
        >>> bool(abs(first.values.mean()) < 1e-4)
        True
    """

    thickness: Scalar = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "give the thickness in Å")
    )
    density: Scalar = eqx.field(
        converter=as_float,
        default=0.0314,
        metadata=must(POSITIVE, "give molecules per Å³, such as 0.0314"),
    )
    displacement: Scalar = eqx.field(
        converter=as_float,
        default=1.1,
        metadata=must(NOT_NEGATIVE, "give Å² for each e/Å², such as 1.1"),
    )
    structure_factor: StructureFactor = eqx.field(
        default_factory=StructureFactor.vitreous
    )

    def __check_init__(self) -> None:
        check_fields(self)

    def power(self, grid: Grid) -> HalfImage:
        """Return the power per area at each frequency of a half spectrum, V²·Å⁴.

        The discrete transform of a field of N pixels has the mean squared modulus
        N·power/(pixel size)².

        Raises:
            ValueError: if an argument is batched, or `grid` isn't that of an image.
        """
        ice, grid = self._on("Ice.power", grid)
        return ice._power(grid)

    def sample(self, key: PRNGKeyArray, grid: Grid) -> IceField:
        """Return one piece of ice.

        Args:
            key: one for each piece.
            grid: of the image; for `simulate`, `microscope.padded_grid()`.

        Raises:
            TypeError: if `key` isn't a random key.
            ValueError: if an argument is batched, or `grid` isn't that of an image.
        """
        check_key("Ice.sample", key)
        ice, grid = self._on("Ice.sample", grid)
        return IceField(ice._values(key, grid), grid)

    def diffused(
        self, key: PRNGKeyArray, field: IceField, dose: ScalarLike
    ) -> IceField:
        r"""Return the ice after some exposure, its molecules having moved at random.

        Each frequency keeps the part $c = e^{-4\pi^2 k^2 \langle u^2 \rangle / 6}$ of
        its amplitude, where $\langle u^2 \rangle$ is `displacement` times `dose`, and
        gets $\sqrt{1 - c^2}$ of a new piece of ice, so that its power stays. The peak
        at 3.7 Å is halved by 1.3 e/Å², what is 20 Å coarse by 38 e/Å².

        Args:
            key: one for each step.
            field: before.
            dose: between the two, e/Å².

        Raises:
            TypeError: if `key` isn't a random key.
            ValueError: if an argument is batched, or the dose is negative.
        """
        verb = "Ice.diffused"
        check_key(verb, key)
        dose = checked_number(verb, "dose", dose, NOT_NEGATIVE, "give it in e/Å²")
        field = checked(verb, field=field)
        dtype = field.values.dtype
        ice, grid = cast_floats(self._on(verb, field.grid), dtype)
        exponent = (
            (4 * math.pi**2 / 6) * ice.displacement * as_float(dose).astype(dtype)
        )
        lost = exponent * grid.frequency_squared()
        fresh = jnp.fft.rfft2(ice._values(key, grid))
        spectrum = jnp.fft.rfft2(field.values)
        kept = jnp.exp(-lost).astype(spectrum.dtype) * spectrum
        spectrum = kept + _root(-jnp.expm1(-2 * lost)).astype(spectrum.dtype) * fresh
        return IceField(jnp.fft.irfft2(spectrum, s=grid.shape), field.grid)

    def _on(self, verb: str, grid: Grid) -> tuple["Ice", Grid]:
        """Return the ice and an image's grid, checked, in the precision of the ice."""
        ice, grid = checked(verb, ice=self, grid=grid)
        if grid.ndim != 2:
            raise ValueError(
                f"cannot call {verb} on a grid of shape {grid.shape} because an image "
                f"has two axes; do pass Grid((y, x), pixel_size)"
            )
        return cast_floats((ice, grid), real_dtype(ice))

    def _power(self, grid: Grid) -> HalfImage:
        """Return the power per area."""
        k = frequency_radius(grid)
        molecule = POTENTIAL_FACTOR**2 * water_intensity(k)
        return self.thickness * self.density * molecule * self.structure_factor(k)

    def _values(self, key: PRNGKeyArray, grid: Grid) -> Image:
        """Return the projected potential of one piece of ice, of mean 0."""
        white = jnp.fft.rfft2(jr.normal(key, grid.shape, self.thickness.dtype))
        amplitude = jnp.sqrt(self._power(grid)) / grid.pixel_size
        amplitude = amplitude.at[0, 0].set(0.0)
        return jnp.fft.irfft2(white * amplitude.astype(white.dtype), s=grid.shape)


def _root(squared: Array) -> Array:
    """Return the square root, its derivative at 0 taken as 0."""
    positive = squared > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squared, 1)), 0)
