"""What RELION makes of particles that came through a CryoSPARC data set."""

import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import (
    CryoSPARC,
    Relion,
    StarTable,
    read_particles,
    read_star,
    write_particle_table,
    write_particles,
    write_star,
)
from vitrax.structure import SliceKernel


SIZE, PIXEL, COUNT = 64, 1.2, 400
# Beam tilt, trefoil, and what CryoSPARC calls tetrafoil and anisotropic magnification.
ABERRATIONS = {
    "beam_tilt": (4.0, -3.0),
    "odd_zernike": (0.0, 0.0, 40.0, 0.0, 0.0, -35.0),
    "even_zernike": (0.0, 0.0, 0.0, 0.0, 20.0, 0.0, 0.0, 0.0, 10.0),
}

needs_relion = pytest.mark.skipif(
    shutil.which("relion_reconstruct") is None, reason="needs relion_reconstruct"
)


@pytest.fixture(scope="module")
def potential(shared):
    gaussians = vx.io.read_atoms(shared / "structures" / "1dpx.pdb").to_gaussians()
    positions = gaussians.positions - gaussians.positions.mean(axis=0, keepdims=True)
    gaussians = vx.Gaussians(positions, gaussians.amplitudes, gaussians.variances)
    return jax.jit(vx.render)(gaussians, vx.Grid((SIZE,) * 3, PIXEL))


def simulated(potential):
    """Return images of random poses with aberrations, which their optics say."""
    fourier_map = vx.FourierMap.from_map(potential, SliceKernel(4, 1.5))
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    shifts = jax.random.uniform(jax.random.key(1), (COUNT, 2), minval=-4.0, maxval=4.0)
    poses = vx.Pose(poses.rotation, shifts)
    defoci = jnp.linspace(6_000.0, 14_000.0, COUNT)
    grid = vx.Grid(SIZE, PIXEL)

    def one(pose, defocus):
        lens = vx.Lens(defocus, **ABERRATIONS)
        return vx.simulate(fourier_map, pose, vx.Microscope(grid, 300.0, lens))

    images = jax.jit(lambda *each: jax.lax.map(lambda x: one(*x), each))(poses, defoci)
    optics = vx.image.OpticsGroup(PIXEL, 300.0, box=SIZE, **ABERRATIONS)
    lenses = jax.vmap(lambda defocus: vx.Lens(defocus, **ABERRATIONS))(defoci)
    return vx.ParticleStack.from_arrays(np.asarray(images), poses, lenses, optics)


def resolved(folder, name, potential):
    """Return the FSC at 4 Å of RELION's map."""
    command = f"relion_reconstruct --i {name} --o out.mrc --ctf --angpix {PIXEL}"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    values = jnp.asarray(np.asarray(vx.io.read_map(folder / "out.mrc").values, float))
    shells = vx.grid.fsc(values, potential.values)
    return float(shells[round(SIZE * PIXEL / 4.0)])


@pytest.mark.slow
@needs_relion
def test_relion_reconstructs_what_came_through_cryosparc(tmp_path, potential):
    write_particles(tmp_path / "a.cs", simulated(potential), layout=CryoSPARC())
    stack = read_particles(tmp_path / "a.cs")
    write_particles(tmp_path / "b.star", stack, layout=Relion())
    assert resolved(tmp_path, "b.star", potential) > 0.99
    tables = read_star(tmp_path / "b.star")
    wrong = ("rlnBeamTilt", "rlnOddZernike", "rlnEvenZernike")
    optics = {k: v for k, v in tables["optics"].items() if not k.startswith(wrong)}
    write_star(tmp_path / "c.star", tables | {"optics": StarTable(optics)})
    assert resolved(tmp_path, "c.star", potential) < 0.9


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("relion_star_handler") is None, reason="needs relion_star_handler"
)
@pytest.mark.filterwarnings("ignore::vitrax.io.InputWarning")
@pytest.mark.parametrize(
    "name", ["cryosparc_P12_J24_001_particles", "empiar-11377-passthrough-5particles"]
)
def test_relion_reads_what_was_converted(shared, tmp_path, name):
    more = {"stack": "a.mrcs"} if "passthrough" in name else {}
    stack = read_particles(shared / "cryosparc" / f"{name}.cs", **more)
    write_particle_table(tmp_path / "a.star", stack, layout=Relion())
    command = (
        "relion_star_handler --i a.star --o b.star --select rlnDefocusU --minval 1"
    )
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    first, second = (read_star(tmp_path / each) for each in ("a.star", "b.star"))
    assert second["particles"].rows == len(stack)
    for label in ("rlnAngleRot", "rlnOriginXAngst", "rlnDefocusU"):
        expected = first["particles"][label]
        np.testing.assert_allclose(second["particles"][label], expected, atol=1e-5)
    assert set(first["particles"]) == set(second["particles"])
    for label in ("rlnBeamTiltX", "rlnMagMat01"):
        if label in first["optics"]:
            expected = first["optics"][label]
            np.testing.assert_allclose(second["optics"][label], expected, atol=1e-5)
