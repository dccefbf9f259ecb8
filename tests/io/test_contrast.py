"""White protein stays white, dark protein dark, whatever table refers to the images."""

import itertools

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main
from vitrax.io import InputError, InputWarning, read_particles


COUNT, BOX = 3, 8
IMAGES = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX)).astype(np.float32)
LAYOUTS = {
    "relion.star": vx.io.Relion(),
    "relion5.star": vx.io.Relion("5.0"),
    "cryosparc.cs": vx.io.CryoSPARC(),
    "cistem.star": vx.io.CisTEM(),
}


@pytest.fixture(scope="module")
def particles():
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    optics = vx.image.OpticsGroup(1.5, 300.0, box=BOX)
    return vx.ParticleStack.from_arrays(IMAGES, poses, vx.Lens(1.2e4), optics)


def images_of(path):
    return read_particles(path).images()


@pytest.mark.filterwarnings("ignore:.*protein isn't:vitrax.io.InputWarning")
@pytest.mark.parametrize("contrast", ["white", "dark"])
@pytest.mark.parametrize("first", LAYOUTS)
def test_tables_of_the_same_images_agree(particles, tmp_path, first, contrast):
    source = tmp_path / first
    vx.io.write_particles(source, particles, layout=LAYOUTS[first], contrast=contrast)
    on_disk = vx.io.read_stack(source.with_suffix(".mrcs"))[:]
    np.testing.assert_array_equal(on_disk, IMAGES * (-1 if contrast == "white" else 1))
    np.testing.assert_array_equal(images_of(source), IMAGES)
    for second, third in itertools.product(LAYOUTS, repeat=2):
        there, back = tmp_path / f"there_{second}", tmp_path / f"back_{third}"
        stack = read_particles(source)
        vx.io.write_particle_table(there, stack, layout=LAYOUTS[second])
        np.testing.assert_array_equal(images_of(there), IMAGES)
        vx.io.write_particle_table(back, read_particles(there), layout=LAYOUTS[third])
        np.testing.assert_array_equal(images_of(back), IMAGES, f"{second} {third}")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_table_that_its_program_would_misread_says_so(particles, tmp_path, name):
    layout = LAYOUTS[name]
    other = {"white": "dark", "dark": "white"}[layout.contrast]
    vx.io.write_particles(tmp_path / name, particles, layout=layout, contrast=other)
    stack = read_particles(tmp_path / name)
    path = tmp_path / f"table_{name}"
    if layout.holds_contrast:
        vx.io.write_particle_table(path, stack, layout=layout)
        return
    with pytest.warns(InputWarning, match=r"blob/sign that vitrax .*--copy-images"):
        vx.io.write_particle_table(path, stack, layout=layout)
    copied = tmp_path / f"copied_{name}"
    vx.io.write_particles(copied, stack, layout=layout)
    np.testing.assert_array_equal(images_of(copied), IMAGES)
    # Turned, they are as the program takes them, whether it knows the column or not.
    expected = {"white": -IMAGES, "dark": IMAGES}[layout.contrast]
    on_disk = vx.io.read_stack(copied.with_suffix(".mrcs"))[:]
    np.testing.assert_array_equal(on_disk, expected)


def test_what_the_program_expects_needs_no_column(particles, tmp_path):
    for name in ("relion.star", "cistem.star"):
        vx.io.write_particles(tmp_path / name, particles, layout=LAYOUTS[name])
        (table,) = (
            t for n, t in vx.io.read_star(tmp_path / name).items() if n != "optics"
        )
        assert "blob/sign" not in table


@pytest.mark.parametrize("contrast", ["white", "dark"])
def test_simulated_stacks_say_it_too(particles, tmp_path, contrast):
    path = tmp_path / "a.star"
    optics = particles.optics
    with vx.io.ParticleWriter(path, COUNT, optics, contrast=contrast) as writer:
        writer.append(IMAGES, poses=particles.poses, lenses=particles.lenses)
    np.testing.assert_array_equal(images_of(path), IMAGES)


def test_the_caller_goes_before_the_table(particles, tmp_path):
    path = tmp_path / "a.star"
    vx.io.write_particles(path, particles, contrast="dark")
    found = read_particles(path, contrast="white").images()
    np.testing.assert_array_equal(found, -IMAGES)


def test_a_sign_that_is_none_is_named(particles, tmp_path):
    path = tmp_path / "a.star"
    vx.io.write_particles(path, particles, contrast="dark")
    tables = vx.io.read_star(path)
    tables["particles"] = tables["particles"].updated({"blob/sign": [-1, 0, 1]})
    vx.io.write_star(path, tables)
    with pytest.raises(InputError, match=r"blob/sign .* in row 2; do pass contrast="):
        read_particles(path)
    assert len(read_particles(path, contrast="dark")) == COUNT


