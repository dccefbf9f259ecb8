import dataclasses

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import (
    InputError,
    InputWarning,
    ParticleWriter,
    StackWriter,
    StarTable,
    particle_tables,
    read_particles,
    read_star,
    write_particles,
    write_star,
)


COUNT, BOX = 6, 8
IMAGES = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX)).astype(np.float32)
OPTICS = {
    "rlnOpticsGroup": [1, 2],
    "rlnOpticsGroupName": ["first", "second"],
    "rlnVoltage": [300.0, 200.0],
    "rlnSphericalAberration": [2.7, 2.0],
    "rlnAmplitudeContrast": [0.1, 0.07],
    "rlnImagePixelSize": [1.5, 2.0],
    "rlnImageSize": [BOX, BOX],
    "rlnMtfFileName": ["a.star", "b.star"],
}
PARTICLES = {
    "rlnImageName": [f"{i + 1:06d}@Extract/job1/a.mrcs" for i in range(COUNT)],
    "rlnMicrographName": ["1", "1", "1", "2", "2", "2"],
    "rlnOpticsGroup": [1, 1, 2, 1, 2, 2],
    "rlnAngleRot": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0],
    "rlnAngleTilt": [80.0, 81.0, 82.0, 83.0, 84.0, 85.0],
    "rlnAnglePsi": [-10.0, 0.0, 10.0, 20.0, 30.0, 40.0],
    "rlnOriginXAngst": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "rlnOriginYAngst": [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0],
    "rlnDefocusU": np.full(COUNT, 11_000.0),
    "rlnDefocusV": np.full(COUNT, 9_000.0),
    "rlnDefocusAngle": np.full(COUNT, 30.0),
    "rlnPhaseShift": np.full(COUNT, 90.0),
    "rlnCtfBfactor": np.full(COUNT, 50.0),
    "rlnAutopickFigureOfMerit": np.arange(COUNT) * 0.25,
    "myOwnColumn": ["x", "y", "z", "two words", "", "#"],
}


@pytest.fixture
def project(tmp_path):
    """Make a RELION project with a STAR file, and its images as RELION has them."""
    folder = tmp_path / "project" / "Extract" / "job1"
    folder.mkdir(parents=True)
    with StackWriter(folder / "a.mrcs", IMAGES.shape, 1.5) as writer:
        writer.append(-IMAGES)
    return tmp_path / "project"


def star(project, particles=None, optics=None, name="particles.star"):
    tables = {"optics": StarTable(optics or OPTICS)}
    tables["particles"] = StarTable(particles or PARTICLES)
    write_star(project / name, tables)
    return project / name


def without(columns, *names):
    return {name: column for name, column in columns.items() if name not in names}


@pytest.fixture
def stack(project):
    return read_particles(star(project))


def test_poses_are_those_of_relion(stack):
    """A shift is where the particle is: minus RELION's origin."""
    np.testing.assert_array_equal(stack.shifts[2], [-3.0, 3.0])
    for i in range(COUNT):
        pose = jax.tree.map(lambda leaf, i=i: leaf[i], stack.poses)
        angles = [PARTICLES[f"rlnAngle{name}"][i] for name in ("Rot", "Tilt", "Psi")]
        shift = (-PARTICLES["rlnOriginXAngst"][i], -PARTICLES["rlnOriginYAngst"][i])
        expected = vx.Pose.from_euler(*angles, shift=shift)
        np.testing.assert_allclose(pose.as_matrix(), expected.as_matrix(), atol=1e-6)
        np.testing.assert_allclose(pose.shift, expected.shift, atol=1e-6)


def test_lenses_hold_mean_and_difference(stack):
    lenses = stack.lenses
    assert lenses.defocus.tolist() == [10_000.0] * COUNT
    assert lenses.astigmatism.tolist() == [2_000.0] * COUNT
    assert lenses.astigmatism_angle.tolist() == [30.0] * COUNT
    assert lenses.phase_shift.tolist() == [90.0] * COUNT
    assert lenses.b_factor.tolist() == [50.0] * COUNT
    expected = np.array([2.7, 2.7, 2.0, 2.7, 2.0, 2.0])
    np.testing.assert_allclose(lenses.spherical_aberration, expected, rtol=1e-6)


