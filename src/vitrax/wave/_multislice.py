"""Scattering by a thick specimen, slab after slab."""

import math
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PyTree

from .._batching import cast_floats
from .._checks import POSITIVE, check_fields, checked, checked_number, must
from .._typing import Scalar, ScalarLike, Spectrum, as_float
from ..grid import Grid
from ..pose import Pose
from ..potential import AbstractSlicer, absolute_scale, default_slicer
from ._beam import Beam
from ._propagation import AbstractPropagation, Fresnel
from ._scattering import AbstractScattering
from ._strong_phase import scattered_by
from ._wave import Wave


def as_count(count: int) -> int:
    """Return the number of slabs as a Python integer."""
    if int(count) != count or count < 1:
        raise ValueError(
            f"cannot make Multislice of {count} slabs because that isn't a positive "
            f"integer; do pass 1 or more, or use Multislice.around"
        )
    return int(count)


class Multislice(AbstractScattering):
    r"""The multislice method: the wave goes through slabs, and on between them.

    $$\psi_{k+1} = \mathcal{P}_\Delta[\,\mathcal{A}[e^{i\sigma V_k
    e^{i \arcsin Q}}]\, \psi_k]$$

    with the slab's projected potential $V_k$, the propagator $\mathcal{P}_\Delta$
    through its thickness, limited to the band $\mathcal{A}$ as the transmission is, so
    that no product wraps round in Fourier space. A slab acts at its middle, and the
    wave is given at $z = 0$, the middle of all. Four FFTs per slab; under `jax.grad`
    each slab's are computed again.

    The error falls as $\Delta^2$ where slabs are thinner than the atoms and the band
    holds these. Scattering to frequencies beyond the band and back counts within a
    slab, and is lost from one to the next: atoms too sharp for the band leave an error
    that falls as $\Delta$ only, until pixels are made smaller. Each slab damps the
    frequencies in the taper once more: they fade slowly as slabs become thinner.

    Args:
        thickness: of a slab, $\Delta$, Å.
        count: number of slabs, around $z = 0$. `Multislice.around` chooses it.
        slicer: how the potential is cut; by default the structure's own.
        propagation: through vacuum.
        band_limit: radius of the band, of the Nyquist frequency. Up to 2/3 nothing
            wraps.
        taper: width of the cosine edge inside it, of the sampling frequency 1/pixel; 0
            to compare different numbers of slabs.

    Raises:
        ValueError: if the thickness or the number of slabs isn't positive, or the band
            isn't one.

    References:
        Cowley and Moodie 1957, Acta Cryst. 10, 609; Kirkland 2020, Advanced Computing
        in Electron Microscopy, 3rd ed., section 6.4. The band's edge is that of abTEM
        (Madsen and Susi 2021, Open Research Europe 1, 24).

    Example:
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0, 0.0, 9.0]], [[9.0]], [[1.0]])
        >>> thick = vx.wave.Multislice.around(blob, 4.0)
        >>> thick.count
        6
        >>> lens = vx.Lens(defocus=9_000.0)
        >>> scope = vx.Microscope(vx.Grid(16, 1.0), 300.0, lens, scattering=thick)
        >>> vx.simulate(blob, vx.Pose.identity(), scope).shape
        (16, 16)
    """

    thickness: Scalar = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "give it in Å")
    )
    count: int = eqx.field(converter=as_count, static=True)
    slicer: AbstractSlicer | None = None
    propagation: AbstractPropagation = Fresnel()
    band_limit: float = eqx.field(converter=float, static=True, default=2 / 3)
    taper: float = eqx.field(converter=float, static=True, default=0.01)

    def __check_init__(self) -> None:
        check_fields(self)
        _check_band("make Multislice", self.band_limit, self.taper)

    @classmethod
    def around(
        cls,
        structure: PyTree,
        thickness: float,
        height: float = 0.0,
        **others: Any,
    ) -> Self:
        """Return slabs, as few as hold a structure in any rotation about its origin.

        Args:
            structure: whose coordinates are known, not traced.
            thickness: of a slab, Å.
            height: the largest, of either sign, that a pose will have, Å.
            others: the other fields.

        Example:
            >>> import vitrax as vx
            >>> blob = vx.Gaussians([[0.0, 30.0, 0.0]], [[9.0]], [[1.0]])
            >>> vx.wave.Multislice.around(blob, 2.0).count
            33
        """
        slicer = others.get("slicer")
        slicer = default_slicer(structure) if slicer is None else slicer
        checked_number("choose slabs", "thickness", thickness, POSITIVE, "give it in Å")
        depth = slicer.half_depth(structure) + abs(float(height))
        # What fits exactly shouldn't get one more slab for its last digit.
        count = math.ceil(2 * depth / float(thickness) - 1e-6)
        return cls(thickness, max(count, 1), **others)

    def __call__(self, structure: PyTree, pose: Pose, grid: Grid, beam: Beam) -> Wave:
        """Return the wave at the middle of the specimen, on `grid`.

        Raises:
            ValueError: if the structure is a map of arbitrary unit, or reaches beyond
                the slabs.
        """
        slicer = default_slicer(structure) if self.slicer is None else self.slicer
        slabs = slicer(structure, pose, grid, self.thickness, self.count)
        scale = absolute_scale(structure) * beam.interaction
        band = (self.band_limit, self.taper)
        # Slabs are in the order of +z, from where the electrons come.
        return _through(
            (slabs[::-1], scale), self.thickness, grid, beam, self.propagation, band
        )


