import os
import subprocess
import sys

import pytest


HEAVY = ("jax", "numpy", "scipy", "gemmi", "matplotlib", "equinox")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from vitrax.cli import main; code = main(['--help']); "
        f"print(code, [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    for name in (
        "simulate",
        "simulate-micrograph",
        "volume",
        "project",
        "demo",
        "info",
        "doctor",
    ):
        assert len([line for line in lines if line.startswith(f"│ {name} ")]) == 1
    assert done.stdout.rstrip().endswith("0 []")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (
            "volume",
            "--out --angpix --box --resolution --b-factor --symmetry --assembly "
            "--centre --map-angpix --mode0 --nan-policy --max-memory --overwrite "
            "--dry-run --json",
        ),
        ("info", "--project --path-map --mode0 --max-memory --json"),
        (
            "check",
            "--fix --project --path-map --angpix --mode0 --nan-policy --max-memory "
            "--json",
        ),
        ("convert", "--angpix --map-angpix --mode0 --nan-policy --max-memory --json"),
        (
            "project",
            "--out --angles --n --orientations --ctf --kernel --pad --box --angpix "
            "--seed --line-integral --dry-run --json",
        ),
        (
            "simulate-micrograph",
            "--out --size --angpix --n-copies --box --defocus --astigmatism "
            "--astigmatism-angle --kv --cs --q0 --dose --ice --ice-layers --mtf "
            "--heights --distance --solvent --no-solvent --orientations --gain --seed "
            "--noise-free --map-volts --dry-run --json",
        ),
    ],
)
def test_help_names_the_options(command, options):
    done = subprocess.run(
        [sys.executable, "-m", "vitrax.cli", command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert [o for o in options.split() if o not in done.stdout] == []


def test_help_of_simulate_names_every_option_of_the_issue():
    from vitrax.cli._recipe import Recipe

    done = subprocess.run(
        [sys.executable, "-m", "vitrax.cli", "simulate", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": ""},
    )
    options = [
        "--out", "--n", "--box", "--angpix", "--kv", "--cs", "--q0", "--defocus",
        "--seed", "--snr", "--snr-mask", "--no-normalise", "--particle-diameter",
        "--astigmatism", "--shift-sd", "--shift-max", "--b-envelope",
        "--particles-per-micrograph",
        "--orientations", "--from", "--b-factor", "--resolution", "--symmetry",
        "--ctf-pad", "--dry-run", "--dose", "--mtf", "--solvent", "--map-volts",
        "--passthrough", "--stack", "--contrast",
    ]  # fmt: skip
    assert [o for o in options if o not in done.stdout] == []
    assert len(Recipe.model_fields) > 30
