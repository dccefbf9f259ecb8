"""What an envelope is."""

import abc

import equinox as eqx

from .._typing import HalfImage, Scalar
from ..grid import Grid


class AbstractEnvelope(eqx.Module):
    """A factor of the amplitude at each frequency.

    To add one, subclass this in a file of your own and pass an instance as `damping=`
    of a `Lens`.
    """

    @abc.abstractmethod
    def __call__(self, grid: Grid, wavelength: Scalar) -> HalfImage:
        """Return the factor at each frequency of a half spectrum."""
