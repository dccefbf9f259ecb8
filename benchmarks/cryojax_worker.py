"""cryoJAX 0.6.0's side of the comparison; run by a Python that has it."""

import functools as ft

import cryojax.simulator as cxs
import equinox as eqx
import jax
import jax.numpy as jnp
import workload
from worker import serve


def pose_of(leaves):
    """Return cryoJAX's pose of RELION's angles."""
    return cxs.EulerAnglePose(
        leaves["shift_x"],
        leaves["shift_y"],
        -leaves["rot"],
        -leaves["tilt"],
        -leaves["psi"],
    )


def image_of_map(volume, leaves, n):
    """Return one image of a map, with its own pose and optics."""
    ctf = cxs.AstigmaticCTF(
        defocus_in_angstroms=leaves["defocus"],
        astigmatism_in_angstroms=leaves["astigmatism"],
        astigmatism_angle=90.0 - leaves["angle"],
        spherical_aberration_in_mm=2.7,
    )
    transfer = cxs.ContrastTransferTheory(ctf, amplitude_contrast_ratio=0.1)
    config = cxs.BasicImageConfig((n, n), 1.5, 300.0)
    integrator = cxs.FourierSliceExtraction()
    model = cxs.make_image_model(volume, config, pose_of(leaves), transfer, integrator)
    return model.simulate()


def slice_case(n, interpolation, gradient):
    """Return a function without arguments that makes, or differentiates, a batch."""
    volume = cxs.FourierVoxelGridVolume.from_real_voxel_grid(
        jnp.asarray(workload.density(n)), interp=interpolation
    )
    volume = jax.block_until_ready(volume)
    leaves = {name: jnp.asarray(x) for name, x in workload.poses().items()}
    data = jnp.zeros((workload.BATCH, n, n), jnp.float32)

    def images(volume, leaves):
        return jax.vmap(lambda one: image_of_map(volume, one, n))(leaves)

    def loss(pose, rest, volume):
        return 0.5 * jnp.sum((images(volume, {**rest, **pose}) - data) ** 2)

    names = ("rot", "tilt", "psi", "shift_x", "shift_y")
    pose = {name: leaves[name] for name in names}
    rest = {name: x for name, x in leaves.items() if name not in names}
    if gradient:
        step = eqx.filter_jit(lambda p, r, v: jax.value_and_grad(loss)(p, r, v))
        return ft.partial(step, pose, rest, volume)
    return ft.partial(eqx.filter_jit(images), volume, leaves)


def gaussian_case(gradient):
    """Return a function that projects 20 000 atoms of five terms."""
    positions, amplitudes, variances = map(jnp.asarray, workload.gaussians())
    volume = cxs.GaussianMixtureVolume(positions, amplitudes, variances)
    leaves = {name: jnp.asarray(x[0]) for name, x in workload.poses().items()}
    n = workload.GAUSSIAN_BOX

    def image(leaves, volume):
        config = cxs.BasicImageConfig((n, n), 1.0, 300.0)
        projection = cxs.GaussianMixtureProjection()
        model = cxs.make_image_model(volume, config, pose_of(leaves), None, projection)
        return model.simulate()

    def loss(leaves, volume):
        return 0.5 * jnp.sum(image(leaves, volume) ** 2)

    if gradient:
        step = eqx.filter_jit(lambda p, v: jax.value_and_grad(loss)(p, v))
        return ft.partial(step, leaves, volume)
    return ft.partial(eqx.filter_jit(image), leaves, volume)


CASES = {
    "gaussians": ft.partial(gaussian_case, False),
    "gaussians-gradient": ft.partial(gaussian_case, True),
}
for n in (128, 256):
    for label in ("linear", "cubic"):
        CASES[f"slice-{n}-{label}"] = ft.partial(slice_case, n, label, False)
        CASES[f"slice-{n}-{label}-gradient"] = ft.partial(slice_case, n, label, True)

if __name__ == "__main__":
    serve(CASES)
