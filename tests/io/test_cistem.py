import struct

import jax
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import vitrax as vx
from vitrax.io import (
    CisTEM,
    InputError,
    InputWarning,
    StackWriter,
    StarTable,
    cistem_problems,
    read_particles,
    read_star,
    write_particle_table,
    write_particles,
    write_star,
)


# As cisTEM 2 writes a file: blanks on lines, a line of titles, names in quotes.
FILE = """# Written by cisTEM Version 2.0.0-alpha on 2026-01-01 00:00:00
 
data_
 
loop_
_cisTEMPositionInStack #1
_cisTEMAnglePsi #2
_cisTEMAngleTheta #3
_cisTEMAnglePhi #4
_cisTEMXShift #5
_cisTEMYShift #6
_cisTEMDefocus1 #7
_cisTEMDefocus2 #8
_cisTEMDefocusAngle #9
_cisTEMPhaseShift #10
_cisTEMImageActivity #11
_cisTEMOccupancy #12
_cisTEMLogP #13
_cisTEMPixelSize #14
_cisTEMMicroscopeVoltagekV #15
_cisTEMMicroscopeCsMM #16
_cisTEMAmplitudeContrast #17
_cisTEMBeamTiltX #18
_cisTEMBeamTiltY #19
_cisTEMImageShiftX #20
_cisTEMImageShiftY #21
_cisTEMBest2DClass #22
_cisTEMStackFilename #23
_cisTEMOriginalImageFilename #24
_cisTEMReference3DFilename #25
_cisTEMAssignedSubset #26
_cisTEMOriginalXPosition #27
_cisTEMOriginalYPosition #28
#    POS     PSI   THETA     PHI       SHX       SHY      DF1      DF2
       2   30.00   20.00   10.00      1.50     -2.50  12000.0  11000.0   45.00   90.00     1  100.00      -500  1.50000  300.00    2.70  0.0700   0.250   0.000   0.500   0.000     3      'stack.mrcs'      'mic1.mrc'      ''        1   30.00   45.00 
       1   31.00   21.00   11.00      0.00      0.00  12100.0  11000.0  -45.00    0.00    -1   50.00      -400  1.50000  300.00    2.70  0.0700   0.000   0.000   0.500   0.000     4      'stack.mrcs'      'mic2.mrc'      ''        2   31.50   46.50 
"""  # noqa: E501
BOX = 8
IMAGES = np.random.default_rng(0).normal(size=(3, BOX, BOX)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    """A parameter file beside its stack, protein dark."""
    (tmp_path / "a.star").write_text(FILE)
    with StackWriter(tmp_path / "stack.mrcs", IMAGES.shape, 1.5) as writer:
        writer.append(IMAGES)
    return tmp_path / "a.star"


@pytest.fixture
def stack(path):
    return read_particles(path)


def particles(**more):
    """Return three particles in memory, with all that an optics group can have."""
    angles = np.array([[10.0, 20.0, 30.0], [-100.0, 90.0, 0.5], [170.0, 179.0, -60.0]])
    optics = vx.image.OpticsGroup(1.5, 300.0, 2.7, 0.1, BOX, "mine", **more)
    tilts = [vx.Lens(defocus=d, astigmatism=500.0, astigmatism_angle=20.0 + d / 1e3,
                     amplitude_contrast=0.1, phase_shift=d / 200.0,
                     **{k: np.reshape(v, (2, 2)) if k == "magnification" else v
                        for k, v in more.items()})
             for d in (9_000.0, 10_000.0, 12_345.678)]  # fmt: skip
    lenses = jax.tree.map(lambda *leaves: np.stack(leaves), *tilts)
    poses = jax.vmap(vx.Pose.from_euler)(*angles.T, angles[:, :2] / 50.0)
    return vx.ParticleStack.from_arrays(IMAGES, poses, lenses, optics)


def test_numbers_mean_what_project3d_makes_of_them(stack):
    np.testing.assert_array_equal(stack.angles, [[10, 20, 30], [11, 21, 31]])
    # The image shift counts only where there is beam tilt.
    np.testing.assert_allclose(stack.shifts, [[1.0, -2.5], [0.0, 0.0]])
    np.testing.assert_array_equal(stack.defocus[0], [11_500.0, 1_000.0, 45.0])
    np.testing.assert_array_equal(stack.phase_shifts, [90.0, 0.0])
    assert stack.optics[0].beam_tilt == (0.25, 0.0)
    assert stack.optics[1].beam_tilt is None
    assert {group.pixel_size for group in stack.optics} == {1.5}
    assert stack.optics[0].box == BOX


def test_protein_is_dark_and_images_are_counted_from_1(stack, path):
    np.testing.assert_array_equal(stack.images(), IMAGES[[1, 0]])
    white = read_particles(path, contrast="white").images()
    np.testing.assert_array_equal(white, -IMAGES[[1, 0]])


def test_columns_get_relion_s_names_too(stack):
    assert stack.columns["rlnMicrographName"].tolist() == ["mic1.mrc", "mic2.mrc"]
    assert stack.columns["rlnClassNumber"].tolist() == [3, 4]
    assert stack.columns["rlnRandomSubset"].tolist() == [1, 2]
    np.testing.assert_allclose(stack.columns["rlnCoordinateX"], [20.0, 21.0])
    np.testing.assert_allclose(stack.columns["rlnCoordinateY"], [30.0, 31.0])
    assert stack.columns["cisTEMImageActivity"].tolist() == [1, -1]
    assert stack.columns["cisTEMOccupancy"].tolist() == [100.0, 50.0]


def test_without_a_stack_there_are_no_images_but_everything_else(path, tmp_path):
    table = read_star(path)[""]
    bare = {n: c for n, c in table.items() if n != "cisTEMStackFilename"}
    write_star(tmp_path / "bare.star", {"": StarTable(bare)})
    bare_stack = read_particles(tmp_path / "bare.star")
    assert len(bare_stack.lenses.defocus) == 2
    with pytest.raises(InputError, match=r"doesn't name their stack.*do give it as st"):
        bare_stack.images()
    given = read_particles(tmp_path / "bare.star", stack=tmp_path / "stack.mrcs")
    np.testing.assert_array_equal(given.images(), IMAGES[[1, 0]])


def test_other_programs_labels(path, tmp_path):
    text = FILE.replace("MicroscopeVoltagekV", "Voltage").replace(
        "MicroscopeCsMM", "Cs"
    )
    path.write_text(text)
    assert read_particles(path).optics[0].voltage == 300.0
    assert "column cisTEMVoltage" in [p.where for p in cistem_problems(path)]


def changed(path, columns=(), without=()):
    table = {n: c for n, c in read_star(path)[""].items() if n not in without}
    write_star(path, {"": StarTable({**table, **dict(columns)})})
    return path


@pytest.mark.parametrize(
    ("columns", "without", "message"),
    [
        ({"cisTEMPositionInStack": [1, 0]}, (), "isn't 1 or more in row 2"),
        ({"cisTEMPositionInStack": [1.5, 1]}, (), "isn't 1 or more in row 1"),
        ({"cisTEMPixelSize": [0.0, 1.5]}, (), r"is 0 in row 1.*pixel_size="),
        ({}, ["cisTEMPixelSize"], r"no column cisTEMPixelSize.*pixel_size="),
        ({}, ["cisTEMMicroscopeVoltagekV"], r"cisTEMMicroscopeVoltagekV.*voltage="),
        ({"cisTEMMicroscopeVoltagekV": [300e3] * 2}, (), "is 300000 in rows 1, 2"),
        ({"cisTEMXShift": [np.nan, 0.0]}, (), "NaN or infinite in row 1"),
        ({"cisTEMXShift": ["a", "b"]}, (), "'a' in row 1 .* isn't a number"),
        ({"cisTEMVoltage": [300.0, 300.0]}, (), "has both cisTEMVoltage"),
        ({"rlnMagMat00": [1.0, 1.0]}, (), "rlnMagMat01"),
        ({"rlnOddZernike": ["[a]", "[]"]}, (), "isn't a list of numbers"),
    ],
)
def test_what_cannot_be_is_refused(path, columns, without, message):
    with pytest.raises(InputError, match=message):
        read_particles(changed(path, columns, without))
    assert cistem_problems(path)


def test_what_is_missing_can_be_given(path):
    without = ("cisTEMPixelSize", "cisTEMMicroscopeVoltagekV")
    stack = read_particles(changed(path, (), without), pixel_size=2.0, voltage=200.0)
    assert (stack.optics[0].pixel_size, stack.optics[0].voltage) == (2.0, 200.0)


def test_cistem_s_own_defaults_are_taken_with_a_warning(path):
    changed(path, (), ["cisTEMMicroscopeCsMM"])
    with pytest.warns(InputWarning, match=r"no cisTEMMicroscopeCsMM, taken as 2\.7"):
        assert read_particles(path).optics[0].spherical_aberration == 2.7


def test_missing_defocus_is_said_when_it_is_needed(path, tmp_path):
    stack = read_particles(changed(path, (), ["cisTEMDefocus1"]))
    with pytest.raises(InputError, match="no column cisTEMDefocus1"):
        _ = stack.lenses
    with pytest.raises(InputError, match="defocus isn't known"):
        write_particle_table(tmp_path / "b.star", stack, layout=CisTEM())


def test_radians_that_cistem_writes_are_warned_of(path):
    changed(path, {"cisTEMPhaseShift": [1.57, 0.0]})
    with pytest.warns(InputWarning, match="write radians"):
        assert read_particles(path).phase_shifts[0] == 1.57


def test_beyond_the_stack_is_an_error(path):
    stack = read_particles(changed(path, {"cisTEMPositionInStack": [1, 9]}))
    with pytest.raises(InputError, match=r"asks for image 9 of stack\.mrcs"):
        stack.images()


ABERRATIONS = {
    "beam_tilt": (0.3, -0.2),
    "odd_zernike": (0.0, 0.1, 2.0, -3.0, 0.5, 1.0),
    "even_zernike": (0.1, 0.0, 1.0, 0.0, 5.0, 0.0, -2.0, 0.0, 7.0),
    "magnification": (1.01, 0.002, -0.003, 0.99),
}


def assert_same(one, other):
    np.testing.assert_allclose(one.angles, other.angles, atol=1e-5)
    np.testing.assert_allclose(one.shifts, other.shifts, atol=1e-5)
    np.testing.assert_allclose(one.defocus, other.defocus, atol=1e-3)
    np.testing.assert_allclose(one.phase_shifts, other.phase_shifts, atol=1e-5)
    assert one.optics == other.optics


def test_there_and_back_keeps_everything(tmp_path):
    stack = particles(**ABERRATIONS)
    with pytest.warns(InputWarning, match="won't see Zernike terms and the aniso"):
        write_particles(tmp_path / "c.star", stack, layout=CisTEM())
    back = read_particles(tmp_path / "c.star")
    assert_same(stack, back)
    np.testing.assert_array_equal(back.images(), IMAGES)
    write_particles(tmp_path / "r.star", back)
    again = read_particles(tmp_path / "r.star")
    assert_same(stack, again)
    np.testing.assert_array_equal(again.images(), IMAGES)


def test_same_particle_of_two_programs_is_simulated_the_same(tmp_path):
    stack = particles(beam_tilt=(1.0, -2.0))
    write_particles(tmp_path / "relion.star", stack)
    write_particles(tmp_path / "cistem.star", stack, layout=CisTEM())
    blobs = vx.Gaussians(
        [[2.0, 1.0, -1.0], [-3.0, 0.0, 2.0]], [[50.0], [30.0]], [[9.0]] * 2
    )
    images, recorded = [], []
    for name in ("relion.star", "cistem.star"):
        read = read_particles(tmp_path / name)
        pose = jax.tree.map(lambda leaf: leaf[1], read.poses)
        images.append(np.asarray(vx.simulate(blobs, pose, read.microscope(1))))
        recorded.append(read.images())
    assert np.abs(images[0] - images[1]).max() < 1e-5 * np.abs(images[0]).max()
    np.testing.assert_array_equal(*recorded)
    # White in RELION's stack, dark in cisTEM's.
    raw = [vx.io.read_stack(tmp_path / f"{n}.mrcs")[:] for n in ("relion", "cistem")]
    np.testing.assert_array_equal(raw[0], -raw[1])


def test_unknown_columns_and_optics_columns_come_back(path, tmp_path):
    columns = {
        "mine": ["two words", "#x"],
        "empty": ["", "-"],
        "rlnAutopickFigureOfMerit": [0.1, 1 / 3],
        "rlnCoordinateX": [100.0, 200.0],
    }
    stack = read_particles(changed(path, columns))
    write_particle_table(tmp_path / "b.star", stack, layout=CisTEM())
    back = read_particles(tmp_path / "b.star")
    for name, column in stack.columns.items():
        assert back.columns[name].tolist() == column.tolist(), name
    assert_same(stack, back)
    assert "rlnMicrographName" not in read_star(tmp_path / "b.star")[""]


def test_columns_of_which_a_part_is_missing_stay_apart(path):
    parts = {"cs/pose[0]": [1.0, 2.0], "cs/pose[2]": [3.0, 4.0]}
    columns = read_particles(changed(path, parts)).columns
    assert "cs/pose" not in columns
    assert columns["cs/pose[2]"].tolist() == [3.0, 4.0]


def test_columns_with_a_second_axis_come_back(tmp_path):
    import dataclasses

    stack = particles()
    poses = np.linspace(0, 1, 9).reshape(3, 3)
    columns = {
        "cs/pose": poses,
        "cs/shape": np.arange(6).reshape(3, 2),
        "cs/path": np.array([b"a", b"b", b"c"]),
        "uid": np.array([2**63 + 1, 1, 2], np.uint64),
    }
    stack = dataclasses.replace(stack, columns=columns)
    write_particles(tmp_path / "c.star", stack, layout=CisTEM())
    back = read_particles(tmp_path / "c.star").columns
    np.testing.assert_array_equal(back["cs/pose"], poses)
    np.testing.assert_array_equal(back["cs/shape"], columns["cs/shape"])
    assert back["cs/shape"].dtype.kind == "i"
    assert back["cs/path"].tolist() == ["a", "b", "c"]
    assert back["uid"].tolist() == [str(2**63 + 1), "1", "2"]


def test_names_that_cistem_cannot_read_are_refused(tmp_path):
    with pytest.raises(InputError, match="has a blank or a quote"):
        write_particles(tmp_path / "my file.star", particles(), layout=CisTEM())
    assert not list(tmp_path.iterdir())


def test_odd_boxes_are_allowed(tmp_path):
    images = IMAGES[:, :7, :7]
    optics = vx.image.OpticsGroup(1.5, 300.0)
    poses = jax.vmap(vx.Pose.from_euler)(*np.zeros((3, 3)))
    stack = vx.ParticleStack.from_arrays(images, poses, vx.Lens(1e4), optics)
    write_particles(tmp_path / "c.star", stack, layout=CisTEM())
    np.testing.assert_array_equal(read_particles(tmp_path / "c.star").images(), images)


KINDS = {3: "f", 2: "i", 9: "I"}


def binary(columns, rows, extra=b""):
    """Return a binary parameter file of (code, kind, values)."""
    text = struct.pack("<ii", len(columns), rows)
    for code, kind, _ in columns:
        text += struct.pack("<qB", code, kind)
    for row in range(rows):
        for _, kind, values in columns:
            if kind == 8:
                text += struct.pack("<i", len(values[row])) + values[row]
            else:
                text += struct.pack("<" + KINDS[kind], values[row])
    return text + extra


COLUMNS = [
    (1, 9, [1, 2]),
    (2**23, 3, [10.0, 11.0]),
    (2**22, 3, [20.0, 21.0]),
    (2**2, 3, [30.0, 31.0]),
    (2**5, 3, [12000.0, 12100.0]),
    (2**6, 3, [11000.0, 11000.0]),
    (2**7, 3, [45.0, 45.0]),
    (2**8, 3, [np.pi / 2, 0.0]),
    (2**14, 3, [1.06, 1.06]),
    (2**15, 3, [300.0, 300.0]),
    (2**16, 3, [2.7, 2.7]),
    (2**17, 3, [0.07, 0.07]),
    (2**40, 2, [7, 8]),
]


@pytest.mark.parametrize("more", [[], [(2**24, 8, [b"stack.mrcs", b"stack.mrcs"])]])
def test_binary_files(path, more):
    file = path.with_name("a.cistem")
    file.write_bytes(binary(COLUMNS + more, 2))
    stack = read_particles(file, stack=None if more else "stack.mrcs")
    np.testing.assert_allclose(stack.angles, [[10, 20, 30], [11, 21, 31]])
    np.testing.assert_allclose(stack.phase_shifts, [90.0, 0.0], atol=1e-5)
    assert stack.optics[0].pixel_size == 1.06
    assert stack.columns[f"cisTEMColumn{2**40}"].tolist() == [7, 8]
    np.testing.assert_array_equal(stack.images(), IMAGES[:2])
    assert not cistem_problems(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (binary(COLUMNS, 2)[:-1], "ends before its last line"),
        (binary(COLUMNS, 2, b"x"), "goes on after its last line"),
        (binary(COLUMNS[:2] + COLUMNS[:1], 2), "comes|twice"),
        (
            binary(COLUMNS, 2).replace(b"\2\0\0\0", b"\xff\xff\xff\x7f", 1),
            "ends before",
        ),
        (binary([(2**24, 8, [b"abc"])], 1)[:-2], "ends before"),
        (struct.pack("<iiqB", 1, 2**31 - 1, 2**24, 8), "ends before"),
        (struct.pack("<iiqB", 200, 1, 1, 9), "ends before|damaged"),
    ],
)
def test_damaged_binary_files_are_refused(tmp_path, content, message):
    (tmp_path / "a.cistem").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_particles(tmp_path / "a.cistem")
    assert cistem_problems(tmp_path / "a.cistem")


