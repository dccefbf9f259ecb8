"""The verbs of image formation."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import PyTree

from .._batching import cast_floats
from .._checks import check_order, check_structure_given, checked
from .._typing import Image, real_dtype
from ..grid import crop, to_real
from ..optics import Lens, image_spectrum
from ..pose import Pose
from ..wave import LinearContrast, Wave
from ._microscope import Microscope


def scatter(
    structure: PyTree, pose: Pose, microscope: Microscope
) -> LinearContrast | Wave:
    r"""Return what leaves the specimen.

    In the weak-phase approximation the contrast $2\sigma V_z$, else the scattered wave,
    on a grid that holds the padded image and the structure's own box.

    Args:
        structure: `Atoms`, `Gaussians`, `FourierMap`, `VoxelMap`, or a type of your
            own.
        pose: of the structure.
        microscope: gives the grid, the voltage and the theory of scattering.

    Raises:
        TypeError: if an argument isn't what it should be, or the structure is unknown.
        ValueError: if an argument is batched, or a map doesn't fit the grid.

    Example:
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[2.5]], [[1.0]])
        >>> scope = vx.Microscope(vx.Grid(16, 1.0), 300.0, vx.Lens(defocus=10_000.0))
        >>> vx.scatter(blob, vx.Pose.identity(), scope).spectrum.shape
        (16, 9)
    """
    _check_types("scatter", structure, pose, microscope)
    nouns = checked("scatter", structure=structure, pose=pose, microscope=microscope)
    return _scattered(*cast_floats(nouns, real_dtype(structure)))


def simulate(structure: PyTree, pose: Pose, microscope: Microscope) -> Image:
    r"""Return the noise-free image of `structure`, the contrast $I/I_0 - 1$.

    Physical: protein is dark on a light background, as recorded.

    Args:
        structure: `Atoms`, `Gaussians`, `FourierMap`, `VoxelMap`, or a type of your
            own.
        pose: of the structure.
        microscope: the instrument.

    Raises:
        TypeError: if an argument isn't what it should be, or the structure is unknown.
        ValueError: if an argument is batched, or a map doesn't fit the grid.

    Example:
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[50.0]], [[9.0]])
        >>> scope = vx.Microscope(vx.Grid(32, 1.0), 300.0, vx.Lens(defocus=2_000.0))
        >>> image = vx.simulate(blob, vx.Pose.identity(), scope)
        >>> bool(image[16, 16] < 0)
        True
    """
    _check_types("simulate", structure, pose, microscope)
    nouns = checked("simulate", structure=structure, pose=pose, microscope=microscope)
    structure, pose, microscope = cast_floats(nouns, real_dtype(structure))
    scattered = _scattered(structure, pose, microscope)
    spectrum = image_spectrum(scattered, microscope.lens, microscope.wavelength)
    return crop(to_real(spectrum, scattered.grid.shape), microscope.grid.shape)


def _check_types(verb: str, structure: Any, pose: Any, microscope: Any) -> None:
    """Raise if the arguments of a verb are exchanged, or something else."""
    call = f"{verb}(structure, pose, microscope)"
    check_order(call, pose=(pose, Pose), microscope=(microscope, Microscope))
    check_structure_given(call, structure)


def _scattered(
    structure: PyTree, pose: Pose, microscope: Microscope
) -> LinearContrast | Wave:
    """Return what leaves the specimen, of arguments of one dtype, checked."""
    return microscope.scattering(
        structure,
        magnified(pose, microscope.lens),
        microscope.padded_grid(),
        microscope.beam,
    )


def magnified(pose: Pose, lens: Lens) -> Pose:
    """Return the pose as the lens magnifies it, anisotropically."""
    if lens.magnification is None:
        return pose
    total = lens.magnification
    if pose.magnification is not None:
        total = jnp.matmul(pose.magnification, total, precision=lax.Precision.HIGHEST)
    return dataclasses.replace(pose, magnification=total)