def test_optics_of_each(stack):
    assert stack.voltages.tolist() == [300.0, 300.0, 200.0, 300.0, 200.0, 200.0]
    assert stack.pixel_sizes.tolist() == [1.5, 1.5, 2.0, 1.5, 2.0, 2.0]
    assert stack.boxes.tolist() == [BOX] * COUNT
    assert [group.name for group in stack.optics] == ["first", "second"]


def test_white_protein_comes_out_dark(project, stack):
    np.testing.assert_array_equal(stack.images(), IMAGES)
    path = project / "particles.star"
    white = read_particles(path, contrast="white").images()
    dark = read_particles(path, contrast="dark").images()
    np.testing.assert_array_equal(white, IMAGES)
    np.testing.assert_array_equal(dark, -IMAGES)
    with pytest.raises(ValueError, match="either white or dark"):
        read_particles(path, contrast="grey")


def test_defaults_are_those_of_the_format(project):
    few = without(
        PARTICLES,
        "rlnPhaseShift",
        "rlnCtfBfactor",
        "rlnOriginXAngst",
        "rlnOriginYAngst",
    )
    stack = read_particles(star(project, few))
    assert not stack.phase_shifts.any()
    assert not stack.b_factors.any()
    assert not stack.shifts.any()
    assert (stack.scales == 1).all()


@pytest.mark.parametrize("name", ["rlnImageName", "rlnOpticsGroup"])
def test_missing_columns_are_named(project, name):
    path = star(project, without(PARTICLES, name))
    with pytest.raises(InputError, match=rf"particles\.star .*{name}"):
        read_particles(path)


@pytest.mark.parametrize("name", ["rlnAngleTilt", "rlnDefocusAngle"])
def test_columns_missing_for_a_noun_are_named_when_it_is_asked_for(project, name):
    stack = read_particles(star(project, without(PARTICLES, name)))
    assert len(stack.images()) == COUNT
    with pytest.raises(InputError, match=rf"particles\.star because .* column {name};"):
        _ = stack.poses if "Angle" in name and "Defocus" not in name else stack.lenses


@pytest.mark.parametrize("name", ["rlnVoltage", "rlnImagePixelSize"])
def test_missing_optics_are_named(project, name):
    path = star(project, optics=without(OPTICS, name))
    with pytest.raises(InputError, match=rf"\(data_optics\) because .* column {name}"):
        read_particles(path)


def test_what_the_file_lacks_can_be_given(project):
    path = star(project, optics=without(OPTICS, "rlnVoltage", "rlnImagePixelSize"))
    stack = read_particles(path, voltage=120.0, pixel_size=3.0)
    assert (stack.voltages == 120.0).all()
    assert (stack.pixel_sizes == 3.0).all()


def test_misspelt_columns_get_a_hint(project):
    optics = without(OPTICS, "rlnImagePixelSize") | {"rlnPixelSize": [1.0, 1.0]}
    with pytest.raises(InputError, match="it has rlnPixelSize: is that meant"):
        read_particles(star(project, optics=optics))


def test_unknown_optics_group(project):
    path = star(project, PARTICLES | {"rlnOpticsGroup": [1, 3, 2, 1, 3, 2]})
    with pytest.raises(
        InputError, match=r"rows 2, 5 of data_particles .* group 3, which"
    ):
        read_particles(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["rlnAngleRot", "rlnDefocusU", "rlnOriginXAngst"])
def test_values_that_are_not_finite(project, name, value):
    values = np.array(PARTICLES[name], np.float64)
    values[[1, 4]] = value
    path = star(project, PARTICLES | {name: values})
    with pytest.raises(InputError, match=f"{name} of .* NaN or infinite in rows 2, 5"):
        read_particles(path)


def test_values_that_are_no_numbers(project):
    path = star(project, PARTICLES | {"rlnAngleRot": ["x", *["1.0"] * (COUNT - 1)]})
    with pytest.raises(
        InputError, match=r"rlnAngleRot .* 'x' in row 1 \(line 39\) isn't a number; do"
    ):
        read_particles(path)


@pytest.mark.parametrize(
    "name", ["0@a.mrcs", "000000@a.mrcs", "x@a.mrcs", "-1@a.mrcs", "1@"]
)
def test_image_numbers_begin_at_one(project, name):
    names = [name, *PARTICLES["rlnImageName"][1:]]
    with pytest.raises(InputError, match=r"before @ isn't 1 or more in row 1"):
        read_particles(star(project, PARTICLES | {"rlnImageName": names}))


