"""CryoSPARC's data sets as particles, and particles as data sets."""

import dataclasses
import os
from typing import Any

import jax
import numpy as np
import pytest
from scipy.spatial.transform import Rotation as HostRotation

import vitrax as vx
from vitrax.io import (
    CryoSPARC,
    InputError,
    InputWarning,
    Relion,
    StackWriter,
    cs_facts,
    cs_problems,
    read_cs,
    read_particles,
    write_particle_table,
    write_particles,
)
from vitrax.io._cs_writing import write_cs
from vitrax.optics import odd_phase, phase_error


COUNT, BOX = 4, 8
X64 = os.environ.get("JAX_ENABLE_X64", "1") != "0"
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(COUNT, BOX, BOX)).astype(np.float32)
TEXT = np.dtypes.StringDType()
ROTATIONS = HostRotation.from_quat(np.random.default_rng(1).normal(size=(COUNT, 4)))


def rows(*values, kind="f4"):
    """Return a field with the same values in all rows."""
    return np.tile(np.array(values, kind), (COUNT, 1))


def one(value, kind="f4"):
    return np.full(COUNT, value, kind)


BLOB = {
    "uid": np.array([2**63 + 1, 11, 12, 13], "u8"),
    "blob/path": np.full(COUNT, ">J1/a.mrcs", TEXT),
    "blob/idx": np.array([3, 2, 1, 0], "u4"),
    "blob/shape": rows(BOX, BOX, kind="u4"),
    "blob/psize_A": one(1.35),
    "blob/sign": one(-1.0),
}
CTF = {
    "ctf/type": np.full(COUNT, "imported", TEXT),
    "ctf/exp_group_id": np.array([3, 3, 8, 8], "u4"),
    "ctf/accel_kv": one(300.0),
    "ctf/cs_mm": one(2.7),
    "ctf/amp_contrast": one(0.1),
    "ctf/df1_A": np.array([1.1e4, 1.2e4, 1.3e4, 15301.1], "f4"),
    "ctf/df2_A": np.array([1.0e4, 1.1e4, 1.2e4, 14916.4], "f4"),
    "ctf/df_angle_rad": one(np.pi / 6),
    "ctf/phase_shift_rad": one(np.pi / 2),
    "ctf/scale": one(0.9),
    "ctf/shift_A": rows(0.1, 0.2),
    "ctf/tilt_A": rows(2.7e3, -5.4e3),
    "ctf/trefoil_A": rows(2e3, 1e3),
    "ctf/tetra_A": rows(1e3, 2e3, 3e3, 4e3),
    "ctf/anisomag": np.array(
        [[0, 0, 0, 0]] * 2 + [[1e-3, 2e-3, -3e-3, 4e-3]] * 2, "f4"
    ),
    "ctf/bfactor": one(50.0),
}
ALIGNMENTS = {
    "alignments3D/split": np.array([0, 1, 0, 1], "u4"),
    "alignments3D/shift": np.array([[1, 2], [3, 4], [0, 0], [-1, -2]], "f4"),
    "alignments3D/pose": ROTATIONS.as_rotvec().astype("f4"),
    "alignments3D/psize_A": one(2.7),
    "alignments3D/class": np.array([0, 0, 2, 2], "u4"),
    "alignments3D/error": one(7.25),
}
LOCATION = {
    "location/micrograph_path": np.full(COUNT, ">J1/m.mrc", TEXT),
    "location/micrograph_shape": rows(400, 300, kind="u4"),
    "location/center_x_frac": one(0.25),
    "location/center_y_frac": one(0.125),
}
ALL = BLOB | CTF | ALIGNMENTS | LOCATION


def saved(folder, fields, name="a.cs"):
    path = folder / name
    path.unlink(missing_ok=True)
    write_cs(path, fields)
    return path


def without(fields, *names):
    return {name: v for name, v in fields.items() if not name.startswith(names)}


def same_fields(found, expected):
    for name, values in expected.items():
        assert found[name].dtype == values.dtype, name
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "J1").mkdir()
    with StackWriter(tmp_path / "J1" / "a.mrcs", IMAGES.shape, 1.35) as writer:
        writer.append(IMAGES)
    return tmp_path


