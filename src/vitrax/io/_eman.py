"""Particles as EMAN2's HDF5 files and lists describe them."""

import dataclasses
import os
import pathlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._files import InputError, InputWarning
from ..image import ParticleStack
from ._columns import rows_in_words
from ._contents import first_bytes
from ._eman_columns import as_numbers, as_text, eman_columns
from ._eman_foreign import Foreign, foreign_of
from ._eman_hdf import HdfStack, holds_images
from ._eman_header import EmanCtf, angles_and_shifts, ctf_text, eman_ctf
from ._eman_list import ListedImage, is_eman_list, read_eman_list
from ._eman_rows import CONTRAST, POSE
from ._labels import IMAGE_SIZE, SHIFTS, SIGN
from ._mrc import read_header, shortest
from ._optics_of_particles import warn_of_premultiplied
from ._particle_source import HOW_TO_GIVE, ParticleSource
from ._stack_images import StackImages
from ._stack_search import StackSearch
from ._stacks import ImageStack
from ._star_table import TEXT


# Fields of an optics group that a CTF says, and RELION's names of them.
_OF_CTF = {
    "voltage": "rlnVoltage",
    "spherical_aberration": "rlnSphericalAberration",
    "amplitude_contrast": "rlnAmplitudeContrast",
}


def read_eman_stack(source: ParticleSource) -> ParticleStack:
    """Return the particles of one of EMAN2's HDF5 files.

    Args:
        source: the file, and what the caller says about it.

    Raises:
        InputError: naming what is missing or cannot be, and the image.
    """
    count = len(HdfStack(source.path))
    if not count:
        raise InputError(
            f"cannot read particles of {source.name} because it holds no images; do "
            "check that it is whole"
        )
    images = [ListedImage(index, source.name, {}) for index in range(count)]
    return _read(source, images)


def read_eman_particles(source: ParticleSource) -> ParticleStack:
    """Return the particles of one of EMAN2's lists, .lst.

    Files are named from EMAN2's project, in a folder of which lists are: it is looked
    in, too. What the list says of a particle goes before what its image's header says,
    and a defocus is added to that of the header.

    Args:
        source: the list, and what the caller says about it.

    Raises:
        InputError: naming what is missing or cannot be, and the rows.
    """
    search = source.search
    if search.project is None and not search.is_strict:
        project = pathlib.Path(source.path).absolute().parent.parent
        search = dataclasses.replace(search, project=os.fspath(project))
    return _read(
        dataclasses.replace(source, search=search),
        read_eman_list(source.path, source.max_unpacked),
    )


def _read(source: ParticleSource, images: Sequence[ListedImage]) -> ParticleStack:
    """Return the particles of images in files."""
    name, count = source.name, len(images)
    stacks = {path: i for i, path in enumerate(dict.fromkeys(i.path for i in images))}
    headers = _headers(images, source.search)
    rows = [
        header | image.values for header, image in zip(headers, images, strict=True)
    ]
    ctfs = _ctfs(rows, name)
    said = [{**row, "ctf": ctf_text(row.get("ctf"))} for row in rows]
    foreign, columns = foreign_of(eman_columns(said), count, name)
    values = _optics_values(ctfs, foreign, source)
    values["pixel_size"] = _pixel_sizes(rows, ctfs, source)
    boxes = _boxes(headers, foreign, name)
    values["box"] = boxes.astype(np.float64)
    phases = values.pop("phase_shift")
    optics, groups, optics_columns = foreign.optics(values)
    sizes = np.array([group.pixel_size for group in optics])[groups]
    missing: dict[str, str] = {}
    angles, shifts = _poses(rows, name, missing)
    origins = [foreign.number(each, 0.0) for each in SHIFTS]
    _warn(stacks, rows, name)
    warn_of_premultiplied(optics, name)
    return ParticleStack(
        reader=StackImages(
            search=source.search,
            stacks=tuple(stacks),
            stack_of=np.array([stacks[image.path] for image in images], np.int64),
            index_of=np.array([image.index for image in images], np.int64),
            signs=_signs(source, foreign),
            boxes=boxes,
        ),
        rows=np.arange(count),
        optics=optics,
        groups=groups,
        angles=angles,
        shifts=shifts * sizes[:, None] - np.stack(origins, -1),
        defocus=_defocus(ctfs, images, name, missing),
        phase_shifts=phases,
        b_factors=_b_factors(ctfs, foreign),
        scales=foreign.number("rlnCtfScalefactor", 1.0),
        columns={**columns, **foreign.columns, **_relion_columns(rows, images)},
        optics_columns=optics_columns,
        missing=missing
        | {"box": f"cannot know the box because the images of {name} aren't found"},
    )


