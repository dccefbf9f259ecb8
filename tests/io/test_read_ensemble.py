import jax
import numpy as np
import pytest

from vitrax import Atoms, Ensemble
from vitrax.io import InputError, read_atoms, read_ensemble


def line(name, x, number=1, element="C", residue="GLY"):
    return (
        f"ATOM      1  {name:<3} {residue} A{number:>4}    {x:8.3f}   2.000   3.000"
        f"  0.50 20.00          {element:>2}\n"
    )


def written(tmp_path, *models, before=""):
    path = tmp_path / "a.pdb"
    parts = [f"MODEL     {i:>4}\n{each}ENDMDL\n" for i, each in enumerate(models, 1)]
    path.write_text(before + "".join(parts))
    return path


def test_models_that_are_alike(shared):
    path = shared / "structures" / "1uao_10_models.pdb"
    ensemble = read_ensemble(path)
    assert isinstance(ensemble, Ensemble)
    assert len(ensemble) == 10
    for number in (1, 7, 10):
        state, alone = ensemble.state(number - 1), read_atoms(path, model=number)
        assert state.elements == alone.elements
        for one, other in zip(
            jax.tree.leaves(state), jax.tree.leaves(alone), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_models_that_differ_scatter_as_they_do_alone(tmp_path):
    path = written(
        tmp_path,
        line("CA", 1) + line("CB", 2),
        line("CA", 11) + line("O", 12, element="O") + line("O", 13, element="O"),
        line("N", 21, element="N") + line("CB", 22),
    )
    ensemble = read_ensemble(path)
    assert len(ensemble.state(0)) == 5
    for number in (1, 2, 3):
        state, alone = ensemble.state(number - 1), read_atoms(path, model=number)
        seen = np.asarray(state.occupancies) > 0
        assert sorted(np.asarray(state.positions)[seen, 0]) == sorted(
            np.asarray(alone.positions)[:, 0]
        )
        assert sorted(np.frombuffer(state.elements, np.uint8)[seen]) == sorted(
            alone.elements
        )
        np.testing.assert_array_equal(np.asarray(state.occupancies)[seen], 0.5)


def test_one_model_is_an_ensemble_of_one(tmp_path):
    ensemble = read_ensemble(written(tmp_path, line("CA", 1)))
    assert len(ensemble) == 1
    assert isinstance(ensemble.state(0), Atoms)


def test_options_hold_for_each_model(tmp_path):
    model = line("CA", 1) + line("CB", 2, number=2) + line("O", 3, 9, "O", "HOH")
    path = written(tmp_path, model, model)
    assert len(read_ensemble(path, select="//A/2-9", waters=False).state(1)) == 1


def test_union_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("vitrax.io._model_union.MAX_ATOMS", 3)
    path = written(tmp_path, line("CA", 1), line("CB", 1))
    with pytest.raises(InputError, match="2 times 2 different atoms"):
        read_ensemble(path)
