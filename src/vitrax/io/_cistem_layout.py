"""Particles as cisTEM keeps them."""

import dataclasses
import itertools
import pathlib
import re
import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from .._files import InputError, InputWarning
from ..image import OpticsGroup, ParticleStack
from ._aberrations import aberration_columns
from ._cistem import RESIDUAL, relion_columns
from ._cistem_labels import (
    AMPLITUDE_CONTRAST,
    ANGLES as CISTEM_ANGLES,
    BEAM_TILT,
    COLUMNS,
    DEFAULTS,
    DEFOCUS as CISTEM_DEFOCUS,
    IMAGE_SHIFT,
    INTEGER,
    PHASE_SHIFT,
    PIXEL_SIZE,
    POSITION,
    SHIFTS as CISTEM_SHIFTS,
    SPHERICAL_ABERRATION,
    STACK,
    TEXT as TEXT_KIND,
    UNSIGNED,
    VOLTAGE,
)
from ._foreign_columns import packed
from ._labels import ABERRATIONS, POSE_AND_CTF
from ._optics_of_particles import premultiplied_column
from ._particle_layout import AbstractLayout, ImagePlaces, refuse_none
from ._particle_tables import known_box
from ._star_table import TEXT, StarTable


# RELION's columns that follow from what cisTEM has too.
_REPRESENTED = frozenset((*POSE_AND_CTF, "rlnImageName"))
# And those of its table of optics groups.
_OF_OPTICS = frozenset(
    (
        "rlnOpticsGroup",
        "rlnVoltage",
        "rlnSphericalAberration",
        "rlnAmplitudeContrast",
        "rlnImagePixelSize",
        *ABERRATIONS,
    )
)
_ROWS_AT_ONCE = 2**13
_LARGEST_FIXED = 1e9
_DECIMALS = 6


@dataclasses.dataclass(frozen=True)
class CisTEM(AbstractLayout):
    """cisTEM's parameter STAR files, one table with everything about each particle.

    Numbers have as many digits as they need; cisTEM reads any. What it has no columns
    for stands after its own ones, under RELION's names or those of the file that it
    comes from, and is taken back by `read_particles`: cisTEM itself ignores it.

    cisTEM's own CTF has a wavelength shorter by 3e-5 than this library's; pass
    `constants=vitrax.physics.CISTEM` to a microscope to have its. An image shift that a
    file of cisTEM has is kept, and the shift then is where the particle is plus that.

    Example:
        >>> import vitrax as vx
        >>> vx.io.CisTEM().contrast
        'dark'
    """

    @property
    def contrast(self) -> str:
        """Dark, as micrographs are."""
        return "dark"

    @property
    def holds_contrast(self) -> bool:
        """No: cisTEM asks whoever imports a stack whether protein is white."""
        return False

    def checked_box(self, box: int | None, path: pathlib.Path) -> int:
        """Return any box that is known; cisTEM's centre is N // 2, as ours is."""
        return known_box(box, path)

    def write_table(
        self,
        file: pathlib.Path,
        particles: ParticleStack,
        images: ImagePlaces,
        path: pathlib.Path,
    ) -> None:
        """Write the STAR file.

        Raises:
            InputError: if there are no particles, the defocus isn't known, which cisTEM
                must have, or the name of a stack can't stand in its files.

        Warns:
            InputWarning: of what cisTEM won't see: aberrations beyond the beam tilt,
                envelopes, scales, and stacks beyond the first.
        """
        refuse_none(particles, path, "cisTEM")
        own = _own_columns(particles, images, path)
        foreign = _foreign(particles, own)
        foreign |= images.said_signs(self.contrast, particles.columns)
        _warn_of_unseen(particles, images, path)
        first = {name: own[name] for name in COLUMNS if name in own}
        rest = {name: c for name, c in own.items() if name not in COLUMNS}
        table = StarTable({**first, **rest, **foreign})
        with open(file, "xb") as out:
            for text in _lines(table):
                out.write(text.encode())