@pytest.fixture
def cut_out(tmp_path):
    """Write a micrograph and Leopard-EM's table of two particles in it."""
    micrograph = np.random.default_rng(1).normal(size=(32, 40)).astype(np.float32)
    with vx.io.StackWriter(tmp_path / "m.mrc", (1, 32, 40), 1.5) as writer:
        writer.append(micrograph[None])
    columns = {
        "rlnMicrographName": np.array(["m.mrc"] * COUNT),
        "rlnCoordinateX": np.array([12.0, 20.0, 24.0]),
        "rlnCoordinateY": np.array([12.0, 20.0, 16.0]),
    }
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    optics = vx.image.OpticsGroup(1.5, 300.0, box=BOX)
    stack = vx.ParticleStack.from_arrays(IMAGES, poses, vx.Lens(1.2e4), optics, columns)
    path = tmp_path / "a.csv"
    vx.io.write_particle_table(path, stack, layout=vx.io.LeopardEM())
    return path


def test_inverted_micrographs_of_leopard(cut_out, tmp_path):
    plain = read_particles(cut_out, box=BOX)
    white = read_particles(cut_out, box=BOX, contrast="white")
    again, back = tmp_path / "b.csv", tmp_path / "c.csv"
    with pytest.warns(InputWarning, match=r"b\.csv: protein is white in its microg"):
        vx.io.write_particle_table(again, white, layout=vx.io.LeopardEM())
    found = read_particles(again, box=BOX)
    np.testing.assert_array_equal(found.images(), -plain.images())
    dark = read_particles(again, box=BOX, contrast="dark")
    vx.io.write_particle_table(back, dark, layout=vx.io.LeopardEM())
    np.testing.assert_array_equal(
        read_particles(back, box=BOX).images(), plain.images()
    )
    text = again.read_text()
    last = text.rindex(",1\n")
    again.write_text(text[:last] + ",0\n")
    with pytest.raises(InputError, match=r"protein_is_white .* differs from row to"):
        read_particles(again)


@pytest.mark.filterwarnings("always::vitrax.io.InputWarning")
def test_convert_without_copies(particles, tmp_path, capsys):
    vx.io.write_particles(tmp_path / "a.star", particles)
    there, back = tmp_path / "b.star", tmp_path / "c.cs"
    options = ["--to", "cistem"]
    assert main(["convert", str(tmp_path / "a.star"), str(there), *options]) == 0
    assert "blob/sign that vitrax alone reads" in capsys.readouterr().err
    np.testing.assert_array_equal(images_of(there), IMAGES)
    assert main(["convert", str(there), str(back)]) == 0
    assert vx.io.read_cs(back)["blob/sign"].tolist() == [1.0] * COUNT
    assert not capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:.*protein isn't:vitrax.io.InputWarning")
@pytest.mark.parametrize("contrast", ["white", "dark"])
@pytest.mark.parametrize("first", LAYOUTS)
def test_lists_of_eman2_say_it_too(particles, tmp_path, first, contrast):
    pytest.importorskip("h5py")
    source, eman = tmp_path / first, tmp_path / "there.lst"
    vx.io.write_particles(source, particles, layout=LAYOUTS[first], contrast=contrast)
    vx.io.write_particle_table(eman, read_particles(source), layout=vx.io.EMAN2())
    np.testing.assert_array_equal(images_of(eman), IMAGES)
    for second, layout in LAYOUTS.items():
        back = tmp_path / f"back_{second}"
        vx.io.write_particle_table(back, read_particles(eman), layout=layout)
        np.testing.assert_array_equal(images_of(back), IMAGES)
    copied = tmp_path / "copied.lst"
    stack = read_particles(source)
    vx.io.write_particles(copied, stack, layout=vx.io.EMAN2(), contrast=contrast)
    np.testing.assert_array_equal(images_of(copied), IMAGES)


@pytest.mark.filterwarnings("ignore:.*protein isn't:vitrax.io.InputWarning")
def test_boxes_survive_where_stacks_are_not_found(particles, tmp_path):
    pytest.importorskip("h5py")
    for name, layout in LAYOUTS.items():
        source, eman = tmp_path / name, tmp_path / f"{name}.lst"
        vx.io.write_particles(source, particles, layout=layout)
        source.with_suffix(".mrcs").rename(tmp_path / "elsewhere")
        vx.io.write_particle_table(eman, read_particles(source), layout=vx.io.EMAN2())
        assert read_particles(eman).boxes.tolist() == [BOX] * COUNT
        source.unlink()
        (tmp_path / "elsewhere").unlink()