@pytest.fixture
def stack(project):
    return read_particles(saved(project, ALL))


def test_poses_turn_the_object_into_the_image(stack):
    """A = exp(-[w]): of scipy's matrix of the rotation vector, the transpose."""
    matrices = jax.vmap(lambda rotation: rotation.as_matrix())(stack.poses.rotation)
    expected = ROTATIONS.as_matrix().transpose(0, 2, 1)
    np.testing.assert_allclose(matrices, expected, atol=3e-7)


def test_shifts_are_pixels_of_the_alignment(stack):
    """RELION's origin is the shift times psize_A of alignments3D; ours is minus it."""
    np.testing.assert_allclose(stack.shifts, -2.7 * ALL["alignments3D/shift"])


def test_optics_and_defocus(stack):
    assert [group.voltage for group in stack.optics] == [300.0, 300.0]
    assert stack.groups.tolist() == [0, 0, 1, 1]
    assert stack.pixel_sizes.tolist() == [1.35] * COUNT
    assert stack.boxes.tolist() == [BOX] * COUNT
    mean, astigmatism, angle = stack.defocus.T
    np.testing.assert_array_equal(mean[:3], [10_500.0, 11_500.0, 12_500.0])
    np.testing.assert_allclose(astigmatism, [1e3, 1e3, 1e3, 384.7])
    np.testing.assert_allclose(angle, 30.0, rtol=1e-7)
    np.testing.assert_allclose(stack.phase_shifts, 90.0, rtol=1e-7)
    assert stack.b_factors.tolist() == [50.0] * COUNT
    assert stack.scales.tolist() == [0.9] * COUNT


def test_aberrations_and_magnification(stack):
    first, second = stack.optics
    assert first.magnification is None
    np.testing.assert_allclose(second.magnification, (1.001, 0.002, -0.003, 1.004))
    np.testing.assert_allclose(first.beam_tilt, (-0.1, 0.2))
    assert first.odd_zernike == second.odd_zernike
    assert len(first.even_zernike) == 9


def test_images_are_dark_where_the_sign_is_negative(project):
    signs = np.array([-1.0, 1.0, 1.0, -1.0], "f4")
    stack = read_particles(saved(project, ALL | {"blob/sign": signs}))
    expected = -signs[:, None, None] * IMAGES[::-1]
    np.testing.assert_array_equal(stack.images(), expected)
    white = read_particles(saved(project, ALL), contrast="white")
    np.testing.assert_array_equal(white.images(), -IMAGES[::-1])


def test_signs_that_are_none(project):
    path = saved(project, ALL | {"blob/sign": one(0.0)})
    with pytest.raises(InputError, match=r"blob/sign .*neither -1.*--contrast"):
        read_particles(path)
    read_particles(path, contrast="dark")


def test_relion_s_columns_of_what_is_known(stack):
    columns = stack.columns
    assert columns["rlnMicrographName"].tolist() == ["J1/m.mrc"] * COUNT
    assert columns["rlnRandomSubset"].tolist() == [1, 2, 1, 2]
    assert columns["rlnClassNumber"].tolist() == [1, 1, 3, 3]
    # x along the columns; y from the top, CryoSPARC's from the bottom.
    assert columns["rlnCoordinateX"].tolist() == [75.0] * COUNT
    assert columns["rlnCoordinateY"].tolist() == [350.0] * COUNT
    same_fields(columns, ALL)


def test_passthrough_files_are_joined_by_uid(project):
    order = np.array([2, 0, 3, 1])
    more = {"uid": BLOB["uid"]} | CTF | ALIGNMENTS | {"blob/sign": one(1.0)}
    extra = {name: values[order] for name, values in more.items()}
    main = saved(project, BLOB)
    joined = read_particles(main, passthrough=(saved(project, extra, "p.cs"),))
    same_fields(joined.columns, BLOB | CTF | ALIGNMENTS)
    np.testing.assert_array_equal(joined.images(), IMAGES[::-1])


def test_passthrough_files_that_lack_particles(project):
    few = {name: values[1:3] for name, values in ({"uid": BLOB["uid"]} | CTF).items()}
    path = saved(project, few, "p.cs")
    with pytest.raises(InputError, match=r"p.cs because it lacks the uids of 2 of 4"):
        read_particles(saved(project, BLOB), passthrough=(path,))


