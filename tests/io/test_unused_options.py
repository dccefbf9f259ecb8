"""What the caller says of a file has an effect, agrees with it, or is refused."""

import jax
import numpy as np
import pytest
from numpy.lib.recfunctions import repack_fields

import vitrax as vx
from vitrax.cli import main
from vitrax.io import InputError, read_particles


COUNT, BOX = 3, 8
OPTICS = vx.image.OpticsGroup(1.5, 300.0, 2.7, 0.1, box=BOX)
LAYOUTS = {
    "relion.star": vx.io.Relion(),
    "cryosparc.cs": vx.io.CryoSPARC(),
    "cistem.star": vx.io.CisTEM(),
    "leopard.csv": vx.io.LeopardEM(),
}
# Argument, option, what the files have, and something else.
STATED = {
    "pixel_size": ("--angpix", 1.5, 1.4),
    "voltage": ("--kv", 300.0, 200.0),
    "spherical_aberration": ("--cs", 2.7, 0.0),
    "amplitude_contrast": ("--q0", 0.1, 0.07),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write the same particles in all formats."""
    path = tmp_path_factory.mktemp("files")
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    columns = {
        "rlnMicrographName": np.array(["m.mrc"] * COUNT),
        "rlnCoordinateX": np.array([12.0, 20.0, 24.0]),
        "rlnCoordinateY": np.array([12.0, 20.0, 16.0]),
    }
    images = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX))
    lens = vx.Lens(1.2e4, amplitude_contrast=0.1)
    stack = vx.ParticleStack.from_arrays(images, poses, lens, OPTICS, columns)
    for name, layout in LAYOUTS.items():
        if layout.names_stacks:
            vx.io.write_particles(path / name, stack, layout=layout)
        else:
            vx.io.write_particle_table(path / name, stack, layout=layout)
    return path


def without_columns(folder, name, target, *columns):
    """Copy a table of cisTEM or a data set of CryoSPARC, but for some columns."""
    if name.endswith(".star"):
        tables = vx.io.read_star(folder / name)
        kept = {
            block: vx.io.StarTable({n: c for n, c in t.items() if n not in columns})
            for block, t in tables.items()
        }
        vx.io.write_star(target, kept)
        return target
    fields = np.load(folder / name)
    kept = [each for each in fields.dtype.names if each not in columns]
    with open(target, "wb") as file:
        np.save(file, repack_fields(fields[kept]))
    return target


@pytest.mark.parametrize("argument", STATED)
@pytest.mark.parametrize("name", LAYOUTS)
def test_numbers_agree_with_the_file(folder, name, argument):
    option, same, other = STATED[argument]
    agreeing = read_particles(folder / name, **{argument: same * (1 + 3e-5)})
    assert getattr(agreeing.optics[0], argument) == pytest.approx(same, rel=1e-9)
    with pytest.raises(InputError, match=rf"{argument}= \({option}\) {other:g} for "):
        read_particles(folder / name, **{argument: other})
    default = read_particles(folder / name, defaults={argument: other})
    assert default.optics == read_particles(folder / name).optics


def test_defaults_fill_in_what_neither_says(folder, tmp_path):
    names = ("rlnVoltage", "rlnImagePixelSize", "rlnMicrographOriginalPixelSize")
    path = without_columns(folder, "relion.star", tmp_path / "a.star", *names)
    both = {"voltage": 120.0, "pixel_size": 2.0}
    optics = read_particles(path, pixel_size=3.0, defaults=both).optics[0]
    assert (optics.voltage, optics.pixel_size) == (120.0, 3.0)
    with pytest.raises(ValueError, match="defaults of box because there are those of"):
        read_particles(path, defaults={"box": 8.0})


def test_rows_of_cistem_that_are_0_are_given(folder, tmp_path):
    table = vx.io.read_star(folder / "cistem.star")[""]
    volts = [300.0, 0.0, 300.0]
    table = table.updated({"cisTEMMicroscopeVoltagekV": volts})
    vx.io.write_star(tmp_path / "a.star", {"": table})
    stack = read_particles(tmp_path / "a.star", voltage=300.0)
    assert stack.voltages.tolist() == [300.0] * COUNT
    with pytest.raises(InputError, match=r"Voltage\w+ is 300 in rows 1, 3; do leave"):
        read_particles(tmp_path / "a.star", voltage=200.0)


@pytest.mark.parametrize("name", [n for n in LAYOUTS if n != "cryosparc.cs"])
def test_further_files_are_cryosparc_s(folder, name):
    more = (folder / "cryosparc.cs",)
    with pytest.raises(InputError, match=r"--passthrough\) .* only CryoSPARC's data"):
        read_particles(folder / name, passthrough=more)


@pytest.mark.parametrize("name", [n for n in LAYOUTS if n != "cistem.star"])
def test_stacks_that_the_file_names(folder, name):
    with pytest.raises(InputError, match=r"it names its \w+s itself \(.*--path-map"):
        read_particles(folder / name, stack=folder / "other.mrcs")


def test_a_stack_that_the_file_names_may_be_said_again(folder):
    for name in ("relion.star", "cryosparc.cs", "cistem.star"):
        stack = folder / name.replace("star", "mrcs").replace(".cs", ".mrcs")
        assert len(read_particles(folder / name, stack=stack).images()) == COUNT


@pytest.mark.parametrize("name", ["relion.star", "cryosparc.cs"])
def test_a_stack_that_has_moved_may_be_said(folder, tmp_path, name):
    moved = tmp_path / name
    moved.write_bytes((folder / name).read_bytes())
    with pytest.raises(InputError, match=r"the stack \w+\.mrcs isn't found"):
        read_particles(moved).images()
    stack = folder / name.replace("star", "mrcs").replace(".cs", ".mrcs")
    given = read_particles(moved, stack=stack)
    np.testing.assert_array_equal(
        given.images(), read_particles(folder / name).images()
    )


def test_of_cistem_s_files_a_stack_goes_before_the_one_named(folder, tmp_path):
    stack = read_particles(folder / "cistem.star", stack=folder / "relion.mrcs")
    assert stack.reader.stacks == (str(folder / "relion.mrcs"),)
    table = vx.io.read_star(folder / "cistem.star")[""]
    names = {"cisTEMStackFilename": ["a.mrcs", "b.mrcs", "b.mrcs"]}
    vx.io.write_star(tmp_path / "a.star", {"": table.updated(names)})
    with pytest.raises(InputError, match=r"names its stacks itself \(a\.mrcs\)"):
        read_particles(tmp_path / "a.star", stack=folder / "relion.mrcs")


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ({"project": "x"}, "--project"),
        ({"path_map": {"/a": "/b"}}, "--path-map"),
        ({"strict_paths": True}, "--strict-paths"),
        ({"contrast": "white"}, "--contrast"),
    ],
)
@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("cistem.star", ["cisTEMStackFilename"]),
        ("cryosparc.cs", ["blob/path", "blob/idx"]),
    ],
)
def test_where_no_stack_is_named(folder, tmp_path, name, columns, arguments, option):
    path = without_columns(folder, name, tmp_path / name, *columns)
    with pytest.raises(InputError, match=rf"\({option}\) .* names no stack of images"):
        read_particles(path, **arguments)
    given = read_particles(path, stack=folder / "relion.mrcs", **arguments)
    assert given.reader.stacks == (str(folder / "relion.mrcs"),)
    # Strict paths are about what the file says, not the caller.
    assert len(given.images()) == COUNT


def test_the_box_is_of_images_that_are_cut_out(folder):
    assert read_particles(folder / "leopard.csv", box=6).boxes.tolist() == [6] * COUNT
    assert len(read_particles(folder / "relion.star", box=BOX)) == COUNT
    with pytest.raises(InputError, match=r"box=6 for .* aren't cut out of micrographs"):
        read_particles(folder / "relion.star", box=6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kv", "200"], "voltage= (--kv) 200 for"),
        (["--passthrough", "p.cs"], "only CryoSPARC's data sets"),
        (["--stack", "p.mrcs"], "it names its stacks itself"),
    ],
)
def test_convert_refuses_in_words(folder, tmp_path, capsys, options, message):
    call = ["convert", str(folder / "relion.star"), str(tmp_path / "a.cs")]
    assert main([*call, *options]) == 3
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main([*call, "--kv", "300", "--angpix", "1.5", "--quiet"]) == 0
