"""Print accuracy and time of projectors and of theories of scattering, three tables.

Maps: relative L2 error against the direct sum over voxels, worst of the twelve poses of
kernels.py, for its ball of 0.6 of a box of 64, in double precision. Gaussians: against
their closed forms in double precision, for 20 000 atoms of five Gaussians each, worst
of three poses, in single precision. Theories: contrast through the lens against
Multislice with slabs of 1 Å, for a dense ball of atoms, worst of two poses, in single
precision. Time: of one image over one inverse FFT of its size, both one at a time and
compiled. The tables stand in docs/choosing.md.
"""

import statistics
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import workload
from kernels import BOX, ball as ball_map, poses as twelve_poses
from multislice import ball as ball_of_atoms
from scipy.special import erf

import vitrax as vx
from vitrax.potential import DirectSum, NonUniformFFT, RaySum, SeparableGaussians
from vitrax.structure import SliceKernel, Trilinear
from vitrax.wave import EwaldSphere, Multislice, StrongPhase, WeakPhase


MAP_BOX, IMAGE = 128, 256
KERNELS = [SliceKernel(), SliceKernel(4, 1.5), Trilinear(2)]
OTHERS = [RaySum(), NonUniformFFT(), DirectSum()]
OF_GAUSSIANS = [SeparableGaussians(), NonUniformFFT(), NonUniformFFT(widths=8)]
PIXEL, ATOMS, BANDS = 0.6, 5000, (4.0, 2.0)
DEFOCUS = 10_000.0


def relative(one, exact) -> float:
    """Return the relative L2 error."""
    return float(np.linalg.norm(np.asarray(one) - exact) / np.linalg.norm(exact))


def quickest(call, rounds: int = 5) -> float:
    """Return the seconds of the quickest of some calls after the first."""
    jax.block_until_ready(call())
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        jax.block_until_ready(call())
        taken.append(time.perf_counter() - start)
    return min(taken)