def test_image_beyond_the_stack(project):
    names = [*PARTICLES["rlnImageName"][:-1], "7@Extract/job1/a.mrcs"]
    stack = read_particles(star(project, PARTICLES | {"rlnImageName": names}))
    assert stack[:5].images().shape == (5, BOX, BOX)
    with pytest.raises(InputError, match=r"row 6 of .* image 7 of .*, which holds 6"):
        stack.images()


def test_stack_with_another_box(project):
    stack = read_particles(star(project, optics=OPTICS | {"rlnImageSize": [16, 16]}))
    with pytest.raises(InputError, match="images of 8 × 8 where the table says 16"):
        stack.images()


def test_box_from_the_stack_where_the_table_has_none(project):
    stack = read_particles(star(project, optics=without(OPTICS, "rlnImageSize")))
    assert stack.boxes.tolist() == [BOX] * COUNT


def test_where_stacks_are_looked_up(project, tmp_path, monkeypatch):
    job = project / "Refine3D" / "job2"
    job.mkdir(parents=True)
    path = star(project, name="Refine3D/job2/run_data.star")
    with pytest.raises(
        InputError, match=r"isn't found \(tried Extract/job1/a.mrcs, .*job2"
    ):
        read_particles(path).images()
    assert len(read_particles(path, project=project).images()) == COUNT
    monkeypatch.chdir(project)
    assert len(read_particles(path).images()) == COUNT


def test_images_need_not_be_there(project):
    (project / "Extract" / "job1" / "a.mrcs").unlink()
    stack = read_particles(star(project, optics=without(OPTICS, "rlnImageSize")))
    assert stack.poses.shift.shape == (COUNT, 2)
    with pytest.raises(InputError, match="cannot know the box"):
        _ = stack[stack.pixel_sizes == 1.5].grid


def test_no_particles_table(project):
    write_star(project / "a.star", {"micrographs": StarTable({"rlnImagName": ["x"]})})
    with pytest.raises(
        InputError, match=r"no table data_particles, .* rlnImagName: is"
    ):
        read_particles(project / "a.star")


def test_no_optics_table(project):
    write_star(project / "a.star", {"particles": StarTable(PARTICLES)})
    with pytest.raises(
        InputError, match="no table data_optics and no rlnImagePixelSize"
    ):
        read_particles(project / "a.star")
    stack = read_particles(
        project / "a.star",
        pixel_size=1.5,
        voltage=300.0,
        spherical_aberration=2.7,
        amplitude_contrast=0.1,
    )
    assert (stack.pixel_sizes == 1.5).all()


HIGHER = {
    "rlnBeamTiltX": [0.0, 0.1],
    "rlnBeamTiltY": [0.0, -0.2],
    "rlnOddZernike": ["[0.5,0,-1.25]", "[1,2,3,4,5,6]"],
    "rlnEvenZernike": ["[0,0,0]", "[0,0]"],
    "rlnMagMat00": [1.0, 1.02],
    "rlnMagMat01": [0.0, 0.013],
    "rlnMagMat10": [0.0, -0.004],
    "rlnMagMat11": [1.0, 0.985],
}


