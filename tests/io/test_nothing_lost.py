"""All that a stack holds comes back out of each format, or a warning says what not."""

import itertools

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import StarTable, read_particles


pytestmark = pytest.mark.filterwarnings("ignore::vitrax.io.InputWarning")
COUNT, BOX = 6, 8
IMAGES = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX)).astype(np.float32)
OPTICS = {
    "rlnOpticsGroup": [3, 7],
    "rlnOpticsGroupName": ["first group", "second"],
    "rlnVoltage": [300.0, 200.0],
    "rlnSphericalAberration": [2.7, -0.01],
    "rlnAmplitudeContrast": [0.1, 0.07],
    "rlnImagePixelSize": [1.5, 1.5],
    "rlnMicrographOriginalPixelSize": [0.75, 1.5],
    "rlnImageSize": [BOX, BOX],
    "rlnImageDimensionality": [2, 2],
    "rlnCtfDataAreCtfPremultiplied": [1, 0],
    "rlnMtfFileName": ["m t f.star", ""],
}
PARTICLES = {
    "rlnImageName": [f"{i + 1:06d}@a.mrcs" for i in (0, 2, 1, 5, 4, 3)],
    "rlnMicrographName": ["m 1.mrc", "m2.mrc"] * 3,
    "rlnOpticsGroup": [7, 3, 3, 7, 3, 7],
    "rlnAngleRot": [10.0, -170.0, 30.0, 40.0, 50.0, 0.0],
    "rlnAngleTilt": [0.0, 180.0, 82.0, 83.0, 90.0, 0.0],
    "rlnAnglePsi": [-10.0, 0.0, 10.0, 190.0, 30.0, 0.0],
    "rlnOriginXAngst": [1.25, 2.0, 3.0, 4.0, 5.0, 6.0],
    "rlnOriginYAngst": [-1.0, -2.0, -3.0, -4.0, -5.0, -6.5],
    "rlnDefocusU": [11000.0, 9000.0, -500.0, 1e4, 1.2e4, 3e4],
    "rlnDefocusV": [9000.0, 11000.0, -700.0, 1e4, 1.1e4, 2e4],
    "rlnDefocusAngle": [30.0, -30.0, 120.0, 0.0, 20.0, 45.0],
    "rlnPhaseShift": [90.0, 0.0, 45.0, 180.0, 1.0, 2.0],
    "rlnCtfBfactor": [0.0, 50.0, -20.0, 0.0, 1.0, 2.0],
    "rlnCtfScalefactor": [1.0, 0.5, 1.0, 2.0, 1.0, 1.0],
    "rlnClassNumber": [1, 2, 3, 0, -1, 5],
    "rlnRandomSubset": [1, 2, 0, 1, 2, 1],
    "rlnCoordinateX": [10.5, 20.0, 30.0, 40.0, 50.0, 60.0],
    "rlnCoordinateY": [11.0, 22.0, 33.0, 44.0, 55.0, 66.25],
    "myText": ["x", "two words", "", "#c", "it's", "007"],
    "myInteger": [2**62, -5, 0, 1, 2, 3],
    "myNumber": [np.nan, np.inf, 1e300, -0.0, 1e-300, 3.0],
    "myZeros": ["001", "002", "003", "004", "005", "006"],
    "myName": ["é", "ß", "日本", "a", "b", "c"],
}
LAYOUTS = {
    "relion.star": vx.io.Relion("5.0"),
    "cryosparc.cs": vx.io.CryoSPARC(),
    "cistem.star": vx.io.CisTEM(),
}
# What the stack's own arrays stand for, or names of stacks.
STANDARD = frozenset(
    name
    for name in PARTICLES
    if name.startswith(("rlnAngle", "rlnOrigin", "rlnDefocus", "rlnCtf"))
) | {"rlnPhaseShift", "rlnOpticsGroup", "rlnImageName"}


@pytest.fixture
def stack(tmp_path):
    with vx.io.StackWriter(tmp_path / "a.mrcs", IMAGES.shape, 1.5) as writer:
        writer.append(-IMAGES)
    tables = {"optics": StarTable(OPTICS), "particles": StarTable(PARTICLES)}
    vx.io.write_star(tmp_path / "a.star", tables)
    return read_particles(tmp_path / "a.star")