def test_passthrough_files_with_duplicates(project):
    path = saved(project, {"uid": np.array([11, 11, 12, 13], "u8")} | CTF, "p.cs")
    with pytest.raises(InputError, match="1 of its uids come twice"):
        read_particles(saved(project, BLOB), passthrough=(path,))
    path = saved(project, CTF, "p.cs")
    with pytest.raises(InputError, match="no uid of each particle"):
        read_particles(saved(project, BLOB), passthrough=(path,))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("blob/psize_A", "--angpix"),
        ("ctf/accel_kv", "--kv"),
        ("ctf/cs_mm", "--cs"),
        ("ctf/amp_contrast", "--q0"),
    ],
)
def test_what_is_missing_can_be_given(project, name, advice):
    fields = without(ALL, name, "alignments")
    path = saved(project, fields)
    with pytest.raises(
        InputError, match=rf"no field {name}; .*--passthrough.*{advice}"
    ):
        read_particles(path)
    given: dict[str, Any] = {
        "pixel_size": 2.0,
        "voltage": 200.0,
        "spherical_aberration": 2.0,
        "amplitude_contrast": 0.2,
    }
    optics = read_particles(path, defaults=given).optics[0]
    lacking = {k: value for k, value in given.items() if getattr(optics, k) == value}
    assert len(lacking) == 1
    assert read_particles(path, **lacking).optics[0] == optics
    with pytest.raises(
        InputError, match=rf"{advice}\) 0.5 for .* its {name} is .*; do leave"
    ):
        read_particles(saved(project, ALL), **dict.fromkeys(lacking, 0.5))


def test_files_without_images(project):
    path = saved(project, without(ALL, "blob/path", "blob/idx"))
    stack = read_particles(path)
    assert stack.poses.shift.shape == (COUNT, 2)
    with pytest.raises(
        InputError, match=r"no field blob/path; .*--passthrough.*--stack"
    ):
        stack.images()
    with pytest.raises(InputError, match="no field blob/path"):
        write_particle_table(project / "out.star", stack)
    named = read_particles(path, stack=project / "J1" / "a.mrcs")
    np.testing.assert_array_equal(named.images(), IMAGES)


def test_box_from_the_stack(project):
    stack = read_particles(saved(project, without(ALL, "blob/shape")))
    assert stack.boxes.tolist() == [BOX] * COUNT


def test_files_without_poses_or_defocus(project):
    stack = read_particles(saved(project, BLOB | without(CTF, "ctf/df")))
    with pytest.raises(
        InputError, match=r"no field alignments3D/pose; .*--passthrough"
    ):
        _ = stack.poses
    with pytest.raises(InputError, match=r"no field ctf/df1_A; .*--passthrough"):
        _ = stack.lenses


def test_poses_in_the_plane(project):
    flat = {"alignments2D/pose": one(np.pi / 2), "alignments2D/shift": rows(1.0, 2.0)}
    path = saved(project, BLOB | CTF | flat)
    with pytest.warns(InputWarning, match="psi is that of alignments2D"):
        stack = read_particles(path)
    np.testing.assert_allclose(
        np.asarray(stack.angles), [[0, 0, 90]] * COUNT, rtol=1e-6
    )
    np.testing.assert_allclose(stack.shifts, [[-1.35, -2.7]] * COUNT)
    write_particle_table(project / "b.cs", stack, layout=CryoSPARC())
    fields = read_cs(project / "b.cs")
    same_fields(fields, BLOB | CTF | flat)
    assert "alignments3D/pose" not in fields


def test_an_empty_data_set(project):
    path = saved(project, {name: values[:0] for name, values in ALL.items()})
    stack = read_particles(path)
    assert len(stack) == 0
    assert stack.images().shape[0] == 0
    write_particle_table(project / "b.star", stack)
    assert len(read_particles(project / "b.star")) == 0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ctf/df1_A", np.nan, "NaN or infinite in rows 1, 2, 3, 4"),
        ("blob/psize_A", 0.0, "is 0 in rows 1, .*, not positive"),
        ("ctf/accel_kv", -300.0, "not above 0 and below .* kV"),
        ("ctf/tilt_A", 1.0, "isn't 2 numbers per particle"),
    ],
)
def test_values_that_cannot_be(project, name, value, message):
    path = saved(project, ALL | {name: one(value)})
    with pytest.raises(InputError, match=rf"cannot use {name} of .*{message}"):
        read_particles(path)


