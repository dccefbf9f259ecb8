import pathlib

import numpy as np
import pytest

import vitrax as vx
from vitrax._files import InputError
from vitrax.cli import main
from vitrax.cli._exit import UsageError
from vitrax.cli._particle_options import SAID_BY_SOURCE
from vitrax.cli._recipe import Recipe
from vitrax.cli._source import comparable, read_source, sourced_particles
from vitrax.cli._stream import microscope_of, rows_of


OPTICS = {
    "rlnOpticsGroup": [1, 2],
    "rlnOpticsGroupName": ["old", "new"],
    "rlnVoltage": [300.0, 300.0],
    "rlnSphericalAberration": [2.7, 2.7],
    "rlnAmplitudeContrast": [0.1, 0.1],
    "rlnImagePixelSize": [1.5, 1.5],
    "rlnImageSize": [32, 32],
}
PARTICLES = {
    "rlnImageName": ["1@a.mrcs", "2@a.mrcs", "1@b.mrcs"],
    "rlnOpticsGroup": [1, 1, 2],
    "rlnAngleRot": [10.0, 20.0, 30.0],
    "rlnAngleTilt": [40.0, 50.0, 60.0],
    "rlnAnglePsi": [70.0, 80.0, 90.0],
    "rlnDefocusU": [1e4, 1.1e4, 1.2e4],
    "rlnDefocusV": [1e4, 1.1e4, 1.2e4],
    "rlnDefocusAngle": [0.0, 0.0, 0.0],
    "rlnCtfBfactor": [0.0, 0.0, 0.0],
}
LINE = "ATOM  {:>5}  N   ALA A   1    {:8.3f}{:8.3f}   0.000  1.00 20.00           N\n"


@pytest.fixture
def star(tmp_path):
    """Give a function that writes a STAR file, some columns changed or left out."""

    def write(optics=None, particles=None):
        tables = {"optics": OPTICS | (optics or {})}
        tables["particles"] = PARTICLES | (particles or {})
        kept = {
            name: vx.io.StarTable({k: v for k, v in table.items() if v is not None})
            for name, table in tables.items()
        }
        vx.io.write_star(tmp_path / "p.star", kept)
        return tmp_path / "p.star"

    return write


def recipe(source, **options) -> Recipe:
    structure, out = pathlib.Path("a.pdb"), pathlib.Path("out")
    return Recipe(structure=structure, out=out, source=source, **options)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("phase_shift", 90.0),
        ("defocus", (8000.0, 20000.0)),
        ("astigmatism", 100.0),
        ("orientations", "preferred"),
        ("shift_sd", 0.0),
        ("shift_max", 2.0),
        ("particles_per_micrograph", 5),
        ("height_spread", 100.0),
        ("kv", 200.0),
        ("cs", 0.01),
        ("q0", 0.07),
    ],
)
def test_option_for_what_the_file_says_is_refused(star, option, value):
    named = "--" + option.replace("_", "-")
    with pytest.raises(UsageError, match=rf"cannot use {named}[ (].*p\.star.*do leave"):
        read_source(recipe(star(), **{option: value}))


def test_all_contradictions_are_named_at_once(star, tmp_path, capsys):
    options = ["--defocus", "8000", "20000", "--shift-sd", "3", "--kv", "200"]
    call = ["simulate", "apoferritin", "--from", str(star()), "-o", str(tmp_path / "o")]
    assert main([*call, *options]) == 2
    said = capsys.readouterr().err
    assert "--defocus, --shift-sd, --kv (300 in the file)" in said
    assert not (tmp_path / "o").exists()


def test_options_may_say_what_the_file_says_or_lacks(star):
    same = read_source(recipe(star(), kv=300.0, q0=0.1))
    assert (same.stack.voltages == 300.0).all()
    lacking = star(optics={"rlnVoltage": None, "rlnImagePixelSize": None})
    given = read_source(recipe(lacking, kv=200.0, angpix=2.0))
    assert (given.stack.voltages == 200.0).all()
    with pytest.raises(InputError, match=r"rlnVoltage; .* or give voltage= \(--kv\)"):
        read_source(recipe(lacking, angpix=2.0))


