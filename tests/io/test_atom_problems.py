import gemmi
import numpy as np
import pytest

from vitrax.io import (
    InputError,
    Problem,
    atom_problems,
    read_atoms,
    write_mended_atoms,
)


def line(
    serial="1",
    name=" CA ",
    altloc=" ",
    residue="GLY",
    number=1,
    x="   1.000",
    occ="  1.00",
    b=" 20.00",
    element=" C",
):
    return (
        f"ATOM  {serial:>5} {name}{altloc}{residue:>3} A{number:>4}    {x}   2.000   "
        f"3.000{occ}{b}          {element}\n"
    )


SOUND = line() + line("2", " CB ", x="   2.000")
# One fault each: the file, the fault, its place, whether it is mended.
FAULTS = {
    "blank occupancy": (
        line(occ="      "), "no occupancy is given", "line 1", True
    ),
    "bad occupancy": (line(occ="   one"), "occupancy isn't a number", "line 1", True),
    "blank B-factor": (line(b="      "), "no B-factor is given", "line 1", True),
    "bad B-factor": (line(b="   nan"), "B-factor isn't a number", "line 1", True),
    "wide B-factor": (line(b="******"), "doesn't fit its columns", "line 1", True),
    "negative B-factor": (line(b=" -5.00"), "below 0", "A/GLY 1/CA", True),
    "no element": (line(element="  "), "no element is given", "line 1", True),
    "unknown element": (line(element=" X"), "element is unknown", "A/GLY 1/CA", True),
    "calcium": (line(element="CA"), "calcium for an alpha carbon", "A/GLY 1/CA", True),
    "no doubt": (
        line(name=" Q1 ", residue="LIG", element=" X"),
        "the name doesn't tell it", "A/LIG 1/Q1", False,
    ),
    "all occupancies 0": (line(occ="  0.00"), "every occupancy is 0", "model 1", True),
    "negative occupancy": (
        line(occ=" -1.00"), "occupancy is negative", "A/GLY 1/CA", False
    ),
    "conformers": (
        line(altloc="A") + line("2", altloc="B", x="   2.000"),
        "sum to more than 1", "A/GLY 1/CA", False,
    ),
    "all B-factors 0": (line(b="  0.00"), "every B-factor is 0", "model 1", False),
    "twice": (line() + line("2"), "where another atom lies", "A/GLY 1/CA", False),
    "numbers": (
        line("*****") + line("*****", x="   2.000"), "atom numbers repeat", "line 2",
        True,
    ),
    "stars": (line(x="********"), "a coordinate isn't a number", "line 1", False),
    "nan": (line(x="     nan"), "a coordinate isn't a number", "line 1", False),
    "cut": (line()[:50], "the line is cut short", "line 1", False),
    "empty model": ("REMARK\n", "no ATOM or HETATM records", "the whole file", False),
}  # fmt: skip
PARSED = [
    name for name, each in FAULTS.items() if each[2][:5] not in ("line ", "the w")
]


def written(tmp_path, text, name="a.pdb"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault(tmp_path, name):
    text, what, where, is_fixable = FAULTS[name]
    found = atom_problems(written(tmp_path, text))
    assert what in found[0].what
    assert found[0].where == where
    assert found[0].is_fixable is is_fixable
    assert len(found) == 1 or name in (
        "no element",
        "blank B-factor",
        "bad B-factor",
        "negative B-factor",
    )


@pytest.mark.parametrize("name", PARSED)
def test_the_same_in_mmcif(tmp_path, name):
    text, what, where, _ = FAULTS[name]
    structure = gemmi.read_pdb_string(text)
    structure.setup_entities()
    path = written(tmp_path, structure.make_mmcif_document().as_string(), "a.cif")
    found = atom_problems(path)
    assert what in found[0].what
    assert found[0].where == where


@pytest.mark.parametrize("name", [n for n, each in FAULTS.items() if each[3]])
def test_what_is_mended(tmp_path, name):
    path, target = written(tmp_path, FAULTS[name][0]), tmp_path / "b.cif"
    mended = write_mended_atoms(path, target)
    assert FAULTS[name][1] in mended[0].what
    assert not [each for each in atom_problems(target) if each.is_fixable]
    atoms = read_atoms(target)
    assert set(atoms.elements) == {6}
    np.testing.assert_array_equal(atoms.occupancies, 1.0)


@pytest.mark.parametrize("text", [SOUND, SOUND.replace("\n", "\r\n")])
def test_sound_files(tmp_path, text):
    path = written(tmp_path, text)
    assert atom_problems(path) == []
    assert write_mended_atoms(path, tmp_path / "b.cif") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["4v1w.cif.gz", "8zpm.cif.gz", "6z6u.pdb.gz", "1dpx.pdb"]
)
def test_mending_keeps_real_files(shared, tmp_path, name):
    path, target = shared / "structures" / name, tmp_path / "a.cif"
    write_mended_atoms(path, target)
    before, after = read_atoms(path), read_atoms(target)
    assert after.elements == before.elements
    for field in ("positions", "b_factors", "occupancies"):
        np.testing.assert_array_equal(getattr(after, field), getattr(before, field))
    if name != "1dpx.pdb":
        assert len(read_atoms(target, assembly="1")) == len(before)


def test_other_tables_of_mmcif_are_kept(tmp_path):
    structure = gemmi.read_pdb_string(line(b=" -5.00"))
    structure.setup_entities()
    text = structure.make_mmcif_document().as_string() + "_mine.own 'a b'\n"
    write_mended_atoms(written(tmp_path, text, "a.cif"), tmp_path / "b.cif")
    block = gemmi.cif.read(str(tmp_path / "b.cif"))[0]
    assert block.find_value("_mine.own") == "'a b'"
    assert list(block.find_values("_atom_site.B_iso_or_equiv")) == ["0"]


def test_columns_that_are_missing(tmp_path):
    text = "data_x\nloop_\n_atom_site.type_symbol\n_atom_site.Cartn_x\nC 1\n"
    [problem] = atom_problems(written(tmp_path, text, "a.cif"))
    assert isinstance(problem, Problem)
    assert "has no column id, label_alt_id" in problem.what
    assert "gemmi convert" in problem.remedy


def test_what_cannot_be_mended(tmp_path):
    path = written(tmp_path, line(x="********"))
    with pytest.raises(InputError, match="line 1 has a coordinate"):
        write_mended_atoms(path, tmp_path / "b.cif")
    with pytest.raises(InputError, match=r"do use the suffix \.cif"):
        write_mended_atoms(written(tmp_path, SOUND), tmp_path / "b.pdb")
    assert not (tmp_path / "b.cif").exists()
    structure = gemmi.read_pdb_string(SOUND)
    structure.setup_entities()
    text = structure.make_mmcif_document().as_string().replace(" 2 2 3 ", " ? 2 3 ")
    with pytest.raises(InputError, match="no coordinates: A/GLY 1/CB"):
        write_mended_atoms(written(tmp_path, text, "c.cif"), tmp_path / "b.cif")


def test_many_places_are_counted(tmp_path):
    text = "".join(line(str(i), x=f"{i:8.3f}", b="      ") for i in range(1, 9))
    found = atom_problems(written(tmp_path, text))[0]
    assert found.where == "line 1, line 2, line 3, line 4, line 5 and 3 more"


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        atom_problems(tmp_path / "none.pdb")