def assert_same(found, stack):
    for name in ("shifts", "phase_shifts", "b_factors", "scales"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(stack, name), atol=1e-5, err_msg=name
        )
    np.testing.assert_allclose(found.defocus[:, :2], stack.defocus[:, :2], atol=1e-3)
    turns = [
        np.stack([vx.Rotation.from_euler(*angles).as_matrix() for angles in s.angles])
        for s in (found, stack)
    ]
    np.testing.assert_allclose(*turns, atol=2e-6)
    pairs = zip(found.groups, stack.groups, strict=True)
    assert all(found.optics[i] == stack.optics[j] for i, j in pairs)
    assert found.premultiplied.tolist() == stack.premultiplied.tolist()
    for name in set(PARTICLES) - STANDARD:
        values, expected = found.columns[name], stack.columns[name]
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(values, expected, atol=1e-4, err_msg=name)
        else:
            assert values.tolist() == expected.tolist(), name


@pytest.mark.parametrize("write", ["with images", "table"])
@pytest.mark.parametrize(
    "chain", list(itertools.permutations(LAYOUTS, 2)), ids="-".join
)
def test_from_relion_through_two_formats(stack, tmp_path, chain, write):
    found = stack
    for name in chain:
        path, layout = tmp_path / name, LAYOUTS[name]
        if write == "table":
            vx.io.write_particle_table(path, found, layout=layout)
        else:
            vx.io.write_particles(path, found, layout=layout)
        found = read_particles(path)
        assert_same(found, stack)
        np.testing.assert_array_equal(found.images(), IMAGES[[0, 2, 1, 5, 4, 3]])


def test_columns_in_a_table_of_leopard(stack, tmp_path):
    """Images are cut out of the micrographs anew; where the old ones are is kept."""
    vx.io.write_particle_table(tmp_path / "a.csv", stack, layout=vx.io.LeopardEM())
    found = read_particles(tmp_path / "a.csv")
    kept = set(PARTICLES) - STANDARD - {"rlnCoordinateX", "rlnCoordinateY"}
    for name in (*kept, "rlnImageName"):
        assert str(found.columns[name].tolist()) == str(stack.columns[name].tolist())
    for name in ("rlnImagePixelSize", "rlnImageSize", "rlnCtfDataAreCtfPremultiplied"):
        values = found.optics_columns[name][found.groups].tolist()
        assert values == stack.optics_columns[name][stack.groups].tolist()


@pytest.mark.filterwarnings("always::vitrax.io.InputWarning")
@pytest.mark.parametrize("name", ["cryosparc.cs", "cistem.star"])
def test_programs_that_do_not_see_a_multiplication_by_the_ctf(stack, tmp_path, name):
    with pytest.warns(vx.io.InputWarning, match="won't see that images were multi"):
        vx.io.write_particle_table(tmp_path / name, stack, layout=LAYOUTS[name])
    with pytest.warns(vx.io.InputWarning, match=r"multiplied .*vitrax.image.premult"):
        found = read_particles(tmp_path / name)
    assert [len(bucket) for bucket in found.buckets()] == [3, 3]


def test_classes_that_cryosparc_counts_too_are_not_written_twice(stack, tmp_path):
    some = stack[np.array([0, 1, 5])]
    vx.io.write_particle_table(tmp_path / "a.cs", some, layout=vx.io.CryoSPARC())
    fields = vx.io.read_cs(tmp_path / "a.cs")
    assert fields["alignments3D/class"].tolist() == [0, 1, 4]
    assert not {"rlnClassNumber", "rlnRandomSubset"} & set(fields)


def test_halves_are_not_made_up(tmp_path):
    poses = vx.Pose.uniform(jax.random.key(0), 3)
    optics = vx.image.OpticsGroup(1.5, 300.0, box=8)
    images = np.ones((3, 8, 8))
    stack = vx.ParticleStack.from_arrays(images, poses, vx.Lens(1.2e4), optics)
    vx.io.write_particles(tmp_path / "a.star", stack)
    tables = vx.io.read_star(tmp_path / "a.star")
    kept = {n: c for n, c in tables["particles"].items() if n != "rlnRandomSubset"}
    tables["particles"] = vx.io.StarTable(kept)
    vx.io.write_star(tmp_path / "b.star", tables)
    vx.io.write_particle_table(
        tmp_path / "c.star", vx.io.read_particles(tmp_path / "b.star")
    )
    assert "rlnRandomSubset" not in vx.io.read_star(tmp_path / "c.star")["particles"]