def transmit(
    phases: Float[Array, "slab y x"],
    thickness: ScalarLike,
    grid: Grid,
    beam: Beam,
    propagation: AbstractPropagation = Fresnel(),  # noqa: B008
    band_limit: float = 2 / 3,
    taper: float = 0.01,
) -> Wave:
    r"""Return the wave behind slabs of your own, as at the middle of them, $z = 0$.

    The wave where a program has its exit plane, a whole slab beyond the middle of the
    last of $n$, is `propagate(wave, wavelength, (n + 1) / 2 * thickness, Fresnel())`.

    Args:
        phases: $\sigma V_k$ of each slab, in the order in which electrons meet them,
            radians.
        thickness: of a slab, Å.
        grid: of each slab.
        beam: gives the wavelength and the amplitude contrast.
        propagation: through vacuum.
        band_limit: radius of the band, of the Nyquist frequency.
        taper: width of the cosine edge inside it, of 1/pixel.

    Raises:
        ValueError: if the slabs aren't on `grid`, there is none, or the band isn't one.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> beam, grid = vx.wave.Beam(300.0), vx.Grid(4, 1.0)
        >>> wave = vx.wave.transmit(jnp.full((3, 4, 4), 0.1), 2.0, grid, beam)
        >>> round(float(jnp.angle(wave.values()[0, 0])), 5)
        0.3
    """
    grid, beam = checked("transmit", grid=grid, beam=beam)
    _check_band("transmit", band_limit, taper)
    phases = as_float(phases)
    if phases.ndim != 3 or phases.shape[1:] != grid.shape or not len(phases):
        raise ValueError(
            f"cannot transmit because phases has shape {phases.shape} where the grid "
            f"needs (slabs, {grid.shape[0]}, {grid.shape[1]}); do give one slab or more"
        )
    thickness = as_float(
        checked_number("transmit", "thickness", thickness, POSITIVE, "give it in Å")
    )
    grid, beam = cast_floats((grid, beam), phases.dtype)
    slabs = (phases, jnp.ones((), phases.dtype))
    return _through(slabs, thickness, grid, beam, propagation, (band_limit, taper))


def _through(
    slabs: tuple[Float[Array, "slab y x"], Scalar],
    thickness: Scalar,
    grid: Grid,
    beam: Beam,
    propagation: AbstractPropagation,
    band: tuple[float, float],
) -> Wave:
    """Return the wave behind slabs and a factor that takes them to phases."""
    values, scale = slabs
    dtype = values.dtype
    way = propagation(grid, beam.wavelength).astype(dtype)
    phase, scale = thickness.astype(dtype) * way, scale.astype(dtype)
    passed = _band(grid.shape, *band, dtype)
    onward = _scaled(_turn(phase), passed)

    # The scale is applied here, since scaled slabs would be written to memory.
    @jax.checkpoint
    def step(scattered: Spectrum, slab: Array) -> tuple[Spectrum, None]:
        added = scattered_by(slab * scale, beam.amplitude_contrast)
        kept = jnp.fft.ifft2(_scaled(jnp.fft.fft2(added), passed))
        more = jnp.fft.fft2(kept * (1 + jnp.fft.ifft2(scattered)))
        return onward * (scattered + more), None

    start = jnp.zeros(grid.shape, onward.dtype)
    end, _ = lax.scan(step, start, values)
    back = end * _turn(-0.5 * (len(values) + 1) * phase)
    # The spectrum of pixels that start at the corner; a wave's starts at N // 2.
    return Wave.from_scattered(jnp.fft.ifft2(back), grid)


def _band(
    shape: tuple[int, ...], limit: float, taper: float, dtype: Any
) -> Float[Array, "y x"]:
    """Return 1 inside the band, 0 outside, and half a cosine in between."""
    ky, kx = (jnp.fft.fftfreq(n, dtype=dtype) for n in shape)
    radius = jnp.hypot(ky[:, None], kx[None, :])
    # Frequencies in 1/pixel: Nyquist's is 0.5.
    inwards = 0.5 * limit - radius
    if taper == 0:
        return (inwards > 0).astype(dtype)
    return 0.5 - 0.5 * jnp.cos(jnp.pi * jnp.clip(inwards / taper, 0, 1))


def _check_band(verb: str, limit: float, taper: float) -> None:
    """Raise if no band has this limit and taper."""
    if not 0 < limit <= 1 or not 0 <= taper < 0.5 * limit:
        raise ValueError(
            f"cannot {verb} because no band ends at {limit} of Nyquist's frequency "
            f"within {taper} of the sampling frequency; do give a limit above 0 and "
            f"up to 1, such as 2/3, and a taper from 0 to below half of it"
        )


def _turn(phase: Float[Array, "y x"]) -> Spectrum:
    """Return e^{i phase}."""
    return lax.complex(jnp.cos(phase), jnp.sin(phase))


def _scaled(spectrum: Spectrum, factor: Float[Array, "y x"]) -> Spectrum:
    """Return a spectrum times a real factor."""
    return lax.complex(spectrum.real * factor, spectrum.imag * factor)
