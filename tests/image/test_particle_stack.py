import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.image import OpticsGroup


COUNT, BOX = 5, 8
IMAGES = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX)).astype(np.float32)
OPTICS = OpticsGroup(pixel_size=1.5, voltage=300.0, box=BOX)


class Reader:
    """Gives images, and keeps which rows were asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, rows):
        self.asked.extend(rows.tolist())
        return IMAGES[rows]


def make_stack(reader, optics=(OPTICS,), groups=(0,) * COUNT):
    rng = np.random.default_rng(1)
    return vx.ParticleStack(
        reader=reader,
        rows=np.arange(COUNT),
        optics=optics,
        groups=np.array(groups),
        angles=rng.uniform(0, 180, (COUNT, 3)),
        shifts=rng.normal(size=(COUNT, 2)),
        defocus=rng.uniform(1e4, 2e4, (COUNT, 3)),
        phase_shifts=np.zeros(COUNT),
        b_factors=np.zeros(COUNT),
        scales=np.ones(COUNT),
        columns={"name": np.arange(COUNT)},
    )


def test_choosing_reads_nothing():
    reader = Reader()
    stack = make_stack(reader)
    chosen = stack[1:][stack[1:].shifts[:, 0] > -10][np.array([2, 0])]
    assert reader.asked == []
    assert chosen.columns["name"].tolist() == [3, 1]
    np.testing.assert_array_equal(chosen.shifts, stack.shifts[[3, 1]])
    np.testing.assert_array_equal(chosen.images(), IMAGES[[3, 1]])
    assert reader.asked == [3, 1]


def test_one_particle():
    stack = make_stack(Reader())
    np.testing.assert_array_equal(stack.image(2), IMAGES[2])
    np.testing.assert_array_equal(stack.image(-1), IMAGES[-1])
    with pytest.raises(
        TypeError, match=r"do write stack\[2:2\+1\], or stack.image\(2\)"
    ):
        stack[2]


def test_batches_cover_all():
    sizes = [len(batch) for batch in make_stack(Reader()).batches(2)]
    assert sizes == [2, 2, 1]


@pytest.mark.slow
def test_microscopes_fit_vmap():
    stack = make_stack(Reader())
    scopes = stack.microscopes(padding=2)
    axes = vx.batch_axes(scopes)
    assert (axes.voltage, axes.lens.defocus) == (None, 0)
    ctfs = jax.vmap(lambda scope: scope.ctf(), in_axes=(axes,))(scopes)
    assert ctfs.shape == (COUNT, BOX, BOX // 2 + 1)
    one = stack.microscope(3)
    assert one.padding == 1
    np.testing.assert_allclose(one.ctf(), ctfs[3], rtol=1e-6, atol=1e-6)
    assert float(one.grid.pixel_size) == 1.5


def test_simulates_what_its_particles_are():
    stack = make_stack(Reader())
    gaussians = vx.Gaussians([[1.0, 2.0, 0.5]], [[2.0]], [[1.5]])
    scopes, poses = stack.microscopes(), stack.poses
    axes = (None, 0, vx.batch_axes(scopes))
    images = jax.vmap(vx.simulate, in_axes=axes)(gaussians, poses, scopes)
    pose = jax.tree.map(lambda leaf: leaf[1], poses)
    expected = vx.simulate(gaussians, pose, stack.microscope(1))
    scale = float(np.abs(expected).max())
    np.testing.assert_allclose(images[1], expected, atol=1e-5 * scale)


def test_buckets_share_box_and_optics():
    small = OpticsGroup(pixel_size=3.0, voltage=300.0, box=4, name="small")
    same = OpticsGroup(pixel_size=1.5, voltage=300.0, box=BOX, name="same as the first")
    stack = make_stack(Reader(), (OPTICS, small, same), (1, 0, 2, 1, 0))
    with pytest.raises(ValueError, match=r"do go through stack.buckets\(\)"):
        _ = stack.grid
    buckets = list(stack.buckets())
    assert [bucket.rows.tolist() for bucket in buckets] == [[0, 3], [1, 2, 4]]
    assert [bucket.grid.shape for bucket in buckets] == [(4, 4), (BOX, BOX)]


def test_voltages_are_not_mixed():
    other = OpticsGroup(pixel_size=1.5, voltage=200.0, box=BOX)
    stack = make_stack(Reader(), (OPTICS, other), (0, 1, 0, 1, 0))
    with pytest.raises(ValueError, match=r"voltages \[200.0, 300.0\] kV in one batch"):
        stack.microscopes()


def test_what_is_not_known_is_an_error():
    stack = make_stack(Reader())
    fields = {name: getattr(stack, name) for name in ("rows", "shifts", "groups")}
    none = {name: np.zeros(COUNT) for name in ("phase_shifts", "b_factors", "scales")}
    bare = vx.ParticleStack(
        reader=Reader(), optics=(OPTICS,), angles=None, defocus=None, **fields, **none
    )
    with pytest.raises(vx.io.InputError, match="angles because they aren't known"):
        _ = bare.poses
    with pytest.raises(vx.io.InputError, match="defocus because they aren't known"):
        _ = bare.lenses
    assert bare[:2].angles is None


def test_arrays_come_back():
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    lenses = jax.vmap(vx.Lens)(np.linspace(1e4, 2e4, COUNT))
    stack = vx.ParticleStack.from_arrays(IMAGES, poses, lenses, OPTICS)
    matrices = jax.vmap(lambda pose: pose.as_matrix())
    np.testing.assert_allclose(matrices(stack.poses), matrices(poses), atol=1e-6)
    np.testing.assert_allclose(stack.lenses.defocus, lenses.defocus, rtol=1e-6)
    np.testing.assert_array_equal(stack[2:].images(), IMAGES[2:])
    assert stack.grid.shape == (BOX, BOX)
    with pytest.raises(ValueError, match="4 images with 5 poses"):
        vx.ParticleStack.from_arrays(IMAGES[:4], poses, vx.Lens(1e4), OPTICS)
    with pytest.raises(ValueError, match="another amplitude_contrast"):
        vx.ParticleStack.from_arrays(
            IMAGES, poses, vx.Lens(1e4, amplitude_contrast=0.1), OPTICS
        )


def test_a_particle_that_isn_t_there_is_named():
    stack = make_stack(Reader())
    for give in (stack.image, stack.microscope):
        for index in (99, -6):
            message = f"cannot give particle {index} because the stack holds 5"
            with pytest.raises(IndexError, match=message):
                give(index)


def test_the_box_of_arrays_is_that_of_the_images():
    poses, lens = vx.Pose.uniform(jax.random.key(0), COUNT), vx.Lens(1e4)
    make = vx.ParticleStack.from_arrays
    unknown = OpticsGroup(pixel_size=1.5, voltage=300.0)
    assert make(IMAGES, poses, lens, unknown).grid.shape == (BOX, BOX)
    other = OpticsGroup(pixel_size=1.5, voltage=300.0, box=16)
    with pytest.raises(ValueError, match=r"8 pixels because optics.box is 16; do crop"):
        make(IMAGES, poses, lens, other)
    with pytest.raises(ValueError, match="because particles are square; do pass"):
        make(IMAGES[:, :6], poses, lens, unknown)
    three = jax.vmap(vx.Lens)(np.full(3, 1e4))
    with pytest.raises(ValueError, match=r"5 particles the lenses' \w+ of shape \(3"):
        make(IMAGES, poses, three, OPTICS)


@pytest.mark.parametrize("name", ["convergence", "aperture"])
def test_envelopes_that_a_stack_does_not_hold_are_refused(name):
    lens = vx.Lens(defocus=1.2e4, **{name: 0.1})
    with pytest.raises(ValueError, match=f"cannot make a stack of lenses with {name}"):
        vx.image.lens_arrays(lens, 2, [OPTICS])


MATRIX = (1.02, 0.013, -0.004, 0.985)
HIGHER = {
    "beam_tilt": (0.4, -0.3),
    "odd_zernike": (0.0, 0.0, 3.0),
    "even_zernike": (0.1, 2.0),
    "magnification": MATRIX,
}


def higher(name):
    """Return a lens and an optics group with one aberration."""
    value = np.reshape(MATRIX, (2, 2)) if name == "magnification" else HIGHER[name]
    group = OpticsGroup(1.5, 300.0, box=BOX, **{name: HIGHER[name]})
    return vx.Lens(1.2e4, **{name: value}), group


@pytest.mark.parametrize("name", HIGHER)
def test_higher_aberrations_are_those_of_the_group(name):
    lens, group = higher(name)
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    make = vx.ParticleStack.from_arrays
    stack = make(IMAGES, poses, lens, group)
    np.testing.assert_allclose(
        getattr(stack.lenses, name), [getattr(lens, name)] * COUNT, rtol=1e-6
    )
    lenses = jax.vmap(lambda d: vx.Lens(d, **{name: getattr(lens, name)}))(
        np.full(COUNT, 1e4)
    )
    assert len(make(IMAGES, poses, lenses, group)) == COUNT
    others = [field for field in HIGHER if field != name]
    assert [getattr(stack.lenses, field) for field in others] == [None] * 3
    plain = vx.Lens(1.2e4)
    for one, other in ((lens, OPTICS), (plain, group)):
        with pytest.raises(ValueError, match=f"some lenses have another {name}; do"):
            make(IMAGES, poses, one, other)


def test_groups_without_an_aberration_have_zeros_or_the_identity():
    one = OpticsGroup(1.5, 300.0, box=BOX, odd_zernike=(1.0, 2.0), beam_tilt=(1.0, 2.0))
    two = OpticsGroup(1.5, 300.0, box=BOX, odd_zernike=(3.0,), magnification=MATRIX)
    stack = make_stack(Reader(), (one, two), (0, 1, 0, 1, 0))
    lenses = stack[1:3].lenses
    assert lenses.odd_zernike.tolist() == [[3.0, 0.0], [1.0, 2.0]]
    assert lenses.beam_tilt.tolist() == [[0.0, 0.0], [1.0, 2.0]]
    assert lenses.magnification[1].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    np.testing.assert_allclose(lenses.magnification[0], np.reshape(MATRIX, (2, 2)))
    assert lenses.even_zernike is None
    buckets = list(stack.buckets())
    assert [bucket.rows.tolist() for bucket in buckets] == [[0, 2, 4], [1, 3]]
    assert stack.microscope(1).lens.magnification.shape == (2, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pixel_size": 0.0}, "pixel_size is 0.0, not positive and finite; do give"),
        ({"pixel_size": np.inf}, "pixel_size is inf"),
        ({"voltage": -300.0}, "voltage is -300.0, not above 0"),
        ({"voltage": 300_000.0}, "do give it in kV"),
        ({"spherical_aberration": np.nan}, "spherical_aberration is nan"),
        ({"beam_tilt": (np.nan, 0.0)}, r"beam_tilt\[0\] is nan, not finite; do"),
        ({"beam_tilt": (0.1,)}, "beam_tilt has 1 numbers, not 2; do"),
        ({"odd_zernike": (0.0, np.inf)}, r"odd_zernike\[1\] is inf"),
        ({"magnification": (1.0, 0.0, 0.0)}, "magnification has 3 numbers, not 4"),
        ({"magnification": (1.0, 2.0, 2.0, 4.0)}, "which can't be undone; do"),
    ],
)
def test_optics_groups_refuse_what_cannot_be(changes, message):
    with pytest.raises(
        ValueError, match=f"cannot make OpticsGroup because .*{message}"
    ):
        OpticsGroup(**{"pixel_size": 1.5, "voltage": 300.0} | changes)


def test_optics_groups_take_two_by_two_or_nothing():
    square = OpticsGroup(1.5, 300.0, magnification=((1.0, 0.1), (0.2, 1.0)))
    assert square.magnification == (1.0, 0.1, 0.2, 1.0)
    empty = OpticsGroup(1.5, 300.0, beam_tilt=None, odd_zernike=None)
    assert empty == OpticsGroup(1.5, 300.0, even_zernike=())
    assert len({square, empty}) == 2
