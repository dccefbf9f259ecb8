import bz2
import gzip

import gemmi
import numpy as np
import pytest

from vitrax.io import InputError, InputWarning, read_atoms, read_ensemble
from vitrax.io._contents import read_whole


LINE = (
    "ATOM  {serial:>5}  CA {altloc}GLY A{residue:>4}    "
    "{xyz}{occ}{b}          {element:>2}\n"
)


def line(
    serial=1,
    altloc=" ",
    xyz="   1.000   2.000   3.000",
    occ="  1.00",
    b=" 20.00",
    element="C",
):
    return LINE.format(
        serial=serial,
        altloc=altloc,
        residue=serial,
        xyz=xyz,
        occ=occ,
        b=b,
        element=element,
    )


def written(tmp_path, text, name="a.pdb"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


COLUMNS = [
    "group_PDB",
    "id",
    "type_symbol",
    "label_atom_id",
    "label_alt_id",
    "label_comp_id",
    "label_asym_id",
    "label_seq_id",
    "Cartn_x",
    "Cartn_y",
    "Cartn_z",
    "occupancy",
    "B_iso_or_equiv",
    "auth_seq_id",
    "auth_asym_id",
    "pdbx_PDB_model_num",
]
ROW = [
    "ATOM",
    "1",
    "C",
    "CA",
    ".",
    "GLY",
    "A",
    "1",
    *"123",
    "0.5",
    "20.0",
    "1",
    "A",
    "1",
]


def mmcif(rows, columns=tuple(COLUMNS)):
    names = "".join(f"_atom_site.{name}\n" for name in columns)
    lines = "".join(" ".join(row) + "\n" for row in rows)
    return f"data_x\nloop_\n{names}{lines}"


def row(**changes):
    return [changes.get(name, value) for name, value in zip(COLUMNS, ROW, strict=True)]


def test_chignolin(shared):
    atoms = read_atoms(shared / "structures" / "1uao.pdb")
    elements = np.frombuffer(atoms.elements, np.uint8)
    assert len(atoms) == 138
    assert (elements > 1).sum() == 77
    assert len(read_atoms(shared / "structures" / "1uao.pdb", hydrogens=False)) == 77


def test_models_are_not_concatenated(shared):
    path = shared / "structures" / "1uao_10_models.pdb"
    with pytest.warns(InputWarning, match="model 1 of 10 is read; the others are left"):
        first = read_atoms(path)
    assert len(first) == len(read_atoms(path, model=10)) == 138
    for model in (0, 11):
        with pytest.raises(InputError, match=f"model {model} of .* because it has 10"):
            read_atoms(path, model=model)


def test_each_model_by_its_number(tmp_path):
    models = []
    for i in (1, 2):
        atom = line(xyz=f"   {i}.000   2.000   3.000")
        models.append(f"MODEL     {i:>4}\n{atom}ENDMDL\n")
    path = written(tmp_path, "".join(models))
    assert read_atoms(path, model=1).positions.tolist() == [[1.0, 2.0, 3.0]]
    assert read_atoms(path, model=2).positions.tolist() == [[2.0, 2.0, 3.0]]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("4v1w.cif.gz", 32736),
        ("6z6u.pdb.gz", 32618),
        ("8zpm.cif.gz", 3222),
        ("1dpx.pdb", 1192),
    ],
)
def test_real_structures_as_gemmi_reads_them(shared, name, count):
    atoms = read_atoms(shared / "structures" / name)
    structure = gemmi.read_structure(
        str(shared / "structures" / name), merge_chain_parts=False
    )
    expected = [site.atom for site in structure[0].all()]
    assert len(atoms) == count
    np.testing.assert_allclose(
        atoms.positions, [a.pos.tolist() for a in expected], atol=1e-4
    )
    np.testing.assert_allclose(atoms.b_factors, [a.b_iso for a in expected], rtol=1e-6)
    np.testing.assert_allclose(atoms.occupancies, [a.occ for a in expected], rtol=1e-6)
    assert list(atoms.elements) == [a.element.atomic_number for a in expected]


def test_waters(shared):
    path = shared / "structures" / "1dpx.pdb"
    assert len(read_atoms(path)) - len(read_atoms(path, waters=False)) == 177


