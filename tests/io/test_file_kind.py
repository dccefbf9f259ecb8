"""What a file is, is decided by its content, and by its name only as a last resort."""

import gzip
import os
import shutil

import numpy as np
import pytest

import vitrax as vx
from vitrax.io import FileKind, InputError, file_kind


KINDS = {
    "cistem/ctf.npz": FileKind.ARRAYS,
    "cryosparc/empiar_10076_7.cs": FileKind.CRYOSPARC,
    "detectors/mtf_k2_300kV.star": FileKind.STAR,
    "maps/EMD-3001.map": FileKind.MRC,
    "micrographs/Ucsf_stack_1142_DW_autopick.star": FileKind.STAR,
    "relion/relion31.mrcs": FileKind.MRC,
    "relion/relion31.star": FileKind.RELION,
    "relion/sample_particles_relion30.star": FileKind.RELION,
    "structures/1dpx.pdb": FileKind.ATOMS,
    "structures/8zpm.cif.gz": FileKind.ATOMS,
}
TEXTS = {
    FileKind.CISTEM: "# cisTEM\n\ndata_\n\nloop_\n_cisTEMPositionInStack #1\n1\n",
    FileKind.LEOPARD: "particle_index,mip,phi,theta,psi\n0,1,2,3,4\n",
    FileKind.MODEL: '{"format": 1}',
    FileKind.RELION: "data_particles\nloop_\n_rlnImageName #1\n1@a.mrcs\n",
    FileKind.ATOMS: "REMARK a file without any atoms yet\n",
}


@pytest.mark.parametrize("name", KINDS)
def test_real_files_under_a_wrong_name(name, shared, tmp_path):
    path = tmp_path / "file.dat"
    shutil.copyfile(shared / name, path)
    assert file_kind(path) is KINDS[name]


@pytest.mark.parametrize("kind", TEXTS, ids=lambda kind: kind.name)
def test_texts(kind, tmp_path):
    path = tmp_path / "file"
    path.write_text(TEXTS[kind])
    assert file_kind(path) is kind
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + TEXTS[kind].encode()))
    assert file_kind(path) is kind


def test_what_is_damaged_is_what_its_name_says(tmp_path):
    path = tmp_path / "a.mrc"
    path.write_bytes(b"\xff" * 2000)
    assert file_kind(path) is FileKind.MRC


def test_binary_parameters_of_cistem(tmp_path):
    import test_cistem

    path = tmp_path / "a.cistem"
    path.write_bytes(test_cistem.binary(test_cistem.COLUMNS, 2))
    assert file_kind(path) is FileKind.CISTEM


def test_something_else(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("nothing of the kind\n")
    with pytest.raises(InputError, match=r"notes\.txt because its content is none"):
        file_kind(path)


def test_what_vitrax_writes(tmp_path):
    vx.io.write_map(tmp_path / "a", vx.VoxelMap(np.zeros((4, 4, 4)), 1.0))
    assert file_kind(tmp_path / "a") is FileKind.MRC
    vx.io.write_model(tmp_path / "a.json", vx.Lens(defocus=1.0))
    assert file_kind(tmp_path / "a.json") is FileKind.MODEL


@pytest.mark.parametrize(
    ("read", "head"),
    [
        (vx.io.read_star, b"data_particles\n\nloop_\n_rlnImageName #1\n"),
        (vx.io.read_atoms, b"REMARK\n"),
        (vx.io.read_particles, b"mip,phi,theta,psi\n"),
    ],
)
def test_texts_are_not_unpacked_without_end(read, head, tmp_path, monkeypatch):
    import vitrax.io._contents as contents

    monkeypatch.setattr(contents, "MAX_TEXT", 2**20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(head + b" \n" * 2**20))
    with pytest.raises(InputError, match="larger than"):
        read(path)


def test_packed_twice(tmp_path):
    path = tmp_path / "a.mrc.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"data_")))
    for read in (vx.io.file_kind, vx.io.read_map, vx.io.read_star):
        with pytest.raises(vx.io.InputError, match="packed twice"):
            read(path)


@pytest.mark.parametrize("reader", [vx.io.read_star, vx.io.read_particles])
def test_readers_of_text_take_a_limit(tmp_path, reader):
    path = tmp_path / "a.star.gz"
    path.write_bytes(gzip.compress(b"data_\n_rlnVoltage 300\n"))
    message = r"larger than 10 bytes; do give max_unpacked= \(--max-memory\)"
    with pytest.raises(vx.io.InputError, match=message):
        reader(path, max_unpacked=10)
    if reader is vx.io.read_star:
        assert reader(path, max_unpacked=100)[""]["rlnVoltage"].tolist() == [300]


def test_folders_and_pipes(tmp_path):
    os.mkfifo(tmp_path / "pipe.mrc")
    for read in (vx.io.file_kind, vx.io.read_map, vx.io.read_star, vx.io.read_atoms):
        with pytest.raises(vx.io.InputError, match="it is a pipe"):
            read(tmp_path / "pipe.mrc")
    with pytest.raises(vx.io.InputError, match="none that"):
        vx.io.file_kind(tmp_path)
    vx.io.write_model(tmp_path / "lens", vx.Lens(defocus=1e4))
    assert vx.io.file_kind(tmp_path / "lens") is vx.io.FileKind.MODEL
