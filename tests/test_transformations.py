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
from vitrax import detector


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
    return tuple(map(jax.jit(vx.FourierMap.from_map), voxel_maps()))


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


def counts():
    return tuple(5.0 + 3.0 * jnp.abs(image) for image in images())


def cameras():
    def some(scale):
        mtf = detector.LorentzianTransfer([0.6, 0.3], [10.0 * scale, 4.0], 0.1)
        dqe = detector.MeasuredTransfer([0.05, 0.23, 0.61], [0.8, 0.5 * scale, 0.2])
        return vx.Camera(mtf, dqe, 2.0 * scale, 1.7)

    return some(1.0), some(1.1)


def doses():
    return jnp.asarray(3.0), jnp.asarray(4.0)


def voltages():
    return jnp.asarray(300.0), jnp.asarray(170.0)


def drifts():
    return tuple(jr.normal(jr.key(seed), (2, 2)) for seed in (5, 6))


def frames():
    return tuple(jr.normal(jr.key(seed), (2, *GRID[0])) for seed in (7, 8))


def weights():
    shape = (2, *vx.Grid(*GRID).half_shape)
    return tuple(0.5 + jr.uniform(jr.key(seed), shape) for seed in (9, 10))


def frame_filters(grid, dose, voltage):
    return detector.frame_filters(grid, dose, 2, voltage)


def dose_weights(grid, dose, voltage):
    return detector.dose_weights(grid, dose, 2, voltage)


def readout(camera, image, grid):
    return camera.readout(image, grid)


def drawn(noise):
    return lambda image: noise.sample(jr.key(KEY), image)


def drawn_fourier(noise):
    return lambda spectrum: noise.sample_fourier(jr.key(KEY), spectrum, vx.Grid(*GRID))


def density_fourier(noise):
    return lambda *both: noise.log_likelihood_fourier(*both, vx.Grid(*GRID))


def count_spectra():
    return tuple(vx.grid.to_fourier(image) for image in counts())


def movie(structure, pose, microscope, dose, drift):
    return vx.simulate_movie(structure, pose, microscope, dose, 2, drift)


def ices():
    def factor(height):
        return vx.structure.StructureFactor(
            0.05, 0.4, [height, 0.8], [0.27, 0.45], [0.03, 0.05]
        )

    return tuple(
        vx.structure.Ice(thickness, 0.0314, displacement, factor(height))
        for thickness, displacement, height in ((300.0, 1.1, 1.2), (400.0, 0.8, 1.4))
    )


def ice_fields():
    pairs = zip(images(), grids(), strict=True)
    return tuple(vx.structure.IceField(values, grid) for values, grid in pairs)


def in_ice():
    pairs = zip(gaussians(), ice_fields(), strict=True)
    return tuple(vx.structure.InIce(*pair) for pair in pairs)


def operators():
    return tuple(
        vx.structure.helical_operators(rise, twist, 4)
        for rise, twist in ((1.5, 50.0), (1.7, 60.0))
    )


def assemblies():
    pairs = zip(gaussians(), operators(), strict=True)
    return tuple(vx.structure.Assembly(unit, *at) for unit, at in pairs)


def ensembles():
    one, two = gaussians()
    make = vx.Ensemble.from_structures
    return make([one, two], [1.0, 9.0]), make([two, one], [1.0, 8.0])


def paths():
    modes = (jr.normal(jr.key(seed), (2, 4, 3)) for seed in (1, 2))
    pairs = zip(gaussians(), modes, strict=True)
    return tuple(vx.structure.Path(*pair) for pair in pairs)


def numbers(*values):
    return tuple(jnp.asarray(value) for value in values)


def case(verb, *pairs):
    """Return (verb, arguments, other arguments) of pairs of arguments."""
    return verb, tuple(one for one, _ in pairs), tuple(other for _, other in pairs)


def sample(noise, image):
    return noise.sample(jr.key(KEY), image)


def sample_fourier(noise, spectrum):
    return noise.sample_fourier(jr.key(KEY), spectrum, vx.Grid(*GRID))


def sample_ice(ice, grid):
    return ice.sample(jr.key(KEY), grid)


def project_in_ice(structure, pose):
    return vx.project(structure, pose, structure.ice.grid)


def ice_frames(ice, microscope, dose):
    return vx.image.simulate_ice_movie(jr.key(KEY), ice, microscope, dose, 2)


def diffused(ice, field, dose):
    return ice.diffused(jr.key(KEY), field, dose)


def drawn_state(ensemble):
    return ensemble.sample(jr.key(KEY))


def assembled(structure, rotations, translations):
    return vx.structure.assembled(structure, rotations, translations)


def helical_operators(rise, twist):
    return vx.structure.helical_operators(rise, twist, 3)


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


def raised():
    """Return poses with heights."""
    return tuple(
        vx.Pose(pose.rotation, pose.shift, height)
        for pose, height in zip(poses(), (30.0, -20.0), strict=True)
    )


