"""Particles from any program's file, told apart by what is in it."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

from ..image import ParticleStack
from ._cistem import is_cistem, read_cistem
from ._cistem_binary import is_cistem_binary, read_cistem_binary
from ._contents import (
    MAX_UNPACKED,
    Path,
    check_content,
    first_bytes,
    is_compressed,
    unpack,
)
from ._cryosparc import read_cryosparc
from ._cs_file import is_dataset
from ._csv_table import read_csv
from ._eman import read_eman_particles, read_eman_stack
from ._eman_hdf import is_hdf
from ._eman_list import is_eman_list
from ._image_reading import ImageReading
from ._leopard import (
    is_leopard_csv,
    is_leopard_yaml,
    read_leopard,
    read_leopard_yaml,
)
from ._micrograph_images import MicrographImages
from ._mrc_fields import Mode0
from ._not_finite import NanPolicy, check_policy
from ._particle_source import ParticleSource, under_labels
from ._relion import read_relion
from ._stack_images import StackImages
from ._stack_search import StackSearch
from ._star import read_star
from ._unused_options import found_again, refuse_passthrough, refuse_unused


def read_particles(
    path: Path,
    *,
    contrast: str | None = None,
    passthrough: tuple[Path, ...] = (),
    stack: Path | None = None,
    box: int | None = None,
    project: Path | None = None,
    path_map: Mapping[str, str] | None = None,
    strict_paths: bool = False,
    pixel_size: float | None = None,
    voltage: float | None = None,
    spherical_aberration: float | None = None,
    amplitude_contrast: float | None = None,
    defaults: Mapping[str, float] | None = None,
    mode0: Mode0 | None = None,
    nan_policy: NanPolicy = "error",
    max_unpacked: int | None = None,
) -> ParticleStack:
    """Return the particles of any program's file; its content decides what it is.

    STAR files of RELION 3.0 and older, 3.1, 4 and 5; CryoSPARC's data sets (.cs);
    cisTEM's parameters, .star and binary; Leopard-EM's tables (.csv), and
    configurations (.yaml) that name one; EMAN2's HDF5 files (.hdf, which need
    `pip install "vitrax[eman2]"`) and lists (.lst). Images are read when they are asked
    for, and need not be there before. They come out physical, protein dark. Poses,
    shifts, optics and aberrations come out in vitrax's conventions, which are RELION's
    but for the shift: it is where the particle is, minus RELION's origin. All columns
    of the file are kept, and written back by `write_particles`; those of CryoSPARC and
    EMAN2 under their own names beside RELION's.

    Args:
        path: the file.
        contrast: of protein in the stacks: "white" or "dark". By default as the format
            has it: white in RELION's and EMAN2's stacks, dark in cisTEM's and in
            micrographs, which have no field for it; in CryoSPARC's as blob/sign says,
            -1 dark and 1 white.
        passthrough: further files about the same particles, joined by CryoSPARC's uid;
            what the first file has goes before.
        stack: the images in the order of the particles, for a file that doesn't name
            them, such as cisTEM's, or whose one stack isn't where the file says.
        box: pixels along an edge of images that are cut out of micrographs, as those of
            Leopard-EM's tables are.
        project: folder to which names of stacks are relative, where it is neither the
            current one, which is tried first, nor that of the file, tried last.
        path_map: from beginnings of names, as they stand in the file, to where these
            are now.
        strict_paths: whether stacks outside of these folders are refused.
        pixel_size: Å, where the file has none.
        voltage: kV, where the file has none.
        spherical_aberration: mm, where the file has none.
        amplitude_contrast: where the file has none.
        defaults: pixel_size, voltage, spherical_aberration and amplitude_contrast that
            are taken where neither the file nor the caller says them. What is said by
            the arguments of these names mustn't differ from the file; defaults may.
        mode0: of the images, as in `read_stack`.
        nan_policy: of the images, as in `read_stack`.
        max_unpacked: bytes that the content of a packed table or stack may have, by
            default 512 MiB of text and 8 GiB of other files.

    Returns:
        The particles, with all columns of the file.

    Raises:
        InputError: naming column, rows and file, for what is missing or cannot be; for
            a file of something else, such as micrographs or subtomograms; and for an
            argument that has no effect on this file, or contradicts it.

    Warns:
        InputWarning: of an old layout that was converted, odd boxes, images that were
            multiplied by their CTF, and pixel sizes of micrographs in the place of
            those of images.

    Example:
        >>> import jax, numpy as np, tempfile
        >>> import vitrax as vx
        >>> poses = vx.Pose.uniform(jax.random.key(0), 3)
        >>> lenses = jax.vmap(vx.Lens)(np.full(3, 1.2e4))
        >>> optics = vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)
        >>> images = np.ones((3, 8, 8))
        >>> stack = vx.ParticleStack.from_arrays(images, poses, lenses, optics)
        >>> path = tempfile.mkdtemp() + "/particles.star"
        >>> vx.io.write_particles(path, stack)
        >>> float(vx.io.read_particles(path).images().mean())
        1.0
    """
    stated = {
        "pixel_size": pixel_size,
        "voltage": voltage,
        "spherical_aberration": spherical_aberration,
        "amplitude_contrast": amplitude_contrast,
    }
    source = ParticleSource(
        path=pathlib.Path(path),
        search=StackSearch.of(
            path, project, path_map, is_strict=strict_paths, said=stack
        ),
        contrast=contrast,
        stated=under_labels(stated),
        defaults=under_labels(defaults or {}, "defaults of {}"),
        passthrough=tuple(map(pathlib.Path, passthrough)),
        stack=None if stack is None else pathlib.Path(stack),
        box=box,
        max_unpacked=max_unpacked,
    )
    limit = MAX_UNPACKED if max_unpacked is None else max_unpacked
    return _read(source, ImageReading(mode0, check_policy(nan_policy), limit))


def _read(source: ParticleSource, reading: ImageReading) -> ParticleStack:
    """Return the particles of a file, whose images are read as is said."""
    reader = _reader_of(source)
    if reader is not read_cryosparc:
        refuse_passthrough(source)
    found = found_again(source, reader(source))
    refuse_unused(source, found)
    if not isinstance(found.reader, StackImages | MicrographImages):
        return found
    images = dataclasses.replace(found.reader, reading=reading)
    return dataclasses.replace(found, reader=images)


# Bytes of a file that tell what it is.
_ENOUGH = 2**16


def _reader_of(source: ParticleSource) -> Callable[[ParticleSource], ParticleStack]:
    """Return the reader of the format that a file has."""
    start = first_bytes(source.path, _ENOUGH)
    if is_compressed(start):
        start = unpack(source.path, _ENOUGH)
    if is_dataset(start):
        return read_cryosparc
    check_content(source.path, start)
    if is_hdf(start):
        return read_eman_stack
    if is_eman_list(start):
        return read_eman_particles
    if is_cistem_binary(start):
        return lambda source: read_cistem(source, {"": read_cistem_binary(source.path)})
    if is_leopard_csv(start):
        table = read_csv(source.path, max_unpacked=source.max_unpacked)
        return lambda source: read_leopard(source, table)
    if is_leopard_yaml(start):
        return read_leopard_yaml
    tables = read_star(source.path, max_unpacked=source.max_unpacked)
    if is_cistem(tables):
        return lambda source: read_cistem(source, tables)
    return lambda source: read_relion(source, tables)
