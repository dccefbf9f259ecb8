"""The electrons that are expected in each pixel."""

import jax.numpy as jnp

from .._batching import cast_floats
from .._checks import NOT_NEGATIVE, check_order, checked, checked_number
from .._typing import Image, ScalarLike
from ..grid import Grid, apply_filter, as_scalar
from ._camera import Camera, check_on_grid, over_root


# Fraction of the vacuum's counts below which expected counts are bent towards 0.
_FAINT = 0.01


def expose(contrast: Image, camera: Camera, dose: ScalarLike, grid: Grid) -> Image:
    r"""Return the expected counts of a detector before its read-out.

    Of $n = N p^2 (1 + c)$ electrons in a pixel of size $p$, with the contrast $c$ and
    the dose $N$, it detects

    $$\sqrt{\text{DQE}(0)\,\text{DQE}(k)} \otimes n.$$

    They are independent of each other, so the counts are a sample of `PoissonNoise` of
    this mean, and `camera.readout` of them has MTF, DQE and noise as the camera says.

    Contrast in the linear approximation can be below -1, where no electrons would be
    left. Below $t$ = 1 % of the vacuum's counts the expected ones $\lambda$ are
    $t^2/(2t - \lambda)$ instead, positive everywhere and with continuous derivatives.

    Args:
        contrast: $I/I_0 - 1$, as `simulate` returns it.
        camera: the detector.
        dose: $N$ of the image, e/Å².
        grid: of the image.

    Returns:
        Expected counts in the precision of `contrast`; in vacuum
        $N p^2\,\text{DQE}(0)$.

    Raises:
        TypeError: if the contrast isn't made of floats, or another argument isn't what
            it should be.
        ValueError: if the dose is negative, an argument is a batch, or the image isn't
            on `grid`.

    References:
        Vulović et al. 2013, J. Struct. Biol. 183, 19-32, section 2.4. There the
        electrons are multiplied by the root of the DQE, which is the same where
        DQE(0) = 1; for others the factor here gives the noise the power that NTF says.

    Example:
        >>> import jax.numpy as jnp
        >>> import vitrax as vx
        >>> vacuum = jnp.zeros((4, 4))
        >>> grid = vx.Grid(4, pixel_size=0.5)
        >>> float(vx.expose(vacuum, vx.Camera(), dose=50.0, grid=grid).mean())
        12.5
    """
    call = "expose(contrast, camera, dose, grid)"
    check_order(call, camera=(camera, Camera), grid=(grid, Grid))
    camera, grid = checked("expose", camera=camera, grid=grid)
    check_on_grid("expose", contrast, grid)
    dose = checked_number("expose", "dose", dose, NOT_NEGATIVE, "give it in e/Å²")
    camera, grid = cast_floats((camera, grid), contrast.dtype)
    efficiency = camera.dqe(jnp.zeros((), contrast.dtype))
    vacuum = as_scalar("dose", dose, contrast) * grid.pixel_size**2 * efficiency
    detected = camera.dqe(camera.frequencies(grid))
    # √DQE as DQE / √DQE: the derivative is finite where the DQE is 0.
    transfer = over_root(over_root(detected, detected), efficiency)
    intensity = 1 + apply_filter(contrast, transfer)
    return vacuum * _kept_positive(intensity)


def _kept_positive(intensity: Image) -> Image:
    """Return the intensity over the vacuum's, bent towards 0 where it is nearly 0."""
    faint = intensity < _FAINT
    below = jnp.where(faint, intensity, _FAINT)
    return jnp.where(faint, _FAINT**2 / (2 * _FAINT - below), intensity)
