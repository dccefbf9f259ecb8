"""Images multiplied by their own contrast transfer function."""

from .._batching import cast_floats
from .._checks import checked
from .._typing import Image
from ..grid import apply_filter
from ._microscope import Microscope


def premultiply(image: Image, microscope: Microscope) -> Image:
    r"""Return an image multiplied by its CTF, as RELION keeps particles on request.

    $$\hat I(k) \sin\gamma(k)\, E(k)$$

    The CTF is RELION's, positive at low frequency, so that the contrast of protein
    stays what it is. Such particles have rlnCtfDataAreCtfPremultiplied, and
    `OpticsGroup.premultiplied`: compare them with premultiplied simulations.

    Args:
        image: of the microscope's grid.
        microscope: that took it; its odd aberrations have no part in this.

    Raises:
        ValueError: if the microscope is batched, or the image isn't of its grid.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> lens = vx.Lens(defocus=12_000.0, amplitude_contrast=0.1)
        >>> scope = vx.Microscope(vx.Grid(8, 1.0), voltage=300.0, lens=lens)
        >>> round(float(vx.image.premultiply(jnp.ones((8, 8)), scope)[3, 4]), 6)
        0.1
    """
    scope = checked("premultiply", microscope=microscope)
    if image.shape != scope.grid.shape:
        raise ValueError(
            f"cannot premultiply an image of shape {image.shape} because the "
            f"microscope's grid has {scope.grid.shape}; do pass the microscope that "
            f"took it"
        )
    scope = cast_floats(scope, image.dtype)
    return apply_filter(image, -scope.ctf())