def test_conformers_keep_their_occupancies(tmp_path):
    text = line(1, "A", occ="  0.60") + line(1, "B", occ="  0.40")
    atoms = read_atoms(written(tmp_path, text))
    np.testing.assert_allclose(atoms.occupancies, [0.6, 0.4], rtol=1e-6)


@pytest.mark.parametrize(
    "element", ["Se", "I", "Br", "Mo", "Cd", "W", "Au", "Zn", "Li"]
)
def test_heavy_elements(tmp_path, element):
    atoms = read_atoms(written(tmp_path, line(element=element.upper())))
    assert list(atoms.elements) == [gemmi.Element(element).atomic_number]


def test_deuterium_is_hydrogen(tmp_path):
    path = written(tmp_path, line(element="D") + line(2))
    assert list(read_atoms(path).elements) == [1, 6]
    assert len(read_atoms(path, hydrogens=False)) == 1


@pytest.mark.parametrize("element", ["X", "UN"])
def test_unknown_elements_are_named(tmp_path, element):
    text = line() + line(2, element=element)
    with pytest.raises(
        InputError, match=r"1 atoms .* element is unknown: .*GLY 2"
    ) as e:
        read_atoms(written(tmp_path, text))
    assert "a.pdb" in str(e.value)


def test_names_that_are_no_text(tmp_path):
    text = line(element="X").encode().replace(b"GLY", b"G\xa0Y")
    with pytest.raises(InputError, match="element is unknown"):
        read_atoms(written(tmp_path, text))


@pytest.mark.parametrize(
    "xyz", ["*" * 24, "   1.000     nan   3.000", "   1.000           3.000"]
)
def test_coordinates_that_are_no_numbers(tmp_path, xyz):
    with pytest.raises(InputError, match=r"a\.pdb because line 2 has a coordinate"):
        read_atoms(written(tmp_path, line() + line(2, xyz=xyz)))


@pytest.mark.parametrize("x", ["nan", "?", "."])
def test_coordinates_that_are_no_numbers_in_mmcif(tmp_path, x):
    with pytest.raises(InputError, match="have no coordinates"):
        read_atoms(written(tmp_path, mmcif([row(), row(id="2", Cartn_x=x)]), "a.cif"))


def test_mmcif_by_content(tmp_path):
    atoms = read_atoms(written(tmp_path, mmcif([row()]), "a.pdb"))
    np.testing.assert_array_equal(atoms.positions, [[1.0, 2.0, 3.0]])
    assert float(atoms.occupancies[0]) == 0.5
    packed = written(tmp_path, gzip.compress(mmcif([row()]).encode()), "b.txt")
    assert len(read_atoms(packed)) == 1


def test_occupancies_that_are_not_given_are_one(tmp_path):
    atoms = read_atoms(written(tmp_path, mmcif([row(occupancy="?")]), "a.cif"))
    assert float(atoms.occupancies[0]) == 1.0
    blank = line(occ="      ")
    assert float(read_atoms(written(tmp_path, blank)).occupancies[0]) == 1.0


@pytest.mark.filterwarnings("ignore:.*have no element")
@pytest.mark.parametrize(
    ("text", "occupancy", "b_factor", "message"),
    [
        (line()[:54] + "\n", 1.0, 0.0, "line 1: no B-factor is given; 0 is taken"),
        (line()[:60], 1.0, 0.0, "line 1: no B-factor is given; 0 is taken"),
        (line(b="      "), 1.0, 0.0, "line 1: no B-factor is given; 0 is taken"),
        (line(b="  zero"), 1.0, 0.0, "line 1: the B-factor isn't a number; 0 is"),
        (line(b="*" * 6), 1.0, 999.99, "doesn't fit its columns; 999.99 is taken"),
        (line(occ="   nan"), 1.0, 20.0, "occupancy isn't a number; 1 is taken"),
    ],
)
def test_fields_that_say_nothing_in_pdb(tmp_path, text, occupancy, b_factor, message):
    with pytest.warns(InputWarning, match=message):
        atoms = read_atoms(written(tmp_path, text))
    np.testing.assert_allclose(atoms.occupancies, [occupancy], rtol=1e-6)
    np.testing.assert_allclose(atoms.b_factors, [b_factor], rtol=1e-6)


