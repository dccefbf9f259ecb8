"""Many particles in one field of view."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, PyTree

from .._batching import cast_floats
from .._checks import checked
from .._typing import Image, ScalarLike, as_float, complex_dtype, real_dtype
from ..grid import Grid, crop, to_real
from ..optics import image_spectrum, linear_spectrum
from ..pose import Pose
from ..structure import Gaussians
from ..wave import (
    Fresnel,
    LinearContrast,
    Wave,
    as_wave,
    propagate,
    scattered_by,
)
from ._microscope import Microscope
from ._simulate import magnified


Layers = Sequence[tuple[Image, ScalarLike]]


def simulate_micrograph(
    species: Sequence[tuple[PyTree, Pose]],
    microscope: Microscope,
    box: int,
    layers: Layers = (),
) -> Image:
    r"""Return the noise-free image of many particles, the contrast $I/I_0 - 1$.

    Each particle scatters in a box of its own, at its own height; the scattered waves
    are added, and the lens acts on the whole field. A micrograph of one particle is the
    image that `simulate` makes. What an electron meets behind a first particle isn't
    counted.

    Args:
        species: structures, each with the poses of its copies along a leading axis: the
            shift is the place in the micrograph, Å from pixel N // 2, and the height
            lessens the defocus. What lies outside the field isn't seen.
        microscope: the instrument; its grid is that of the micrograph.
        box: pixels along an edge of the boxes. They must hold the structures; what the
            lens spreads is added to the whole field.
        layers: more projected potential, such as ice, each with its height, Å: images
            in V·Å on `microscope.padded_grid()`.

    Raises:
        ValueError: if poses aren't a batch, a map doesn't fit its box, or a layer
            doesn't fit the grid.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> blob = vx.Gaussians([[0.0] * 3], [[50.0]], [[9.0]])
        >>> rotation = vx.Pose.identity().rotation
        >>> pose = vx.Pose(rotation, (20.0, -10.0), height=100.0)
        >>> poses = jax.tree.map(lambda leaf: leaf[None], pose)
        >>> scope = vx.Microscope(vx.Grid(64, 1.0), 300.0, vx.Lens(defocus=5_000.0))
        >>> image = vx.simulate_micrograph([(blob, poses)], scope, box=32)
        >>> bool(image[22, 52] < image[32, 32])
        True
    """
    microscope = checked("simulate_micrograph", microscope=microscope)
    dtype = real_dtype(species[0][0] if species else microscope)
    # The grid's own dtype would else follow the microscope's.
    microscope, species = cast_floats((microscope, tuple(species)), dtype)
    grid = microscope.padded_grid()
    field = jnp.zeros([n + 2 * box for n in grid.shape], complex_dtype(dtype))
    for structure, poses in species:
        _check_poses(poses, microscope)
        field = _with_copies(field, structure, poses, microscope, box)
    linear = _is_linear(species, microscope, box)
    wave = Wave.from_scattered(crop(field, grid.shape), grid)
    for values, height in layers:
        layer = _layer(values, height, microscope, linear)
        wave = Wave(wave.spectrum + layer.spectrum, grid)
    image = linear_spectrum if linear else image_spectrum
    spectrum = image(wave, microscope.lens, microscope.wavelength)
    return crop(to_real(spectrum, grid.shape), microscope.grid.shape)


def _with_copies(
    field: Complex[Array, "y x"],
    structure: PyTree,
    poses: Pose,
    microscope: Microscope,
    box: int,
) -> Complex[Array, "y x"]:
    """Return the field with the waves of the copies."""
    grid = Grid((box, box), microscope.grid.pixel_size)
    theory, beam = microscope.scattering, microscope.beam

    @jax.checkpoint
    def add(field: Array, pose: Pose) -> tuple[Array, None]:
        place = pose.shift[::-1] / grid.pixel_size
        whole = jnp.round(lax.stop_gradient(place))
        local = Pose(
            pose.rotation, ((place - whole) * grid.pixel_size)[::-1], pose.height
        )
        local = magnified(local, microscope.lens)
        wave = as_wave(theory(structure, local, grid, beam), beam)
        patch = crop(wave.scattered(), (box, box)).astype(field.dtype)
        middle = jnp.asarray([n // 2 - box // 2 for n in field.shape])
        start = whole.astype(middle.dtype) + middle
        last = jnp.asarray(field.shape) - box
        seen = jnp.all((start >= 0) & (start <= last))
        patch = jnp.where(seen, patch, jnp.zeros_like(patch))
        at = tuple(jnp.clip(start, 0, last))
        there = lax.dynamic_slice(field, at, (box, box))
        return lax.dynamic_update_slice(field, there + patch, at), None

    return lax.scan(add, field, poses)[0]


def _is_linear(
    species: Sequence[tuple[PyTree, Pose]], microscope: Microscope, box: int
) -> bool:
    """Return whether the theory gives linear contrast, of which waves are a picture."""
    grid = Grid((box, box), microscope.grid.pixel_size)
    one = Gaussians([[0.0] * 3], [[1.0]], [[1.0]]), Pose.identity()
    if species:
        structure, poses = species[0]
        one = structure, jax.tree.map(lambda leaf: leaf[0], poses)
    scattered = jax.eval_shape(
        lambda structure, pose: microscope.scattering(
            structure, pose, grid, microscope.beam
        ),
        *cast_floats(one, real_dtype(microscope)),
    )
    return isinstance(scattered, LinearContrast)


def _layer(
    values: Image, height: ScalarLike, microscope: Microscope, linear: bool
) -> Wave:
    """Return the scattered wave of a layer, at the middle of the specimen."""
    grid, beam = microscope.padded_grid(), microscope.beam
    if values.shape != grid.shape:
        raise ValueError(
            f"cannot add a layer of shape {values.shape} to a field of {grid.shape} "
            f"because they differ; do make it on microscope.padded_grid()"
        )
    phase = beam.interaction * values.astype(grid.pixel_size.dtype)
    q = beam.amplitude_contrast
    if linear:
        scattered = lax.complex(-q * phase, jnp.sqrt(1 - q**2) * phase)
    else:
        scattered = scattered_by(phase, q)
    wave = Wave.from_scattered(scattered, grid)
    way = as_float(height).astype(phase.dtype)
    return propagate(wave, beam.wavelength, way, Fresnel())


def _check_poses(poses: Pose, microscope: Microscope) -> None:
    """Raise if poses don't have one axis of copies, or heights that can't be had."""
    if poses.height is not None and microscope.lens.magnification is not None:
        raise ValueError(
            "cannot simulate_micrograph of particles with heights under anisotropic "
            "magnification because defocus and magnification don't commute; do give "
            "poses without heights, or a lens without magnification"
        )
    if poses.shift.ndim != 2:
        raise ValueError(
            f"cannot simulate_micrograph because the poses' shift has shape "
            f"{poses.shift.shape} where a batch of copies has (copies, 2); do stack "
            f"the poses along a leading axis"
        )