def _signs(source: ParticleSource, foreign: Foreign) -> np.ndarray:
    """Return the sign of each image, as the caller or a column of CryoSPARC's says."""
    if source.contrast is None and SIGN in foreign.table:
        return np.where(foreign.number(SIGN, 1.0) < 0, 1, -1)
    return np.full(foreign.count, source.sign(CONTRAST))


def _headers(
    images: Sequence[ListedImage], search: StackSearch
) -> list[dict[str, Any]]:
    """Return what the files say of images; nothing of those that aren't found."""
    found: list[dict[str, Any]] = [{} for _ in images]
    places: dict[str, list[int]] = {}
    for place, image in enumerate(images):
        places.setdefault(image.path, []).append(place)
    for name, own in places.items():
        if not search.is_there(name):
            continue
        path = search.find(name)
        if is_eman_list(first_bytes(path)):
            raise InputError(
                f"cannot read {search.source} because {name} is a list, too; do have "
                "e2proclst.py write one that names the images' own files"
            )
        indices = [images[place].index for place in own]
        if not holds_images(path):
            said = [_of_mrc(path)] * len(own)
        else:
            stack = HdfStack(path)
            beyond = np.array([index >= len(stack) for index in indices])
            if beyond.any():
                raise InputError(
                    f"cannot read {search.source} because it asks for image "
                    f"{indices[int(np.argmax(beyond))]} of {name}, which holds "
                    f"{len(stack)}, counted from 0; do check that it is the right one"
                )
            said = [_with_shape(each) for each in stack.headers(indices)]
        for place, values in zip(own, said, strict=True):
            found[place] = values
    return found


def _with_shape(header: Any) -> dict[str, Any]:
    """Return a header with the numbers of columns, rows and planes."""
    *planes, ny, nx = (1, *header.shape) if len(header.shape) == 1 else header.shape
    return {**header.values, "nx": nx, "ny": ny, "nz": planes[0] if planes else 1}


def _of_mrc(path: pathlib.Path) -> dict[str, Any]:
    """Return what the header of an MRC file says of each of its images."""
    stack = ImageStack(read_header(path))
    _, ny, nx = stack.shape
    size = {} if stack.pixel_size is None else {"apix_x": stack.pixel_size}
    return {"nx": nx, "ny": ny, "nz": 1, **size}


def _ctfs(rows: Sequence[Mapping[str, Any]], source: str) -> list[EmanCtf | None]:
    """Return the CTF of each particle, each text parsed once."""
    known: dict[str, EmanCtf] = {}
    found: list[EmanCtf | None] = []
    for number, row in enumerate(rows, 1):
        value = row.get("ctf")
        if value is None:
            found.append(None)
        elif isinstance(value, str):
            if value not in known:
                known[value] = eman_ctf(value, f"row {number} of {source}")
            found.append(known[value])
        else:
            found.append(eman_ctf(value, f"row {number} of {source}"))
    return found


