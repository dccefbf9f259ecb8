import gemmi
import numpy as np
import pytest

from vitrax import Atoms
from vitrax.io import InputError, read_atoms, write_atoms


def atoms(count=5, scale=20.0):
    rng = np.random.default_rng(3)
    return Atoms(
        scale * rng.normal(size=(count, 3)).astype(np.float32),
        rng.integers(1, 99, count),
        rng.uniform(0, 90, count).astype(np.float32),
        rng.uniform(0, 1, count).astype(np.float32),
    )


@pytest.mark.parametrize("suffix", ["cif", "mmcif"])
def test_mmcif_keeps_every_digit(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    for scale in (20.0, 1e-4, 1e5):
        expected = atoms(scale=scale)
        write_atoms(path, expected)
        found = read_atoms(path)
        assert found.elements == expected.elements
        for name in ("positions", "b_factors", "occupancies"):
            one = np.asarray(getattr(found, name), np.float32)
            np.testing.assert_array_equal(one, getattr(expected, name))


@pytest.mark.parametrize("suffix", ["pdb", "ent"])
def test_pdb_rounds(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    expected = atoms(50)
    write_atoms(path, expected)
    found = read_atoms(path)
    assert found.elements == expected.elements
    for name, step in {
        "positions": 1e-3,
        "b_factors": 1e-2,
        "occupancies": 1e-2,
    }.items():
        one, other = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(one, other, atol=0.5 * step + 1e-5)


def test_more_atoms_than_pdb_has_numbers(tmp_path):
    count = 100_010
    places = np.arange(3 * count).reshape(-1, 3) % 1000
    many = Atoms(places, np.full(count, 6), np.zeros(count), np.ones(count))
    write_atoms(tmp_path / "a.pdb", many)
    lines = (tmp_path / "a.pdb").read_text().splitlines()
    assert any(line.startswith("HETATMA0000") for line in lines)
    found = read_atoms(tmp_path / "a.pdb")
    assert len(found) == count
    np.testing.assert_array_equal(found.positions, many.positions)
    serials = [
        site.atom.serial
        for site in gemmi.read_structure(str(tmp_path / "a.pdb"))[0].all()
    ]
    assert serials == list(range(1, count + 1))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"positions": [[-1000.0, 0.0, 0.0]]}, "a coordinate"),
        ({"positions": [[0.0, 10_000.0, 0.0]]}, "a coordinate"),
        ({"b_factors": [1000.0]}, "a B-factor"),
        ({"occupancies": [1000.0]}, "an occupancy"),
    ],
)
def test_what_pdb_cannot_hold(tmp_path, changed, what):
    fields = {
        "positions": [[-999.999, 9999.999, 0.0]],
        "elements": [6],
        "b_factors": [999.99],
        "occupancies": [1.0],
    }
    write_atoms(tmp_path / "a.pdb", Atoms(**fields))
    assert read_atoms(tmp_path / "a.pdb").b_factors.tolist() == [pytest.approx(999.99)]
    with pytest.raises(InputError, match=f"because {what} doesn't fit .* write mmCIF"):
        write_atoms(tmp_path / "b.pdb", Atoms(**(fields | changed)))
    assert not (tmp_path / "b.pdb").exists()


def test_chains_of_mmcif_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr("vitrax.io._atom_writer._PER_CHAIN", 2)
    write_atoms(tmp_path / "a.cif", atoms(57))
    chains = [chain.name for chain in gemmi.read_structure(str(tmp_path / "a.cif"))[0]]
    assert (len(chains), chains[25:]) == (29, ["Z", "AA", "AB", "AC"])
    assert read_atoms(tmp_path / "a.cif").elements == atoms(57).elements


def test_too_many_atoms_for_pdb(tmp_path, monkeypatch):
    monkeypatch.setattr("vitrax.io._atom_writer._PER_CHAIN", 1)
    write_atoms(tmp_path / "a.pdb", atoms(62))
    assert len(read_atoms(tmp_path / "a.pdb")) == 62
    with pytest.raises(InputError, match="63 atoms doesn't fit"):
        write_atoms(tmp_path / "a.pdb", atoms(63))


def test_other_suffixes(tmp_path):
    with pytest.raises(InputError, match="neither that of mmCIF"):
        write_atoms(tmp_path / "a.xyz", atoms())