def test_fields_of_another_kind(project):
    path = saved(project, ALL | {"blob/path": one(1.0)})
    with pytest.raises(InputError, match=r"blob/path of .* isn't text"):
        read_particles(path)
    path = saved(project, ALL | {"blob/shape": rows(8, 9, kind="u4")})
    with pytest.raises(InputError, match="aren't square"):
        read_particles(path)


def table(stack, folder, name, layout):
    write_particle_table(folder / name, stack, layout=layout)
    return folder / name


def test_unchanged_particles_keep_every_bit(project, stack):
    fields = read_cs(table(stack, project, "b.cs", CryoSPARC()))
    same_fields(fields, ALL)
    assert set(fields) == {*ALL, "ctf/scale_const", "blob/import_sig"}


@pytest.mark.filterwarnings("ignore::vitrax.io.InputWarning")
def test_through_relion_and_back(project, stack):
    star = table(stack, project, "b.star", Relion())
    through = read_particles(star, contrast="dark")
    fields = read_cs(table(through, project, "c.cs", CryoSPARC()))
    same_fields(fields, without(ALL, "blob/path"))


def test_what_was_changed_is_written(project, stack):
    defocus = stack.defocus + np.array([100.0, 0.0, 0.0])
    moved = dataclasses.replace(stack, shifts=stack.shifts + 2.7, defocus=defocus)
    fields = read_cs(table(moved, project, "b.cs", CryoSPARC()))
    expected = ALL["alignments3D/shift"] - 1
    np.testing.assert_allclose(fields["alignments3D/shift"], expected, atol=1e-6)
    np.testing.assert_allclose(fields["ctf/df1_A"], ALL["ctf/df1_A"] + 100.0)
    same_fields(fields, without(ALL, "alignments3D/shift", "ctf/df1", "ctf/df2"))


def optics(**aberrations):
    return vx.image.OpticsGroup(1.2, 300.0, box=BOX, **aberrations)


EVEN = (0.3, 2.0, -1.0, 4.0, 20.0, -7.0, 9.0, -30.0, 10.0)
ODD = (0.2, -0.4, 40.0, 15.0, -20.0, -35.0)
GROUP = optics(
    beam_tilt=(0.5, -0.3),
    odd_zernike=ODD,
    even_zernike=EVEN,
    magnification=(1.01, 0.02, -0.01, 0.99),
)


def in_memory(group, columns=None):
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    aberrations: dict[str, Any] = {
        name: np.asarray(value)
        for name in ("beam_tilt", "odd_zernike", "even_zernike")
        if (value := getattr(group, name))
    }
    if group.magnification is not None:
        aberrations["magnification"] = np.reshape(group.magnification, (2, 2))
    defocus = np.linspace(8e3, 2e4, COUNT) + 0.123456
    lens = vx.Lens(defocus, 300.0, 20.0, **aberrations)
    return vx.ParticleStack.from_arrays(IMAGES, poses, lens, group, columns)


def means(stack):
    return np.asarray(stack.defocus)[:, 0]


def lens_of(stack, row):
    return jax.tree.map(lambda leaf: leaf[row], stack.lenses)


def same_phases(found, expected, atol):
    grid, wave = vx.Grid(32, 1.2), float(vx.physics.wavelength(300.0))
    for row in (0, COUNT - 1):
        one, other = lens_of(found, row), lens_of(expected, row)
        for verb in (odd_phase, phase_error):
            np.testing.assert_allclose(
                verb(one, grid, wave), verb(other, grid, wave), rtol=0, atol=atol
            )


