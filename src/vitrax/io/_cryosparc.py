"""Particles as CryoSPARC's data sets describe them."""

import dataclasses
import warnings
from collections.abc import Mapping

import numpy as np

from .._files import InputError, InputWarning
from ..image import OpticsGroup, ParticleStack
from ..pose import euler_from_cryosparc
from ._cs_aberrations import (
    EVEN_TERMS,
    ODD_TERMS,
    CryoSparcTerms,
    RelionTerms,
    padded,
    rest_in_lens,
    to_relion,
    wavelengths,
)
from ._cs_fields import (
    Fields,
    count_of,
    given_or,
    joined_fields,
    lacks,
    numbers,
    texts,
)
from ._cs_location import coordinates
from ._labels import PREMULTIPLIED, ZERNIKE
from ._missing_images import MissingImages
from ._optics_of_particles import grouped_optics, warn_of_premultiplied
from ._particle_source import ParticleSource
from ._stack_images import StackImages
from ._star_table import TEXT


# Fields of our own. Even phases that the writer put into defocus and spherical
# aberration: the constant, k², k² cos 2α, k² sin 2α, k⁴; rad·Åⁿ.
REST_IN_LENS = "vitrax/even_in_lens"
# Before the name of a column of RELION's table of optics groups.
OF_OPTICS = "optics/"
# Fields that are parts of the stack's numbers, not columns of it, begin so.
_OURS = ("vitrax/", OF_OPTICS, *ZERNIKE.values())


def read_cryosparc(source: ParticleSource) -> ParticleStack:
    """Return the particles of a CryoSPARC data set.

    Exposure groups are optics groups; particles of one whose optics differ are put into
    several. Poses are those of alignments3D, else the angles in the plane of
    alignments2D. Of what isn't in the files, poses, defocus or images, the stack says
    so when it is asked for. All fields stay columns; RELION's names are added for the
    micrograph and the place in it, the half and the class.

    Args:
        source: the files, and what the caller says about them.

    Raises:
        InputError: naming field, rows and file, for what is missing or cannot be.
    """
    fields, name = joined_fields(source), source.name
    if not fields:
        raise InputError(f"cannot read {name} because it has no fields")
    missing: dict[str, str] = {}
    count = count_of(fields)
    reader, boxes = _images(fields, source, missing)
    alignments = _alignments(fields)
    pixel_sizes = _pixel_sizes(fields, source, alignments)
    optics, groups, moved = _optics(fields, source, pixel_sizes, boxes)
    warn_of_premultiplied(optics, name)
    stack = ParticleStack(
        reader=reader,
        rows=np.arange(count),
        optics=optics,
        groups=groups,
        angles=_angles(fields, name, alignments, missing),
        shifts=_shifts(fields, name, alignments, pixel_sizes),
        defocus=_defocus(fields, name, moved[1], missing),
        phase_shifts=np.rad2deg(
            numbers(fields, "ctf/phase_shift_rad", name, default=0.0) - moved[0]
        ),
        b_factors=numbers(fields, "ctf/bfactor", name, default=0.0),
        scales=numbers(fields, "ctf/scale", name, default=1.0),
        columns=_columns(fields, name, alignments),
        missing=missing,
    )
    return _with_optics_columns(stack, fields)


