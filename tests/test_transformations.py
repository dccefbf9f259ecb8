"""Every pure verb under jit, vmap and grad, in double and in single precision.

To add a verb, add a function to CASES that returns (verb, arguments, other arguments).
"""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

import transforms
import vitrax as vx


pytestmark = pytest.mark.float32

DOUBLE = jax.config.read("jax_enable_x64")
GRID = ((10, 9), 2.0)
KEY = 7


def grids():
    return vx.Grid(GRID[0], GRID[1]), vx.Grid(GRID[0], 1.9)


def volume_grids():
    return vx.Grid((6, 7, 8), 1.5), vx.Grid((6, 7, 8), 1.4)


def poses():
    return (
        vx.Pose.from_euler(20.0, 80.0, -10.0, shift=(1.3, -0.4)),
        vx.Pose.from_euler(-70.0, 35.0, 110.0, shift=(-0.8, 2.1)),
    )


def gaussians():
    def some(seed):
        keys = jr.split(jr.key(seed), 3)
        return vx.Gaussians(
            2.0 * jr.normal(keys[0], (4, 3)),
            1.0 + jr.uniform(keys[1], (4, 2)),
            1.0 + jr.uniform(keys[2], (4, 2)),
        )

    return some(1), some(2)


def atoms():
    return tuple(
        vx.Atoms(
            2.0 * jr.normal(jr.key(seed), (3, 3)),
            [6, 7, 8],
            40.0 + 10.0 * jr.uniform(jr.key(seed), (3,)),
            [1.0, 0.5, 0.9],
        )
        for seed in (1, 2)
    )


def voxel_maps():
    return tuple(
        vx.VoxelMap(jr.normal(jr.key(seed), (8, 8, 8)), size)
        for seed, size in ((1, 2.0), (2, 2.1))
    )


def fourier_maps():
    return tuple(map(vx.FourierMap.from_map, voxel_maps()))


def microscopes():
    lenses = (
        vx.Lens(1000.0, 80.0, 25.0, 2.7, 0.07, 10.0, 20.0),
        vx.Lens(1400.0, 50.0, -40.0, 1.2, 0.1, 0.0, 5.0),
    )
    return tuple(
        vx.Microscope(grid, voltage, lens)
        for grid, voltage, lens in zip(grids(), (300.0, 200.0), lenses, strict=True)
    )


def images():
    return tuple(jr.normal(jr.key(seed), GRID[0]) for seed in (3, 4))


def spectra():
    return tuple(vx.grid.to_fourier(image) for image in images())


def white():
    return vx.WhiteNoise(2.0), vx.WhiteNoise(0.5)


def coloured():
    shape = vx.Grid(*GRID).half_shape
    return tuple(
        vx.ColouredNoise(1.0 + jr.uniform(jr.key(seed), shape)) for seed in (5, 6)
    )


def case(verb, *pairs):
    """Return (verb, arguments, other arguments) of pairs of arguments."""
    return verb, tuple(one for one, _ in pairs), tuple(other for _, other in pairs)


def sample(noise, image):
    return noise.sample(jr.key(KEY), image)


def sample_fourier(noise, spectrum):
    return noise.sample_fourier(jr.key(KEY), spectrum, vx.Grid(*GRID))


def log_likelihood(noise, observed, predicted):
    return noise.log_likelihood(observed, predicted)


def log_likelihood_fourier(noise, observed, predicted):
    return noise.log_likelihood_fourier(observed, predicted, vx.Grid(*GRID))


def beams():
    return vx.wave.Beam(300.0, 0.07), vx.wave.Beam(200.0, 0.1)


def thicknesses():
    return jnp.asarray(2.5), jnp.asarray(2.6)


def cut_exactly(structure, pose, grid, thickness):
    return vx.potential.GaussianSlabs()(structure, pose, grid, thickness, 8)


def cut_in_windows(structure, pose, grid, thickness):
    slicer = vx.potential.WindowedSlabs(reach=4, depth=7)
    return slicer(structure, pose, grid, thickness, 8)


def cut_map(structure, pose, grid, thickness):
    return vx.potential.VoxelSlabs()(structure, pose, grid, thickness, 12)


def slabs():
    return tuple(0.1 * jr.normal(jr.key(seed), (3, *GRID[0])) for seed in (3, 4))


def thick_microscopes():
    return tuple(
        dataclasses.replace(scope, scattering=vx.wave.Multislice(step, 8))
        for scope, step in zip(microscopes(), thicknesses(), strict=True)
    )


def mapped(steps):
    def one(step):
        pose = transforms.cast(poses()[0], step.dtype)
        return pose.moved(step).as_matrix()

    return vx.map_batched(one, steps, batch_size=2)