def scattering(theory):
    return tuple(
        vx.Microscope(scope.grid, scope.voltage, scope.lens, scattering=theory)
        for scope in microscopes()
    )


def waves():
    return tuple(
        vx.wave.Wave.from_scattered(
            jax.lax.complex(*(jr.normal(key, GRID[0]) for key in jr.split(jr.key(n)))),
            grid,
        )
        for n, grid in enumerate(grids())
    )


def propagated(wave):
    return vx.wave.propagate(wave, 0.02, 50.0, vx.wave.Fresnel())


def maps_in_volts():
    return tuple(
        vx.FourierMap.from_map(vx.VoxelMap(one.values, one.voxel_size, "V"))
        for one in voxel_maps()
    )


def magnified_poses():
    matrices = ([[1.02, 0.04], [-0.02, 0.98]], [[0.97, 0.01], [0.03, 1.01]])
    return tuple(
        vx.Pose(pose.rotation, pose.shift, magnification=jnp.asarray(matrix))
        for pose, matrix in zip(poses(), matrices, strict=True)
    )


def full_lenses():
    return tuple(
        vx.Lens(
            scope.lens.defocus,
            80.0,
            beam_tilt=(0.3 * scale, -0.2),
            odd_zernike=(0.0, 0.1 * scale, 0.2),
            even_zernike=(0.0, 0.1 * scale, 0.2),
            magnification=pose.magnification,
            chromatic_aberration=2.0 * scale,
            energy_spread=0.9,
            convergence=0.1 * scale,
            aperture=4.0,
        )
        for scope, pose, scale in zip(
            microscopes(), magnified_poses(), (1.0, 1.1), strict=True
        )
    )


def imaging(lens, grid):
    at = lens, grid, 0.02
    return vx.optics.transfer(*at), vx.optics.odd_phase(*at)


def thick(lens, grid):
    left = vx.optics.specimen_envelope(grid, 0.02, 400.0)
    return left, vx.optics.thon_rings(lens, grid, 0.02, 400.0)


def heights():
    return jnp.asarray(50.0), jnp.asarray(-70.0)


