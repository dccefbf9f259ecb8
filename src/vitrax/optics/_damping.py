"""What else takes amplitude away: envelopes that a lens is given as objects."""

import equinox as eqx
import jax.numpy as jnp

from .._checks import FINITE, NOT_NEGATIVE, check_fields, must
from .._typing import HalfImage, Scalar, Vector2, as_float
from ..grid import Grid
from ._abstract_envelope import AbstractEnvelope
from ._thickness import specimen_envelope


class ThickSpecimen(AbstractEnvelope):
    r"""The envelope of a specimen that is alike at all depths, `specimen_envelope`.

    Args:
        thickness: Å.

    Example:
        >>> import vitrax as vx
        >>> thick = vx.optics.ThickSpecimen(thickness=400.0)
        >>> scope = vx.Microscope(vx.Grid(8, 1.0), 300.0, vx.Lens(9e3, damping=thick))
        >>> scope.ctf().shape
        (8, 5)
    """

    thickness: Scalar = eqx.field(
        converter=as_float, metadata=must(NOT_NEGATIVE, "give it in Å")
    )

    def __check_init__(self) -> None:
        check_fields(self)

    def __call__(self, grid: Grid, wavelength: Scalar) -> HalfImage:
        """Return the factor at each frequency of a half spectrum."""
        return specimen_envelope(grid, wavelength, self.thickness)


class Drift(AbstractEnvelope):
    r"""The envelope of an image that moves evenly by $d$ while it is recorded.

    $$\operatorname{sinc}(k \cdot d), \quad
    \operatorname{sinc} x = \frac{\sin\pi x}{\pi x}$$

    Args:
        path: $d$ = (x, y), Å.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> blurred = vx.optics.Drift((2.0, 0.0))(vx.Grid(8, 1.0), jnp.asarray(0.02))
        >>> blurred[0].round(3).tolist()
        [1.0, 0.9, 0.637, 0.3, 0.0]
    """

    path: Vector2 = eqx.field(
        converter=as_float, metadata=must(FINITE, "give (x, y) in Å")
    )

    def __check_init__(self) -> None:
        check_fields(self)

    def __call__(self, grid: Grid, wavelength: Scalar) -> HalfImage:
        """Return the factor at each frequency of a half spectrum."""
        del wavelength
        ky, kx = grid.frequency_axes()
        return jnp.sinc((ky * self.path[1])[:, None] + (kx * self.path[0])[None, :])
