"""What isn't a number, or none that can be, is named with its column and row."""

import gzip

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import InputError, StarTable, read_particles
from vitrax.io._star_lines import line_of_row


COUNT, BOX = 20, 8
LAYOUTS = {
    "relion.star": vx.io.Relion(),
    "cistem.star": vx.io.CisTEM(),
    "leopard.csv": vx.io.LeopardEM(),
}
# A column of defocus, and the optics of each format: pixel size, kV, Cs, Q.
COLUMNS = {
    "relion.star": (
        "rlnDefocusU",
        "rlnImagePixelSize",
        "rlnVoltage",
        "rlnSphericalAberration",
        "rlnAmplitudeContrast",
    ),
    "cistem.star": (
        "cisTEMDefocus1",
        "cisTEMPixelSize",
        "cisTEMMicroscopeVoltagekV",
        "cisTEMMicroscopeCsMM",
        "cisTEMAmplitudeContrast",
    ),
    "leopard.csv": (
        "defocus_u",
        "refined_pixel_size",
        "voltage",
        "spherical_aberration",
        "amplitude_contrast_ratio",
    ),
}
IMPOSSIBLE = {1: -1.5, 2: 3e5, 3: 2.7e7, 4: 7.0}
RANGES = {
    1: "positive and finite",
    2: "below 10 000 kV",
    3: "within -100 and 100 mm",
    4: "-1 and 1",
}


@pytest.fixture(scope="module")
def particles():
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    optics = vx.image.OpticsGroup(1.5, 300.0, box=BOX)
    columns = {
        "rlnMicrographName": np.array(["m.mrc"] * COUNT),
        "rlnCoordinateX": np.arange(COUNT) + 12.0,
        "rlnCoordinateY": np.arange(COUNT) + 12.0,
    }
    images = np.zeros((COUNT, BOX, BOX))
    return vx.ParticleStack.from_arrays(images, poses, vx.Lens(1.2e4), optics, columns)


@pytest.fixture
def write(particles, tmp_path):
    def changed(name, column, values):
        """Write a file with other values, by row; return it and the line of each."""
        path = tmp_path / name
        if name == "leopard.csv":
            vx.io.write_particle_table(path, particles, layout=LAYOUTS[name])
            lines = [line.split(",") for line in path.read_text().splitlines()]
            for row, value in values.items():
                lines[row + 1][lines[0].index(column)] = str(value)
            path.write_text("".join(",".join(words) + "\n" for words in lines))
            return path
        vx.io.write_particles(path, particles, layout=LAYOUTS[name])
        tables = vx.io.read_star(path)
        (block,) = (b for b, table in tables.items() if column in table)
        words = tables[block][column].tolist()
        for row, value in values.items():
            words[row] = value
        if any(isinstance(word, str) for word in words):
            words = list(map(str, words))
        tables[block] = tables[block].updated({column: words})
        vx.io.write_star(path, tables)
        return path

    return changed


def line_with(path, word):
    lines = path.read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if word in line.split())


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_word_is_named_with_its_row_and_line(write, name):
    column = COLUMNS[name][0]
    path = write(name, column, {16: "abc"})
    where = f" .line {line_with(path, 'abc')}." if path.suffix == ".star" else ""
    with pytest.raises(
        InputError, match=rf"{column} of .* 'abc' in row 17{where} isn't a number; do"
    ) as caught:
        read_particles(path)
    assert str(path) in str(caught.value)


def test_long_words_are_cut_and_others_counted(write):
    path = write("relion.star", "rlnDefocusU", {3: "x" * 1000, 5: "y", 7: "z"})
    with pytest.raises(InputError, match=r"row 4 .* nor is what 2 more rows") as caught:
        read_particles(path)
    assert f"'{'x' * 40}'" in str(caught.value)
    assert "y'" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_lines_of_what_is_not_finite(write, value):
    path = write("relion.star", "rlnAngleRot", {4: value, 8: value})
    line = line_with(path, "000005@relion.mrcs")
    with pytest.raises(
        InputError, match=rf"infinite in rows 5, 9 \(the first on line {line}\); do"
    ):
        read_particles(path)


