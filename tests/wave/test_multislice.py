"""Multislice: limits that are known, symmetries, order of convergence, gradients."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.physics import POTENTIAL_FACTOR, interaction_parameter
from vitrax.potential import GaussianSlabs, VoxelSlabs, WindowedSlabs
from vitrax.wave import Beam, Fresnel, Multislice, StrongPhase, propagate, transmit


GRID = vx.Grid((32, 30), 1.0)
BEAM = Beam(300.0, 0.07)
LEVEL = vx.Pose.identity()
POSE = vx.Pose(vx.Rotation.from_euler(20.0, 80.0, -10.0), (1.3, -0.7), 1.5)
EXACT = GaussianSlabs()


def some(strength=20.0, seed=0, count=6):
    """Return Gaussians as strong as heavy atoms: the phase is some radians."""
    rng = np.random.default_rng(seed)
    return vx.Gaussians(
        rng.uniform(-6, 6, (count, 3)),
        strength * rng.uniform(0.5, 1, (count, 1)),
        rng.uniform(2, 3, (count, 1)),
    )


def slabs(count=5, size=0.3, seed=1):
    """Return smooth phases: nothing of them lies outside the band."""
    values = jax.random.normal(jax.random.key(seed), (count, *GRID.shape))
    low = jnp.hypot(jnp.fft.fftfreq(32)[:, None], jnp.fft.rfftfreq(30)[None]) < 0.06
    smooth = jnp.fft.irfft2(jnp.where(low, jnp.fft.rfft2(values), 0), s=GRID.shape)
    return size * smooth / jnp.std(smooth)


def band(shape, limit, taper):
    """Return the band in numpy, as its formula says."""
    radius = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1]))
    if taper == 0:
        return (radius < limit / 2).astype(float)
    edge = 0.5 + 0.5 * np.cos(np.pi * (radius - limit / 2 + taper) / taper)
    inner = np.where(radius > limit / 2 - taper, edge, 1.0)
    return np.where(radius > limit / 2, 0.0, inner)


def apart(actual, expected):
    difference = np.asarray(actual) - np.asarray(expected)
    return np.linalg.norm(difference) / np.linalg.norm(expected)


@pytest.mark.parametrize("contrast", [0.0, 0.1])
def test_one_slab_is_the_phase_object_within_the_band(contrast):
    beam = Beam(300.0, contrast)
    phase_object = np.asarray(StrongPhase()(some(), LEVEL, GRID, beam).spectrum)
    wave = Multislice(30.0, 1, EXACT)(some(), LEVEL, GRID, beam)
    # Of the transmission, and of the wave behind it.
    passed = band(GRID.shape, 2 / 3, 0.01) ** 2
    assert apart(wave.spectrum, phase_object * passed) < 1e-10
    assert apart(wave.spectrum, phase_object) > 1e-6


@pytest.mark.parametrize(("limit", "taper"), [(0.8, 0.1), (0.5, 0.0)])
def test_the_band_is_a_disc_with_a_cosine_edge(limit, taper):
    point = jnp.zeros((1, 32, 30)).at[0, 16, 15].set(1e-3)
    through = transmit(point, 1.0, GRID, Beam(300.0), Fresnel(), limit, taper)
    expected = 1e-3 * band(GRID.shape, limit, taper) ** 2
    np.testing.assert_allclose(np.abs(through.spectrum), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("thickness", "count", "depth"),
    [(60.0, 1, 0.0), (3.0, 20, 17.0), (0.5, 120, -23.0), (7.0, 9, 30.0)],
)
def test_the_total_phase_depends_on_neither_slabs_nor_depth(thickness, count, depth):
    amplitude = 1e-3
    blob = vx.Gaussians([[1.3, 0.4, depth]], [[amplitude]], [[1.5]])
    thick = Multislice(thickness, count, EXACT)
    wave = thick(blob, LEVEL, GRID, Beam(300.0))
    expected = float(interaction_parameter(300.0)) * 47.8776472 * amplitude
    total = float(wave.scattered().imag.sum())
    assert total == pytest.approx(expected, rel=1e-6)


@pytest.fixture(scope="module")
def far():
    """Return the image of a weak Gaussian, by its depth and the defocus."""
    grid, lens = vx.Grid(96, 1.0), vx.Lens(3_000.0, amplitude_contrast=0.0)

    def image(depth, defocus, scattering):
        blob = vx.Gaussians([[0.0, 0.0, depth]], [[1e-3]], [[1.5]])
        here = dataclasses.replace(lens, defocus=jnp.asarray(defocus))
        scope = vx.Microscope(grid, 300.0, here, scattering=scattering)
        return vx.simulate(blob, LEVEL, scope)

    # 21 slabs whose middles are at depths of 0, ±4, ... Å.
    thick = jax.jit(lambda z: image(z, 3_000.0, Multislice(4.0, 21)))
    weak = jax.jit(lambda defocus: image(0.0, defocus, vx.wave.WeakPhase()))
    return thick, weak


@pytest.mark.parametrize("depth", [20.0, -20.0])
def test_depth_is_defocus(far, depth):
    thick, weak = far
    image = thick(depth)
    defoci = 3_000.0 + np.arange(-60.0, 61.0, 4.0)
    # Where the band's edge takes nothing.
    inside = band((96, 96), 2 / 3 - 0.021, 0) > 0
    spectrum = np.fft.fft2(image)[inside]
    errors = [apart(spectrum, np.fft.fft2(weak(d))[inside]) for d in defoci]
    best = int(np.argmin(errors))
    assert abs(defoci[best] - 3_000.0 + depth) <= 4.0
    assert errors[best] < 2e-3
    assert errors[-1 - best] > 0.02


def test_the_height_of_a_pose_is_depth():
    raised = vx.Pose(LEVEL.rotation, (0.0, 0.0), 4.0)
    thick = Multislice(2.0, 14, EXACT)
    wave = thick(some(), raised, GRID, BEAM)
    moved = dataclasses.replace(
        some(), positions=some().positions + jnp.asarray([[0.0, 0.0, 4.0]])
    )
    assert apart(wave.spectrum, thick(moved, LEVEL, GRID, BEAM).spectrum) < 1e-12
    # Two slabs further is the same wave, from 4 Å further.
    still = thick(some(), LEVEL, GRID, BEAM)
    there = propagate(still, BEAM.wavelength, 4.0, Fresnel())
    assert apart(wave.spectrum, still.spectrum) > 2e-3
    assert apart(wave.spectrum, there.spectrum) < 3e-4


def test_no_electron_is_lost():
    wave = transmit(slabs(), 3.0, GRID, Beam(300.0))
    assert float((jnp.abs(wave.values()) ** 2).mean()) == pytest.approx(1, abs=1e-9)
    # And the same number as from the first slab alone, through vacuum.
    first = slabs().at[1:].set(0.0)
    through = transmit(first, 3.0, GRID, BEAM)
    alone = transmit(first[:1], 3.0, GRID, BEAM)
    left = [float((jnp.abs(w.values()) ** 2).mean()) for w in (through, alone)]
    assert left[0] == pytest.approx(left[1], rel=1e-10)
    assert abs(left[0] - 1) > 1e-4


def test_slabs_in_vacuum_are_the_wave_itself():
    one = slabs(1)
    alone = transmit(one, 3.0, GRID, BEAM)
    # In the second of five slabs: 3 Å before the middle.
    among = jnp.zeros((5, *GRID.shape)).at[1].set(one[0])
    expected = propagate(alone, BEAM.wavelength, 3.0, Fresnel())
    assert apart(transmit(among, 3.0, GRID, BEAM).spectrum, expected.spectrum) < 1e-8


def test_twice_as_many_slabs_are_four_times_as_accurate():
    # Slow electrons and much matter, so that slabs matter; without details near the
    # edge of the band, which acts once per slab.
    beam, structure = Beam(10.0), some()
    structure = dataclasses.replace(structure, variances=2 * structure.variances)

    def wave(count):
        thick = Multislice(28.0 / count, count, EXACT, taper=0.0)
        fn = jax.jit(thick.__call__)
        return np.asarray(fn(structure, LEVEL, GRID, beam).spectrum)

    waves = [wave(count) for count in (14, 28, 56)]
    steps = [np.linalg.norm(b - a) for a, b in itertools.pairwise(waves)]
    assert steps[0] > 1e-7 * np.linalg.norm(waves[0])
    assert 3.6 < steps[0] / steps[1] < 4.4


@pytest.fixture(scope="module")
def convergence():
    """Return a function that returns the steps of the wave as slabs are halved."""

    def steps(slicer, variance, grid=(64, 0.5), counts=(15, 30, 60, 120), **others):
        rng = np.random.default_rng(3)
        structure = vx.Gaussians(
            rng.uniform(-4, 4, (30, 3)),
            rng.uniform(1, 3, (30, 1)),
            variance * rng.uniform(1, 1.5, (30, 1)),
        )

        def wave(count):
            thick = Multislice(30.0 / count, count, slicer, **others)
            # The structure is traced: nothing is known of its widths.
            fn = jax.jit(
                lambda structure: thick(structure, LEVEL, vx.Grid(*grid), BEAM)
            )
            return np.asarray(fn(structure).spectrum)

        waves = [wave(count) for count in counts]
        size = np.linalg.norm(waves[-1])
        pairs = itertools.pairwise(waves)
        return waves[-1], np.asarray([np.linalg.norm(b - a) / size for a, b in pairs])

    return steps


def test_the_default_slicer_converges_at_second_order(convergence):
    # From 2 Å to 0.25 Å. The widest reach further than the default's boxes.
    wave, steps = convergence(None, 2.5)
    assert 1e-8 < steps[0] < 1e-6
    np.testing.assert_allclose(steps[:-1] / steps[1:], 4.0, atol=0.05)
    exact, same = convergence(EXACT, 2.5)
    np.testing.assert_allclose(steps, same, rtol=1e-3)
    assert apart(wave, exact) < 1e-9


def test_atoms_too_sharp_for_the_band_converge_at_first_order(convergence):
    counts = (60, 120, 240)
    _, coarse = convergence(None, 0.4, (48, 0.5), counts, taper=0.0)
    _, fine = convergence(None, 0.4, (96, 0.25), counts, taper=0.0)
    assert 1.7 < coarse[0] / coarse[1] < 2.2
    assert 3.6 < fine[0] / fine[1] < 4.4


def test_each_slab_damps_the_taper_once():
    point = jnp.zeros((7, 32, 30)).at[0, 16, 15].set(1e-3)
    through = transmit(point, 1.0, GRID, Beam(300.0), taper=0.1)
    expected = 1e-3 * band(GRID.shape, 2 / 3, 0.1) ** 8
    np.testing.assert_allclose(np.abs(through.spectrum), expected, atol=1e-9)


def test_thin_slabs_tell_the_order_of_atoms():
    above, below = slabs(2)
    one = transmit(jnp.stack([above, below]), 30.0, GRID, Beam(60.0))
    two = transmit(jnp.stack([below, above]), 30.0, GRID, Beam(60.0))
    assert apart(one.spectrum, two.spectrum) > 5e-3


def test_single_precision_keeps_the_digits_of_a_weak_wave():
    weak = 1e-5 * slabs()
    double = transmit(weak, 3.0, GRID, BEAM).spectrum
    single = jax.tree.map(lambda x: x.astype(jnp.float32), (weak, GRID, BEAM))
    wave = transmit(single[0], 3.0, *single[1:])
    assert wave.spectrum.dtype == jnp.complex64
    assert apart(wave.spectrum, double) < 3e-6


@pytest.mark.parametrize("slicer", [None, EXACT])
def test_gradients_are_finite_differences(slicer):
    thick = Multislice(3.0, 8, slicer)
    scope = vx.Microscope(GRID, 300.0, vx.Lens(900.0), scattering=thick)
    atoms = vx.Atoms(some().positions[:3], [6, 8, 30], [40.0, 50.0, 60.0], [1, 0.5, 1])
    weights = jax.random.normal(jax.random.key(2), GRID.shape)

    def loss(atoms, pose, scope):
        return (weights * vx.simulate(atoms, pose, scope)).sum()

    args = (atoms, POSE, scope)
    value = jax.jit(loss)
    gradient = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(*args)
    slopes, tree = jax.tree.flatten(gradient)
    names = [jax.tree_util.keystr(p) for p, _ in jax.tree.leaves_with_path(gradient)]
    wanted = ("positions", "b_factors", "quaternion", "shift", "height", "defocus")
    tested = 0
    for i, (name, slope) in enumerate(zip(names, slopes, strict=True)):
        if not name.endswith((*wanted, "thickness")) or "scope.grid" in name:
            continue
        step = np.random.default_rng(i).normal(size=slope.shape) * 1e-5
        moves = [step if i == j else np.zeros(x.shape) for j, x in enumerate(slopes)]
        move = jax.tree.unflatten(tree, moves)
        up = value(*jax.tree.map(lambda x, dx: x + dx, args, move))
        down = value(*jax.tree.map(lambda x, dx: x - dx, args, move))
        size = np.linalg.norm(slope) * np.linalg.norm(step) + 1e-14
        assert abs(float((slope * step).sum()) - float(up - down) / 2) < 1e-5 * size
        tested += 1
    assert tested == 8


def test_gradients_in_the_potential_of_slabs():
    phases, weights = slabs(3), jax.random.normal(jax.random.key(2), GRID.shape)

    def loss(phases):
        wave = transmit(phases, 3.0, GRID, BEAM)
        return (weights * jnp.abs(wave.values()) ** 2).sum()

    step = 1e-5 * jax.random.normal(jax.random.key(3), phases.shape)
    slope = float((jax.jit(jax.grad(loss))(phases) * step).sum())
    value = jax.jit(loss)
    numerical = float(value(phases + step) - value(phases - step)) / 2
    assert slope == pytest.approx(numerical, rel=1e-6)


def test_a_map_in_volts_gives_the_wave_of_its_atoms():
    potential = jax.jit(vx.render)(some(), vx.Grid((24, 24, 24), 1.0))
    grid = vx.Grid(24, 1.0)
    thick = Multislice.around(potential, 4.0)
    assert thick.count == Multislice(4.0, thick.count, VoxelSlabs()).count
    of_map = thick(potential, POSE, grid, BEAM)
    of_atoms = Multislice(4.0, thick.count, EXACT)(some(), POSE, grid, BEAM)
    # What voxel averages and interpolation leave.
    assert apart(of_map.scattered(), of_atoms.scattered()) < 0.1
    arbitrary = vx.VoxelMap(potential.values, 1.0)
    with pytest.raises(ValueError, match="cannot tell the phase that this VoxelMap"):
        thick(arbitrary, POSE, grid, BEAM)


def test_slabs_around_a_structure_hold_it_in_any_rotation():
    structure = some()
    furthest = float(jnp.linalg.norm(structure.positions, axis=1).max())
    widest = float(jnp.sqrt(structure.variances.max()))
    thick = Multislice.around(structure, 2.0, 5.0, slicer=WindowedSlabs(9, 10))
    assert thick.count == int(np.ceil(furthest + 3 * widest + 5.0))
    assert thick.slicer == WindowedSlabs(9, 10)
    for seed in range(3):
        rotation = vx.Rotation.uniform(jax.random.key(seed))
        thick(structure, vx.Pose(rotation, (0.0, 0.0), -5.0), GRID, BEAM)


def test_the_phase_in_volts_is_that_of_the_slabs():
    structure, thick = some(), Multislice(3.0, 8, EXACT)
    phases = EXACT(structure, LEVEL, GRID, 3.0, 8)
    phases = phases * BEAM.interaction * POTENTIAL_FACTOR
    # Electrons come from above.
    own = transmit(phases[::-1], 3.0, GRID, BEAM)
    assert apart(thick(structure, LEVEL, GRID, BEAM).spectrum, own.spectrum) < 1e-12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thickness": 0.0}, r"thickness is 0\.0, not positive"),
        ({"count": 0}, "cannot make Multislice of 0 slabs"),
        ({"band_limit": 1.2}, r"no band ends at 1\.2"),
        ({"taper": 0.4}, r"within 0\.4"),
    ],
)
def test_what_isn_t_multislice_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Multislice(**({"thickness": 2.0, "count": 3} | change))


def test_slabs_that_don_t_fit_are_refused(unchecked):
    for shape in [(32, 30), (3, 30, 32), (0, 32, 30)]:
        with pytest.raises(ValueError, match=r"needs \(slabs, 32, 30\)"):
            transmit(jnp.zeros(shape), 2.0, GRID, BEAM)
    with pytest.raises(ValueError, match="cannot transmit because thickness is -1"):
        transmit(slabs(), -1.0, GRID, BEAM)
    with pytest.raises(ValueError, match=r"depth of .* Multislice\.around"):
        Multislice(2.0, 3)(some(), LEVEL, GRID, BEAM)