@pytest.mark.parametrize("end", [30, 53, 57, 63])
def test_cut_last_line(tmp_path, end):
    with pytest.raises(InputError, match=r"a\.pdb because line 2 is cut short"):
        read_atoms(written(tmp_path, line() + line(2)[:end]))


@pytest.mark.filterwarnings("ignore:.*have no element")
def test_all_occupancies_zero(tmp_path, shared):
    with pytest.warns(InputWarning, match="every occupancy is 0"):
        atoms = read_atoms(shared / "structures" / "tip3p_water_box.pdb.gz")
    assert len(atoms) == 4405
    assert float(atoms.occupancies.min()) == 1.0


def test_negative_occupancy(tmp_path):
    with pytest.raises(InputError, match="occupancy isn't 0 or more"):
        read_atoms(written(tmp_path, line(occ=" -1.00")))


def test_b_factors_that_are_not_given(tmp_path):
    rows = [row(B_iso_or_equiv="?"), row(id="2", B_iso_or_equiv="30.0")]
    with pytest.warns(InputWarning, match="atom 1: no B-factor is given; 0 is taken"):
        atoms = read_atoms(written(tmp_path, mmcif(rows), "a.cif"))
    assert atoms.b_factors.tolist() == [0.0, 30.0]


def test_negative_b_factors(tmp_path):
    with pytest.warns(InputWarning, match="GLY 1/CA: the B-factor is below 0; 0 is"):
        atoms = read_atoms(written(tmp_path, line(b="-20.00") + line(2)))
    assert atoms.b_factors.tolist() == [0.0, 20.0]


NO_MODELS = {
    "": r"it is empty \(0 bytes\)",
    "REMARK nothing\nEND\n": "no ATOM or HETATM records",
    "data_x\n_cell.length_a 1\n": "has no atoms",
    "data_x\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1\n": "isn't a sound PDB",
    "data_LIG\nloop_\n_chem_comp_atom.atom_id\nC1\n": "not a ligand's definition",
    "version https://git-lfs.github.com/spec/v1\n": "Git LFS pointer",
    "<html></html>": "web page",
    mmcif(
        [["C", "1.0", "2.0", "3.0"]], ("type_symbol", "Cartn_x", "Cartn_y", "Cartn_z")
    ): "no column id, label_alt_id, label_asym_id, label_atom_id or auth_atom_id",
}


@pytest.mark.parametrize("text", NO_MODELS, ids=lambda t: repr(t[:12]))
def test_what_is_no_model(tmp_path, text):
    with pytest.raises(InputError, match=NO_MODELS[text]) as caught:
        read_atoms(written(tmp_path, text))
    assert "a.pdb" in str(caught.value)


def test_nothing_left(tmp_path):
    with pytest.raises(InputError, match="no atoms are left"):
        read_atoms(written(tmp_path, line(element="H")), hydrogens=False)


ASSEMBLY = (
    "REMARK 350 BIOMOLECULE: 1\n"
    "REMARK 350 APPLY THE FOLLOWING TO CHAINS: A\n"
    "REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000\n"
    "REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000\n"
    "REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000\n"
    "REMARK 350   BIOMT1   2 -1.000000  0.000000  0.000000       10.00000\n"
    "REMARK 350   BIOMT2   2  0.000000 -1.000000  0.000000        0.00000\n"
    "REMARK 350   BIOMT3   2  0.000000  0.000000  1.000000        0.00000\n"
)


def test_assembly(tmp_path):
    path = written(tmp_path, ASSEMBLY + line())
    assert len(read_atoms(path)) == 1
    positions = read_atoms(path, assembly="1").positions
    np.testing.assert_allclose(positions, [[1, 2, 3], [9, -2, 3]])
    with pytest.raises(InputError, match=r"assembly 2 of .* because it describes 1;"):
        read_atoms(path, assembly="2")


def test_deuterium_and_no_b_factors_in_mmcif(tmp_path):
    columns = tuple(name for name in COLUMNS if name != "B_iso_or_equiv")
    rows = [
        [v for n, v in zip(COLUMNS, row(type_symbol="D"), strict=True) if n in columns]
    ]
    with pytest.warns(InputWarning, match="every atom: no B-factor is given; 0"):
        atoms = read_atoms(written(tmp_path, mmcif(rows, columns), "a.cif"))
    assert (list(atoms.elements), float(atoms.b_factors[0])) == ([1], 0.0)