def test_aberrations_of_each_group(project):
    first, second = read_particles(star(project, optics=OPTICS | HIGHER)).optics
    assert (first.beam_tilt, first.magnification) == (None, None)
    assert first.odd_zernike == (0.5, 0.0, -1.25)
    assert first.even_zernike == second.even_zernike == ()
    assert second.beam_tilt == (0.1, -0.2)
    assert second.odd_zernike == (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    assert second.magnification == (1.02, 0.013, -0.004, 0.985)


def test_aberrations_round_trip(project, tmp_path):
    stack = read_particles(star(project, optics=OPTICS | HIGHER))
    write_particles(tmp_path / "out.star", stack)
    assert read_particles(tmp_path / "out.star").optics == stack.optics
    table = read_star(tmp_path / "out.star")["optics"]
    for name in without(HIGHER, "rlnEvenZernike"):
        assert table[name].tolist() == HIGHER[name]
    plain = particle_tables(read_particles(star(project)))["optics"]
    assert not any(name in plain for name in HIGHER)


def test_an_aberration_that_was_taken_out_is_zero_in_what_is_written(project):
    stack = read_particles(star(project, optics=OPTICS | HIGHER))
    groups = (
        dataclasses.replace(group, beam_tilt=None, odd_zernike=None, magnification=None)
        for group in stack.optics
    )
    table = particle_tables(dataclasses.replace(stack, optics=tuple(groups)))["optics"]
    assert table["rlnBeamTiltY"].tolist() == [0.0, 0.0]
    assert table["rlnOddZernike"].tolist() == ["[0,0,0,0,0,0]"] * 2
    assert table["rlnMagMat11"].tolist() == [1.0, 1.0]
    assert table["rlnMagMat01"].tolist() == [0.0, 0.0]


def test_beam_tilt_of_particles_becomes_that_of_their_group(project):
    tilts = {"rlnBeamTiltX": [0.1, 0.1, 0.3, 0.1, 0.3, 0.3]}
    tilts["rlnBeamTiltY"] = [-0.2, -0.2, 0.0, -0.2, 0.0, 0.0]
    stack = read_particles(star(project, PARTICLES | tilts))
    assert [group.beam_tilt for group in stack.optics] == [(0.1, -0.2), (0.3, 0.0)]
    assert "rlnBeamTiltX" not in stack.columns
    tables = particle_tables(stack)
    assert tables["optics"]["rlnBeamTiltX"].tolist() == [0.1, 0.3]
    tilts["rlnBeamTiltX"][3:5] = [0.2, 0.4]
    with pytest.raises(InputError, match=r"BeamTiltX of rows 4, 5 differs .*do make"):
        read_particles(star(project, PARTICLES | tilts))


def test_beam_tilt_of_files_without_optics_makes_groups(project):
    old = without(PARTICLES, "rlnOpticsGroup") | {
        "rlnBeamTiltX": [0.1] * 3 + [0.2] * 3,
        "rlnBeamTiltY": [0.0] * COUNT,
        "rlnVoltage": [300.0] * COUNT,
        "rlnSphericalAberration": [2.7] * COUNT,
        "rlnAmplitudeContrast": [0.1] * COUNT,
    }
    write_star(project / "a.star", {"": StarTable(old)})
    with pytest.warns(InputWarning, match=r"3.0 or older .* \(2 optics groups\)"):
        stack = read_particles(project / "a.star", pixel_size=1.5)
    assert [group.beam_tilt for group in stack.optics] == [(0.1, 0.0), (0.2, 0.0)]
    assert stack.groups.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rlnOddZernike": ["[0.1]", "[0.1,x]"]}, "rlnOddZernike .* in row 2; do"),
        ({"rlnOddZernike": ["[nan]", "[0.1]"]}, "list of numbers, .* in row 1"),
        ({"rlnMagMat00": [1.0, 1.0]}, "no columns rlnMagMat01, rlnMagMat10, rlnMag"),
        ({"rlnBeamTiltX": [np.nan, 1.0]}, "rlnBeamTiltX .* NaN or infinite in row 1"),
        (
            dict(
                zip(without(HIGHER, *list(HIGHER)[:4]), [[1.0, 0.0]] * 4, strict=True)
            ),
            r"\(data_optics\): cannot make OpticsGroup .* can't be undone",
        ),
        (
            {"rlnVoltage": [3e5, 3e5]},
            "Voltage .* is 300000 in rows 1, 2, .* do give it in kV",
        ),
    ],
    ids=["no number", "nan", "part of a matrix", "tilt", "flat", "volts"],
)
def test_optics_that_cannot_be_are_named(project, changes, message):
    with pytest.raises(InputError, match=message):
        read_particles(star(project, optics=OPTICS | changes))


@pytest.mark.parametrize("name", ["relion31.6opticsgroups.star", "relion5.star"])
def test_real_aberrations_round_trip(shared, name):
    path = shared / "relion" / name
    stack, table = read_particles(path), read_star(path)["optics"]
    back = particle_tables(stack)["optics"]
    for column in HIGHER:
        if table[column].dtype.kind == "T":
            assert back[column].tolist() == table[column].tolist()
        else:
            np.testing.assert_array_equal(back[column], table[column])
    lenses = stack[:3].lenses
    assert lenses.even_zernike.shape == (3, 9)
    first = np.array(table["rlnOddZernike"][stack.groups[0]][1:-1].split(","), float)
    np.testing.assert_allclose(lenses.odd_zernike[0], first, rtol=1e-6)
    assert lenses.magnification.shape == (3, 2, 2)
    np.testing.assert_allclose(
        lenses.magnification[0, 0, 1], table["rlnMagMat01"][stack.groups[0]], rtol=1e-6
    )


