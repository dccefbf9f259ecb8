"""`--model all`: particles of the models of an NMR structure, and their mean map."""

import json
import pathlib

import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import _specimen, main
from vitrax.cli._batches import images_in_order
from vitrax.cli._draw import draw_models, draw_particles, with_models
from vitrax.cli._exit import BAD_INPUT, RESOURCES, USAGE
from vitrax.cli._recipe import Recipe


LINE = "ATOM  {:>5}  {}   ALA A   1    {:8.3f}{:8.3f}{:8.3f}  1.00 20.00           {}\n"
# The same atoms in two places, and an atom that the second model lacks.
MODELS = (
    [("C", 0, 0, 0), ("N", 4, 0, 0), ("O", 0, 6, 2), ("S", -3, -3, 0)],
    [("C", 0, 1, 0), ("N", -4, 2, 5), ("O", 3, -6, 0)],
)
SMALL = ["--angpix", "1.5", "--box", "24", "--quiet"]


@pytest.fixture(scope="module")
def nmr(tmp_path_factory):
    path = tmp_path_factory.mktemp("nmr") / "two.pdb"
    parts = []
    for number, atoms in enumerate(MODELS, 1):
        lines = [LINE.format(i, *place) for i, place in enumerate(in_lines(atoms), 1)]
        parts.append(f"MODEL     {number:>4}\n{''.join(lines)}ENDMDL\n")
    path.write_text("".join(parts))
    return path


def in_lines(atoms):
    return [(name, x, y, z, name) for name, x, y, z in atoms]


def made(command, structure, out, *options):
    seed = [] if command == "volume" else ["--seed", "3"]
    code = main([command, str(structure), "--out", str(out), *SMALL, *seed, *options])
    assert code == 0
    record = out.with_suffix(".json") if out.suffix else out / "run.json"
    return json.loads(record.read_text())


def values(path):
    return np.asarray(vx.io.read_map(path).values)


def classes(path):
    return np.asarray(vx.io.read_star(path)["particles"]["rlnClassNumber"]).astype(int)


@pytest.fixture(scope="module")
def simulated(nmr, tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    options = ["--no-report", "--n", "9", "--no-centre", "--batch-size", "2"]
    return folder, {
        model: made("simulate", nmr, folder / model, *options, "--model", model)
        for model in ("1", "2", "all")
    }


def test_each_particle_is_of_the_model_that_its_class_says(simulated):
    folder, records = simulated
    alone = [vx.io.read_stack(folder / m / "particles.mrcs")[:] for m in ("1", "2")]
    images = vx.io.read_stack(folder / "all" / "particles.mrcs")[:]
    numbers = classes(folder / "all" / "particles.star")
    assert set(numbers) == {1, 2}
    expected = np.stack([alone[k - 1][i] for i, k in enumerate(numbers)])
    others = np.stack([alone[2 - k][i] for i, k in enumerate(numbers)])
    tolerance = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(images, expected, atol=tolerance)
    assert np.abs(images - others).max(axis=(1, 2)).min() > 100 * tolerance
    results = records["all"]["results"]
    assert results["particles_of_models"] == np.bincount(numbers)[1:].tolist()
    assert results["specimen"]["models"] == 2
    assert any("one of the 2 models" in note for note in records["all"]["warnings"])
    assert set(classes(folder / "1" / "particles.star")) == {1}


def test_the_map_is_the_mean_of_the_models_maps(simulated):
    folder, _ = simulated
    alone = [values(folder / model / "map.mrc") for model in ("1", "2")]
    for number, each in enumerate(alone, 1):
        own = values(folder / "all" / f"map_class{number:03d}.mrc")
        np.testing.assert_allclose(own, each, atol=1e-5 * each.max())
    mean = values(folder / "all" / "map.mrc")
    np.testing.assert_allclose(mean, sum(alone) / 2, atol=1e-5 * mean.max())
    assert not (folder / "1" / "map_class001.mrc").exists()


def test_noise_and_models_don_t_depend_on_batches(nmr, tmp_path):
    options = ["--no-report", "--n", "9", "--model", "all", "--snr", "0.5"]
    for size in ("2", "4"):
        made("simulate", nmr, tmp_path / size, *options, "--batch-size", size)
    two, four = (
        vx.io.read_stack(tmp_path / size / "particles.mrcs")[:] for size in ("2", "4")
    )
    np.testing.assert_allclose(four, two, atol=1e-4)
    assert set(classes(tmp_path / "4" / "particles.star")) == {1, 2}


def test_a_volume_is_the_mean_of_all_models(nmr, tmp_path):
    maps = {}
    for model in ("1", "2", "all"):
        options = ["--no-centre", "--model", model, "--resolution", "4"]
        record = made("volume", nmr, tmp_path / f"{model}.mrc", *options)
        maps[model] = values(tmp_path / f"{model}.mrc")
    mean = (maps["1"] + maps["2"]) / 2
    np.testing.assert_allclose(maps["all"], mean, atol=1e-5 * mean.max())
    assert any("mean of the maps of all 2 models" in x for x in record["warnings"])


def test_models_keep_their_places_on_each_other(nmr, tmp_path):
    record = made("volume", nmr, tmp_path / "a.mrc", "--model", "all")
    ensemble = vx.io.read_ensemble(nmr)
    middles = [
        np.asarray(vx.structure.centre_of_mass(ensemble.state(i))) for i in (0, 1)
    ]
    np.testing.assert_allclose(
        record["results"]["specimen"]["centre"], np.mean(middles, axis=0), atol=1e-5
    )


@pytest.mark.parametrize("options", [[], ["--ctf", "--kernel", "trilinear"]])
def test_projections_are_of_single_models(nmr, tmp_path, options):
    options = [*options, "--n", "9", "--no-centre"]
    for model in ("1", "2", "all"):
        made("project", nmr, tmp_path / model, *options, "--model", model)
    one, two, images = (
        vx.io.read_stack(tmp_path / model / "projections.mrcs")[:]
        for model in ("1", "2", "all")
    )
    numbers = classes(tmp_path / "all" / "projections.star")
    expected = np.where((numbers == 1)[:, None, None], one, two)
    np.testing.assert_allclose(images, expected, atol=1e-3 * np.abs(expected).max())
    assert set(numbers) == {1, 2}


def test_a_field_has_all_models(nmr, tmp_path):
    options = ["--size", "64", "--n-copies", "9", "0", "--distance", "0"]
    options += ["--ice", "0", "--no-report"]
    out = tmp_path / "m"
    command = ["simulate-micrograph", str(nmr), str(nmr), "--out", str(out)]
    assert main([*command, *SMALL, *options, "--model", "all"]) == 0
    record = json.loads((out / "run.json").read_text())
    numbers = classes(out / "truth.star")
    listed = record["results"]["specimens"]
    assert [each["model"] for each in listed] == [1, 2, 1, 2]
    assert set(numbers) == {1, 2}
    assert len(numbers) == 9
    assert any("of one of its 2 models" in note for note in record["warnings"])


def test_the_first_model_is_used_and_said(nmr, tmp_path):
    record = made("volume", nmr, tmp_path / "a.mrc")
    assert any("model 1 of 2 is read" in note for note in record["warnings"])
    asked = made("volume", nmr, tmp_path / "b.mrc", "--model", "1")
    assert not any("model 1" in note for note in asked["warnings"])
    np.testing.assert_array_equal(
        values(tmp_path / "a.mrc"), values(tmp_path / "b.mrc")
    )


def test_a_run_of_all_models_can_be_repeated(nmr, simulated, tmp_path):
    folder, records = simulated
    assert records["all"]["parameters"]["model"] == "all"
    config = [
        "--config",
        str(folder / "all" / "run.json"),
        "--out",
        str(tmp_path / "b"),
    ]
    assert main(["simulate", "--quiet", *config]) == 0
    again = (tmp_path / "b" / "particles.mrcs").read_bytes()[1024:]
    assert again == (folder / "all" / "particles.mrcs").read_bytes()[1024:]


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("3", BAD_INPUT, "cannot read model 3 of"),
        ("0", USAGE, "model"),
        ("both", USAGE, "model"),
    ],
)
def test_models_that_are_not_there(nmr, tmp_path, capsys, model, code, message):
    options = ["--out", str(tmp_path / "a.mrc"), "--model", model]
    assert main(["volume", str(nmr), *options]) == code
    assert message in capsys.readouterr().err