@pytest.mark.skipif(not X64, reason="phases of 100 rad")
def test_aberrations_of_relion_there_and_back(tmp_path):
    stack = in_memory(GROUP)
    write_particles(tmp_path / "a.cs", stack, layout=CryoSPARC())
    found = read_particles(tmp_path / "a.cs")
    same_phases(found, stack, 1e-5)
    np.testing.assert_allclose(means(found), means(stack), atol=1e-5)
    np.testing.assert_allclose(found.optics[0].even_zernike or (), EVEN, rtol=1e-6)


@pytest.mark.skipif(not X64, reason="phases of 100 rad")
def test_cryosparc_s_own_fields_say_it_all(tmp_path):
    """Without our fields the even phases are the same, as another defocus and Cs."""
    stack = in_memory(GROUP)
    write_particles(tmp_path / "a.cs", stack, layout=CryoSPARC())
    fields = without(read_cs(tmp_path / "a.cs"), "vitrax/", "rln", "optics/")
    found = read_particles(saved(tmp_path, fields, "b.cs"), stack=tmp_path / "a.mrcs")
    assert found.optics[0].spherical_aberration != 2.7
    same_phases(found, stack, 1e-4)


def test_terms_of_higher_order_are_told_and_kept(tmp_path):
    higher = (*ODD, 1.0, 2.0, 0.0, 0.0, 0.0, 3.0)
    stack = in_memory(optics(odd_zernike=higher))
    with pytest.warns(
        InputWarning, match=r"no field for Zernike terms .*rlnOddZernike"
    ):
        write_particles(tmp_path / "a.cs", stack, layout=CryoSPARC())
    fields = read_cs(tmp_path / "a.cs")
    assert fields["rlnOddZernike"][0].tolist() == [0.0] * 6 + [
        1.0,
        2.0,
        0.0,
        0.0,
        0.0,
        3.0,
    ]
    found = read_particles(tmp_path / "a.cs")
    group = found.optics[0]
    tilted = np.array(group.odd_zernike)
    np.testing.assert_allclose(tilted[6:], higher[6:])
    assert "rlnOddZernike" not in found.columns


def test_columns_of_other_programs_are_kept(tmp_path):
    columns = {
        "rlnAutopickFigureOfMerit": np.arange(COUNT) / 7,
        "rlnGroupNumber": np.arange(COUNT),
        "cisTEMScore": np.arange(COUNT) * 0.5,
        "myText": np.array(["x", "", "two words", "ä"], TEXT),
        "rlnClassNumber": np.array([1, 2, 3, 1]),
        "rlnCoordinateX": np.arange(COUNT) * 10.5,
        "rlnCoordinateY": np.arange(COUNT) * 20.5,
        "rlnMicrographName": np.full(COUNT, "m.mrc", TEXT),
    }
    stack = in_memory(optics(), columns)
    write_particles(tmp_path / "a.cs", stack, layout=CryoSPARC())
    found = read_particles(tmp_path / "a.cs").columns
    for name, values in columns.items():
        assert np.asarray(found[name]).tolist() == values.tolist(), name
    fields = read_cs(tmp_path / "a.cs")
    assert "rlnClassNumber" not in fields
    assert fields["alignments3D/class"].tolist() == [0, 1, 2, 0]
    assert fields["location/micrograph_path"].tolist() == ["m.mrc"] * COUNT


def test_what_is_written_is_complete(tmp_path):
    stack = in_memory(optics())
    write_particles(tmp_path / "a.cs", stack, layout=CryoSPARC())
    fields = read_cs(tmp_path / "a.cs")
    assert fields["blob/sign"].tolist() == [-1.0] * COUNT
    assert fields["blob/path"].tolist() == ["a.mrcs"] * COUNT
    assert fields["blob/shape"].tolist() == [[BOX, BOX]] * COUNT
    assert fields["uid"].dtype == np.uint64
    assert len(set(fields["uid"].tolist())) == COUNT
    kinds = {name: values.dtype for name, values in fields.items()}
    for name in (
        "ctf/df1_A",
        "alignments3D/pose",
        "alignments3D/alpha",
        "ctf/anisomag",
    ):
        assert kinds[name] == np.float32
    for name in ("blob/idx", "alignments3D/split", "ctf/exp_group_id"):
        assert kinds[name] == np.uint32
    found = read_particles(tmp_path / "a.cs")
    np.testing.assert_array_equal(found.images(), IMAGES)
    write_particles(tmp_path / "b.cs", stack, layout=CryoSPARC(), contrast="white")
    np.testing.assert_array_equal(read_particles(tmp_path / "b.cs").images(), IMAGES)
    assert read_cs(tmp_path / "b.cs")["blob/sign"].tolist() == [1.0] * COUNT


