import pickle

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main
from vitrax.io import InputError, InputWarning, StarTable, read_particles, read_star


COUNT, BOX = 3, 8
BEFORE = {
    "general": StarTable(
        {"rlnOutputRootName": ["run 1"], "rlnPixelSize": [1.25], "rlnCount": [7]},
        is_loop=False,
    ),
    "model_classes": StarTable(
        {"rlnReferenceImage": ["a.mrc", ""], "rlnClassDistribution": [0.1, 1e-12]}
    ),
}
AFTER = {
    "": StarTable({"rlnWord": ["007"]}, is_loop=False),
    "empty": StarTable({"rlnOne": np.zeros(0), "rlnTwo": np.zeros(0)}),
}


@pytest.fixture
def star(tmp_path):
    """Write particles, with tables of other things around theirs."""
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    optics = vx.image.OpticsGroup(1.5, 300.0, box=BOX)
    images = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX))
    stack = vx.ParticleStack.from_arrays(images, poses, vx.Lens(1.2e4), optics)
    path = tmp_path / "particles.star"
    vx.io.write_particles(path, stack)
    own = read_star(path)
    tables = BEFORE | {name: own[name] for name in ("particles", "optics")} | AFTER
    vx.io.write_star(path, tables)
    return path


def assert_all_are_there(path, source):
    """Assert that a file has the tables of another one in their order, but its rows."""
    found, expected = read_star(path), read_star(source)
    assert list(found) == list(expected)
    for name in (*BEFORE, *AFTER):
        table = expected[name]
        assert found[name].is_loop == table.is_loop, name
        assert list(found[name]) == list(table), name
        for column, values in table.items():
            if table.rows:
                assert found[name][column].dtype == values.dtype, column
            assert found[name][column].tolist() == values.tolist(), column


@pytest.mark.parametrize("version", ["3.1", "5.0"])
def test_they_are_kept_in_their_places(star, tmp_path, version):
    stack = read_particles(star)
    layout = vx.io.Relion(version)
    vx.io.write_particle_table(tmp_path / "a.star", stack, layout=layout)
    assert_all_are_there(tmp_path / "a.star", star)
    vx.io.write_particles(tmp_path / "b.star", stack[1:], layout=layout)
    assert_all_are_there(tmp_path / "b.star", star)
    assert read_star(tmp_path / "b.star")["particles"].rows == COUNT - 1
    assert list(stack[:1].tables) == list(stack.tables)


def test_they_are_kept_by_convert(star, tmp_path):
    assert main(["convert", str(star), str(tmp_path / "a.star")]) == 0
    assert_all_are_there(tmp_path / "a.star", star)


def test_they_are_of_a_stack_that_goes_to_other_processes(star):
    stack = pickle.loads(pickle.dumps(read_particles(star)))
    assert vx.io.particle_tables(stack)["general"]["rlnCount"].tolist() == [7]


@pytest.mark.parametrize(
    ("name", "layout"), [("a.cs", vx.io.CryoSPARC()), ("a.star", vx.io.CisTEM())]
)
@pytest.mark.parametrize(
    "write", [vx.io.write_particles, vx.io.write_particle_table], ids=["all", "table"]
)
def test_what_has_no_room_for_them_says_so(star, tmp_path, name, layout, write):
    stack = read_particles(star, contrast="dark")
    with pytest.warns(InputWarning) as caught:
        write(tmp_path / name, stack, layout=layout)
    (said,) = (str(w.message) for w in caught)
    assert said.startswith(f"{tmp_path / name}: it has no room for data_general, ")
    assert "data_model_classes, data_, data_empty of" in said
    assert "data_optics" not in said


@pytest.mark.filterwarnings("always::vitrax.io.InputWarning")
def test_of_cistem_s_files_too(star, tmp_path):
    stack = read_particles(star, contrast="dark")
    with pytest.warns(InputWarning, match="no room"):
        vx.io.write_particle_table(tmp_path / "a.star", stack, layout=vx.io.CisTEM())
    tables = read_star(tmp_path / "a.star")
    vx.io.write_star(tmp_path / "a.star", {"other": BEFORE["general"]} | tables)
    assert main(["convert", str(tmp_path / "a.star"), str(tmp_path / "b.star")]) == 0
    found = read_star(tmp_path / "b.star")
    assert list(found) == ["other", "optics", "particles"]
    assert found["other"]["rlnPixelSize"].tolist() == [1.25]


def test_of_old_files_too(star, tmp_path):
    old = read_star(star)["particles"]
    more = {"rlnVoltage": 300.0, "rlnSphericalAberration": 2.7}
    more |= {"rlnAmplitudeContrast": 0.1, "rlnImagePixelSize": 1.5}
    table = old.updated({name: [value] * COUNT for name, value in more.items()})
    vx.io.write_star(tmp_path / "old.star", {"images": table} | BEFORE)
    with pytest.warns(InputWarning, match="3.0 or older"):
        tables = vx.io.particle_tables(read_particles(tmp_path / "old.star"))
    assert list(tables) == ["optics", "particles", *BEFORE]


def test_two_tables_of_particles_are_refused(star):
    tables = read_star(star)
    tables["images"] = tables.pop("particles")
    vx.io.write_star(star, tables | {"particles": BEFORE["general"]})
    with pytest.raises(InputError, match=r"data_particles doesn't; do rename either"):
        read_particles(star)
