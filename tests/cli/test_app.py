import warnings

from vitrax._files import InputWarning
from vitrax.cli import _info, main


def test_warning_is_one_line_without_source_code(capsys, monkeypatch):
    def warn(*_, **__):
        warnings.warn("a.mrc: bytes follow\nthe data", InputWarning, stacklevel=1)

    monkeypatch.setattr(_info, "info", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["info", "a.mrc"]) == 0
    assert capsys.readouterr().err == "warning: a.mrc: bytes follow the data\n"