def _optics_values(
    ctfs: Sequence[EmanCtf | None], foreign: Foreign, source: ParticleSource
) -> dict[str, np.ndarray]:
    """Return what the optics of each particle are, and its phase shift (degrees)."""
    lacks = np.array([ctf is None for ctf in ctfs])
    values: dict[str, np.ndarray] = {}
    for field, label in _OF_CTF.items():
        given = source.given.get(label)
        if lacks.any() and label not in foreign.table and given is None:
            raise InputError(
                f"cannot read particles of {source.name} because "
                f"{rows_in_words(lacks)} have no ctf, or their images aren't found; do "
                f"give {HOW_TO_GIVE[label]}, or project="
            )
        values[field] = foreign.number(label, 0.0 if given is None else given)
    values["phase_shift"] = np.zeros(len(ctfs))
    known = [ctf for ctf in ctfs if ctf is not None]
    if known:
        values["voltage"][~lacks] = [ctf.voltage for ctf in known]
        values["spherical_aberration"][~lacks] = [ctf.cs for ctf in known]
        pairs = np.array([ctf.contrast_and_phase for ctf in known])
        values["amplitude_contrast"][~lacks], values["phase_shift"][~lacks] = pairs.T
    contrast, phase = foreign.contrasts_and_phases(
        values["amplitude_contrast"], values["phase_shift"]
    )
    values |= {"amplitude_contrast": contrast, "phase_shift": phase}
    for field, label in _OF_CTF.items():
        source.check_stated(label, values[field], "ctf")
    return values


def _b_factors(ctfs: Sequence[EmanCtf | None], foreign: Foreign) -> np.ndarray:
    """Return B-factors, Å²."""
    before = foreign.number("rlnCtfBfactor", 0.0).tolist()
    pairs = zip(ctfs, before, strict=True)
    return np.array([b if ctf is None else ctf.bfactor for ctf, b in pairs])


def _pixel_sizes(
    rows: Sequence[Mapping[str, Any]],
    ctfs: Sequence[EmanCtf | None],
    source: ParticleSource,
) -> np.ndarray:
    """Return Å per pixel: of the header, else of the CTF, else as is given.

    EMAN2 gives images whose pixel size nobody said one of 1 Å.
    """
    of_ctf = np.array([np.nan if ctf is None else ctf.apix for ctf in ctfs])
    headers = [row.get("apix_x") for row in rows]
    said = np.array([_size(value) for value in headers])
    is_default = (said == 1.0) & np.isfinite(of_ctf) & (of_ctf > 0)
    sizes = np.where(np.isfinite(said) & ~is_default, said, of_ctf)
    given = source.given.get("rlnImagePixelSize")
    sizes = np.where(np.isfinite(sizes), sizes, np.nan if given is None else given)
    bad = ~(np.isfinite(sizes) & (sizes > 0))
    if bad.any():
        raise InputError(
            f"cannot read particles of {source.name} because the pixel size isn't "
            f"known, or isn't positive, in {rows_in_words(bad)}; do give "
            f"{HOW_TO_GIVE['rlnImagePixelSize']}, or project= where the images are"
        )
    source.check_stated("rlnImagePixelSize", sizes, "pixel size")
    differs = np.abs(of_ctf - sizes) > 1e-3 * sizes
    differs |= is_default & (of_ctf != 1.0)
    if differs.any():
        place = int(np.argmax(differs))
        warnings.warn(
            f"{source.name}: apix_x is {said[place]:g} Å and that of ctf "
            f"{of_ctf[place]:g} Å in {rows_in_words(differs)}; {sizes[place]:g} was "
            "taken",
            InputWarning,
            stacklevel=5,
        )
    return sizes


def _size(value: Any) -> float:
    """Return a pixel size as the header was told it, NaN if it can't be one."""
    is_size = type(value) in (int, float) and 1e-4 < value < 1e6
    return shortest(value) if is_size else np.nan


def _boxes(
    headers: Sequence[Mapping[str, Any]], foreign: Foreign, source: str
) -> np.ndarray:
    """Return the pixels along an edge, 0 where neither images nor the list say it."""
    edges = ("nx", "ny", "nz")
    shapes = [tuple(each.get(edge, 0) for edge in edges) for each in headers]
    solid = np.array([nz > 1 for _, _, nz in shapes])
    uneven = np.array([nx != ny for nx, ny, _ in shapes])
    for bad, what in ((solid, "are volumes"), (uneven, "aren't square")):
        if bad.any():
            raise InputError(
                f"cannot read particles of {source} because the images {what} in "
                f"{rows_in_words(bad)}; do give a file of single-particle images"
            )
    found = np.array([nx for nx, _, _ in shapes], np.int64)
    return np.where(found > 0, found, foreign.number(IMAGE_SIZE, 0.0).astype(np.int64))


