"""A map: values on a cube or box of voxels."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import POSITIVE, check_fields, must
from .._typing import Scalar, as_float
from ..grid import Grid


VOLT = "V"
ARBITRARY = "arbitrary"


class VoxelMap(eqx.Module):
    """A map `[z, y, x]` whose origin is voxel N // 2 of each axis.

    Args:
        values: of the potential, in `unit`.
        voxel_size: Å.
        unit: "V" where the values are an electrostatic potential in volts, as `render`
            makes them; "arbitrary" for a map from a file, until its scale is given.

    Raises:
        TypeError: if the values are complex, or of half precision.
        ValueError: if the voxel size isn't positive and finite, or there is no voxel.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> vx.VoxelMap(jnp.zeros((4, 4, 4)), voxel_size=1.5).unit
        'arbitrary'
    """

    values: Float[Array, "z y x"] = eqx.field(converter=as_float)
    voxel_size: Scalar = eqx.field(
        converter=as_float, metadata=must(POSITIVE, "give the size of a voxel in Å")
    )
    unit: str = eqx.field(static=True, default=ARBITRARY)

    def __check_init__(self) -> None:
        if jnp.finfo(self.values.dtype).bits < 32:
            raise TypeError(
                f"cannot make a VoxelMap because its values are {self.values.dtype}, "
                f"and a Fourier transform needs more; do values.astype('float32')"
            )
        if 0 in self.values.shape:
            raise ValueError(
                f"cannot make a VoxelMap because its values have shape "
                f"{self.values.shape}, without a voxel; do give at least one"
            )
        check_fields(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of voxels (z, y, x)."""
        return self.values.shape

    @property
    def grid(self) -> Grid:
        """The sampling of the map."""
        return Grid(self.values.shape, self.voxel_size)