def test_maps_of_many_models_that_no_memory_holds(nmr, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_specimen, "total_memory", lambda: 400_000)
    options = ["--out", str(tmp_path / "a"), "--model", "all", *SMALL]
    assert main(["simulate", str(nmr), *options]) == RESOURCES
    assert "cannot keep the maps of 2 models because about 484 kB" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "a").exists()


def test_a_map_has_no_models(nmr, tmp_path, capsys):
    made("volume", nmr, tmp_path / "a.mrc", "--model", "all")
    options = ["--out", str(tmp_path / "b.mrc"), "--model", "all"]
    assert main(["volume", str(tmp_path / "a.mrc"), *options]) == USAGE
    assert "cannot apply --model to" in capsys.readouterr().err


def test_models_are_drawn_evenly_and_one_by_one():
    drawn = draw_models(5, 4000, 4)
    counts = np.bincount(drawn, minlength=4)
    assert (np.abs(counts - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)).all()
    np.testing.assert_array_equal(draw_models(5, 10, 4), drawn[:10])
    assert (draw_models(6, 100, 4) != drawn[:100]).any()
    assert (draw_models(5, 100, 4, species=1) != drawn[:100]).any()


def test_images_are_in_the_order_of_their_particles():
    recipe = Recipe(structure=pathlib.Path("a"), out=pathlib.Path("b"), n=23)
    particles = with_models(draw_particles(recipe), 0, 3)
    numbers = particles.columns["rlnClassNumber"]
    assert with_models(particles, 0, 1) is particles
    calls = []

    def make(model, rows, items):
        calls.append(len(items))
        image = 100.0 * (model + 1) + np.asarray(items, float)
        assert (np.asarray(rows["item"]) == np.asarray(items)).all()
        return (np.broadcast_to(image[:, None, None], (len(items), 2, 2)),)

    rows = {"item": np.arange(23)}
    found = list(images_in_order(make, particles, rows, 5, 3))
    images = np.concatenate([each for (each,) in found])
    np.testing.assert_array_equal(images[:, 0, 0], 100 * numbers + np.arange(23))
    assert set(calls) == {1}
    assert [len(each) for (each,) in found] == [20, 3]
