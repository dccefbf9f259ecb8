"""Data sets that cryosparc-tools reads and writes.

VITRAX_CRYOSPARC_PYTHON names a Python that has cryosparc-tools 5.
"""

import os
import pathlib
import subprocess

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import CryoSPARC, read_cs, read_particles, write_particle_table


PYTHON = os.environ.get("VITRAX_CRYOSPARC_PYTHON")
SCRIPT = pathlib.Path(__file__).with_name("cryosparc_tools.py")
REAL = [
    "4k_dataset",
    "cryosparc_J2_particles_exported",
    "cryosparc_P12_J24_001_particles",
    "empiar-11377-passthrough-5particles",
    "empiar_10076_7",
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="VITRAX_CRYOSPARC_PYTHON names no Python"),
    pytest.mark.filterwarnings("ignore::vitrax.io.InputWarning"),
]


def by_peer(path, folder):
    """Return the fields that cryosparc-tools reads, which also saves them anew."""
    folder.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [PYTHON, SCRIPT, path, folder]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    held = np.load(folder / "fields.npz")
    return {name.partition(" ")[2]: held[name] for name in held.files}


def same(found, expected):
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name].tolist() == values.tolist(), name
        if values.dtype.kind != "U":
            assert found[name].dtype == values.dtype, name


@pytest.mark.parametrize("name", REAL)
def test_every_format_is_read_alike(shared, tmp_path, name):
    path = shared / "cryosparc" / f"{name}.cs"
    expected = by_peer(path, tmp_path / "peer")
    same(read_cs(path), expected)
    for layout in ("numpy", "packed", "plain"):
        same(read_cs(tmp_path / "peer" / f"{layout}.cs"), expected)


@pytest.mark.parametrize("name", ["cryosparc/cryosparc_P12_J24_001_particles.cs",
                                  "relion/relion31.6opticsgroups.star"])  # fmt: skip
def test_what_is_written_is_read_by_the_peer(shared, tmp_path, name):
    stack = read_particles(shared / name)
    write_particle_table(tmp_path / "a.cs", stack, layout=CryoSPARC())
    found = by_peer(tmp_path / "a.cs", tmp_path / "peer")
    same(read_cs(tmp_path / "a.cs"), found)
    back = read_particles(tmp_path / "peer" / "packed.cs")
    np.testing.assert_allclose(back.shifts, stack.shifts, atol=1e-3)
    assert {*stack.optics_columns} - {*back.optics_columns} <= {
        *vx.io.particle_tables(back)["optics"]
    }


def test_text_and_long_numbers_pass_the_peer(tmp_path):
    count = 3
    poses = vx.Pose.uniform(jax.random.key(0), count)
    columns = {
        "myText": np.array(["", "two words", "ä"], np.dtypes.StringDType()),
        "rlnGroupNumber": np.arange(count),
        "rlnSomething": np.arange(count) / 7,
    }
    optics = vx.image.OpticsGroup(1.5, 300.0, box=8)
    lenses = vx.Lens(np.full(count, 1e4))
    images = np.zeros((count, 8, 8))
    stack = vx.ParticleStack.from_arrays(images, poses, lenses, optics, columns)
    vx.io.write_particles(tmp_path / "a.cs", stack, layout=CryoSPARC())
    found = by_peer(tmp_path / "a.cs", tmp_path / "peer")
    for name, values in columns.items():
        assert found[name].tolist() == values.tolist()
    same(read_cs(tmp_path / "peer" / "packed.cs"), found)
