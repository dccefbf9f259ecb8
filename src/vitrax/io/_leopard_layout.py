"""Particles as Leopard-EM keeps them."""

import dataclasses
import pathlib
import warnings
from collections.abc import Sequence

import numpy as np

from .._files import InputError, InputWarning
from ..image import ParticleStack
from ._columns import number
from ._csv_table import write_csv
from ._foreign_columns import packed
from ._labels import ABERRATIONS, POSE_AND_CTF, SHIFTS
from ._leopard import IS_WHITE, MICROGRAPH
from ._leopard_aberrations import as_json, leopard_magnification, leopard_terms
from ._micrograph_images import MicrographImages
from ._particle_layout import AbstractLayout, ImagePlaces
from ._stack_images import StackImages
from ._star_table import TEXT, StarTable


# Leopard-EM's columns in its order; it refuses a table that lacks one.
COLUMNS = (
    "particle_index",
    "mip",
    "scaled_mip",
    "correlation_mean",
    "correlation_variance",
    "total_correlations",
    "pos_x",
    "pos_y",
    "pos_x_img",
    "pos_y_img",
    "pos_x_img_angstrom",
    "pos_y_img_angstrom",
    "phi",
    "theta",
    "psi",
    "relative_defocus",
    "defocus_u",
    "defocus_v",
    "astigmatism_angle",
    "pixel_size",
    "refined_pixel_size",
    "voltage",
    "spherical_aberration",
    "amplitude_contrast_ratio",
    "phase_shift",
    "ctf_B_factor",
    "even_zernikes",
    "odd_zernikes",
    "mag_matrix",
    MICROGRAPH,
    "template_path",
    "mip_path",
    "scaled_mip_path",
    "psi_path",
    "theta_path",
    "phi_path",
    "defocus_path",
    "correlation_average_path",
    "correlation_variance_path",
)
# Of RELION's columns, what Leopard-EM's say.
_REPRESENTED = frozenset(
    (
        *POSE_AND_CTF,
        *ABERRATIONS,
        "rlnCtfBfactor",
        "rlnMicrographName",
        "rlnCoordinateX",
        "rlnCoordinateY",
        "rlnVoltage",
        "rlnSphericalAberration",
        "rlnAmplitudeContrast",
    )
)


@dataclasses.dataclass(frozen=True)
class LeopardEM(AbstractLayout):
    """Leopard-EM's CSV tables of particles, which refer to their micrographs.

    Particles need rlnMicrographName and rlnCoordinateX and Y, pixels of the micrograph.
    A position is a whole pixel there; what is left of it stands in rlnOriginXAngst and
    rlnOriginYAngst, which Leopard-EM ignores and `read_particles` takes back, as it
    does other columns. Written by `write_particle_table`; there are no images to copy.

    Args:
        template: edge of the template in pixels; pos_x and pos_y are its corner.

    Example:
        >>> import vitrax as vx
        >>> vx.io.LeopardEM(template=512).contrast
        'dark'
    """

    template: int = 0

    @property
    def contrast(self) -> str:
        """Dark, as micrographs are."""
        return "dark"

    @property
    def holds_contrast(self) -> bool:
        """No, though `read_particles` has a column of inverted micrographs."""
        return False

    @property
    def names_stacks(self) -> bool:
        """No: its tables name micrographs."""
        return False

    def checked_box(self, box: int | None, path: pathlib.Path) -> int:
        """Raise: there are no images to write."""
        del box
        raise InputError(
            f"cannot write images for Leopard-EM to {path} because it cuts them out of "
            "micrographs; do write the table alone, with write_particle_table (without "
            "--copy-images)"
        )

    def write_table(
        self,
        file: pathlib.Path,
        particles: ParticleStack,
        images: ImagePlaces,
        path: pathlib.Path,
    ) -> None:
        """Write the CSV file.

        Raises:
            InputError: if angles, defocus, micrographs or coordinates aren't known.

        Warns:
            InputWarning: of aberrations that Leopard-EM has no names for, and of
                micrographs where protein is white.
        """
        del images
        own = {**_unknown(particles), **_numbers(particles, self.template, path)}
        own |= _contrast(particles, path)
        aberrations, rest = _aberrations(particles, path)
        own |= aberrations
        columns = {
            name: column
            for name, column in particles.columns.items()
            if name not in own
            and name not in _REPRESENTED
            and not name.startswith("refined_")
        }
        numbers = particles.optics_columns.get("rlnOpticsGroup")
        if numbers is not None:
            columns["rlnOpticsGroup"] = np.asarray(numbers)[particles.groups]
        if "rlnCtfScalefactor" in columns or (particles.scales != 1.0).any():
            columns["rlnCtfScalefactor"] = particles.scales
        optics = {
            name: column
            for name, column in particles.optics_columns.items()
            if name not in _REPRESENTED and name != "rlnOpticsGroup"
        }
        foreign = packed(columns, optics, particles.groups)
        first = {name: own[name] for name in COLUMNS}
        other = {name: own[name] for name in own if name not in COLUMNS}
        write_csv(file, {**first, **other, **rest, **foreign})


def _contrast(particles: ParticleStack, path: pathlib.Path) -> dict[str, np.ndarray]:
    """Return a column of our own where protein is white in the micrographs."""
    reader = particles.reader
    if not isinstance(reader, MicrographImages):
        return {}
    if reader.sign > 0:
        held = IS_WHITE in particles.columns
        return {IS_WHITE: np.zeros(len(particles), np.int64)} if held else {}
    warnings.warn(
        f"{path}: protein is white in its micrographs, which it says in a column "
        f"{IS_WHITE} that vitrax alone reads; do invert them for Leopard-EM",
        InputWarning,
        stacklevel=4,
    )
    return {IS_WHITE: np.ones(len(particles), np.int64)}