def _images(
    fields: Fields, source: ParticleSource, missing: dict[str, str]
) -> tuple[StackImages | MissingImages, np.ndarray]:
    """Return the reader of the images, and their boxes, 0 where not known."""
    name, count = source.name, count_of(fields)
    boxes = _boxes(fields, name)
    missing["box"] = (
        f"cannot know the box because {name} has no field blob/shape and its stacks "
        "aren't found; do read it with the file that has it, as passthrough= "
        "(--passthrough), or pass the folder of the project as project= (--project)"
    )
    if "blob/path" in fields:
        paths = texts(fields, "blob/path", name).tolist()
        # As the file spells them, but for the > of exports.
        numbered = {path: place for place, path in enumerate(dict.fromkeys(paths))}
        stack_of = np.array([numbered[path] for path in paths], np.int64)
        stacks = tuple(path.removeprefix(">") for path in numbered)
        index_of = numbers(fields, "blob/idx", name).astype(np.int64)
        if (index_of < 0).any():
            raise InputError(
                f"cannot use blob/idx of {name} because it is negative; do correct it"
            )
    elif source.stack is not None:
        stacks, stack_of = (str(source.stack),), np.zeros(count, np.int64)
        index_of = np.arange(count)
    else:
        return MissingImages(
            f"cannot read images of {name} because it has no field blob/path; do read "
            "it with the file of the same particles that has it, as passthrough= "
            "(--passthrough), or name the stack of its particles in their order as "
            "stack= (--stack)"
        ), boxes
    reader = StackImages(
        search=source.search,
        stacks=stacks,
        stack_of=stack_of,
        index_of=index_of,
        signs=_signs(fields, source),
        boxes=boxes,
    )
    return reader, _found_boxes(reader, boxes)


def _signs(fields: Fields, source: ParticleSource) -> np.ndarray:
    """Return 1 for images where protein is dark, blob/sign -1, and -1 where white."""
    signs = numbers(fields, "blob/sign", source.name, default=-1.0)
    if source.contrast is not None:
        return np.full(len(signs), source.sign(source.contrast))
    return source.signs_said(signs)


def _boxes(fields: Fields, name: str) -> np.ndarray:
    """Return pixels along an edge of each image, 0 where the file doesn't say."""
    shapes = numbers(fields, "blob/shape", name, 2, 0.0).astype(np.int64)
    if (shapes[:, 0] != shapes[:, 1]).any() or (shapes < 0).any():
        raise InputError(
            f"cannot use blob/shape of {name} because images aren't square; are these "
            "particles? do name a data set of particles"
        )
    return shapes[:, 0]


def _found_boxes(reader: StackImages, boxes: np.ndarray) -> np.ndarray:
    """Return the boxes, those that the file doesn't say from the stacks."""
    found = boxes.copy()
    unknown = np.flatnonzero(boxes == 0)
    for stack in np.unique(reader.stack_of[unknown]):
        rows = unknown[reader.stack_of[unknown] == stack]
        if reader.is_there(int(rows[0])):
            found[rows] = reader.header(int(rows[0])).shape[-1]
    return found


def _alignments(fields: Fields) -> str | None:
    """Return the prefix of the alignments to be used."""
    held = [
        name for name in ("alignments3D", "alignments2D") if f"{name}/pose" in fields
    ]
    return held[0] if held else None


def _pixel_sizes(
    fields: Fields, source: ParticleSource, alignments: str | None
) -> np.ndarray:
    """Return the pixel size of each image, Å."""
    given = source.stated.get("rlnImagePixelSize")
    if "blob/psize_A" not in fields and given is None:
        other = f"{alignments}/psize_A"
        if other in fields and count_of(fields):
            warnings.warn(
                f"{source.name}: it has no field blob/psize_A; pixels are those of "
                f"{other}",
                InputWarning,
                stacklevel=4,
            )
            fields = {**fields, "blob/psize_A": fields[other]}
    return given_or(fields, "blob/psize_A", source)


def _angles(
    fields: Fields, name: str, alignments: str | None, missing: dict[str, str]
) -> np.ndarray | None:
    """Return RELION's angles, None where the file has none."""
    if alignments == "alignments3D":
        return euler_from_cryosparc(numbers(fields, "alignments3D/pose", name, 3))
    if alignments == "alignments2D":
        psi = np.rad2deg(numbers(fields, "alignments2D/pose", name))
        if len(psi):
            warnings.warn(
                f"{name}: it has no field alignments3D/pose; psi is that of "
                "alignments2D, rot and tilt are 0",
                InputWarning,
                stacklevel=4,
            )
        return np.stack([np.zeros_like(psi), np.zeros_like(psi), psi], -1)
    missing["angles"] = lacks("alignments3D/pose", name)
    return None


