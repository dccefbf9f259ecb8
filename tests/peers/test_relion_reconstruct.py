"""What relion_reconstruct makes of our images with higher aberrations.

It undoes them where the STAR file says them with the right sign, and makes them worse
with the opposite one.
"""

import re
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.structure import SliceKernel


SIZE, PIXEL, COUNT = 64, 1.2, 400
TILT = (4.0, -3.0)
ODD = (0.0, 0.0, 40.0, 15.0, -20.0, -35.0)
EVEN = (0.0, 3.0, 0.0, -4.0, 20.0, 0.0, 0.0, -30.0, 10.0)


def listed(numbers, sign):
    return "[" + ",".join(str(sign * number) for number in numbers) + "]"


CASES = {
    "tilt": (
        {"beam_tilt": TILT},
        lambda sign: {"rlnBeamTiltX": sign * TILT[0], "rlnBeamTiltY": sign * TILT[1]},
    ),
    "odd": ({"odd_zernike": ODD}, lambda sign: {"rlnOddZernike": listed(ODD, sign)}),
    "even": ({"even_zernike": EVEN}, lambda s: {"rlnEvenZernike": listed(EVEN, s)}),
}


@pytest.fixture(scope="module")
def potential(shared):
    gaussians = vx.io.read_atoms(shared / "structures" / "1dpx.pdb").to_gaussians()
    positions = gaussians.positions - gaussians.positions.mean(axis=0, keepdims=True)
    gaussians = vx.Gaussians(positions, gaussians.amplitudes, gaussians.variances)
    return jax.jit(vx.render)(gaussians, vx.Grid((SIZE,) * 3, PIXEL))


def write_images(folder, potential, aberrations):
    """Write images of random poses with some aberrations, and a STAR file without."""
    fourier_map = vx.FourierMap.from_map(potential, SliceKernel(4, 1.5))
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    defoci = jnp.linspace(6_000.0, 14_000.0, COUNT)
    grid = vx.Grid(SIZE, PIXEL)

    def one(pose, defocus):
        lens = vx.Lens(defocus, **aberrations)
        return vx.simulate(fourier_map, pose, vx.Microscope(grid, 300.0, lens))

    images = jax.jit(lambda *each: jax.lax.map(lambda x: one(*x), each))(poses, defoci)
    optics = vx.image.OpticsGroup(pixel_size=PIXEL, voltage=300.0, box=SIZE)
    lenses = jax.vmap(vx.Lens)(defoci)
    stack = vx.ParticleStack.from_arrays(np.asarray(images), poses, lenses, optics)
    vx.io.write_particles(folder / "particles.star", stack)


def resolved(folder, potential, columns, resolution=4.0):
    """Return the FSC at some resolution (Å) of RELION's map.

    Columns are added to the table of optics groups.
    """
    text = (folder / "particles.star").read_text()
    table = re.search(r"data_optics[\s\S]*?loop_\n((?:_rln.*\n)+)(.*)\n", text)
    count = table.group(1).count("\n")
    labels = [f"_{name} #{count + i + 1}\n" for i, name in enumerate(columns)]
    row = " ".join([table.group(2).rstrip(), *map(str, columns.values())])
    parts = text[: table.end(1)], *labels, row, text[table.end(2) :]
    (folder / "told.star").write_text("".join(parts))
    command = f"relion_reconstruct --i told.star --o out.mrc --ctf --angpix {PIXEL}"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    values = jnp.asarray(np.asarray(vx.io.read_map(folder / "out.mrc").values, float))
    return float(
        vx.grid.fsc(values, potential.values)[round(SIZE * PIXEL / resolution)]
    )


# Slow electrons curve the sphere much at low resolution, where few pixels suffice.
EWALD_SIZE, EWALD_PIXEL, EWALD_COUNT, VOLTAGE = 180, 3.3, 300, 20.0


