import numpy as np
import pytest

from vitrax.io import InputError, InputWarning, read_atoms


def line(name="CA", altloc=" ", residue="GLY", number=1, x=1.0, occ=1.0, element="C"):
    return (
        f"ATOM      1  {name:<3}{altloc}{residue} A{number:>4}    {x:8.3f}   2.000   "
        f"3.000{occ:6.2f} 20.00          {element:>2}\n"
    )


# Two conformers of a side chain with a backbone that they share.
SIDE = (
    line("N", x=1, element="N")
    + line("CB", "A", x=2, occ=0.4)
    + line("CB", "B", x=3, occ=0.6)
)
# Two residues with one number, of which only the second has an oxygen.
MIXED = line("CB", "A", "ALA", x=4, occ=0.3)
MIXED += line("CB", "B", "SER", x=5, occ=0.5) + line("OG", "B", "SER", x=6, occ=0.5)
# The first conformer has no letter.
BLANK = line("CB", " ", x=7, occ=0.6) + line("CB", "B", x=8, occ=0.4)


def read(tmp_path, text, **options):
    path = tmp_path / "a.pdb"
    path.write_text(text)
    atoms = read_atoms(path, **options)
    return dict(
        zip(
            np.asarray(atoms.positions)[:, 0].round().astype(int).tolist(),
            np.asarray(atoms.occupancies).round(3).tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize(
    ("text", "altloc", "expected"),
    [
        (SIDE, "all", {1: 1.0, 2: 0.4, 3: 0.6}),
        (SIDE, "first", {1: 1.0, 2: 1.0}),
        (SIDE, "highest", {1: 1.0, 3: 1.0}),
        (SIDE, "A", {1: 1.0, 2: 1.0}),
        (SIDE, "B", {1: 1.0, 3: 1.0}),
        (MIXED, "all", {4: 0.3, 5: 0.5, 6: 0.5}),
        (MIXED, "first", {4: 0.8}),
        (MIXED, "highest", {5: 0.8, 6: 0.8}),
        (BLANK, "all", {7: 0.6, 8: 0.4}),
        (BLANK, "highest", {7: 1.0}),
        (BLANK, "B", {8: 1.0}),
        (line(), "A", {1: 1.0}),
    ],
)
def test_conformers(tmp_path, text, altloc, expected):
    found = read(tmp_path, text, altloc=altloc)
    assert found == pytest.approx(expected)


def test_residue_without_the_conformer_gives_its_first(tmp_path):
    other = line("CB", "C", number=2, x=5, occ=0.5) + line(
        "CB", "D", number=2, x=6, occ=0.5
    )
    assert read(tmp_path, SIDE + other, altloc="B") == {1: 1.0, 3: 1.0, 5: 1.0}


def test_all_conformers_of_chance_weigh_as_one(tmp_path):
    for altloc in ("all", "first", "highest"):
        assert sum(read(tmp_path, SIDE, altloc=altloc).values()) == pytest.approx(2)


def test_a_conformer_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"conformer C of .* because it has A, B;"):
        read(tmp_path, SIDE, altloc="C")


@pytest.mark.parametrize("altloc", ["AB", "", "lowest"])
def test_a_conformer_that_makes_no_sense(tmp_path, altloc):
    with pytest.raises(ValueError, match="it is none of all, highest, first"):
        read(tmp_path, SIDE, altloc=altloc)


CHAINS = line(x=1) + line("CB", number=10, x=2)
CHAINS += line("O", number=20, x=3, element="O")


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("//A/5-50", [2, 3]),
        ("//*/10-", [2, 3]),
        ("[O]", [3]),
        ("[!O]", [1, 2]),
        ("//*//CA[C]", [1]),
        ("//A", [1, 2, 3]),
    ],
)
def test_selections(tmp_path, select, expected):
    assert list(read(tmp_path, CHAINS, select=select)) == expected


def test_selections_that_leave_nothing(tmp_path):
    with pytest.raises(InputError, match=r"no atoms are left .* check select='//B'"):
        read(tmp_path, CHAINS, select="//B")


@pytest.mark.parametrize(
    ("select", "message"), [("bad)(", "Invalid selection"), ("/2/A", "names a model")]
)
def test_selections_that_make_no_sense(tmp_path, select, message):
    with pytest.raises(ValueError, match=f"cannot select atoms by .*{message}"):
        read(tmp_path, CHAINS, select=select)


def test_unknown_elements(tmp_path):
    text = line(x=1) + line("Q1", residue="UNL", number=2, x=2, element="X")
    with pytest.raises(InputError, match="element is unknown: A/UNL 2/Q1; do"):
        read(tmp_path, text)
    with pytest.warns(InputWarning, match="1 atoms of unknown element were left out"):
        assert list(read(tmp_path, text, unknown="skip")) == [1]
    with pytest.warns(InputWarning, match="were taken for carbon: A/UNL 2/Q1"):
        atoms = read_atoms(tmp_path / "a.pdb", unknown="carbon")
    assert list(atoms.elements) == [6, 6]
    with pytest.raises(ValueError, match="none of error, skip, carbon"):
        read(tmp_path, text, unknown="nitrogen")


def test_nothing_but_unknown_elements(tmp_path):
    text = line("Q1", residue="UNL", element="X")
    with pytest.raises(InputError, match="no element of it is known"):
        read(tmp_path, text, unknown="skip")