CASES = {
    "render Atoms": lambda: case(vx.render, atoms(), volume_grids()),
    "FourierMap.from_map": lambda: case(vx.FourierMap.from_map, voxel_maps()),
    "project Atoms": lambda: case(vx.project, atoms(), poses(), grids()),
    "project FourierMap": lambda: case(vx.project, fourier_maps(), poses(), grids()),
    "scatter Gaussians": lambda: case(vx.scatter, gaussians(), poses(), microscopes()),
    "Microscope.ctf": lambda: case(vx.Microscope.ctf, microscopes()),
    "simulate Gaussians": lambda: case(
        vx.simulate, gaussians(), poses(), microscopes()
    ),
    "WhiteNoise.sample": lambda: case(sample, white(), images()),
    "ColouredNoise.sample": lambda: case(sample, coloured(), images()),
    "WhiteNoise.sample_fourier": lambda: case(sample_fourier, white(), spectra()),
    "ColouredNoise.sample_fourier": lambda: case(sample_fourier, coloured(), spectra()),
    "WhiteNoise.log_likelihood": lambda: case(
        log_likelihood, white(), images(), images()[::-1]
    ),
    "ColouredNoise.log_likelihood": lambda: case(
        log_likelihood, coloured(), images(), images()[::-1]
    ),
    "WhiteNoise.log_likelihood_fourier": lambda: case(
        log_likelihood_fourier, white(), spectra(), spectra()[::-1]
    ),
    "ColouredNoise.log_likelihood_fourier": lambda: case(
        log_likelihood_fourier, coloured(), spectra(), spectra()[::-1]
    ),
    "map_batched": lambda: case(
        mapped,
        (0.1 * jr.normal(jr.key(8), (3, 5)), 0.1 * jr.normal(jr.key(9), (3, 5))),
    ),
    "GaussianSlabs": lambda: case(
        cut_exactly, gaussians(), poses(), grids(), thicknesses()
    ),
    "WindowedSlabs": lambda: case(
        cut_in_windows, gaussians(), poses(), grids(), thicknesses()
    ),
    "VoxelSlabs": lambda: case(cut_map, voxel_maps(), poses(), grids(), thicknesses()),
    "transmit": lambda: case(
        vx.wave.transmit, slabs(), thicknesses(), grids(), beams()
    ),
    "scatter Gaussians Multislice": lambda: case(
        vx.scatter, gaussians(), poses(), thick_microscopes()
    ),
}

# What the others go through as well, in pieces.
LONG = {"scatter Gaussians", "render Atoms", "map_batched"}

each_case = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in CASES],
)


@pytest.mark.skipif(not DOUBLE, reason="finite differences need double precision")
@each_case
def test_contract(name):
    transforms.check_transforms(*CASES[name]())


@each_case
def test_single_stays_single(name):
    fn, args, _ = CASES[name]()
    transforms.check_stays_single(fn, args)


@pytest.mark.skipif(DOUBLE, reason="its pass has x64 off")
@each_case
def test_single_precision(name):
    fn, args, shifted = CASES[name]()
    single = [transforms.cast(each, jnp.float32) for each in (args, shifted)]
    transforms.check_jit(fn, *single)
    gradient = transforms.jitted_gradient(fn)(single[0])
    leaves = jax.tree.leaves((fn(*single[0]), gradient))
    assert all(is_single(leaf) and bool(jnp.isfinite(leaf).all()) for leaf in leaves)


@pytest.mark.skipif(not DOUBLE, reason="compares with double precision")
@pytest.mark.parametrize("name", ["project FourierMap", "simulate Gaussians"])
def test_gradients_in_single_precision_are_close(name):
    fn, args, _ = CASES[name]()
    gradient = transforms.jitted_gradient(fn)
    expected = transforms.cast(gradient(args), jnp.float32)
    actual = gradient(transforms.cast(args, jnp.float32))
    transforms.assert_close(actual, expected, tolerance=1e-3)


@pytest.mark.parametrize("name", [name for name in CASES if name[0].islower()])
def test_result_has_the_precision_of_the_structure(name):
    fn, args, _ = CASES[name]()
    mixed = (transforms.cast(args[0], jnp.float32), *args[1:])
    shapes = jax.eval_shape(fn, *mixed)
    dtypes = {leaf.dtype.name for leaf in jax.tree.leaves(shapes)}
    assert dtypes <= {"float32", "complex64"}


def is_single(x):
    return x.real.dtype == jnp.float32


def test_every_pure_verb_is_in_the_table():
    tested = {name.split()[0] for name in CASES}
    noises = {"WhiteNoise", "ColouredNoise"}
    methods = {"sample", "log_likelihood", "sample_fourier", "log_likelihood_fourier"}
    assert {"render", "project", "scatter", "simulate", "map_batched"} <= tested
    assert {f"{noise}.{method}" for noise in noises for method in methods} <= tested
