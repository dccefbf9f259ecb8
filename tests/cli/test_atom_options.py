import json
import pathlib

import numpy as np
import pytest

import vitrax as vx
from vitrax.cli import main
from vitrax.cli._exit import UsageError
from vitrax.cli._micrograph_job import prepare_micrograph
from vitrax.cli._micrograph_recipe import MicrographRecipe
from vitrax.cli._placing import PlacedAtoms, read_structure
from vitrax.cli._recipe import Recipe


# Two conformers, a hydrogen, a water, and an atom of unknown element.
PDB = """\
ATOM      1  CB AALA A   1       1.000   0.000   0.000  0.40 15.00           C
ATOM      2  CB BALA A   1       2.000   0.000   0.000  0.60 15.00           C
ATOM      3  HA  ALA A   1       3.000   0.000   0.000  1.00 15.00           H
ATOM      4  Q1  LIG A   2       4.000   0.000   0.000  1.00 15.00           X
HETATM    5  O   HOH A   3       5.000   0.000   0.000  1.00 15.00           O
END
"""


@pytest.fixture
def atoms(tmp_path):
    path = tmp_path / "a.pdb"
    path.write_text(PDB)
    return path


def places(atoms, **options):
    recipe = Recipe(structure=atoms, out=pathlib.Path("out"), centre=False, **options)
    placed = read_structure(recipe)
    assert isinstance(placed, PlacedAtoms)
    return np.asarray(placed.atoms.positions)[:, 0].tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"select": "[C]"}, [1, 2]),
        ({"select": "[C]", "altloc": "highest"}, [2]),
        ({"select": "//A/1"}, [1, 2, 3]),
        ({"select": "//A/1", "hydrogens": False, "altloc": "A"}, [1]),
        ({"select": "[C,O]", "waters": False}, [1, 2]),
    ],
)
def test_options_choose_atoms(atoms, options, expected):
    assert places(atoms, **options) == expected


@pytest.mark.parametrize(("unknown", "count"), [("skip", 4), ("carbon", 5)])
def test_unknown_elements(atoms, unknown, count):
    with pytest.warns(vx.io.InputWarning, match="1 atoms of unknown element"):
        assert len(places(atoms, unknown=unknown)) == count


CHOSEN = ["--altloc", "B", "--select", "//A/1-2", "--unknown", "skip"]
CHOSEN += ["--no-hydrogens", "--no-waters", "--model", "1"]
RECORDED = {
    "altloc": "B",
    "select": "//A/1-2",
    "unknown": "skip",
    "hydrogens": False,
    "waters": False,
    "model": 1,
    "assembly": None,
}


def test_record_says_which_atoms(atoms, tmp_path):
    out = tmp_path / "map.mrc"
    options = ["--box", "16", "--angpix", "2", *CHOSEN, "--quiet"]
    assert main(["volume", str(atoms), "-o", str(out), *options]) == 0
    record = json.loads(out.with_suffix(".json").read_text())
    assert RECORDED.items() <= record["parameters"].items()
    assert record["results"]["specimen"]["atoms"] == 1
    assert any(
        "1 atoms of unknown element were left out" in w for w in record["warnings"]
    )


@pytest.mark.parametrize("command", ["simulate", "project", "simulate-micrograph"])
def test_other_commands_take_them(atoms, tmp_path, capsys, command):
    tokens = [command, str(atoms), "-o", str(tmp_path / "o"), *CHOSEN, "--dry-run"]
    tokens += ["--box", "32"] + (["--size", "64"] if "micro" in command else [])
    tokens += ["--n-copies" if "micro" in command else "--n", "2"]
    assert main(tokens) == 0
    assert "of unknown element were left out" in capsys.readouterr().out


@pytest.mark.slow
def test_micrograph_has_the_chosen_atoms(atoms, tmp_path):
    recipe = MicrographRecipe(
        structure=[atoms], out=tmp_path / "o", size=[64], n_copies=[1], ice=0.0, box=32,
        altloc="highest", select="[C]",
    )  # fmt: skip
    assert prepare_micrograph(recipe).specimens[0].facts["atoms"] == 1


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--altloc", "none"], 2, "cannot take altloc='none'"),
        (["--select", "bad)("], 2, "cannot select atoms by"),
        (["--unknown", "gold"], 2, "gold"),
        (["--altloc", "C"], 3, "cannot take conformer C"),
        (["--select", "//B"], 3, "no atoms are left"),
        ([], 3, "(--unknown)"),
    ],
)
def test_what_cannot_be_chosen(atoms, tmp_path, capsys, options, code, said):
    tokens = ["volume", str(atoms), "-o", str(tmp_path / "a.mrc"), "--dry-run"]
    assert main([*tokens, *options]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"altloc": "first"}, "--altloc"),
        ({"hydrogens": False, "waters": False}, "--no-hydrogens, --no-waters"),
        ({"select": "//A", "unknown": "skip"}, "--select, --unknown"),
    ],
)
def test_maps_and_the_packaged_shell_have_no_such_atoms(tmp_path, options, named):
    vx.io.write_map(tmp_path / "a.mrc", vx.VoxelMap(np.ones((8, 8, 8)), 4.0))
    for path in (tmp_path / "a.mrc", pathlib.Path("apoferritin")):
        with pytest.raises(UsageError, match=f"cannot apply {named} to .*{path.name}"):
            places(path, **options)
