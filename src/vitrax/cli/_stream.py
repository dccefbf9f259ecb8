"""Images of particles, made in batches of one shape."""

import dataclasses
import functools as ft
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._typing import ScalarLike
from ..detector import Camera, IdealTransfer, PoissonNoise, WhiteNoise, expose
from ..grid import Grid, apply_filter
from ..image import ABERRATIONS, Microscope, ParticleStack, simulate
from ..optics import Lens
from ..physics import CODATA, Constants
from ..pose import Pose
from ..structure import FourierMap, SliceKernel, VoxelMap
from ._batches import images_in_order, rows_of
from ._draw import stream


# Memory of one image while it is made, in units of its pixels' bytes.
WORKING_COPIES = 24

FINE = SliceKernel(points=4, padding=1.5)
to_fourier = jax.jit(FourierMap.from_map, static_argnames="kernel")


def fine_kernel(voxel_map: VoxelMap) -> SliceKernel:
    """Return `FINE`, or a finer kernel where a map is dense at the edge of its box.

    Args:
        voxel_map: with known values.
    """
    return max(FINE, SliceKernel.for_map(voxel_map), key=lambda kernel: kernel.points)


def ready_to_slice(*voxel_maps: VoxelMap) -> tuple[FourierMap, ...]:
    """Return the transforms of maps for fine slices, all with the kernel of the finest.

    Args:
        voxel_maps: with known values, alike.
    """
    kernels = [fine_kernel(each) for each in voxel_maps]
    kernel = max(kernels, key=lambda each: each.points)
    return tuple(to_fourier(each, kernel=kernel) for each in voxel_maps)


@dataclasses.dataclass(frozen=True)
class Noise:
    """Noise of a data set, and the scale that its images are written in.

    Args:
        seed: of the data set.
        variance: of the noise, in squared contrast; 0 for none.
        scale: factor by which noisy images are multiplied.
        dose: e/Å² where the noise is that of counted electrons, of this variance in
            vacuum.
    """

    seed: int
    variance: float = 0.0
    scale: float = 1.0
    dose: float | None = None