@pytest.mark.parametrize("serial", ["A0000", "*****", "186a0", "    0"])
def test_numbers_beyond_99999(tmp_path, serial):
    other = f"ATOM  {serial}{line(2)[11:22]}A000{line()[26:]}"
    assert (
        len(read_atoms(written(tmp_path, line(99999)[:22] + line()[22:] + other))) == 2
    )


def test_residue_numbers_that_do_not_fit(tmp_path):
    lines = [line(), line(2, xyz="   5.000   2.000   3.000")]
    text = "".join(each[:22] + "****" + each[26:] for each in lines)
    assert read_atoms(written(tmp_path, text)).positions[:, 0].tolist() == [1.0, 5.0]


def test_more_than_99999_atoms(tmp_path):
    atom = line(occ="  0.50")
    path = written(tmp_path, atom * 100_001)
    atoms = read_atoms(path)
    assert len(atoms) == 100_001
    assert float(atoms.occupancies.sum()) == 50_000.5


def test_ions_are_neutral(tmp_path):
    zinc = line(element="ZN").rstrip() + "2+\n"
    assert list(read_atoms(written(tmp_path, zinc)).elements) == [30]


def test_alpha_carbons_without_an_element_are_no_calcium(tmp_path):
    left = line(element="").replace(" CA  GLY", "CA   GLY")
    with pytest.warns(
        InputWarning, match=r"a\.pdb: 1 atoms \(line 1\) have no element"
    ):
        assert list(read_atoms(written(tmp_path, left)).elements) == [6]
    ion = line(element="").replace(" CA  GLY", "CA    CA")
    with pytest.warns(InputWarning, match="taken from their names; do write"):
        assert list(read_atoms(written(tmp_path, ion)).elements) == [20]


def test_elements_that_are_not_given_are_told_once_with_their_number(tmp_path):
    lines = [line(serial=i, element="") for i in range(1, 8)]
    doubtful = line(serial=8, element="").replace("GLY", "LIG")
    text = "".join([*lines, line(9), doubtful])
    with pytest.warns(InputWarning) as said:
        atoms = read_atoms(written(tmp_path, text))
    assert list(atoms.elements) == [6] * 9
    (message,) = (str(each.message) for each in said)
    assert message.startswith(
        f"{tmp_path / 'a.pdb'}: 8 atoms (line 1, line 2, line 3, line 4, line 5 and 3 "
        f"more) have no element; it was taken from their names, 1 of them in doubt "
        f"(line 9)"
    )
    models = "".join(f"MODEL {n}\n{lines[0]}ENDMDL\n" for n in (1, 2))
    with pytest.warns(InputWarning) as said:
        read_ensemble(written(tmp_path, models))
    assert [str(each.message).count("2 atoms") for each in said] == [1]


def test_numbers_beyond_single_precision(tmp_path):
    for name, message in {
        "Cartn_x": "no coordinates",
        "B_iso_or_equiv": "B-factor",
        "occupancy": "occ",
    }.items():
        with pytest.raises(InputError, match=message):
            read_atoms(written(tmp_path, mmcif([row(**{name: "1e39"})]), "a.cif"))


def test_bzip2(tmp_path):
    path = written(tmp_path, bz2.compress(line().encode()), "a.pdb.bz2")
    assert len(read_atoms(path)) == 1


def test_assembly_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("vitrax.io._biological_assembly.MAX_ATOMS", 1)
    with pytest.raises(InputError, match="2 atoms"):
        read_atoms(written(tmp_path, ASSEMBLY + line()), assembly="1")


def test_real_assembly(shared):
    path = shared / "structures" / "6z6u.pdb.gz"
    assert len(read_atoms(path, assembly="1")) == 32618


def test_packed_content_is_bounded(tmp_path):
    path = written(tmp_path, gzip.compress(bytes(100_000)), "bomb.pdb.gz")
    with pytest.raises(InputError, match="larger than"):
        read_whole(path, 10_000)
