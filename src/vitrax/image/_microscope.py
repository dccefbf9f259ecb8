"""The assembled instrument."""

import equinox as eqx

from .._checks import KILOVOLTS_OR_LIMIT, check_fields, checked, must
from .._typing import HalfImage, Scalar, as_float
from ..grid import Grid
from ..optics import Lens, transfer
from ..physics import CODATA, Constants, wavelength
from ..wave import AbstractScattering, Beam, WeakPhase


def as_padding(padding: int) -> int:
    """Return the padding as a Python integer."""
    if int(padding) != padding or padding < 1:
        raise ValueError(
            f"cannot pad the box {padding} times because it isn't a positive integer; "
            f"do pass 1 (periodic) or 2"
        )
    return int(padding)


class Microscope(eqx.Module):
    """Everything between a structure in its pose and the image of it.

    Args:
        grid: sampling of the image.
        voltage: acceleration voltage, kV.
        lens: the objective lens.
        padding: size of the box in which the lens acts over that of the image. With 1
            the contrast transfer wraps around in the box, as in RELION; with 2 or more
            the image is as if cut from a micrograph.
        scattering: how the specimen scatters.
        constants: which set fixes the wavelength: CODATA's, RELION's or cisTEM's.

    Raises:
        ValueError: if the grid isn't that of an image, the voltage isn't in kV, or the
            padding isn't a positive integer.

    Example:
        >>> import vitrax as vx
        >>> lens = vx.Lens(defocus=12_000.0, amplitude_contrast=0.1)
        >>> scope = vx.Microscope(vx.Grid(8, 1.0), voltage=300.0, lens=lens)
        >>> round(float(scope.ctf()[0, 0]), 6)
        -0.1
    """

    grid: Grid
    voltage: Scalar = eqx.field(
        converter=as_float,
        metadata=must(KILOVOLTS_OR_LIMIT, "give it in kV, 300.0 for 300 000 V"),
    )
    lens: Lens
    padding: int = eqx.field(converter=as_padding, static=True, default=1)
    scattering: AbstractScattering = WeakPhase()
    constants: Constants = eqx.field(static=True, default=CODATA)

    def __check_init__(self) -> None:
        shape = getattr(self.grid, "shape", ())
        if len(shape) != 2:
            raise ValueError(
                f"cannot make Microscope with {self.grid!r} as grid because an image "
                f"has two axes; do pass Grid((y, x), pixel_size)"
            )
        check_fields(self)

    @property
    def wavelength(self) -> Scalar:
        """Electron wavelength, Å."""
        return wavelength(self.voltage, self.constants)

    @property
    def beam(self) -> Beam:
        """The electrons, and the share of them that the specimen removes."""
        return Beam(self.voltage, self.lens.amplitude_contrast, self.constants)

    def ctf(self) -> HalfImage:
        r"""Return the contrast transfer function on the grid.

        $-\sin\gamma(k)\, e^{-Bk^2/4}$ in the layout of `jax.numpy.fft.rfft2`. RELION's
        has the opposite sign.
        """
        microscope = checked("Microscope.ctf", microscope=self)
        return transfer(microscope.lens, microscope.grid, microscope.wavelength)

    def padded_grid(self) -> Grid:
        """Return the grid on which the lens acts."""
        shape = tuple(self.padding * n for n in self.grid.shape)
        return Grid(shape, self.grid.pixel_size)
