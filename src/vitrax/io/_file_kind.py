"""What kind of file something is, decided by its content."""

import enum
import os
import pathlib
import re

from .._files import InputError
from ._cistem_binary import is_cistem_binary
from ._contents import (
    Path,
    check_content,
    check_unpacked,
    first_bytes,
    is_compressed,
    is_tiff,
    unpack,
)
from ._cs_file import is_dataset
from ._eman_hdf import is_hdf
from ._eman_list import is_eman_list
from ._leopard import is_leopard_csv, is_leopard_yaml
from ._models import JSON_NAME
from ._mrc_fields import looks_like_mrc


# So many bytes of a text say what it is: comments and the names of a table's columns.
_ENOUGH = 2**16
_RECORDS = (
    "HEADER", "TITLE ", "REMARK", "CRYST1", "ATOM  ", "HETATM", "MODEL ", "COMPND",
    "SOURCE", "KEYWDS", "EXPDTA", "AUTHOR", "SEQRES", "ORIGX1", "SCALE1", "OBSLTE",
    "NUMMDL", "CONECT",
)  # fmt: skip


class FileKind(enum.Enum):
    """What a file holds.

    Example:
        >>> import vitrax as vx
        >>> vx.io.FileKind.MRC.value
        'MRC'
    """

    MRC = "MRC"
    TIFF = "TIFF or EER movie"
    RELION = "RELION's particles"
    CISTEM = "cisTEM's particles"
    CRYOSPARC = "CryoSPARC's particles"
    LEOPARD = "Leopard-EM's particles"
    EMAN = "EMAN2's images"
    STAR = "STAR"
    ATOMS = "atoms"
    MODEL = "a model of vitrax"
    ARRAYS = "NumPy arrays"

    @property
    def has_particles(self) -> bool:
        """Whether it is some program's particles, which `read_particles` reads."""
        return self in (
            FileKind.RELION,
            FileKind.CISTEM,
            FileKind.CRYOSPARC,
            FileKind.LEOPARD,
            FileKind.EMAN,
        )


_BY_NAME = {
    ".mrc": FileKind.MRC,
    ".mrcs": FileKind.MRC,
    ".map": FileKind.MRC,
    ".ccp4": FileKind.MRC,
    ".star": FileKind.STAR,
    ".pdb": FileKind.ATOMS,
    ".ent": FileKind.ATOMS,
    ".cif": FileKind.ATOMS,
    ".mmcif": FileKind.ATOMS,
    ".tif": FileKind.TIFF,
    ".tiff": FileKind.TIFF,
    ".eer": FileKind.TIFF,
    ".gain": FileKind.TIFF,
    ".cs": FileKind.CRYOSPARC,
    ".csv": FileKind.LEOPARD,
    ".hdf": FileKind.EMAN,
    ".lst": FileKind.EMAN,
    ".json": FileKind.MODEL,
}


def file_kind(path: Path) -> FileKind:
    """Return what kind of file something is, decided by its content.

    The name decides only where the content says nothing.

    Args:
        path: the file, which may be packed with gzip or bzip2; or the folder of a
            model.

    Raises:
        InputError: if it is none of those that vitrax reads.

    Example:
        >>> import tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.star"
        >>> vx.io.write_star(path, {"optics": vx.io.StarTable({"rlnVoltage": [300.0]})})
        >>> vx.io.file_kind(path).name
        'STAR'
    """
    if os.path.isdir(path):
        if os.path.isfile(os.path.join(path, JSON_NAME)):
            return FileKind.MODEL
        raise InputError(
            f"cannot use {os.fspath(path)} because it is a folder, and none that "
            f"vitrax.io.write_model made (it has no {JSON_NAME}); do name a file in it"
        )
    start = first_bytes(path, _ENOUGH)
    if is_dataset(start):
        return FileKind.CRYOSPARC
    check_content(path, start)
    if is_compressed(start):
        start = unpack(path, _ENOUGH)
        if is_dataset(start):
            return FileKind.CRYOSPARC
        check_unpacked(path, start)
    suffixes = [each.lower() for each in pathlib.Path(path).suffixes]
    by_name = [_BY_NAME[each] for each in reversed(suffixes) if each in _BY_NAME]
    # What is damaged beyond recognition gets the errors of what it calls itself.
    kind = _of_bytes(start) or _of_text(start) or next(iter(by_name), None)
    if kind is None:
        raise InputError(
            f"cannot use {os.fspath(path)} because its content is none of what vitrax "
            "reads (MRC, TIFF, EER, STAR, .cs, Leopard-EM's CSV and YAML, EMAN2's HDF5 "
            "and .lst, PDB, mmCIF, .npz, a model of vitrax); do check that it is the "
            "right file"
        )
    return kind


def _of_bytes(start: bytes) -> FileKind | None:
    """Return the kind of a file that isn't text."""
    if is_tiff(start):
        return FileKind.TIFF
    if start.startswith(b"PK\x03\x04"):
        return FileKind.ARRAYS
    if is_hdf(start):
        return FileKind.EMAN
    if is_cistem_binary(start):
        return FileKind.CISTEM
    if looks_like_mrc(start[:1024]):
        return FileKind.MRC
    return None


def _of_text(start: bytes) -> FileKind | None:
    """Return the kind of a text."""
    if is_eman_list(start):
        return FileKind.EMAN
    text = start.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    if text.lstrip().startswith("{"):
        return FileKind.MODEL
    lines = [line for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not line.lstrip().startswith("#")]
    if said and said[0].lstrip().lower().startswith("data_"):
        return _of_blocks(text)
    if any(line.startswith(_RECORDS) for line in lines[:50]):
        return FileKind.ATOMS
    if is_leopard_csv(start) or is_leopard_yaml(start):
        return FileKind.LEOPARD
    return None


def _of_blocks(text: str) -> FileKind:
    """Return the kind of a text in blocks: mmCIF, or a STAR file of some program."""
    first = re.search(r"^\s*_(\S+)", text, re.MULTILINE)
    if first is not None and "." in first[1]:
        return FileKind.ATOMS
    if re.search(r"^\s*_cisTEM", text, re.MULTILINE):
        return FileKind.CISTEM
    if re.search(r"^\s*_?rlnImageName\b", text, re.MULTILINE):
        return FileKind.RELION
    return FileKind.STAR