def _unknown(particles: ParticleStack) -> dict[str, np.ndarray]:
    """Return Leopard-EM's columns as they were, else as nothing is known of them."""
    count = len(particles)
    found = {}
    for name in COLUMNS:
        kept = particles.columns.get(name)
        if kept is not None:
            found[name] = kept
        elif name == "particle_index":
            found[name] = np.arange(count)
        elif name.endswith("_path"):
            found[name] = np.full(count, "", TEXT)
        else:
            found[name] = np.zeros(count)
    return found


def _numbers(
    particles: ParticleStack, template: int, path: pathlib.Path
) -> dict[str, np.ndarray]:
    """Return the columns that follow from the stack."""
    columns = particles.columns
    needed = ("rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY")
    absent = [name for name in needed if name not in columns]
    absent += ["the angles"] * (particles.angles is None)
    absent += ["the defocus"] * (particles.defocus is None)
    if absent:
        raise InputError(
            f"cannot write {path} for Leopard-EM because the particles lack "
            f"{', '.join(absent)}; do add them"
        )
    sizes = _pixel_sizes(particles)
    places = _places(particles, needed[1:], path)
    exact = places + particles.shifts / sizes[:, None]
    whole = np.floor(exact + 0.5)
    x, y = whole.astype(np.int64).T
    left = -(exact - whole) * sizes[:, None]
    mean, astigmatism, angle = np.asarray(particles.defocus).T
    # Leopard-EM takes the larger of the two to be at the angle.
    turned = np.where(astigmatism < 0, angle + 90.0, angle)
    relative = columns.get("relative_defocus")
    if relative is None or relative.dtype.kind not in "if":
        relative = np.zeros(len(particles))
    of_micrograph = mean - np.where(np.isfinite(relative), relative, 0.0)
    phi, theta, psi = np.asarray(particles.angles).T
    return {
        "pos_x": x - template // 2,
        "pos_y": y - template // 2,
        "pos_x_img": x,
        "pos_y_img": y,
        "pos_x_img_angstrom": x * sizes,
        "pos_y_img_angstrom": y * sizes,
        "phi": phi,
        "theta": theta,
        "psi": psi,
        "relative_defocus": np.where(np.isfinite(relative), relative, 0.0),
        "defocus_u": of_micrograph + np.abs(astigmatism) / 2,
        "defocus_v": of_micrograph - np.abs(astigmatism) / 2,
        "astigmatism_angle": turned,
        "pixel_size": sizes,
        "refined_pixel_size": sizes,
        "voltage": particles.voltages,
        "spherical_aberration": particles.shared("spherical_aberration"),
        "amplitude_contrast_ratio": particles.shared("amplitude_contrast"),
        "phase_shift": particles.phase_shifts,
        "ctf_B_factor": particles.b_factors,
        MICROGRAPH: columns["rlnMicrographName"].astype(TEXT),
        **dict(zip(SHIFTS, left.T + 0.0, strict=True)),
    }


def _places(
    particles: ParticleStack, names: Sequence[str], path: pathlib.Path
) -> np.ndarray:
    """Return x and y in the micrographs, pixels."""
    table = StarTable({name: particles.columns[name] for name in names})
    reader = particles.reader
    is_of_file = isinstance(reader, StackImages | MicrographImages)
    source = reader.search.source if is_of_file else str(path)
    return np.stack([number(table, name, source) for name in names], -1)


def _pixel_sizes(particles: ParticleStack) -> np.ndarray:
    """Return Å per pixel of the micrographs, where the coordinates are."""
    for name in ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"):
        column = particles.optics_columns.get(name)
        if column is not None and column.dtype.kind in "if":
            return np.asarray(column, np.float64)[particles.groups]
    return particles.pixel_sizes


def _aberrations(
    particles: ParticleStack, path: pathlib.Path
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return Leopard-EM's columns of aberrations, and RELION's of what remains."""
    odd, even, matrices, rest = [], [], [], ([], [], [], [])
    for group in particles.optics:
        for field, column, texts, left in (
            (group.odd_zernike, "odd_zernikes", odd, rest[0]),
            (group.even_zernike, "even_zernikes", even, rest[1]),
        ):
            terms, remains = leopard_terms(field or (), column)
            texts.append(as_json(terms))
            left.append(f"[{','.join(map(repr, remains))}]")
        matrix = group.magnification
        matrices.append(str(list(leopard_magnification(matrix))) if matrix else "")  # pyright: ignore[reportArgumentType]
        tilt = group.beam_tilt or (0.0, 0.0)
        rest[2].append(tilt[0])
        rest[3].append(tilt[1])
    rows = particles.groups
    columns = {
        "odd_zernikes": np.array(odd, TEXT)[rows],
        "even_zernikes": np.array(even, TEXT)[rows],
        "mag_matrix": np.array(matrices, TEXT)[rows],
    }
    residual = {}
    for name, values, nothing in (
        ("rlnOddZernike", rest[0], "[]"),
        ("rlnEvenZernike", rest[1], "[]"),
        ("rlnBeamTiltX", rest[2], 0.0),
        ("rlnBeamTiltY", rest[3], 0.0),
    ):
        if any(value != nothing for value in values):
            array = np.array(values, TEXT if nothing == "[]" else np.float64)
            residual[name] = array[rows]
    if residual:
        warnings.warn(
            f"{path}: Leopard-EM won't see {', '.join(residual)}, which it has no "
            "columns for; they are kept under RELION's names",
            InputWarning,
            stacklevel=4,
        )
    return columns, residual
