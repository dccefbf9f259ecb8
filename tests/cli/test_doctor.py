import json

import jax
import pytest

from vitrax.cli import _doctor, main


def test_it_names_versions_and_devices(capsys):
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["jax"] == jax.__version__
    assert found["devices"]
    assert found["self-check"]["passed"]


def test_self_check_has_its_reference_value():
    check = _doctor.self_check()
    tolerance = 1e-10 if jax.config.jax_enable_x64 else 1e-5
    assert check["value"] == pytest.approx(_doctor.REFERENCE, rel=tolerance)


def test_wrong_image_is_a_numerical_failure(capsys, monkeypatch):
    monkeypatch.setattr(_doctor, "REFERENCE", 1.5)
    assert main(["doctor"]) == 4
    said = capsys.readouterr()
    assert "FAILED" in said.out
    assert "cannot trust this installation" in said.err