def test_lines_are_counted_past_blank_ones_and_remarks(write, tmp_path):
    path = write("relion.star", "rlnDefocusU", {16: "abc"})
    lines = path.read_text().replace("\n000003@", "\n\n# a remark\n\n000003@")
    path.write_text(lines)
    with pytest.raises(InputError, match=rf"\(line {line_with(path, 'abc')}\)"):
        read_particles(path)
    packed = path.with_suffix(".star.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert line_of_row(str(path), "rlnDefocusU", 16) == line_with(path, "abc")
    for name in (packed, tmp_path / "absent.star", tmp_path):
        assert line_of_row(str(name), "rlnDefocusU", 16) is None


def test_optics_have_lines_too(write):
    path = write("relion.star", "rlnVoltage", {0: "kV"})
    with pytest.raises(InputError, match=rf"row 1 \(line {line_with(path, 'kV')}\)"):
        read_particles(path)


@pytest.mark.parametrize("which", IMPOSSIBLE)
@pytest.mark.parametrize("name", LAYOUTS)
def test_optics_that_no_microscope_has(write, name, which):
    column = COLUMNS[name][which]
    path = write(name, column, {0: IMPOSSIBLE[which]})
    message = rf"{column} of .* because it is \S+ in row 1, not .*{RANGES[which]}; do"
    with pytest.raises(InputError, match=message):
        read_particles(path)


@pytest.mark.parametrize("which", [1, 2])
@pytest.mark.parametrize("name", ["relion.star", "leopard.csv"])
def test_optics_of_0(write, name, which):
    path = write(name, COLUMNS[name][which], {0: 0.0})
    with pytest.raises(InputError, match=r"because it is 0 in row 1, not .*; do give"):
        read_particles(path)


def test_a_corrector_may_overcorrect(write):
    path = write("relion.star", "rlnSphericalAberration", {0: -0.01})
    assert read_particles(path).optics[0].spherical_aberration == -0.01


@pytest.mark.parametrize("box", [-8, 8.5, 70000])
def test_boxes_that_cannot_be(write, box):
    path = write("relion.star", "rlnImageSize", {0: box})
    with pytest.raises(InputError, match=r"rlnImageSize .* in row 1, not a number of"):
        read_particles(path)


def test_numbers_in_another_spelling_are_numbers(write):
    path = write("relion.star", "rlnDefocusU", {n: "012000" for n in range(COUNT)})
    assert vx.io.read_star(path)["particles"]["rlnDefocusU"].dtype.kind == "T"
    stack = read_particles(path)
    assert (stack.defocus[:, :2] == 12_000.0 * np.array([1.0, 0.0])).all()
    path = write("relion.star", "rlnDefocusU", {0: "1_0"})
    with pytest.raises(InputError, match=r"'1_0' in row 1"):
        read_particles(path)


@pytest.mark.parametrize(
    "name", ["rlnMagnification", "rlnDetectorPixelSize", "rlnVoltage"]
)
def test_numbers_of_old_files_that_cannot_be(tmp_path, name):
    columns = {
        "rlnImageName": ["1@a.mrcs", "2@a.mrcs"],
        "rlnVoltage": [300.0] * 2,
        "rlnSphericalAberration": [2.7] * 2,
        "rlnAmplitudeContrast": [0.1] * 2,
        "rlnMagnification": [1e4] * 2,
        "rlnDetectorPixelSize": [1.5] * 2,
    } | {name: [1.0, 0.0]}
    vx.io.write_star(tmp_path / "a.star", {"": StarTable(columns)})
    with pytest.raises(
        InputError, match=rf"{name} of .* it is 0 in row 2, not (positive|above)"
    ):
        read_particles(tmp_path / "a.star")


def test_what_the_caller_gives_is_looked_at_too(write):
    path = write("relion.star", "rlnVoltage", {})
    with pytest.raises(ValueError, match=r"voltage=-1\.0 because it isn't above 0"):
        read_particles(path, voltage=-1.0)
    with pytest.raises(ValueError, match=r"defaults of pixel_size=0\.0 because"):
        read_particles(path, defaults={"pixel_size": 0.0})