def test_relion_30_is_converted(shared):
    folder = shared / "relion"
    with pytest.warns(InputWarning, match="RELION 3.0 or older"):
        old = read_particles(folder / "sample_particles_relion30.star")
    new = read_particles(folder / "sample_particles_relion31.star")
    # The files differ in the angles of one particle.
    same = np.arange(17) != 14
    np.testing.assert_array_equal(old.angles[same], new.angles[same])
    np.testing.assert_array_equal(old.defocus, new.defocus)
    pixels = read_star(folder / "sample_particles_relion30.star")["model_class_1"]
    expected = -pixels["rlnOriginX"] * old.pixel_sizes
    np.testing.assert_allclose(old.shifts[:, 0], expected)


def test_real_particles(shared):
    with pytest.warns(InputWarning, match="RELION 3.0 or older"):
        stack = read_particles(
            shared / "relion" / "empiar_10076_7.star", contrast="dark"
        )
    assert len(stack) == 7
    assert stack.pixel_sizes == pytest.approx(1.31, abs=1e-4)
    assert stack.images().shape == (7, 320, 320)
    expected = vx.io.read_stack(shared / "relion" / "empiar_10076_7.mrc")[:]
    np.testing.assert_array_equal(stack.images(), expected)
    with pytest.raises(
        InputError, match="columns rlnAngleRot, rlnAngleTilt, rlnAnglePsi"
    ):
        _ = stack.poses


def test_every_column_is_kept(project, stack, tmp_path):
    out = tmp_path / "out.star"
    write_particles(out, stack, project=tmp_path)
    tables = read_star(out)
    for name in PARTICLES:
        if name != "rlnImageName":
            assert tables["particles"][name].tolist() == stack.columns[name].tolist()
    assert tables["optics"]["rlnMtfFileName"].tolist() == ["a.star", "b.star"]


def test_round_trip(project, stack, tmp_path):
    out = tmp_path / "out.star"
    write_particles(out, stack, batch_size=2)
    # Two pixel sizes, so two stacks, each of which says its own.
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == [
        "out.star",
        "out_1.mrcs",
        "out_2.mrcs",
    ]
    assert vx.io.read_stack(tmp_path / "out_2.mrcs").pixel_size == 2.0
    back = read_particles(out)
    np.testing.assert_array_equal(back.images(), IMAGES)
    for name in ("angles", "shifts", "defocus", "phase_shifts", "b_factors", "groups"):
        np.testing.assert_allclose(getattr(back, name), getattr(stack, name), atol=1e-6)
    assert back.optics == stack.optics


@pytest.mark.parametrize(
    ("contrast", "sign"), [("relion", -1), ("white", -1), ("dark", 1)]
)
def test_contrast_of_what_is_written(stack, tmp_path, contrast, sign):
    one = stack[stack.pixel_sizes == 1.5]
    write_particles(tmp_path / "out.star", one, contrast=contrast)
    written = vx.io.read_stack(tmp_path / "out.mrcs")[:]
    np.testing.assert_array_equal(written, sign * IMAGES[[0, 1, 3]])
    back = read_particles(tmp_path / "out.star", contrast=contrast)
    np.testing.assert_array_equal(back.images(), IMAGES[[0, 1, 3]])


def optics_of(box=BOX, **changes):
    values = {"pixel_size": 1.5, "voltage": 300.0, "box": box} | changes
    return vx.image.OpticsGroup(**values)


def poses_and_lenses(count):
    poses = vx.Pose.uniform(jax.random.key(3), count)
    defocus = np.linspace(8e3, 2e4, count)
    lenses = jax.vmap(lambda d: vx.Lens(d, astigmatism=400.0, astigmatism_angle=20.0))(
        defocus
    )
    return poses, lenses


def test_streamed_particles(tmp_path):
    poses, lenses = poses_and_lenses(COUNT)
    path = tmp_path / "particles.star"
    with ParticleWriter(path, COUNT, [optics_of()]) as writer:
        for rows in (slice(0, 4), slice(4, 6)):
            part = jax.tree.map(lambda x, rows=rows: x[rows], (poses, lenses))
            writer.append(
                IMAGES[rows],
                poses=part[0],
                lenses=part[1],
                columns={"rlnMicrographName": ["m.mrc"] * len(IMAGES[rows])},
            )
            assert not path.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "particles.mrcs",
        "particles.star",
    ]
    back = read_particles(path)
    np.testing.assert_array_equal(back.images(), IMAGES)
    rotations = jax.vmap(lambda pose: pose.as_matrix())
    np.testing.assert_allclose(rotations(back.poses), rotations(poses), atol=1e-6)
    np.testing.assert_allclose(back.lenses.defocus, lenses.defocus, atol=1e-3)
    np.testing.assert_allclose(back.lenses.astigmatism, lenses.astigmatism, atol=2e-3)
    table = read_star(path)["particles"]
    assert table["rlnImageName"][5] == "000006@particles.mrcs"
    assert table["rlnRandomSubset"].tolist() == [1, 2, 1, 2, 1, 2]
    assert table["rlnClassNumber"].tolist() == [1] * COUNT
    assert table["rlnDefocusU"][0] - table["rlnDefocusV"][0] == pytest.approx(400.0)


