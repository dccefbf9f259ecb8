import dataclasses
import struct

import numpy as np
import pytest

from vitrax.io import (
    InputError,
    StackWriter,
    StarTable,
    read_particles,
    read_star,
    star_problems,
    write_mended_star,
    write_star,
)


COUNT, BOX = 4, 8
OPTICS = {
    "rlnOpticsGroup": [1, 2],
    "rlnOpticsGroupName": ["first", "second"],
    "rlnVoltage": [300.0, 300.0],
    "rlnSphericalAberration": [2.7, 2.7],
    "rlnAmplitudeContrast": [0.1, 0.1],
    "rlnImagePixelSize": [1.5, 1.5],
    "rlnImageSize": [BOX, BOX],
    "rlnImageDimensionality": [2, 2],
}
PARTICLES = {
    "rlnImageName": ["1@a.mrcs", "2@a.mrcs", "1@b.mrcs", "2@b.mrcs"],
    "rlnOpticsGroup": [1, 1, 2, 2],
    "rlnAngleRot": [10.0, 20.0, 30.0, 40.0],
    "rlnAngleTilt": [80.0, 81.0, 82.0, 83.0],
    "rlnAnglePsi": [-10.0, 0.0, 10.0, 20.0],
    "rlnDefocusU": [1e4] * COUNT,
    "rlnDefocusV": [9e3] * COUNT,
    "rlnDefocusAngle": [30.0] * COUNT,
    "myOwnColumn": ["a", "b", "c", "d"],
}
OLD = {
    "rlnImageName": PARTICLES["rlnImageName"],
    "rlnVoltage": [300.0] * COUNT,
    "rlnSphericalAberration": [2.7] * COUNT,
    "rlnAmplitudeContrast": [0.1, 0.1, 0.07, 0.07],
    "rlnMagnification": [1e4] * COUNT,
    "rlnDetectorPixelSize": [1.5] * COUNT,
    "rlnOriginX": [1.0, 2.0, 3.0, 4.0],
    "rlnOriginY": [0.0, -2.0, 0.0, 0.0],
    **{n: v for n, v in PARTICLES.items() if n.startswith(("rlnAngle", "rlnDef"))},
}


def stack(path, count=2, box=BOX, pixel_size=1.5):
    with StackWriter(path, (count, box, box), pixel_size) as writer:
        writer.append(np.ones((count, box, box)))


@pytest.fixture
def star(tmp_path):
    """Give a function that writes a STAR file, some columns changed or left out."""
    stack(tmp_path / "a.mrcs")
    stack(tmp_path / "b.mrcs")

    def write(optics=None, particles=None, **others):
        tables = {"optics": OPTICS | (optics or {})}
        tables["particles"] = PARTICLES | (particles or {})
        kept = {
            name: StarTable({k: v for k, v in table.items() if v is not None})
            for name, table in (tables | others).items()
        }
        write_star(tmp_path / "p.star", kept)
        return tmp_path / "p.star"

    return write


def told(path, **options):
    return [
        (each.where, each.what, each.is_fixable)
        for each in star_problems(path, **options)
    ]


def test_a_good_file_has_none(star):
    assert star_problems(star()) == []