def _own_columns(
    particles: ParticleStack, images: ImagePlaces, path: pathlib.Path
) -> dict[str, np.ndarray]:
    """Return cisTEM's columns: as they were, but for what follows from the stack."""
    count = len(particles)
    if particles.defocus is None:
        raise InputError(
            f"cannot write {path} for cisTEM because the defocus isn't known, and "
            "cisTEM doesn't read files without it; do estimate it first"
        )
    kept = {n: c for n, c in particles.columns.items() if n.startswith("cisTEM")}
    tilts = particles.aberrations().get("beam_tilt", np.zeros((count, 2)))
    moved = _image_shifts(kept, count)
    shifts = particles.shifts + np.where(tilts.any(axis=1, keepdims=True), moved, 0.0)
    mean, astigmatism, angle = particles.defocus.T
    defocus = np.stack([mean + astigmatism / 2, mean - astigmatism / 2, angle])
    known: dict[str, np.ndarray] = {
        POSITION: images.index_of + 1,
        STACK: np.array(images.names(), TEXT),
        **dict(zip(CISTEM_SHIFTS, _rounded(shifts.T), strict=True)),
        **dict(zip(CISTEM_DEFOCUS, _rounded(defocus), strict=True)),
        PHASE_SHIFT: _rounded(particles.phase_shifts),
        PIXEL_SIZE: particles.pixel_sizes,
        VOLTAGE: particles.voltages,
        SPHERICAL_ABERRATION: particles.shared("spherical_aberration"),
        AMPLITUDE_CONTRAST: particles.shared("amplitude_contrast"),
        **dict(zip(BEAM_TILT, tilts.T, strict=True)),
        **dict(zip(IMAGE_SHIFT, moved.T, strict=True)),
    }
    if particles.angles is not None:
        known |= dict(zip(CISTEM_ANGLES, _rounded(particles.angles.T), strict=True))
    _check_names(images.stacks, path)
    defaults = {name: np.full(count, value) for name, value in DEFAULTS.items()}
    given = _of_relion_columns(particles)
    columns = {**defaults, **given, **kept, **known}
    return {
        n: _of_kind(c, COLUMNS[n][0]) if n in COLUMNS else c for n, c in columns.items()
    }