def test_problems_name_rows_and_remedies(path):
    assert not cistem_problems(path)
    changed(path, {"cisTEMPositionInStack": [5, 5], "cisTEMScore": [np.nan, 1.0]})
    found = {(p.where, p.is_fixable) for p in cistem_problems(path)}
    assert found == {("row 1", False), ("row 2", False), ("rows 1, 2", False)}


@pytest.mark.parametrize(
    "name",
    ["empiar_10076_7", "relion31", "relion31.v2", "relion31.6opticsgroups", "relion5",
     "sample_particles_relion30", "sample_particles_relion31"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::vitrax.io.InputWarning")
def test_relion_s_files_through_cistem_and_back(shared, tmp_path, name):
    stack = read_particles(shared / "relion" / f"{name}.star")
    write_particle_table(tmp_path / "c.star", stack, layout=CisTEM())
    write_particle_table(tmp_path / "r.star", read_particles(tmp_path / "c.star"))
    back = read_particles(tmp_path / "r.star")
    assert stack.optics == back.optics
    np.testing.assert_array_equal(stack.groups, back.groups)
    if stack.angles is not None:
        turns = [
            Rotation.from_euler("ZYZ", s.angles, degrees=True) for s in (stack, back)
        ]
        between = (turns[0] * turns[1].inv()).magnitude()
        assert np.rad2deg(between).max() < 1e-4
    np.testing.assert_allclose(stack.shifts, back.shifts, atol=1e-3)
    np.testing.assert_allclose(stack.defocus, back.defocus, atol=1e-5)
    np.testing.assert_array_equal(stack.phase_shifts, back.phase_shifts)
    for kept, found in (
        (stack.columns, back.columns),
        (stack.optics_columns, back.optics_columns),
    ):
        for column in set(kept) - {"rlnImageName"}:
            if kept[column].dtype.kind in "if":
                np.testing.assert_allclose(kept[column], found[column], atol=1e-6)
            else:
                assert kept[column].tolist() == found[column].tolist()