def tilts():
    places = jnp.asarray([30.0, 200.0]), jnp.asarray([-90.0, 150.0])
    angles = jnp.asarray(20.0), jnp.asarray(-35.0)
    return places, angles, heights()


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
    "propagate": lambda: case(propagated, waves()),
    "simulate StrongPhase": lambda: case(
        vx.simulate, gaussians(), raised(), scattering(vx.wave.StrongPhase())
    ),
    "simulate EwaldSphere": lambda: case(
        vx.simulate, gaussians(), raised(), scattering(vx.wave.EwaldSphere())
    ),
    "scatter EwaldSphere of a map": lambda: case(
        vx.scatter, maps_in_volts(), raised(), scattering(vx.wave.EwaldSphere())
    ),
    "critical_exposure": lambda: case(detector.critical_exposure, counts(), voltages()),
    "exposure_filter": lambda: case(
        detector.exposure_filter, grids(), doses(), voltages()
    ),
    "frame_filters": lambda: case(frame_filters, grids(), doses(), voltages()),
    "dose_weights": lambda: case(dose_weights, grids(), doses(), voltages()),
    "expose": lambda: case(vx.expose, images(), cameras(), doses(), grids()),
    "Camera.readout": lambda: case(readout, cameras(), images(), grids()),
    "PoissonNoise.sample": lambda: case(drawn(vx.PoissonNoise()), counts()),
    "PoissonNoise.sample_fourier": lambda: case(
        drawn_fourier(vx.PoissonNoise()), count_spectra()
    ),
    "PoissonNoise.log_likelihood": lambda: case(
        vx.PoissonNoise().log_likelihood, counts(), counts()[::-1]
    ),
    "PoissonNoise.log_likelihood_fourier": lambda: case(
        density_fourier(vx.PoissonNoise()), count_spectra(), count_spectra()[::-1]
    ),
    "CountingNoise.sample": lambda: case(drawn(detector.CountingNoise()), counts()),
    "CountingNoise.sample_fourier": lambda: case(
        drawn_fourier(detector.CountingNoise()), count_spectra()
    ),
    "CountingNoise.log_likelihood": lambda: case(
        detector.CountingNoise().log_likelihood, counts(), counts()[::-1]
    ),
    "CountingNoise.log_likelihood_fourier": lambda: case(
        density_fourier(detector.CountingNoise()),
        count_spectra(),
        count_spectra()[::-1],
    ),
    "bin_pixels": lambda: case(lambda x: detector.bin_pixels(x[1:], 3), images()),
    "resample_counts": lambda: case(
        lambda x: detector.resample_counts(x, (6, 5)), images()
    ),
    "simulate_movie Gaussians": lambda: case(
        movie, gaussians(), poses(), microscopes(), doses(), drifts()
    ),
    "weighted_sum": lambda: case(
        vx.image.weighted_sum, frames(), weights(), grids(), drifts()
    ),
    "Magnified FourierMap": lambda: case(
        vx.project, fourier_maps(), magnified_poses(), grids()
    ),
    "Lens of all aberrations": lambda: case(imaging, full_lenses(), grids()),
    "Lens of a thick specimen": lambda: case(thick, full_lenses(), grids()),
    "Lens.raised": lambda: case(vx.Lens.raised, full_lenses(), heights()),
    "Lens of a tilted specimen": lambda: case(
        vx.optics.tilted, full_lenses(), *tilts()
    ),
    "StructureFactor": lambda: case(
        lambda factor, k: factor(k),
        tuple(ice.structure_factor for ice in ices()),
        numbers([0.1, 0.3], [0.2, 0.5]),
    ),
    "water_intensity": lambda: case(
        vx.structure.water_intensity, numbers([0.1, 0.3], [0.2, 0.5])
    ),
    "Ice.power": lambda: case(vx.structure.Ice.power, ices(), grids()),
    "Ice.sample": lambda: case(sample_ice, ices(), grids()),
    "Ice.diffused": lambda: case(diffused, ices(), ice_fields(), numbers(0.7, 1.2)),
    "simulate_ice_movie": lambda: case(
        ice_frames, ices(), microscopes(), numbers(0.7, 1.2)
    ),
    "IceField.spectrum": lambda: case(vx.structure.IceField.spectrum, ice_fields()),
    "project InIce": lambda: case(project_in_ice, in_ice(), poses()),
    "displaced_solvent": lambda: case(
        vx.structure.displaced_solvent, atoms(), numbers(4.6, 3.5)
    ),
    "in_solvent": lambda: case(vx.structure.in_solvent, atoms(), numbers(4.6, 3.5)),
    "with_mean_hydrogens": lambda: case(vx.structure.with_mean_hydrogens, atoms()),
    "Ensemble.sample": lambda: case(drawn_state, ensembles()),
    "Ensemble.state": lambda: case(lambda ensemble: ensemble.state(1), ensembles()),
    "Path.at": lambda: case(
        vx.structure.Path.at, paths(), numbers([0.3, -1.0], [0.7, 0.2])
    ),
    "assembled Gaussians": lambda: case(
        assembled,
        gaussians(),
        tuple(rotations for rotations, _ in operators()),
        tuple(translations for _, translations in operators()),
    ),
    "helical_operators": lambda: case(
        helical_operators, numbers(1.5, 1.7), numbers(50.0, 60.0)
    ),
    "project Assembly": lambda: case(vx.project, assemblies(), poses(), grids()),
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
    "centre_of_mass": lambda: case(vx.structure.centre_of_mass, atoms()),
    "centred": lambda: case(vx.structure.centred, atoms()),
    "premultiply": lambda: case(vx.image.premultiply, images(), microscopes()),
}

# Whole numbers, whose derivative is taken as that of their mean.
DRAWN = {"PoissonNoise.sample", "PoissonNoise.sample_fourier"}

# What the others go through as well, in pieces.
LONG = {
    "scatter Gaussians",
    "render Atoms",
    "map_batched",
    "project Assembly",
    "project InIce",
    "Ice.power",
    "StructureFactor",
    "assembled Gaussians",
    "simulate_movie Gaussians",
    "scatter EwaldSphere of a map",
    "simulate EwaldSphere",
    "simulate StrongPhase",
    "scatter Gaussians Multislice",
    "VoxelSlabs",
    "WindowedSlabs",
    "GaussianSlabs",
    "Magnified FourierMap",
    "Lens of all aberrations",
    "expose",
    "transmit",
    "Camera.readout",
    "Ice.diffused",
    "simulate_ice_movie",
    "Ensemble.sample",
    "resample_counts",
    "frame_filters",
    "weighted_sum",
}
assert CASES.keys() >= LONG

each_case = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in CASES],
)


@pytest.mark.skipif(not DOUBLE, reason="finite differences need double precision")
@each_case
def test_contract(name):
    check = transforms.check_transforms
    if name in DRAWN:
        check = transforms.check_transforms_of_draw
    check(*CASES[name]())


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
@pytest.mark.parametrize(
    "name",
    [pytest.param("project FourierMap", marks=pytest.mark.slow), "simulate Gaussians"],
)
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
    noises = {"WhiteNoise", "ColouredNoise", "PoissonNoise", "CountingNoise"}
    methods = {"sample", "log_likelihood", "sample_fourier", "log_likelihood_fourier"}
    assert {"render", "project", "scatter", "simulate", "map_batched"} <= tested
    assert {"expose", "Camera.readout", "simulate_movie", "weighted_sum"} <= tested
    assert {f"{noise}.{method}" for noise in noises for method in methods} <= tested
