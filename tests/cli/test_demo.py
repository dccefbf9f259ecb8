import json

import pytest

from vitrax.cli import _demo, main


@pytest.mark.slow
def test_demo_makes_a_report_and_says_where(tmp_path, capsys):
    out = tmp_path / "demo"
    assert main(["demo", str(out)]) == 0
    assert str(out / "report.html") in capsys.readouterr().err.splitlines()[-1]
    results = json.loads((out / "run.json").read_text())["results"]
    assert results["specimen"]["atoms"] == 32616
    assert results["seconds"] < 60


def test_demo_simulates_the_packaged_specimen(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(_demo, "simulate", asked.append)
    assert main(["demo", str(tmp_path / "out"), "--quiet"]) == 0
    (recipe,) = asked
    assert str(recipe.structure) == "apoferritin"
    assert recipe.snr is not None
    assert recipe.out == tmp_path / "out"