def _image_shifts(kept: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    """Return the image shifts that cisTEM's file had, Å."""
    columns = [kept.get(name) for name in IMAGE_SHIFT]
    if any(c is None or c.dtype.kind not in "if" for c in columns):
        return np.zeros((count, 2))
    return np.stack(columns, -1).astype(np.float64)  # pyright: ignore[reportArgumentType,reportCallIssue]


def _of_relion_columns(particles: ParticleStack) -> dict[str, np.ndarray]:
    """Return cisTEM's columns of what RELION's say."""
    columns = particles.columns
    found: dict[str, np.ndarray] = {}
    pairs = {
        "rlnClassNumber": "cisTEMBest2DClass",
        "rlnRandomSubset": "cisTEMAssignedSubset",
    }
    for relion, own in pairs.items():
        if relion in columns and _is_small_integer(columns[relion]):
            found[own] = columns[relion]
    if "rlnMicrographName" in columns:
        names = columns["rlnMicrographName"].astype(TEXT)
        if not any(map(_CANNOT_STAND.search, np.unique(names).tolist())):
            found["cisTEMOriginalImageFilename"] = names
    sizes = _micrograph_pixel_sizes(particles)
    for axis in "XY":
        column = columns.get(f"rlnCoordinate{axis}")
        if column is not None and column.dtype.kind in "iuf":
            found[f"cisTEMOriginal{axis}Position"] = column * sizes
    return found


def _is_small_integer(values: np.ndarray) -> bool:
    return (
        values.dtype.kind in "iu"
        and not (values < 0).any()
        and not (values >= 2**31).any()
    )


def _micrograph_pixel_sizes(particles: ParticleStack) -> np.ndarray:
    """Return Å per pixel of each particle's micrograph, where its coordinates are."""
    for name in ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"):
        column = particles.optics_columns.get(name)
        if column is not None and column.dtype.kind in "if":
            return np.asarray(column, np.float64)[particles.groups]
    return particles.pixel_sizes


def _foreign(
    particles: ParticleStack, own: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the columns that cisTEM's own ones don't say."""
    said = relion_columns(own, particles.pixel_sizes)
    columns = {
        name: column
        for name, column in particles.columns.items()
        if name not in own
        and name not in _REPRESENTED
        and not (name in said and _is_same(said[name], column))
    }
    optics = dict(particles.optics_columns)
    numbers = np.asarray(
        optics.get("rlnOpticsGroup", np.arange(len(particles.optics)) + 1)
    )
    columns["rlnOpticsGroup"] = numbers[particles.groups]
    optics["rlnOpticsGroupName"] = np.array([g.name for g in particles.optics], TEXT)
    if all(group.box for group in particles.optics):
        optics["rlnImageSize"] = np.array([group.box for group in particles.optics])
    for name, values, nothing in (
        ("rlnCtfBfactor", particles.b_factors, 0.0),
        ("rlnCtfScalefactor", particles.scales, 1.0),
    ):
        if name in columns or (values != nothing).any():
            columns[name] = values
    optics |= premultiplied_column(particles.optics, optics)
    also = {name for name in RESIDUAL if name in optics}
    residual = aberration_columns(particles.optics, also)
    columns |= {n: residual[n][particles.groups] for n in RESIDUAL if n in residual}
    optics = {name: c for name, c in optics.items() if name not in _OF_OPTICS}
    return packed(columns, optics, particles.groups)


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype.kind == "f" and other.dtype.kind in "if":
        return bool(np.allclose(one, other, rtol=1e-12, atol=1e-9))
    return one.dtype.kind == other.dtype.kind and bool((one == other).all())


def _warn_of_unseen(
    particles: ParticleStack, images: ImagePlaces, path: pathlib.Path
) -> None:
    """Warn of what a file of cisTEM says in columns that cisTEM doesn't know."""
    used = [particles.optics[i] for i in np.unique(particles.groups)]
    unseen = sorted({what for group in used for what in _unseen(group)})
    unseen += ["the B-factors"] * bool(particles.b_factors.any())
    unseen += ["the CTFs' scales"] * bool((particles.scales != 1.0).any())
    if unseen:
        warnings.warn(
            f"{path}: cisTEM won't see {' and '.join(unseen)}, which its files "
            "have no columns for; they are kept under RELION's names",
            InputWarning,
            stacklevel=4,
        )
    if len(images.stacks) > 1 and len(np.unique(images.stack_of)) > 1:
        warnings.warn(
            f"{path}: its images are in {len(images.stacks)} stacks, and cisTEM's "
            "programs take one; do use write_particles (--copy-images) of particles "
            "that share box and pixel size",
            InputWarning,
            stacklevel=4,
        )


def _unseen(group: OpticsGroup) -> Iterator[str]:
    if any(group.odd_zernike or ()) or any(group.even_zernike or ()):
        yield "Zernike terms"
    if group.magnification is not None:
        yield "the anisotropic magnification"
    if group.premultiplied:
        yield "that images were multiplied by their CTF"


_CANNOT_STAND = re.compile(r"[\s']")


def _check_names(names: tuple[str, ...], path: pathlib.Path) -> None:
    """Raise if cisTEM can't read the name of a stack."""
    wrong = [name for name in names if _CANNOT_STAND.search(name)]
    if wrong:
        raise InputError(
            f"cannot write {path} for cisTEM because the name of the "
            f"stack {wrong[0]!r} has a blank or a quote, which cisTEM doesn't read; do "
            "rename it"
        )


def _of_kind(column: np.ndarray, kind: str) -> np.ndarray:
    """Return a column as cisTEM reads it: it takes 1.0 for no integer."""
    if kind in (INTEGER, UNSIGNED) and column.dtype.kind == "f":
        whole = np.isfinite(column).all() and (column == np.floor(column)).all()
        return column.astype(np.int64) if whole else column
    return column


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.round(values, _DECIMALS) + 0.0


def _lines(table: StarTable) -> Iterator[str]:
    """Yield the text of the file, some rows at a time."""
    yield "# Written by vitrax for cisTEM\n \ndata_\n \nloop_\n"
    yield "".join(f"_{name} #{i}\n" for i, name in enumerate(table, 1))
    for first in range(0, table.rows, _ROWS_AT_ONCE):
        columns = [
            _texts(values[first : first + _ROWS_AT_ONCE], name)
            for name, values in table.items()
        ]
        rows = map(" ".join, zip(*columns, strict=True))
        yield "".join(itertools.chain.from_iterable((row, "\n") for row in rows))


def _texts(values: np.ndarray, name: str) -> list[str]:
    """Return values as cisTEM reads them, in as many digits as they need."""
    if values.dtype.kind == "i":
        return [f"{each:8d}" for each in values.tolist()]
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            fixed = np.abs(values) < _LARGEST_FIXED
            fixed &= np.round(values, _DECIMALS) == values
        form = "%12.6f" if fixed.all() else "%r"
        return [form % each for each in values.tolist()]
    if name in COLUMNS and COLUMNS[name][0] == TEXT_KIND:
        return [f"'{each}'" for each in values.tolist()]
    return [_quoted(each, name) for each in values.tolist()]


def _quoted(text: str, name: str) -> str:
    """Return a text of another program's column as one word of a STAR file."""
    if re.fullmatch(r"[^\s_#'\"$\[\];][^\s]*|\[[^\s'\"]*\]", text):
        return text
    if not re.search(r"[\x00-\x1f]", text):
        for quote in "\"'":
            if not re.search(rf"{quote}(?=\s)|{quote}$", text):
                return f"{quote}{text}{quote}"
    raise ValueError(
        f"cannot write a text of column {name} because it holds both kinds of quotes "
        "or a line break; do change it"
    )
