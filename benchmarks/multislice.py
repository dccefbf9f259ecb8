"""Time multislice, potential included, beside abTEM on the same atoms.

VITRAX_ABTEM_PYTHON names a Python with abTEM 1.0, which runs this file as its worker.
The two take turns, so that a ratio isn't moved by what else the machine does. Prints
seconds per pose, the first call apart, and how many times as long abTEM takes for one
pose after another, as it is set up by default. Poses are computed on one device, and on
as many as there are cores.
"""

import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np


PIXELS, PIXEL_SIZE = 512, 0.5
SLABS, THICKNESS = 50, 2.0
POSES = 8


def ball(count):
    """Return positions (Å) and atomic numbers as dense and mixed as in a protein."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    positions = 48.0 * direction * rng.uniform(size=(count, 1)) ** (1 / 3)
    shares = [0.5, 0.31, 0.09, 0.095, 0.005]
    return positions, rng.choice([1, 6, 7, 8, 16], count, p=shares)


def abtem_worker(count):
    """Answer each line on the standard input with the seconds of one pose."""
    import abtem
    import ase

    abtem.config.set({"diagnostics.progress_bar": False})
    positions, numbers = ball(count)
    box = np.asarray([PIXELS * PIXEL_SIZE] * 2 + [SLABS * THICKNESS])
    rng = np.random.default_rng(1)

    def one():
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        atoms = ase.Atoms(numbers, positions=positions @ turn.T + box / 2, cell=box)
        potential = abtem.Potential(
            atoms, gpts=PIXELS, slice_thickness=THICKNESS, projection="infinite"
        )
        potential = potential.build(lazy=False)
        return abtem.PlaneWave(energy=300e3).multislice(potential, lazy=False).array

    for _ in sys.stdin:
        start = time.perf_counter()
        shape = one().shape
        assert shape == (PIXELS, PIXELS)
        print(json.dumps(time.perf_counter() - start), flush=True)


def ours(count):
    """Return functions that make the wave of one pose, and those of some."""
    devices = os.cpu_count() or 1
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
    import jax

    import vitrax as vx

    positions, numbers = ball(count)
    atoms = vx.Atoms(positions, numbers, np.full(count, 30.0), np.ones(count))
    grid, beam = vx.Grid(PIXELS, PIXEL_SIZE), vx.wave.Beam(300.0)
    # The smallest boxes of which each atom needs one.
    slicer = vx.potential.WindowedSlabs(reach=11, depth=7)
    thick = vx.wave.Multislice(THICKNESS, SLABS, slicer)
    poses = vx.Pose.uniform(jax.random.key(0), POSES)
    first = jax.tree.map(lambda leaf: leaf[0], poses)

    def wave(atoms, pose):
        return thick(atoms, pose, grid, beam).spectrum

    def waves(atoms, poses, mesh=None):
        each = lambda pose: wave(atoms, pose)
        return vx.map_batched(each, poses, batch_size=1, mesh=mesh)

    mesh = jax.make_mesh((devices,), ("device",))
    one, some = jax.jit(wave), jax.jit(waves)
    spread = jax.jit(lambda atoms, poses: waves(atoms, poses, mesh))
    return (
        lambda: jax.block_until_ready(one(atoms, first)),
        lambda: jax.block_until_ready(some(atoms, poses)),
        lambda: jax.block_until_ready(spread(atoms, poses)),
    )


def seconds(fn):
    """Return how long a call takes."""
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


def main(count, rounds):
    """Print the table."""
    peer = os.environ.get("VITRAX_ABTEM_PYTHON")
    if peer is None:
        raise SystemExit("do name a Python with abTEM in VITRAX_ABTEM_PYTHON")
    command = [peer, "-W", "ignore", __file__, "abtem", str(count)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    worker = subprocess.Popen(command, **pipes)

    def theirs():
        worker.stdin.write("\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())

    cases = ours(count)
    firsts = [seconds(fn) for fn in cases]
    peer_first = theirs()
    turns = [(theirs(), *(seconds(fn) for fn in cases)) for _ in range(rounds)]
    worker.stdin.close()
    worker.wait()
    peer_time = statistics.median(turn[0] for turn in turns)
    print(f"{count} atoms, {PIXELS}², {SLABS} slabs; seconds per pose (first call)")
    print(f"abTEM, one pose at a time  {peer_time:6.3f} ({peer_first:.1f})")
    names = ("one pose", f"{POSES} poses", f"{POSES}, all cores")
    for i, (name, poses) in enumerate(zip(names, (1, POSES, POSES), strict=True)):
        mine = statistics.median(turn[1 + i] for turn in turns) / poses
        ratio = statistics.median(turn[0] * poses / turn[1 + i] for turn in turns)
        print(f"vitrax, {name:18} {mine:6.3f} ({firsts[i]:.1f})  ratio {ratio:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["abtem"]:
        abtem_worker(int(sys.argv[2]))
    else:
        main(int((sys.argv[1:] or [5000])[0]), 5)
