import gemmi
import numpy as np
import pytest

from vitrax.io import InputError, read_atoms, read_ensemble


ATOMS = """loop_
_atom_site.group_PDB
_atom_site.id
_atom_site.type_symbol
_atom_site.label_atom_id
_atom_site.label_alt_id
_atom_site.label_comp_id
_atom_site.label_asym_id
_atom_site.label_seq_id
_atom_site.auth_asym_id
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
_atom_site.occupancy
_atom_site.B_iso_or_equiv
ATOM 1 C CA . GLY A 1 P 1.0 2.0 3.0 1.0 20.0
ATOM 2 N N . GLY B 1 Q 4.0 5.0 6.0 1.0 20.0
"""
# Turns about z by 90 degrees, about x by 180, and a step.
OPERATORS = {
    "1": "1 0 0 0  0 1 0 0  0 0 1 0",
    "2": "0 -1 0 0  1 0 0 0  0 0 1 0",
    "3": "1 0 0 7  0 -1 0 0  0 0 -1 0",
    "P": "1 0 0 100  0 1 0 0  0 0 1 0",
    "bad": "1 0 0 0  0 2 0 0  0 0 1 0",
    "mirror": "1 0 0 0  0 1 0 0  0 0 -1 0",
}


def written(tmp_path, *generators):
    tags = [
        f"_pdbx_struct_oper_list.{kind}"
        for i in (1, 2, 3)
        for kind in (*(f"matrix[{i}][{j}]" for j in (1, 2, 3)), f"vector[{i}]")
    ]
    rows = "".join(f"1 '{expression}' {chains}\n" for expression, chains in generators)
    matrices = "".join(f"{name} type {each}\n" for name, each in OPERATORS.items())
    path = tmp_path / "a.cif"
    path.write_text(
        f"data_x\n{ATOMS}loop_\n_pdbx_struct_assembly_gen.assembly_id\n"
        "_pdbx_struct_assembly_gen.oper_expression\n"
        f"_pdbx_struct_assembly_gen.asym_id_list\n{rows}"
        "loop_\n_pdbx_struct_oper_list.id\n_pdbx_struct_oper_list.type\n"
        + "\n".join(tags)
        + f"\n{matrices}"
    )
    return path


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", [[1, 2, 3]]),
        ("1,2", [[1, 2, 3], [-2, 1, 3]]),
        ("1-3", [[1, 2, 3], [-2, 1, 3], [8, -2, -3]]),
        ("(1,2)", [[1, 2, 3], [-2, 1, 3]]),
        # The last is applied first: turned about x and moved, then about z.
        ("(2)(3)", [[2, 8, -3]]),
        ("(3)(2)", [[5, -1, -3]]),
        ("(P)(1-2)", [[101, 2, 3], [98, 1, 3]]),
        ("P(1-2)", [[101, 2, 3], [98, 1, 3]]),
    ],
)
def test_products_of_operators(tmp_path, expression, expected):
    path = written(tmp_path, (expression, "A"))
    positions = read_atoms(path, assembly="1").positions
    np.testing.assert_allclose(positions, expected, atol=1e-6)


def test_each_generator_has_its_chains(tmp_path):
    path = written(tmp_path, ("1,2", "A"), ("1", "A,B"))
    atoms = read_atoms(path, assembly="1")
    assert list(atoms.elements) == [6, 6, 6, 7]
    only = read_atoms(path, assembly="1", select="//Q")
    assert list(only.elements) == [7]
    assert len(read_ensemble(path, assembly="1").state(0)) == 4


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1-99999999999999999999", "there is no operator '1-99999"),
        ("1-999999999", "range 1-999999999 is empty or too long"),
        ("(1-9999)(1-9999)", "more than 100000"),
        ("2-1", "range 2-1 is empty"),
        ("1,7", "no operator '7'"),
        ("(1", "brackets don't match"),
        ("", "brackets don't match"),
        ("bad", "isn't a rotation"),
        ("mirror", "isn't a rotation"),
    ],
)
def test_assemblies_that_cannot_be_built(tmp_path, expression, message):
    path = written(tmp_path, (expression, "A"))
    assert len(read_atoms(path)) == 2
    with pytest.raises(InputError, match=f"cannot build assembly 1 .*{message}"):
        read_atoms(path, assembly="1")


def test_chains_that_have_no_atoms(tmp_path):
    path = written(tmp_path, ("1", "C"))
    with pytest.raises(InputError, match="none of its chains has atoms"):
        read_atoms(path, assembly="1")


@pytest.mark.parametrize("name", ["4v1w.cif.gz", "6z6u.pdb.gz", "8zpm.cif.gz"])
def test_real_assemblies_as_gemmi_builds_them(shared, name):
    path = shared / "structures" / name
    structure = gemmi.read_structure(str(path))
    how = gemmi.HowToNameCopiedChain.Dup
    model = gemmi.make_assembly(structure.assemblies[0], structure[0], how)
    expected = np.array([site.atom.pos.tolist() for site in model.all()])
    found = np.asarray(read_atoms(path, assembly="1").positions)
    assert found.shape == expected.shape
    for one, other in zip(found.T, expected.T, strict=True):
        np.testing.assert_allclose(np.sort(one), np.sort(other), atol=1e-3)