FOUND = {
    "NaN": (
        {},
        {"rlnAngleRot": [1.0, np.nan, 3.0, np.inf]},
        "data_particles, rows 2, 4",
        "rlnAngleRot isn't a finite number ('nan')",
        True,
    ),
    "text": (
        {},
        {"rlnDefocusU": ["1e4", "x", "1e4", "1e4"]},
        "data_particles, row 2",
        "rlnDefocusU isn't a finite number ('x')",
        True,
    ),
    "all NaN": (
        {},
        {"rlnAngleRot": [np.nan] * COUNT},
        "data_particles, rows 1, 2, 3, 4",
        "rlnAngleRot isn't a finite number ('nan') in all rows",
        False,
    ),
    "number of an image": (
        {},
        {"rlnImageName": ["0@a.mrcs", "2@a.mrcs", "x@b.mrcs", "2@b.mrcs"]},
        "data_particles, rows 1, 3",
        "the number before @ in rlnImageName isn't 1 or more",
        True,
    ),
    "beyond the stack": (
        {},
        {"rlnImageName": ["1@a.mrcs", "3@a.mrcs", "1@b.mrcs", "2@b.mrcs"]},
        "data_particles, row 2",
        "rlnImageName asks for an image beyond the end of its stack",
        True,
    ),
    "twice": (
        {},
        {"rlnImageName": ["1@a.mrcs", "2@b.mrcs", "000001@a.mrcs", "1@a.mrcs"]},
        "data_particles, rows 3, 4",
        "rlnImageName names an image that an earlier row has",
        False,
    ),
    "unknown group": (
        {},
        {"rlnOpticsGroup": [1, 3, 2, 2]},
        "data_particles, row 2",
        "rlnOpticsGroup names a group that data_optics doesn't have",
        False,
    ),
    "no group": (
        {},
        {"rlnOpticsGroup": None},
        "data_particles",
        "it has no rlnOpticsGroup",
        False,
    ),
    "groups of one number": (
        {"rlnOpticsGroup": [1, 1]},
        {"rlnOpticsGroup": [1] * COUNT},
        "data_optics",
        "rlnOpticsGroup isn't a different number in each row",
        False,
    ),
    "no tilt": (
        {},
        {"rlnAngleTilt": None, "rlnAngelTilt": [1.0] * COUNT},
        "data_particles",
        "it has no rlnAngleTilt (it has rlnAngelTilt: is that meant?): the poses "
        "aren't known",
        False,
    ),
    "no defocus": (
        {},
        {"rlnDefocusU": None},
        "data_particles",
        "it has no rlnDefocusU: the CTFs aren't known",
        False,
    ),
    "micrometres": (
        {},
        {"rlnDefocusU": [1.2] * COUNT, "rlnDefocusV": [1.0] * COUNT},
        "data_particles",
        "the defocus is 1.1 Å in the middle",
        False,
    ),
    "overfocus": (
        {},
        {"rlnDefocusU": [1e4, -1e4, 1e4, 1e4], "rlnDefocusV": [1e4, -9e3, 1e4, 1e4]},
        "data_particles, row 2",
        "the defocus is negative, overfocus",
        False,
    ),
    "far from focus": (
        {},
        {"rlnDefocusU": [1e4, 1e4, 2e5, 1e4], "rlnDefocusV": [1e4, 1e4, 2e5, 1e4]},
        "data_particles, row 3",
        "the defocus is beyond 100000 Å",
        False,
    ),
    "astigmatism": (
        {},
        {"rlnDefocusU": [1e4, 1e4, 1e4, 3e4]},
        "data_particles, row 4",
        "defocus U and V differ by more than 5000 Å",
        False,
    ),
    "both shifts": (
        {},
        {"rlnOriginX": [1.0] * COUNT, "rlnOriginXAngst": [1.0] * COUNT},
        "data_particles",
        "it has both rlnOriginX (pixels) and rlnOriginXAngst (Å)",
        False,
    ),
    "volts": (
        {"rlnVoltage": [3e5, 3e5]},
        {},
        "data_optics",
        "rlnVoltage is 300000, which is in V",
        True,
    ),
    "no microscope": (
        {"rlnVoltage": [300.0, 30.0]},
        {},
        "data_optics, row 2",
        "rlnVoltage is 30.0, which isn't within 60 and 1000",
        False,
    ),
    "Cs": (
        {"rlnSphericalAberration": [2.7, 2.7e7]},
        {},
        "data_optics, row 2",
        "rlnSphericalAberration is 27000000.0, which isn't within 0 and 10",
        False,
    ),
    "Q0": (
        {"rlnAmplitudeContrast": [-0.1, 7.0]},
        {},
        "data_optics, rows 1, 2",
        "rlnAmplitudeContrast is -0.1, which isn't within 0 and 0.5",
        False,
    ),
    "no voltage": (
        {"rlnVoltage": None, "rlnVolatge": [300.0, 300.0]},
        {},
        "data_optics",
        "it has no rlnVoltage (it has rlnVolatge: is that meant?)",
        False,
    ),
    "odd box": (
        {"rlnImageSize": [BOX, 9]},
        {"rlnOpticsGroup": [1] * COUNT},
        "data_optics, row 2",
        "rlnImageSize is odd: RELION's programs put the centre of such images one "
        "pixel further than vitrax",
        False,
    ),
    "another box": (
        {"rlnImageSize": [BOX, 16]},
        {},
        "data_optics, row 2",
        "rlnImageSize is 16, and 8 pixels in the header of b.mrcs",
        False,
    ),
    "another pixel size": (
        {"rlnImagePixelSize": [1.5, 3.0]},
        {},
        "data_optics, row 2",
        "rlnImagePixelSize is 3, and 1.5 Å in the header of b.mrcs",
        False,
    ),
    "no box": (
        {"rlnImageSize": None},
        {},
        "data_optics",
        "it has no rlnImageSize, which RELION needs",
        True,
    ),
    "pixel size of micrographs": (
        {"rlnImagePixelSize": None, "rlnMicrographOriginalPixelSize": [0.7, 0.7]},
        {},
        "data_optics",
        "it has no rlnImagePixelSize; rlnMicrographOriginalPixelSize stands for it, "
        "wrong if particles were binned",
        False,
    ),
    "lost": (
        {},
        {"rlnImageName": ["1@a.mrcs", "1@c.mrcs", "1@d.mrcs", "1@e.mrcs"]},
        "rlnImageName",
        "3 of 4 stacks aren't found: c.mrcs, d.mrcs, e.mrcs",
        False,
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_is_wrong_is_found_alone(star, case):
    optics, particles, where, what, is_fixable = FOUND[case]
    assert told(star(optics, particles)) == [(where, what, is_fixable)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-5], r"b.mrcs because it is \d+ bytes where its header"),
        (lambda data: b"", "b.mrcs because it is empty"),
        (lambda data: b"secret words " * 200, "neither byte order of its header"),
    ],
    ids=["cut short", "empty", "another file"],
)
def test_stacks_that_cannot_be_read(star, tmp_path, change, message):
    path, other = star(), tmp_path / "b.mrcs"
    other.write_bytes(change(other.read_bytes()))
    (problem,) = star_problems(path)
    assert problem.where == "rlnImageName"
    assert not problem.is_fixable
    assert "secret" not in problem.what + problem.remedy
    with pytest.raises(InputError, match=message):
        raise InputError(problem.what)