def _shifts(
    fields: Fields, name: str, alignments: str | None, pixel_sizes: np.ndarray
) -> np.ndarray:
    """Return where each particle is, Å: minus CryoSPARC's shift, which is in pixels."""
    if alignments is None or f"{alignments}/shift" not in fields:
        return np.zeros((count_of(fields), 2))
    sizes = pixel_sizes
    if f"{alignments}/psize_A" in fields:
        sizes = numbers(fields, f"{alignments}/psize_A", name)
    return 0.0 - numbers(fields, f"{alignments}/shift", name, 2) * sizes[:, None]


def _optics(
    fields: Fields,
    source: ParticleSource,
    pixel_sizes: np.ndarray,
    boxes: np.ndarray,
) -> tuple[tuple[OpticsGroup, ...], np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the groups, that of each particle, and what the lens has for even terms.

    The latter are phase shift and defocus, as in `rest_in_lens`.
    """
    name = source.name
    voltages = given_or(fields, "ctf/accel_kv", source)
    rest = numbers(fields, REST_IN_LENS, name, 5, 0.0)
    phase, defocus, spherical = rest_in_lens(rest, wavelengths(voltages))
    spherical = given_or(fields, "ctf/cs_mm", source, less=spherical)
    terms = _terms(fields, name, rest, voltages, spherical)
    anisotropy = numbers(fields, "ctf/anisomag", name, 4, 0.0)
    exposures = _exposure_groups(fields, name)
    values = {
        "pixel_size": pixel_sizes,
        "voltage": voltages,
        "spherical_aberration": _rounded(spherical),
        "amplitude_contrast": given_or(fields, "ctf/amp_contrast", source),
        "box": boxes,
        "beam_tilt": terms.tilt,
        "odd_zernike": terms.odd,
        "even_zernike": terms.even,
        "magnification": anisotropy + np.array([1.0, 0.0, 0.0, 1.0]),
        "premultiplied": numbers(fields, OF_OPTICS + PREMULTIPLIED, name, default=0.0),
    }
    if not count_of(fields):
        # Of an empty file no group can be made.
        return (), np.zeros(0, np.int64), (phase, defocus)
    optics, groups = grouped_optics(values, name, exposures)
    return optics, groups, (phase, defocus)


def _rounded(values: np.ndarray) -> np.ndarray:
    """Return numbers without the noise of sums."""
    return np.round(values, 12)


def _exposure_groups(fields: Fields, name: str) -> np.ndarray | None:
    for field in ("ctf/exp_group_id", "location/exp_group_id"):
        if field in fields:
            return numbers(fields, field, name)
    return None


def _terms(
    fields: Fields,
    name: str,
    rest: np.ndarray,
    voltages: np.ndarray,
    spherical: np.ndarray,
) -> RelionTerms:
    """Return the aberrations of each particle in RELION's parameters."""
    held = CryoSparcTerms(
        shift=numbers(fields, "ctf/shift_A", name, 2, 0.0),
        tilt=numbers(fields, "ctf/tilt_A", name, 2, 0.0),
        trefoil=numbers(fields, "ctf/trefoil_A", name, 2, 0.0),
        tetra=numbers(fields, "ctf/tetra_A", name, 4, 0.0),
        rest=rest,
    )
    if not len(voltages):
        none = np.zeros((0, ODD_TERMS)), np.zeros((0, EVEN_TERMS))
        return RelionTerms(held.tilt, *none)
    terms = to_relion(held, voltages, spherical)
    more = {field: _residual(fields, label, name) for field, label in ZERNIKE.items()}
    return RelionTerms(
        terms.tilt,
        _sum_of_lists(terms.odd, more["odd_zernike"]),
        _sum_of_lists(terms.even, more["even_zernike"]),
    )


def _residual(fields: Fields, label: str, name: str) -> np.ndarray:
    """Return Zernike terms that CryoSPARC's fields can't hold, from a field of ours."""
    if label not in fields:
        return np.zeros((count_of(fields), 0))
    width = fields[label].shape[-1] if fields[label].ndim == 2 else 1
    return numbers(fields, label, name, width).reshape(count_of(fields), width)


def _sum_of_lists(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    longest = max(first.shape[1], second.shape[1])
    return padded(first, longest) + padded(second, longest)


def _defocus(
    fields: Fields, name: str, moved: np.ndarray, missing: dict[str, str]
) -> np.ndarray | None:
    """Return mean, U - V and angle of each particle, None where the file has none."""
    if "ctf/df1_A" not in fields:
        missing["defocus"] = lacks("ctf/df1_A", name)
        return None
    first = numbers(fields, "ctf/df1_A", name)
    second = numbers(fields, "ctf/df2_A", name)
    angle = numbers(fields, "ctf/df_angle_rad", name, default=0.0)
    mean, astigmatism = (first + second) / 2, first - second
    degrees = np.rad2deg(angle)
    changed = moved.any(axis=1)
    if changed.any():
        # The vector of the astigmatism without what the writer put into it.
        cos2 = astigmatism / 2 * np.cos(2 * angle) - moved[:, 1]
        sin2 = astigmatism / 2 * np.sin(2 * angle) - moved[:, 2]
        own, turn = 2 * np.hypot(cos2, sin2), np.rad2deg(np.arctan2(sin2, cos2)) / 2
        mean = np.where(changed, mean - moved[:, 0], mean)
        astigmatism = np.where(changed, own, astigmatism)
        degrees = np.where(changed, turn, degrees)
    return np.stack([mean, astigmatism, degrees], -1)


def _columns(
    fields: Fields, name: str, alignments: str | None
) -> dict[str, np.ndarray]:
    """Return all fields that stay columns, and RELION's names of what they mean."""
    columns = {}
    for field, label in (
        ("location/micrograph_path", "rlnMicrographName"),
        ("micrograph_blob/path", "rlnMicrographName"),
    ):
        if field in fields and label not in columns:
            paths = texts(fields, field, name).tolist()
            columns[label] = np.array([path.removeprefix(">") for path in paths], TEXT)
    columns |= coordinates(fields, name)
    for field, label in (("split", "rlnRandomSubset"), ("class", "rlnClassNumber")):
        if f"{alignments}/{field}" in fields:
            counted = numbers(fields, f"{alignments}/{field}", name)
            columns[label] = counted.astype(np.int64) + 1
    kept = {
        field: values for field, values in fields.items() if not field.startswith(_OURS)
    }
    return columns | kept


def _with_optics_columns(
    stack: ParticleStack, fields: Mapping[str, np.ndarray]
) -> ParticleStack:
    """Return the stack with RELION's columns of optics groups that a field keeps."""
    held = {
        field.removeprefix(OF_OPTICS): values
        for field, values in fields.items()
        if field.startswith(OF_OPTICS) and values.ndim == 1
    }
    if not held or not len(stack):
        return stack
    _, firsts = np.unique(stack.groups, return_index=True)
    columns = {label: values[firsts] for label, values in held.items()}
    numbered = columns.get("rlnOpticsGroup", firsts)
    if len(np.unique(numbered)) < len(numbered):
        del columns["rlnOpticsGroup"]
    optics = stack.optics
    if "rlnOpticsGroupName" in columns:
        names = columns["rlnOpticsGroupName"].tolist()
        pairs = zip(optics, names, strict=True)
        optics = tuple(
            dataclasses.replace(each, name=str(name)) for each, name in pairs
        )
    return dataclasses.replace(stack, optics=optics, optics_columns=columns)
