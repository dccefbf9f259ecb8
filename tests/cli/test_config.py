import pathlib

import pytest

from vitrax._files import InputError
from vitrax.cli._config import expand, read_config


def write(path: pathlib.Path, text: str) -> pathlib.Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_options_of_the_file_are_put_in(tmp_path):
    path = write(
        tmp_path / "a.yaml", "n: 5\ndefocus: [8000, 9000.5]\nnormalise: false\n"
    )
    tokens = expand(["simulate", "a.pdb", "--config", str(path)])
    assert tokens == [
        "simulate", "a.pdb", "--n=5", "--defocus", "8000", "9000.5", "--no-normalise",
    ]  # fmt: skip


def test_command_line_goes_first(tmp_path):
    path = write(tmp_path / "a.yaml", "n: 5\nnormalise: false\nshift_sd: 2\nout: x\n")
    given = ["--n", "7", "--normalise", "--shift-sd=1", "-o", "y"]
    assert expand([*given, f"--config={path}"]) == given


def test_one_defocus_is_that_of_all_particles(tmp_path):
    path = write(tmp_path / "a.yaml", "defocus: 10000\n")
    assert expand(["--config", str(path)]) == ["--defocus", "10000", "10000"]


def test_no_file_changes_nothing():
    assert expand(["simulate", "--n", "3"]) == ["simulate", "--n", "3"]


def test_earlier_run_is_a_configuration(tmp_path):
    path = write(
        tmp_path / "run.json", '{"parameters": {"n": 5, "out": "x", "snr": null}}'
    )
    assert expand(["--config", str(path)]) == ["--n=5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n: 5\nn: 6\n", "stands twice"),
        ("n: !!python/object/apply:os.getcwd []\n", "plain YAML"),
        ("- 5\n", "isn't a mapping"),
        ("n: [\n", "plain YAML"),
        ("n: {a: 1}\n", "isn't a number"),
        ("n: [5, 6]\n", "takes one value, not 5, 6; do write n: value"),
        ("defocus: [1, 2, 3]\n", r"takes two values, .* \[lowest, highest\]"),
        ("defocus: 8000 9000\n", r"takes two values, .* \[lowest, highest\]"),
    ],
)
def test_odd_file_is_refused(tmp_path, text, message):
    path = write(tmp_path / "a.yaml", text)
    with pytest.raises(InputError, match=message):
        expand(["--config", str(path)])


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_config(tmp_path / "none.yaml")