def test_stacks_of_other_shapes(star, tmp_path):
    path = star({"rlnImageSize": None})
    stack(tmp_path / "a.mrcs", box=9)
    content = bytearray((tmp_path / "b.mrcs").read_bytes())
    content[:4] = struct.pack("<i", 4)
    (tmp_path / "b.mrcs").write_bytes(content)
    found = [each[1] for each in told(path)]
    assert any("1 stack, such as b.mrcs, aren't square" in each for each in found)
    assert any("1 stack, such as a.mrcs, have an odd box" in each for each in found)


def test_stacks_are_looked_for_as_by_the_reader(star, tmp_path):
    (tmp_path / "job").mkdir()
    path = star().rename(tmp_path / "job" / "p.star")
    assert told(path)[0][1].startswith("2 of 2 stacks aren't found")
    assert told(path, project=tmp_path) == []
    maps = {"a": f"{tmp_path}/a", "b": f"{tmp_path}/b"}
    assert told(path, path_map=maps) == []


def test_what_is_no_list_of_particles_is_one_problem(tmp_path, star):
    cubes = star({"rlnImageDimensionality": [3, 3]})
    (problem,) = star_problems(cubes)
    assert (problem.where, problem.is_fixable) == ("file", False)
    assert "subtomograms" in problem.what
    assert problem.remedy.startswith("give a file of single-particle images")
    (tmp_path / "cut.star").write_text("data_particles\nloop_\n_a\n_b\n1 2\n3")
    (problem,) = star_problems(tmp_path / "cut.star")
    assert "at line 6 a row has 1 value" in problem.what
    with pytest.raises(InputError, match="no such file"):
        star_problems(tmp_path / "none.star")


def mended(path):
    target = path.with_name("mended.star")
    fixed = write_mended_star(path, target)
    assert all(each.is_fixable for each in fixed)
    assert not any(each.is_fixable for each in star_problems(target))
    return read_star(target), fixed