def test_further_tables_of_the_file_are_not_those_of_a_simulation(star):
    path = star()
    tables = vx.io.read_star(path)
    more = {"general": vx.io.StarTable({"rlnCount": [3]}, is_loop=False)}
    vx.io.write_star(path, more | tables)
    asked = recipe(path, box=32, angpix=1.5)
    particles = sourced_particles(asked, read_source(asked))
    assert list(vx.io.particle_tables(particles)) == ["optics", "particles"]


def test_envelope_is_added_only_where_the_file_has_none(star):
    asked = recipe(star(), b_envelope=50.0, box=32, angpix=1.5)
    particles = sourced_particles(asked, read_source(asked))
    assert (particles.b_factors == 50.0).all()
    damped = star(particles={"rlnCtfBfactor": [0.0, 20.0, 0.0]})
    with pytest.raises(UsageError, match=r"--b-envelope \(rlnCtfBfactor in the file\)"):
        read_source(recipe(damped, b_envelope=50.0))


def test_other_sampling_goes_before_the_files(star):
    asked = recipe(star(), box=64, angpix=2.0)
    source = read_source(asked)
    particles = sourced_particles(asked, source)
    assert {(each.box, each.pixel_size) for each in particles.optics} == {(64, 2.0)}
    np.testing.assert_array_equal(particles.angles, source.stack.angles)
    assert comparable(asked, source) == "their box isn't the one that is simulated"


def test_record_has_no_values_that_the_file_said(star):
    used = recipe(star(), box=32, angpix=1.5).options_used()
    assert {used[name] for name in SAID_BY_SOURCE} == {None}
    assert {used[name] for name in ("kv", "cs", "q0", "b_envelope")} == {None}
    assert (used["box"], used["angpix"]) == (32, 1.5)
    drawn = recipe(None).options_used()
    assert tuple(drawn["defocus"]) == (8000.0, 20000.0)


@pytest.mark.parametrize(
    ("name", "optics", "reason"),
    [
        ("angpix", {"rlnImagePixelSize": [1.5, 2.0]}, "1.5 Å in old; 2 Å in new"),
        ("box", {"rlnImageSize": [32, 48]}, "boxes .* differ: 32 in old; 48 in new"),
        ("box", {"rlnImageSize": None}, "isn't said of old, new and their stacks"),
    ],
)
def test_box_or_pixel_size_that_is_not_one_is_told_apart(star, name, optics, reason):
    from vitrax.cli._job import resolved

    asked = recipe(star(optics=optics))
    with pytest.raises(UsageError, match=f"cannot take --{name} .*{reason}.*do give"):
        resolved(asked, read_source(asked))


def test_aberrations_are_those_of_the_file(shared):
    path = shared / "relion" / "relion31.6opticsgroups.star"
    asked = recipe(path, box=32, angpix=1.25)
    source = read_source(asked)
    assert source.notes == ()
    rows = rows_of(sourced_particles(asked, source)[:2])
    first = source.stack.optics[source.stack.groups[0]]
    np.testing.assert_allclose(rows["beam_tilt"][0], first.beam_tilt)
    np.testing.assert_allclose(rows["magnification"][0].ravel(), first.magnification)
    lens = microscope_of({k: v[0] for k, v in rows.items()}, vx.Grid(8, 1.25), 1).lens
    np.testing.assert_allclose(lens.even_zernike, first.even_zernike)
    np.testing.assert_allclose(lens.odd_zernike, first.odd_zernike)


def test_what_is_not_simulated_is_told_once_and_without_contradiction(star):
    (note,) = read_source(recipe(star({"rlnMtfFileName": ["a", "a"]}))).notes
    assert "the camera's MTF" in note
    assert "isn't in the STAR file that is written" in note
    premultiplied = star({"rlnCtfDataAreCtfPremultiplied": [0, 1]})
    # A warning of the reader would be an error in this test.
    (note,) = read_source(recipe(premultiplied)).notes
    assert "images multiplied by their CTF" in note
    assert (
        read_source(recipe(star({"rlnCtfDataAreCtfPremultiplied": [0, 0]}))).notes == ()
    )