def test_stack_names_from_the_project(tmp_path):
    job = tmp_path / "Simulate" / "job1"
    job.mkdir(parents=True)
    with ParticleWriter(job / "a.star", 1, [optics_of()], project=tmp_path) as writer:
        writer.append(IMAGES[:1])
    name = read_star(job / "a.star")["particles"]["rlnImageName"][0]
    assert name == "000001@Simulate/job1/a.mrcs"


def test_odd_boxes_are_refused_with_the_reason(tmp_path):
    with pytest.raises(
        InputError, match=r"box of 65 .* centre of an odd image at pixel"
    ):
        ParticleWriter(tmp_path / "a.star", 1, [optics_of(65)])


def test_boxes_that_are_not_known_are_refused(tmp_path):
    with pytest.raises(InputError, match="box of the images isn't known"):
        ParticleWriter(tmp_path / "a.star", 1, [optics_of(None)])


def write_too_few(path):
    with ParticleWriter(path, COUNT, [optics_of()]) as writer:
        writer.append(IMAGES[:2])


def write_other_columns(path):
    with ParticleWriter(path, COUNT, [optics_of()]) as writer:
        writer.append(IMAGES[:2], columns={"a": [1, 2]})
        writer.append(IMAGES[2:])


def write_short_column(path):
    with ParticleWriter(path, COUNT, [optics_of()]) as writer:
        writer.append(IMAGES, columns={"a": [1, 2]})


def write_another_lens(path):
    with ParticleWriter(path, COUNT, [optics_of()]) as writer:
        writer.append(IMAGES, lenses=vx.Lens(1e4, spherical_aberration=2.0))


def write_odd_text(path):
    with ParticleWriter(path, COUNT, [optics_of()]) as writer:
        writer.append(IMAGES, columns={"a": ["two\nlines"] * COUNT})


WRONG = {
    write_too_few: "2 of 6 sections",
    write_other_columns: "a isn't in all batches",
    write_short_column: "6 images with 2 values of a",
    write_another_lens: "another spherical_aberration",
    write_odd_text: "line break",
}


@pytest.mark.parametrize("write", WRONG, ids=lambda f: f.__name__)
def test_wrong_particles_leave_nothing(tmp_path, write):
    with pytest.raises(ValueError, match=WRONG[write]):
        write(tmp_path / "particles.star")
    assert not list(tmp_path.iterdir())


def test_tables_without_images(stack):
    tables = particle_tables(stack[:2], {"rlnClassNumber": [3, 4]})
    assert tables["particles"]["rlnClassNumber"].tolist() == [3, 4]
    assert tables["particles"]["rlnImageName"][0] == PARTICLES["rlnImageName"][0]
    assert tables["particles"]["rlnOriginXAngst"].tolist() == [1.0, 2.0]


def test_real_files_round_trip(shared, tmp_path):
    """The table that is written back has every column, to six decimals."""
    for name in ("relion31.star", "relion31.v2.star", "sample_particles_relion31.star"):
        tables = read_star(shared / "relion" / name)
        stack = read_particles(shared / "relion" / name)
        for block, back in particle_tables(stack).items():
            for column, values in tables[block].items():
                if values.dtype.kind == "T":
                    assert back[column].tolist() == values.tolist()
                else:
                    np.testing.assert_allclose(back[column], values, atol=1e-6)


def test_odd_boxes_are_told(shared):
    optics = {"voltage": 300.0, "spherical_aberration": 2.7, "amplitude_contrast": 0.1}
    path = shared / "relion" / "rln_proj_65.star"
    with pytest.warns(InputWarning, match=r"boxes of \[65\] pixels are odd"):
        read_particles(path, pixel_size=5.0, **optics)