@dataclasses.dataclass(frozen=True)
class Simulator:
    """Makes images of a map, or of the maps of several models, protein white.

    Args:
        specimens: the map of each model, made ready to be sliced, all alike.
        box: pixels along a side.
        pixel_size: Å.
        padding: of the box in which the CTF acts.
        batch_size: images at a time.
        constants: which set fixes the wavelength.
        camera: that the images are recorded with.
    """

    specimens: tuple[FourierMap, ...]
    box: int
    pixel_size: float
    padding: int
    batch_size: int
    constants: Constants = CODATA
    camera: Camera = dataclasses.field(default_factory=Camera)

    def clean(self, particles: ParticleStack) -> Iterator[np.ndarray]:
        """Yield noise-free images, batch by batch.

        Args:
            particles: to simulate.
        """

        def make(model: int, rows: Any, _: jax.Array) -> tuple[jax.Array]:
            images = _clean_images(
                self.specimens[model], rows, self.pixel_size, *self._static, self.camera
            )
            return (images,)

        for (images,) in self._in_order(make, particles):
            yield images

    def noisy(
        self, particles: ParticleStack, noise: Noise
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield noise-free and noisy images, batch by batch, both scaled.

        Image i gets noise from the key of item i, whatever the batch.

        Args:
            particles: to simulate.
            noise: to add.
        """
        if noise.variance == 0:
            for images in self.clean(particles):
                yield images, images
            return
        key = stream(noise.seed, "noise")
        counted = noise.dose is not None
        numbers = (key, noise.dose if counted else noise.variance, noise.scale)
        images_of = _counted_images if counted else _noisy_images

        def make(model: int, rows: Any, items: jax.Array) -> tuple[jax.Array, ...]:
            return images_of(
                self.specimens[model], rows, self.pixel_size, *self._static,
                self.camera, items, numbers,
            )  # fmt: skip

        yield from self._in_order(make, particles)

    def _in_order(self, make: Any, particles: ParticleStack) -> Iterator[Any]:
        """Yield what `make` makes of all particles, in their order."""
        rows, models = rows_of(particles), len(self.specimens)
        return images_in_order(make, particles, rows, self.batch_size, models)

    @property
    def _static(self) -> tuple[int, int, Constants]:
        """What images are compiled for."""
        return self.box, self.padding, self.constants


def default_batch_size(box: int, padding: int) -> int:
    """Return how many images to make at a time, by the memory that they take."""
    pixels = (box * padding) ** 2 * WORKING_COPIES
    return int(min(max(2**26 // pixels, 1), 256))


def bytes_of_maps(specimens: tuple[FourierMap, ...], box: int) -> int:
    """Return the memory of maps and their transforms, in bytes.

    Args:
        specimens: made ready to be sliced.
        box: voxels along a side of each map.
    """
    transforms = [each.coefficients for each in specimens]
    sizes = sum(each.size * each.dtype.itemsize for each in transforms)
    return 4 * box**3 * (len(specimens) + 1) + sizes


def microscope_of(
    row: Any, grid: Grid, padding: int, constants: Constants = CODATA
) -> Microscope:
    """Return the microscope of one row of `rows_of`."""
    lens = Lens(
        defocus=row["defocus"],
        astigmatism=row["astigmatism"],
        astigmatism_angle=row["defocus_angle"],
        spherical_aberration=row["spherical_aberration"],
        amplitude_contrast=row["amplitude_contrast"],
        phase_shift=row["phase_shift"],
        b_factor=row["b_factor"],
        **{name: row[name] for name in ABERRATIONS if name in row},
    )
    return Microscope(
        grid,
        voltage=row["voltage"],
        lens=lens,
        padding=padding,
        constants=constants,
    )


@ft.partial(jax.jit, static_argnums=(3, 4, 5))
def _clean_images(
    specimen: FourierMap,
    rows: Any,
    pixel_size: ScalarLike,
    box: int,
    padding: int,
    constants: Constants,
    camera: Camera,
) -> jax.Array:
    """Return noise-free images with protein white, as in RELION's stacks."""
    contrast = _contrast(specimen, rows, pixel_size, box, padding, constants)
    return _recorded(contrast, Grid((box, box), pixel_size), camera)


def _contrast(
    specimen: FourierMap,
    rows: Any,
    pixel_size: ScalarLike,
    box: int,
    padding: int,
    constants: Constants,
) -> jax.Array:
    """Return physical contrast, before the camera, of each row."""
    grid = Grid((box, box), pixel_size)

    def one(row: Any) -> jax.Array:
        rot, tilt, psi = row["euler"]
        pose = Pose.from_euler(rot, tilt, psi, shift=row["shift"])
        scope = microscope_of(row, grid, padding, constants)
        contrast = simulate(specimen, pose, scope)
        return row["scale"].astype(contrast.dtype) * contrast

    return jax.vmap(one)(rows)


def _recorded(contrast: jax.Array, grid: Grid, camera: Camera) -> jax.Array:
    """Return images as the camera transfers them, protein white."""
    if isinstance(camera.mtf, IdealTransfer):
        return -contrast
    transfer = camera.signal_transfer(grid).astype(contrast.dtype)
    return -jax.vmap(lambda image: apply_filter(image, transfer))(contrast)


@ft.partial(jax.jit, static_argnums=(3, 4, 5))
def _noisy_images(
    specimen: FourierMap,
    rows: Any,
    pixel_size: ScalarLike,
    box: int,
    padding: int,
    constants: Constants,
    camera: Camera,
    items: jax.Array,
    numbers: tuple[jax.Array, ScalarLike, ScalarLike],
) -> tuple[jax.Array, jax.Array]:
    """Return images without and with noise, given key, variance and scale."""
    key, variance, scale = numbers
    clean = _clean_images(specimen, rows, pixel_size, box, padding, constants, camera)
    factor = jnp.asarray(scale, clean.dtype)

    def one(image: jax.Array, item: jax.Array) -> jax.Array:
        noise = WhiteNoise(jnp.asarray(variance, image.dtype))
        return noise.sample(jax.random.fold_in(key, item), image)

    return factor * clean, factor * jax.vmap(one)(clean, items)


@ft.partial(jax.jit, static_argnums=(3, 4, 5))
def _counted_images(
    specimen: FourierMap,
    rows: Any,
    pixel_size: ScalarLike,
    box: int,
    padding: int,
    constants: Constants,
    camera: Camera,
    items: jax.Array,
    numbers: tuple[jax.Array, ScalarLike, ScalarLike],
) -> tuple[jax.Array, jax.Array]:
    """Return images without noise and of counted electrons, given key, dose, scale.

    Both are contrast relative to the record of vacuum, protein white.
    """
    key, dose, scale = numbers
    grid = Grid((box, box), pixel_size)
    contrast = _contrast(specimen, rows, pixel_size, box, padding, constants)
    factor = jnp.asarray(scale, contrast.dtype)
    vacuum = jnp.asarray(dose, contrast.dtype) * grid.pixel_size**2
    vacuum = (vacuum * vacuum_transfer(camera)).astype(contrast.dtype)

    def one(image: jax.Array, item: jax.Array) -> jax.Array:
        expected = expose(image, camera, dose, grid)
        counts = PoissonNoise().sample(jax.random.fold_in(key, item), expected)
        return 1 - camera.readout(counts, grid) / vacuum

    clean = _recorded(contrast, grid, camera)
    return factor * clean, factor * jax.vmap(one)(contrast, items)


def vacuum_transfer(camera: Camera) -> jax.Array:
    """Return what a camera records of each electron on average."""
    return camera.gain * camera.mtf(jnp.zeros((), camera.gain.dtype))