def test_numbers_of_particles_follow_from_their_images(tmp_path):
    stack = in_memory(optics())
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_particles(tmp_path / name / "x.cs", stack, layout=CryoSPARC())
    first, second = (read_cs(tmp_path / name / "x.cs")["uid"] for name in ("a", "b"))
    assert first.tolist() == second.tolist()
    again = read_particles(tmp_path / "a" / "x.cs")[np.array([0, 0, 1])]
    uids = read_cs(table(again, tmp_path / "a", "y.cs", CryoSPARC()))["uid"]
    assert len(set(uids.tolist())) == 3


def test_boxes_that_are_not_known(tmp_path):
    with pytest.raises(InputError, match="box of the images isn't known"):
        CryoSPARC().checked_box(None, tmp_path)
    assert CryoSPARC().checked_box(9, tmp_path) == 9


def test_same_image_from_star_and_cs(tmp_path):
    """Whichever file the particle comes from, it is simulated alike."""
    stack = in_memory(dataclasses.replace(GROUP, magnification=None))
    write_particles(tmp_path / "a.cs", stack, layout=CryoSPARC())
    # Each has a stack of its own name, one dark, one white.
    write_particles(tmp_path / "b.star", stack, layout=Relion())
    atoms = vx.Gaussians(
        RNG.normal(size=(5, 3)), np.full((5, 1), 1.0), np.full((5, 1), 1.0)
    )
    images = []
    for name in ("a.cs", "b.star"):
        found = read_particles(tmp_path / name)
        pose = jax.tree.map(lambda leaf: leaf[1], found.poses)
        images.append(np.asarray(vx.simulate(atoms, pose, found.microscope(1))))
        np.testing.assert_allclose(found.images(), IMAGES, atol=1e-6)
    scale = np.abs(images[1]).max()
    tolerance = 1e-5 if images[0].dtype == np.float64 else 1e-4
    np.testing.assert_allclose(images[0], images[1], atol=tolerance * scale)


def test_seven_real_particles_from_star_and_cs(shared):
    paths = {"project": shared / "relion"}
    cs = read_particles(shared / "cryosparc" / "empiar_10076_7.cs", **paths)
    with pytest.warns(InputWarning, match="3.0 or older"):
        star = read_particles(
            shared / "relion" / "empiar_10076_7.star", contrast="dark", **paths
        )
    np.testing.assert_array_equal(cs.images(), star.images())
    np.testing.assert_allclose(cs.pixel_sizes, star.pixel_sizes, rtol=1e-7)
    first, second = np.asarray(cs.defocus), np.asarray(star.defocus)
    np.testing.assert_allclose(first[:, :2], second[:, :2], rtol=1e-12)
    np.testing.assert_allclose(first[:, 2], second[:, 2], rtol=1e-6)
    for name in ("voltage", "spherical_aberration", "amplitude_contrast", "box"):
        assert getattr(cs.optics[0], name) == getattr(star.optics[0], name)


REAL = [
    "4k_dataset",
    "cryosparc_J2_particles_exported",
    "cryosparc_P12_J24_001_particles",
    "empiar-11377-passthrough-5particles",
    "empiar_10076_7",
]


@pytest.mark.filterwarnings("ignore::vitrax.io.InputWarning")
@pytest.mark.parametrize("name", REAL)
def test_real_files_round_trip(shared, tmp_path, name):
    path = shared / "cryosparc" / f"{name}.cs"
    fields = read_cs(path)
    more = {} if "blob/path" in fields else {"stack": "particles.mrcs"}
    stack = read_particles(path, **more)
    same_fields(read_cs(table(stack, tmp_path, "a.cs", CryoSPARC())), fields)
    star = table(stack, tmp_path, "a.star", Relion())
    through = read_particles(star, contrast="dark")
    written = read_cs(table(through, tmp_path, "b.cs", CryoSPARC()))
    same_fields(written, without(fields, "blob/path"))
    assert cs_facts(path)["particles"] == len(stack)