def ratio(call, n: int) -> float:
    """Return the time of a call over that of an inverse FFT of n² pixels."""
    spectrum = jnp.ones((n, n // 2 + 1), jnp.complex64)
    many = lambda s: jax.lax.fori_loop(
        0, 50, lambda _, x: x + 1e-9 * jnp.fft.rfft2(jnp.fft.irfft2(x, s=(n, n))), s
    )
    inverse = jax.jit(many)
    # Fifty pairs of an inverse and a forward transform.
    unit = lambda: quickest(lambda: inverse(spectrum)) / 100
    return statistics.median(quickest(call, 3) / unit() for _ in range(3))


def print_row(name: str, errors: list[float], cost: float) -> None:
    """Print a row of a table."""
    figures = " | ".join(f"{error:.1e}" for error in errors)
    print(f"| `{name}` | {figures} | {cost:.3g} |", flush=True)


def maps() -> None:
    """Print the table of projectors of maps."""
    jax.config.update("jax_enable_x64", True)
    project = jax.jit(vx.project, static_argnums=3)
    voxel_map, grid, angles = ball_map(0.6 * BOX), vx.Grid(BOX, 1.0), twelve_poses()
    exact = [np.asarray(project(voxel_map, pose, grid, DirectSum())) for pose in angles]
    ready = {kernel: vx.FourierMap.from_map(voxel_map, kernel) for kernel in KERNELS}
    errors = {}
    for each in (*KERNELS, *OTHERS[:-1]):
        structure, projector = ready.get(each, voxel_map), None
        projector = None if each in ready else each
        images = [project(structure, pose, grid, projector) for pose in angles]
        errors[each] = max(relative(*pair) for pair in zip(images, exact, strict=True))
    jax.config.update("jax_enable_x64", False)
    print("| projector | error | time |\n| --- | --- | --- |")
    for each in (*KERNELS, *OTHERS):
        n = BOX if each == DirectSum() else MAP_BOX
        density = vx.VoxelMap(jnp.asarray(workload.density(n)), 1.5)
        pose, wide = vx.Pose.from_euler(20.0, 80.0, -10.0), vx.Grid(n, 1.5)
        if each in ready:
            density = vx.FourierMap.from_map(density, each)
        projector = None if each in ready else each
        call = jax.jit(lambda m, p, g=wide, by=projector: vx.project(m, p, g, by))
        cost = ratio(lambda call=call, m=density, p=pose: call(m, p), n)
        name = f"FourierSlice(), {each}" if each in ready else repr(each)
        print_row(name, [errors.get(each, 0.0)], cost)


def exact_projections(parts, pose: vx.Pose) -> tuple[np.ndarray, np.ndarray]:
    """Return averages over pixels, and their frequencies below Nyquist alone."""
    positions, amplitudes, variances = (np.asarray(part, float) for part in parts)
    turned = positions @ np.asarray(pose.as_matrix(), float).T
    n = IMAGE
    edges = np.arange(n + 1) - n // 2 - 0.5
    pixels, spectrum = np.zeros((n, n)), np.zeros((n, n), complex)
    k = np.fft.fftfreq(n)
    for a, v in zip(amplitudes.T, variances.T, strict=True):
        x, y = (
            0.5 * np.diff(erf((edges[:, None] - at) / np.sqrt(2 * v)), axis=0)
            for at in (turned[:, 0], turned[:, 1])
        )
        pixels += (y * a) @ x.T
        x, y = (
            np.exp(-2j * np.pi * k[:, None] * at - 2 * np.pi**2 * k[:, None] ** 2 * v)
            for at in (turned[:, 0], turned[:, 1])
        )
        spectrum += (y * a) @ x.T
    spectrum *= np.sinc(k)[:, None] * np.sinc(k)
    return pixels, np.fft.fftshift(np.fft.ifft2(spectrum).real)


def without_nyquist(image) -> np.ndarray:
    """Return an image without the row and the column at Nyquist."""
    spectrum = np.fft.fft2(np.asarray(image, float))
    spectrum[IMAGE // 2], spectrum[:, IMAGE // 2] = 0.0, 0.0
    return np.fft.ifft2(spectrum).real


def gaussians() -> None:
    """Print the table of projectors of Gaussians."""
    parts = workload.gaussians()
    structure, grid = vx.Gaussians(*parts), vx.Grid(IMAGE, 1.0)
    three = [vx.Pose.from_euler(*a) for a in ((0, 0, 0), (20, 80, -10), (45, 45, 45))]
    exact = [exact_projections(parts, pose) for pose in three]
    print("\n| projector | error | time |\n| --- | --- | --- |")
    for projector in OF_GAUSSIANS:
        call = jax.jit(lambda s, p, by=projector: vx.project(s, p, grid, by))
        periodic = isinstance(projector, NonUniformFFT)
        worst = max(
            relative(without_nyquist(call(structure, pose)), without_nyquist(pair[1]))
            if periodic
            else relative(call(structure, pose), pair[0])
            for pose, pair in zip(three, exact, strict=True)
        )
        cost = ratio(lambda call=call: call(structure, three[1]), IMAGE)
        print_row(repr(projector), [worst], cost)


def up_to(image, resolution: float) -> np.ndarray:
    """Return an image without what is finer than a resolution, Å."""
    k = np.fft.fftfreq(IMAGE, PIXEL)
    inside = np.hypot(k[:, None], k) <= 1 / resolution
    return np.fft.ifft2(np.fft.fft2(np.asarray(image, float)) * inside).real


def theories() -> None:
    """Print the table of theories of scattering."""
    positions, numbers = ball_of_atoms(ATOMS)
    atoms = vx.Atoms(positions, numbers, np.full(ATOMS, 30.0), np.ones(ATOMS))
    structure = atoms.to_gaussians()
    two = [vx.Pose.from_euler(*a) for a in ((20.0, 80.0, -10.0), (45.0, 45.0, 45.0))]
    grid, lens = vx.Grid(IMAGE, PIXEL), vx.Lens(defocus=DEFOCUS)

    def image_by(theory):
        scope = vx.Microscope(grid, 300.0, lens, scattering=theory)
        return jax.jit(lambda s, p: vx.simulate(s, p, scope))

    thin = image_by(Multislice.around(structure, 1.0))
    exact = [np.asarray(thin(structure, pose)) for pose in two]
    rows = {
        "WeakPhase()": WeakPhase(),
        "StrongPhase()": StrongPhase(),
        "EwaldSphere()": EwaldSphere(),
        "Multislice.around(structure, 8.0)": Multislice.around(structure, 8.0),
        "Multislice.around(structure, 4.0)": Multislice.around(structure, 4.0),
        "Multislice.around(structure, 2.0)": Multislice.around(structure, 2.0),
    }
    heads = " | ".join(f"error to {band:g} Å" for band in BANDS)
    print(f"\n| theory | {heads} | time |\n| --- | --- | --- | --- |")
    for name, theory in rows.items():
        call = image_by(theory)
        images = [np.asarray(call(structure, pose)) for pose in two]
        errors = [
            max(
                relative(up_to(one, band), up_to(other, band))
                for one, other in zip(images, exact, strict=True)
            )
            for band in BANDS
        ]
        cost = ratio(lambda call=call: call(structure, two[0]), IMAGE)
        print_row(name, errors, cost)


if __name__ == "__main__":
    tables = {"maps": maps, "gaussians": gaussians, "theories": theories}
    for name in sys.argv[1:] or tables:
        tables[name]()
