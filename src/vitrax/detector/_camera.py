"""The detector: what it loses of the electrons, and what it makes of the others."""

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import POSITIVE, check_fields, checked, must
from .._typing import HalfImage, Image, Scalar, as_float
from ..grid import Grid, apply_filter, frequency_radius
from ._modulation_transfer import (
    AbstractTransfer,
    IdealTransfer,
    ProductTransfer,
    check_transfer,
)
from ._noise import check_image


def _pixel_or_none(value: Any) -> Any:
    """Return an array of floats, or None."""
    return None if value is None else as_float(value)


class Camera(eqx.Module):
    r"""A detector: its MTF, its DQE, its gain and the size of its pixels.

    Of $n$ expected electrons in a pixel, the mean of the recorded image is
    $g\,\text{MTF} \otimes n$, and the power spectrum of its noise $g^2\,n\,
    \text{NTF}^2$ (in vacuum), with $\text{NTF} = \text{MTF} / \sqrt{\text{DQE}}$ and
    the gain $g$. So the recorded signal-to-noise is DQE times that of the electrons.

    `expose` gives the expected counts, a sample of `PoissonNoise` the counts, and
    `readout` the recorded image of these. By default nothing is lost: the image holds
    the counts of electrons.

    The transfers are taken by frequency in 1/pixel of the physical detector, whose
    Nyquist frequency is 0.5. What the detector aliases from beyond the frequencies of
    the image isn't there.

    Args:
        mtf: modulation transfer, 1 at zero frequency.
        dqe: detective quantum efficiency, above 0.
        gain: recorded number per electron.
        pixel_size: of the physical detector at the specimen, Å; that of the image if
            None. It differs where the images are binned or of super-resolution.

    Raises:
        TypeError: if MTF or DQE isn't a transfer.
        ValueError: if the gain or the pixel size isn't positive and finite.

    References:
        Vulović et al. 2013, J. Struct. Biol. 183, 19-32, section 2.4; Ruskin et al.
        2013, J. Struct. Biol. 184, 385-393.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> grid = vx.Grid(64, pixel_size=0.5)
        >>> camera = vx.Camera.counting(vx.detector.PixelTransfer())
        >>> expected = vx.expose(jnp.zeros((64, 64)), camera, dose=50.0, grid=grid)
        >>> counts = vx.PoissonNoise().sample(jax.random.key(0), expected)
        >>> float(expected[0, 0]), camera.readout(counts, grid).mean().round(0).item()
        (12.5, 12.0)
    """

    mtf: AbstractTransfer = IdealTransfer()
    dqe: AbstractTransfer = IdealTransfer()
    gain: Scalar = eqx.field(
        converter=as_float, default=1.0, metadata=must(POSITIVE, "give a number > 0")
    )
    pixel_size: Scalar | None = eqx.field(
        converter=_pixel_or_none,
        default=None,
        metadata=must(POSITIVE, "give the size of a pixel in Å"),
    )

    def __check_init__(self) -> None:
        check_transfer("Camera", "mtf", self.mtf)
        check_transfer("Camera", "dqe", self.dqe)
        check_fields(self)

    @classmethod
    def counting(
        cls, mtf: AbstractTransfer, gain: Any = 1.0, pixel_size: Any = None
    ) -> Self:
        """Return a detector whose noise is white, with DQE = MTF².

        So it is where each electron is counted once, in one pixel, near to where it
        came: the power spectrum of the noise doesn't know the MTF.

        Args:
            mtf: modulation transfer, 1 at zero frequency.
            gain: recorded number per electron.
            pixel_size: of the physical detector at the specimen, Å; that of the image
                if None.

        References:
            Li et al. 2013, J. Struct. Biol. 184, 251-260.
        """
        return cls(mtf, ProductTransfer(mtf, mtf), gain, pixel_size)

    def frequencies(self, grid: Grid) -> HalfImage:
        """Return each frequency of an image in 1/pixel of the physical detector."""
        camera, grid = checked("Camera.frequencies", camera=self, grid=grid)
        radius = frequency_radius(grid)
        size = grid.pixel_size if camera.pixel_size is None else camera.pixel_size
        return radius * size.astype(radius.dtype)

    def signal_transfer(self, grid: Grid) -> HalfImage:
        """Return the MTF at each frequency of an image."""
        return self.mtf(self.frequencies(grid))

    def noise_transfer(self, grid: Grid) -> HalfImage:
        """Return the NTF at each frequency of an image, 0 where the DQE is 0."""
        frequencies = self.frequencies(grid)
        return over_root(self.mtf(frequencies), self.dqe(frequencies))

    def readout(self, counts: Image, grid: Grid) -> Image:
        r"""Return the image that is recorded of detected electrons.

        Counts are multiplied by $g\,\text{NTF}(k) / \sqrt{\text{DQE}(0)}$.

        Args:
            counts: of `expose`: expected ones give the noise-free recorded image, and
                a sample of them a noisy one.
            grid: of the image.

        Returns:
            The recorded image, in the precision of `counts`.

        Raises:
            TypeError: if `counts` isn't made of floats.
            ValueError: if an argument is a batch, or the image isn't on `grid`.
        """
        verb = "Camera.readout"
        camera, grid = checked(verb, camera=self, grid=grid)
        check_on_grid(verb, counts, grid)
        efficiency = camera.dqe(jnp.zeros((), counts.dtype))
        transfer = camera.noise_transfer(grid).astype(counts.dtype)
        transfer = transfer * camera.gain.astype(counts.dtype)
        return apply_filter(counts, over_root(transfer, efficiency))


def over_root(
    value: Float[Array, "..."], squared: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Return value / √squared, 0 where `squared` is 0."""
    positive = squared > 0
    return jnp.where(positive, value / jnp.sqrt(jnp.where(positive, squared, 1)), 0)


def check_on_grid(verb: str, image: Image, grid: Grid) -> None:
    """Raise if `image` isn't a single one, of floats, on `grid`."""
    check_image(verb, image)
    if image.shape != grid.shape:
        raise ValueError(
            f"cannot {verb} because the image has shape {image.shape}, the grid "
            f"{grid.shape}; do pass the grid of the image"
        )