def _poses(
    rows: Sequence[Mapping[str, Any]], source: str, missing: dict[str, str]
) -> tuple[np.ndarray | None, np.ndarray]:
    """Return RELION's angles, None where the file has none, and shifts in pixels."""
    found = [row.get(POSE) for row in rows]
    lacks = np.array([value is None for value in found])
    shapes = [getattr(value, "shape", None) for value in found]
    wrong = ~lacks & np.array([shape != (3, 4) for shape in shapes])
    if wrong.any():
        raise InputError(
            f"cannot use {POSE} of {source} because it isn't a Transform in "
            f"{rows_in_words(wrong)}; do align these particles again"
        )
    if lacks.any():
        missing["angles"] = (
            f"cannot give poses of {source} because {rows_in_words(lacks)} have no "
            f"{POSE}; do align them, or read the list (.lst) of a refinement"
        )
        return None, np.zeros((len(rows), 2))
    return angles_and_shifts(np.array(found, np.float64), source)


def _defocus(
    ctfs: Sequence[EmanCtf | None],
    images: Sequence[ListedImage],
    source: str,
    missing: dict[str, str],
) -> np.ndarray | None:
    """Return mean, U - V and angle of each particle, with what a list adds."""
    lacks = np.array([ctf is None for ctf in ctfs])
    if lacks.any():
        missing["defocus"] = (
            f"cannot give the defocus of {source} because {rows_in_words(lacks)} have "
            "no ctf in their headers; do run e2ctf.py, or give the stacks that have it"
        )
        return None
    values = np.array([ctf.defocus_in_angstroms for ctf in ctfs if ctf is not None])
    added = [image.values.get("defocus", 0.0) for image in images]
    wrong = np.array([type(a) not in (int, float) or not abs(a) < 1e3 for a in added])
    if wrong.any():
        raise InputError(
            f"cannot use defocus of {source} because it isn't a number of micrometres "
            f"in {rows_in_words(wrong)}; do correct it"
        )
    values[:, 0] += 1e4 * np.array(added, np.float64)
    return values


def _relion_columns(
    rows: Sequence[Mapping[str, Any]], images: Sequence[ListedImage]
) -> dict[str, np.ndarray]:
    """Return what RELION's columns can say: micrographs, places in them and halves."""
    found: dict[str, np.ndarray] = {}
    names = [row.get("ptcl_source_image") for row in rows]
    if all(isinstance(name, str) and name for name in names):
        found["rlnMicrographName"] = np.array([as_text(name) for name in names], TEXT)
    places = [as_numbers(row.get("ptcl_source_coord")) or [] for row in rows]
    if all(len(place) in (2, 3) for place in places):
        x, y = np.array([place[:2] for place in places], np.float64).T
        if np.isfinite(x).all() and np.isfinite(y).all():
            found |= {"rlnCoordinateX": x, "rlnCoordinateY": y}
    halves = [image.values.get("class") for image in images]
    if all(type(half) is int and half in (0, 1) for half in halves):
        found["rlnRandomSubset"] = np.array(halves, np.int64) + 1
    return found


def _warn(
    stacks: Mapping[str, int], rows: Sequence[Mapping[str, Any]], source: str
) -> None:
    """Warn of images that were processed, and of another program's conventions."""
    flipped = [name for name in stacks if "flip" in os.path.basename(name)]
    if flipped:
        warnings.warn(
            f"{source}: the phases of {flipped[0]} are flipped, by its name, which "
            "those of simulated images aren't; do read the stacks before the flip",
            InputWarning,
            stacklevel=4,
        )
    if any("ctf_applied" in row for row in rows):
        warnings.warn(
            f"{source}: its images have ctf_applied, as those of SPHIRE do, which "
            "turns around shifts and the angle of astigmatism; they were taken for "
            "EMAN2's",
            InputWarning,
            stacklevel=4,
        )