def test_simulated_images_have_the_aberrations_of_the_file(star, tmp_path):
    higher = {"rlnBeamTiltX": [2.0, 0.0], "rlnBeamTiltY": [0.0, 0.0]}
    higher |= {"rlnEvenZernike": ["[0,0,0,5]", "[0,0]"]}
    higher |= {"rlnMagMat00": [1.03, 1.0], "rlnMagMat01": [0.0, 0.0]}
    higher |= {"rlnMagMat10": [0.02, 0.0], "rlnMagMat11": [0.99, 1.0]}
    atoms, images = tmp_path / "atoms.pdb", {}
    atoms.write_text("".join(LINE.format(i, 3 * i, 2 * i * i) for i in range(4)))
    for name, optics in {"plain": {}, "higher": higher}.items():
        out = tmp_path / name
        call = ["simulate", str(atoms), "--from", str(star(optics)), "-o", str(out)]
        assert main([*call, "--box", "24", "--angpix", "2", "--no-report"]) == 0
        written = vx.io.read_particles(next(out.glob("*.star")))
        images[name] = written.images()
        assert (written.optics[0].beam_tilt is None) == (name == "plain")
    assert written.optics[0].magnification == (1.03, 0.0, 0.02, 0.99)
    assert written.optics[0].even_zernike == (0.0, 0.0, 0.0, 5.0)
    scale = np.abs(images["plain"]).max()
    apart = np.abs(images["plain"] - images["higher"]).max(axis=(1, 2)) / scale
    assert apart[:2].min() > 1e-2
    assert apart[2] < 1e-5


def images_of(path, number, value):
    with vx.io.StackWriter(path, (number, 32, 32), 1.5) as writer:
        writer.append(np.full((number, 32, 32), value, np.float32))


def test_stacks_are_found_by_project_and_map(star, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "b").mkdir(parents=True)
    path = star(particles={"rlnImageName": ["1@a.mrcs", "2@a.mrcs", "1@/old/b.mrcs"]})
    images_of(elsewhere / "a.mrcs", 2, -1.0)
    images_of(elsewhere / "b" / "b.mrcs", 1, -2.0)
    rows = np.arange(3)
    assert read_source(recipe(path)).images(rows) is None
    found = recipe(path, project=elsewhere, path_map=[f"/old={elsewhere}/b"])
    images = read_source(found).images(rows)
    assert images[:, 0, 0].tolist() == [-1.0, -1.0, -2.0]
    used = found.options_used()
    assert used["project"] == str(elsewhere)
    assert used["path_map"] == [f"/old={elsewhere}/b"]
    strict = recipe(path, path_map=[f"/old={elsewhere}/b"], strict_paths=True)
    assert read_source(strict).images(rows[2:]) is not None
    outside = recipe(path, project=elsewhere / "b", strict_paths=True)
    with pytest.raises(InputError, match="leads out of the folders"):
        read_source(outside).stack[2:].images()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path_map": ["/old"]}, "--path-map /old because it isn't OLD=NEW"),
        ({"path_map": ["=/new"]}, "--path-map =/new because it isn't OLD=NEW"),
        ({"project": pathlib.Path("x")}, "cannot use --project because .* give --from"),
        ({"strict_paths": True}, "cannot use --strict-paths because"),
        ({"stack": pathlib.Path("x")}, "cannot use --stack because .* give --from"),
        ({"passthrough": [pathlib.Path("x")]}, "cannot use --passthrough because"),
    ],
)
def test_where_stacks_are_is_said_of_a_file(options, message):
    source = pathlib.Path("p.star") if "path_map" in options else None
    with pytest.raises(ValueError, match=message):
        recipe(source, **options)


def test_options_of_stacks_as_they_are_typed(star, tmp_path, capsys):
    call = ["simulate", "apoferritin", "--from", str(star()), "-o", str(tmp_path / "o")]
    call += ["--path-map", "/a=/b", "--path-map", "/c=/d", "--angpix", "6"]
    call += ["--project", str(tmp_path), "--strict-paths", "--dry-run"]
    assert main([*call, "--json"]) == 0
    assert main([*call, "--path-map", "odd"]) == 2
    assert "isn't OLD=NEW" in capsys.readouterr().err


def test_images_multiplied_by_their_ctf_are_not_compared(star):
    path = star({"rlnCtfDataAreCtfPremultiplied": [0, 1]})
    asked = recipe(path, box=32, angpix=1.5)
    source = read_source(asked)
    assert comparable(asked, source) == "some of them were multiplied by their CTF"
    assert not sourced_particles(asked, source).premultiplied.any()