def test_rows_that_cannot_be_used_are_left_out(star):
    path = star(
        particles={
            "rlnAngleRot": [1.0, np.nan, 3.0, 4.0],
            "rlnDefocusU": ["1e4", "1e4", "1e4", "x"],
            "rlnImageName": ["1@a.mrcs", "2@a.mrcs", "1@b.mrcs", "9@b.mrcs"],
        },
        general=StarTable({"anything": [5]}, is_loop=False),
    )
    tables, fixed = mended(path)
    assert [each.where for each in fixed] == [
        "data_particles, row 2",
        "data_particles, row 4",
        "data_particles, row 4",
    ]
    assert tables["particles"]["myOwnColumn"].tolist() == ["a", "c"]
    assert tables["particles"]["rlnDefocusU"].tolist() == [1e4, 1e4]
    assert tables["general"]["anything"].tolist() == [5]
    stack = read_particles(path.with_name("mended.star"))
    assert stack.images().shape == (2, BOX, BOX)


def test_voltages_and_boxes_are_mended(star):
    tables, fixed = mended(star({"rlnVoltage": [3e5, 2e5], "rlnImageSize": None}))
    assert len(fixed) == 2
    assert tables["optics"]["rlnVoltage"].tolist() == [300.0, 200.0]
    assert tables["optics"]["rlnImageSize"].tolist() == [BOX, BOX]


def test_old_files_are_converted(star, tmp_path):
    star()
    write_star(tmp_path / "old.star", {"": StarTable(OLD)})
    tables, (fixed,) = mended(tmp_path / "old.star")
    assert fixed.what.endswith("it has the layout of RELION 3.0 or older")
    assert list(tables) == ["optics", "particles"]
    assert tables["optics"]["rlnImagePixelSize"].tolist() == [1.5, 1.5]
    assert sorted(tables["optics"]["rlnAmplitudeContrast"]) == [0.07, 0.1]
    assert tables["optics"]["rlnImageSize"].tolist() == [BOX, BOX]
    assert tables["particles"]["rlnOriginXAngst"].tolist() == [1.5, 3.0, 4.5, 6.0]
    stack = read_particles(tmp_path / "mended.star")
    assert stack.shifts[:, 0].tolist() == [-1.5, -3.0, -4.5, -6.0]


def test_optics_of_old_files_are_looked_at(star, tmp_path):
    star()
    volts = OLD | {"rlnVoltage": [3e5] * COUNT}
    write_star(tmp_path / "old.star", {"": StarTable(volts)})
    tables, fixed = mended(tmp_path / "old.star")
    assert [each.what for each in fixed][1] == "rlnVoltage is 300000, which is in V"
    assert tables["optics"]["rlnVoltage"].tolist() == [300.0, 300.0]
    lacking = {n: v for n, v in OLD.items() if n != "rlnMagnification"}
    write_star(tmp_path / "old.star", {"": StarTable(lacking)})
    where, what, is_fixable = told(tmp_path / "old.star")[0]
    assert (where, is_fixable) == ("file", False)
    assert what.endswith("the table of particles has no rlnMagnification")


def test_real_old_files_are_converted(shared, tmp_path):
    path = shared / "relion" / "sample_particles_relion30.star"
    fixed = write_mended_star(path, tmp_path / "new.star")
    assert len(fixed) == 1
    new = read_particles(tmp_path / "new.star")
    theirs = read_particles(shared / "relion" / "sample_particles_relion31.star")
    np.testing.assert_array_equal(new.defocus, theirs.defocus)
    assert len(new.optics) == len(theirs.optics)


def test_a_good_file_is_copied(star):
    path = star()
    tables, fixed = mended(path)
    assert fixed == []
    for name, table in read_star(path).items():
        assert {k: v.tolist() for k, v in tables[name].items()} == {
            k: v.tolist() for k, v in table.items()
        }


def test_nothing_is_written_in_place_or_of_nothing(star, tmp_path):
    path = star()
    before = path.read_bytes()
    (tmp_path / "link.star").symlink_to(path)
    for target in (path, tmp_path / "link.star"):
        with pytest.raises(InputError, match="it is the file that is mended"):
            write_mended_star(path, target)
    assert path.read_bytes() == before
    halves = {
        "rlnAngleRot": [1.0, 1.0, np.nan, np.nan],
        "rlnAnglePsi": [np.nan, np.nan, 1.0, 1.0],
    }
    with pytest.raises(InputError, match="none of its 4 rows can be used"):
        write_mended_star(star(particles=halves), tmp_path / "out.star")
    assert not (tmp_path / "out.star").exists()


def test_problems_are_plain(star):
    (problem,) = star_problems(star(particles={"rlnDefocusU": None}))
    assert list(dataclasses.asdict(problem)) == [
        "where",
        "what",
        "remedy",
        "is_fixable",
    ]
