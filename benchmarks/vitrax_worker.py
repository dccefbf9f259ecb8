"""vitrax's side of the comparison."""

import functools as ft

import jax
import jax.numpy as jnp
import workload
from worker import serve

import vitrax as vx
from vitrax.potential import NonUniformFFT
from vitrax.structure import SliceKernel


def image_of_map(fourier_map, leaves, n):
    """Return one image of a map, with its own pose and optics."""
    pose = vx.Pose.from_euler(
        leaves["rot"],
        leaves["tilt"],
        leaves["psi"],
        shift=jnp.stack([leaves["shift_x"], leaves["shift_y"]]),
    )
    lens = vx.Lens(
        leaves["defocus"],
        leaves["astigmatism"],
        leaves["angle"],
        amplitude_contrast=0.1,
    )
    return vx.simulate(fourier_map, pose, vx.Microscope(vx.Grid(n, 1.5), 300.0, lens))


def slice_case(n, kernel, gradient):
    """Return a function without arguments that makes, or differentiates, a batch."""
    voxel_map = vx.VoxelMap(jnp.asarray(workload.density(n)), 1.5)
    fourier_map = jax.block_until_ready(vx.FourierMap.from_map(voxel_map, kernel))
    leaves = {name: jnp.asarray(x) for name, x in workload.poses().items()}
    images = jax.vmap(image_of_map, in_axes=(None, 0, None))
    data = jnp.zeros((workload.BATCH, n, n), jnp.float32)

    def loss(pose, rest, fourier_map):
        return 0.5 * jnp.sum((images(fourier_map, {**rest, **pose}, n) - data) ** 2)

    names = ("rot", "tilt", "psi", "shift_x", "shift_y")
    pose = {name: leaves[name] for name in names}
    rest = {name: x for name, x in leaves.items() if name not in names}
    if gradient:
        return ft.partial(jax.jit(jax.value_and_grad(loss)), pose, rest, fourier_map)
    forward = jax.jit(images, static_argnums=2)
    return lambda: forward(fourier_map, leaves, n)


def gaussian_case(gradient, projector=None):
    """Return a function that projects 20 000 atoms of five terms."""
    structure = vx.Gaussians(*map(jnp.asarray, workload.gaussians()))
    grid = vx.Grid(workload.GAUSSIAN_BOX, 1.0)
    leaves = {name: jnp.asarray(x[0]) for name, x in workload.poses().items()}

    def image(leaves, structure):
        shift = jnp.stack([leaves["shift_x"], leaves["shift_y"]])
        pose = vx.Pose.from_euler(leaves["rot"], leaves["tilt"], leaves["psi"], shift)
        return vx.project(structure, pose, grid, projector)

    def loss(leaves, structure):
        return 0.5 * jnp.sum(image(leaves, structure) ** 2)

    fn = jax.jit(jax.value_and_grad(loss) if gradient else image)
    return ft.partial(fn, leaves, structure)


def transform_case(n):
    """Return a function that makes one inverse FFT of each image."""
    spectra = jnp.ones((workload.BATCH, n, n // 2 + 1), jnp.complex64)
    return ft.partial(jax.jit(jax.vmap(lambda s: jnp.fft.irfft2(s, s=(n, n)))), spectra)


CASES = {
    "gaussians": ft.partial(gaussian_case, False),
    "gaussians-gradient": ft.partial(gaussian_case, True),
    # Of these widths, eight between which the others are interpolated err by 3e-6.
    "nufft": ft.partial(gaussian_case, False, NonUniformFFT(widths=8)),
    "nufft-gradient": ft.partial(gaussian_case, True, NonUniformFFT(widths=8)),
}
for n in (128, 256):
    CASES[f"fft-{n}"] = ft.partial(transform_case, n)
    kernels = {"default": SliceKernel(), "fine": SliceKernel(4, 1.5)}
    for label, kernel in kernels.items():
        CASES[f"slice-{n}-{label}"] = ft.partial(slice_case, n, kernel, False)
        CASES[f"slice-{n}-{label}-gradient"] = ft.partial(slice_case, n, kernel, True)

if __name__ == "__main__":
    serve(CASES)