REAL_STARS = [
    "relion31",
    "relion31.v2",
    "relion31.6opticsgroups",
    "relion5",
    "sample_particles_relion30",
    "sample_particles_relion31",
    "empiar_10076_7",
]


@pytest.mark.skipif(not X64, reason="phases of 100 rad")
@pytest.mark.filterwarnings("ignore::vitrax.io.InputWarning")
@pytest.mark.parametrize("name", REAL_STARS)
def test_real_star_files_round_trip(shared, tmp_path, name):
    stack = read_particles(shared / "relion" / f"{name}.star")
    cs = read_particles(table(stack, tmp_path, "a.cs", CryoSPARC()))
    back = read_particles(table(cs, tmp_path, "a.star", Relion()))
    assert set(stack.columns) <= set(back.columns)
    assert set(stack.optics_columns) <= set(back.optics_columns)
    np.testing.assert_allclose(back.shifts, stack.shifts, atol=1e-3)
    if stack.angles is not None:
        first, second = (
            HostRotation.from_euler("ZYZ", each.angles, degrees=True)
            for each in (stack, back)
        )
        assert np.rad2deg((first.inv() * second).magnitude()).max() < 1e-4
    for row in np.unique(stack.groups, return_index=True)[1]:
        grid = vx.Grid(32, float(stack.pixel_sizes[row]))
        wave = float(vx.physics.wavelength(float(stack.voltages[row])))
        one, other = lens_of(stack, row), lens_of(back, row)
        ctf = [np.sin(phase_error(lens, grid, wave)) for lens in (one, other)]
        odd = [odd_phase(lens, grid, wave) for lens in (one, other)]
        np.testing.assert_allclose(*ctf, rtol=0, atol=1e-5)
        np.testing.assert_allclose(*odd, rtol=0, atol=1e-5)


def test_facts(project):
    facts = cs_facts(saved(project, ALL))
    assert facts["protein"] == ["dark"]
    assert facts["image_shapes"] == [[8, 8]]
    assert facts["exposure_groups"] == 2
    assert facts["defocus_2"]["min"] == 10000.0
    assert facts["defocus_2"]["max"] == pytest.approx(14916.4, abs=0.05)
    assert facts["aberrations"]["shift"] == pytest.approx(0.2)
    assert facts["aberrations"]["tilt"] == 5400.0


def test_problems(project):
    assert cs_problems(saved(project, ALL)) == []
    wrong = without(ALL, "alignments") | {
        "uid": np.array([1, 1, 2, 3], "u8"),
        "ctf/df1_A": np.array([np.nan, 1, 2, 3], "f4"),
        "blob/sign": one(2.0),
        "blob/idx": np.array([0, 1, 2, 9], "u4"),
        "blob/shape": rows(8, 9, kind="u4"),
        "blob/psize_A": one(-1.0),
    }
    found = {each.where: each.what for each in cs_problems(saved(project, wrong))}
    assert "rows 1, 2 share" in found["field uid"]
    assert "NaN" in found["field ctf/df1_A"]
    assert "there is none" in found["field alignments3D/pose"]
    assert "it holds 4 images" in found["stack >J1/a.mrcs"]
    assert {"field blob/sign", "field blob/shape", "field blob/psize_A"} <= set(found)
    lost = ALL | {"blob/path": np.full(COUNT, "gone.mrcs", TEXT)}
    (found,) = cs_problems(saved(project, lost))
    assert found.what == "its stack gone.mrcs isn't found"
    assert str(project / "gone.mrcs") in found.remedy


def test_problems_of_files_that_cannot_be_read(tmp_path):
    path = tmp_path / "a.cs"
    path.write_bytes(b"\x93NUMPY rubbish")
    (problem,) = cs_problems(path)
    assert problem.where == "file"
    assert "header" in problem.what
    empty = {name: values[:0] for name, values in ALL.items()}
    assert cs_problems(saved(tmp_path, empty))[0].what == "it has no rows"
    no_uid = cs_problems(saved(tmp_path, without(ALL, "uid")))
    assert no_uid[0].where == "field uid"