@pytest.fixture(scope="module")
def large():
    """Return a ball of 400 Å of Gaussians, as a map in volts, in a box of 594 Å."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(3000, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    positions = 200.0 * direction * rng.uniform(size=(3000, 1)) ** (1 / 3)
    ball = vx.Gaussians(
        positions, np.full((3000, 1), 0.2), np.full((3000, 1), EWALD_PIXEL**2)
    )
    return jax.jit(vx.render)(ball, vx.Grid((EWALD_SIZE,) * 3, EWALD_PIXEL))


def curved_images(folder, potential):
    """Write images on the Ewald sphere."""
    fourier_map = vx.FourierMap.from_map(potential, SliceKernel(4, 1.5))
    poses = vx.Pose.uniform(jax.random.key(0), EWALD_COUNT)
    defoci = jnp.linspace(5_000.0, 12_000.0, EWALD_COUNT)
    grid = vx.Grid(EWALD_SIZE, EWALD_PIXEL)

    def one(pose, defocus):
        theory = vx.wave.EwaldSphere()
        scope = vx.Microscope(grid, VOLTAGE, vx.Lens(defocus), scattering=theory)
        return vx.simulate(fourier_map, pose, scope)

    images = jax.jit(lambda *each: jax.lax.map(lambda x: one(*x), each))(poses, defoci)
    optics = vx.image.OpticsGroup(EWALD_PIXEL, VOLTAGE, box=EWALD_SIZE)
    lenses = jax.vmap(vx.Lens)(defoci)
    stack = vx.ParticleStack.from_arrays(np.asarray(images), poses, lenses, optics)
    vx.io.write_particles(folder / "particles.star", stack)


def curvature(folder, potential, options):
    """Return the FSC at 8 Å of RELION's map."""
    command = "relion_reconstruct --i particles.star --o out.mrc --ctf --j 2"
    command += f" --angpix {EWALD_PIXEL} {options}"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    values = jnp.asarray(np.asarray(vx.io.read_map(folder / "out.mrc").values, float))
    shells = vx.grid.fsc(values, potential.values)
    return float(shells[round(EWALD_SIZE * EWALD_PIXEL / 8.0)])


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_reconstruct") is None, reason="needs relion_reconstruct"
)
def test_relion_undoes_the_curvature_of_our_ewald_sphere(tmp_path, large):
    curved_images(tmp_path, large)
    ewald = "--ewald --mask_diameter 560"
    flat = curvature(tmp_path, large, "")
    assert curvature(tmp_path, large, ewald) > flat + 0.01
    assert curvature(tmp_path, large, ewald + " --reverse_curvature") < flat - 0.1


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_reconstruct") is None, reason="needs relion_reconstruct"
)
@pytest.mark.parametrize("name", CASES)
def test_relion_undoes_the_aberrations_of_our_images(tmp_path, potential, name):
    aberrations, told = CASES[name]
    write_images(tmp_path, potential, aberrations)
    right = resolved(tmp_path, potential, told(1.0))
    assert right > 0.99
    assert resolved(tmp_path, potential, told(-1.0)) < 0.5
    assert resolved(tmp_path, potential, {}) < 0.9


# Its transpose is turned by three degrees from it.
MATRIX = np.array([[1.02, 0.04], [-0.02, 0.985]])


def matrix_columns(matrix):
    return {f"rlnMagMat{i}{j}": matrix[i, j] for i in (0, 1) for j in (0, 1)}


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_reconstruct") is None, reason="needs relion_reconstruct"
)
def test_relion_undoes_the_magnification_of_our_images(tmp_path, potential):
    write_images(tmp_path, potential, {"magnification": MATRIX})
    right = resolved(tmp_path, potential, matrix_columns(MATRIX), 3.0)
    assert right > 0.99
    for wrong in (MATRIX.T, np.linalg.inv(MATRIX), np.linalg.inv(MATRIX).T):
        assert resolved(tmp_path, potential, matrix_columns(wrong), 3.0) < 0.9
    assert resolved(tmp_path, potential, {}, 3.0) < 0.9
