"""The tables of a RELION 3.1 file, made of poses, lenses and stacks."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._files import InputError
from ..image import OpticsGroup, ParticleStack, lens_arrays, pose_arrays
from ..optics import Lens
from ..pose import Pose
from ._aberrations import aberration_columns
from ._contents import Path
from ._further_tables import in_their_places
from ._labels import ANGLES, DEFOCUS, SHIFTS
from ._micrograph_images import MicrographImages
from ._optics_of_particles import premultiplied_column
from ._split_columns import split_columns
from ._stack_images import StackImages
from ._star_table import TEXT, StarTable


_FIRST = (
    "rlnImageName",
    "rlnMicrographName",
    "rlnOpticsGroup",
    *ANGLES,
    *SHIFTS,
    *DEFOCUS,
    "rlnPhaseShift",
    "rlnCtfBfactor",
    "rlnCtfScalefactor",
    "rlnClassNumber",
    "rlnRandomSubset",
)
# Columns of a file's optics groups that go before our own.
KEPT_OF_OPTICS = (
    "rlnOpticsGroup",
    "rlnMicrographOriginalPixelSize",
    "rlnImageDimensionality",
)
# Angles and lengths from float32 have no more digits than these.
_DECIMALS = 6


def particle_tables(
    particles: ParticleStack, columns: Mapping[str, Any] | None = None
) -> dict[str, StarTable]:
    """Return the tables of a RELION 3.1 file of some particles, without their images.

    Further tables of the file that they come from are among them, in their places.

    Args:
        particles: any stack.
        columns: replace or join those of the stack, by RELION's names.

    Returns:
        The tables "optics", "particles" and others, for `write_star`.

    Example:
        >>> import jax, numpy as np
        >>> import vitrax as vx
        >>> poses = vx.Pose.uniform(jax.random.key(0), 3)
        >>> lenses = jax.vmap(vx.Lens)(np.full(3, 1.2e4))
        >>> optics = vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)
        >>> images = np.ones((3, 8, 8))
        >>> stack = vx.ParticleStack.from_arrays(images, poses, lenses, optics)
        >>> vx.io.particle_tables(stack)["particles"].rows
        3
    """
    count = len(particles)
    numbers, optics = _optics_numbers(particles)
    known: dict[str, np.ndarray] = {
        "rlnOpticsGroup": numbers[particles.groups],
        **dict(zip(SHIFTS, _rounded(-particles.shifts.T), strict=True)),
        "rlnPhaseShift": _rounded(particles.phase_shifts),
        "rlnCtfBfactor": _rounded(particles.b_factors),
        "rlnCtfScalefactor": _rounded(particles.scales),
    }
    if particles.angles is not None:
        known |= dict(zip(ANGLES, _rounded(particles.angles.T), strict=True))
    if particles.defocus is not None:
        known |= _defocus_columns(particles.defocus)
    defaults = {
        "rlnMicrographName": np.full(count, "particles.mrc", TEXT),
        "rlnClassNumber": np.ones(count, np.int64),
    }
    if not isinstance(particles.reader, StackImages | MicrographImages):
        # Particles of a file have halves, or their program is yet to choose them.
        defaults["rlnRandomSubset"] = np.arange(count) % 2 + 1
    merged = defaults | dict(particles.columns) | known | dict(columns or {})
    made = {"optics": optics, "particles": StarTable(split_columns(ordered(merged)))}
    return in_their_places(made, particles.tables)


def pose_columns(poses: Pose) -> dict[str, np.ndarray]:
    """Return RELION's columns of a batch of poses.

    Args:
        poses: leaves have an axis of particles.

    Example:
        >>> import jax
        >>> import vitrax as vx
        >>> list(vx.io.pose_columns(vx.Pose.uniform(jax.random.key(0), 3)))[:2]
        ['rlnAngleRot', 'rlnAngleTilt']
    """
    angles, shifts = pose_arrays(poses)
    values = [*_rounded(angles.T), *_rounded(-shifts.T)]
    return dict(zip((*ANGLES, *SHIFTS), values, strict=True))


def lens_columns(
    lenses: Lens, optics: Sequence[OpticsGroup], numbers: np.ndarray
) -> dict[str, np.ndarray]:
    """Return RELION's columns of a batch of lenses.

    Args:
        lenses: leaves have an axis of particles, or none where all share a value.
        optics: the groups.
        numbers: rlnOpticsGroup of each particle, from 1.

    Raises:
        ValueError: if a lens differs from its group in what the group keeps.

    Example:
        >>> import numpy as np
        >>> import vitrax as vx
        >>> optics = [vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)]
        >>> lens = vx.Lens(defocus=1.2e4, astigmatism=200.0)
        >>> vx.io.lens_columns(lens, optics, np.ones(2, int))["rlnDefocusU"].tolist()
        [12100.0, 12100.0]
    """
    groups = np.asarray(numbers) - 1
    defocus, (phases, b_factors) = lens_arrays(lenses, len(groups), optics, groups)
    return {
        **_defocus_columns(defocus),
        "rlnPhaseShift": _rounded(phases),
        "rlnCtfBfactor": _rounded(b_factors),
        "rlnCtfScalefactor": np.ones(len(groups)),
    }


def optics_table(optics: Sequence[OpticsGroup]) -> StarTable:
    """Return the table data_optics of some groups, numbered 1, 2, …

    Aberrations have columns where some group has them.

    Args:
        optics: the groups.
    """
    return StarTable(
        {
            "rlnOpticsGroup": np.arange(1, len(optics) + 1),
            "rlnOpticsGroupName": np.array([group.name for group in optics], TEXT),
            "rlnVoltage": [group.voltage for group in optics],
            "rlnSphericalAberration": [group.spherical_aberration for group in optics],
            "rlnAmplitudeContrast": [group.amplitude_contrast for group in optics],
            "rlnMicrographOriginalPixelSize": [group.pixel_size for group in optics],
            "rlnImagePixelSize": [group.pixel_size for group in optics],
            "rlnImageSize": np.array([group.box or 0 for group in optics], np.int64),
            "rlnImageDimensionality": np.full(len(optics), 2),
            **aberration_columns(optics),
            **premultiplied_column(optics, {}),
        }
    )


def check_box(box: int | None, path: Path) -> int:
    """Return the box if RELION can use it.

    Args:
        box: pixels along an edge.
        path: the file to be written, for the message.

    Raises:
        InputError: if it is odd, or not known.
    """
    box = known_box(box, path)
    if box % 2:
        raise InputError(
            f"cannot write a box of {box} pixels for RELION to {os.fspath(path)} "
            "because RELION puts the centre of an odd image at pixel (N + 1) / 2, one "
            "further than N // 2, so that every particle would be off by a pixel; do "
            f"use an even box, such as {box + 1}"
        )
    return box


def known_box(box: int | None, path: Path) -> int:
    """Return the box if it is known.

    Args:
        box: pixels along an edge.
        path: the file to be written, for the message.

    Raises:
        InputError: if it isn't.
    """
    if not box:
        raise InputError(
            f"cannot write {os.fspath(path)} because the box of the images isn't "
            "known; do give the optics group its box"
        )
    return box


def image_names(numbers: np.ndarray, stack: str) -> np.ndarray:
    """Return RELION's names of images, `000001@stack`.

    Args:
        numbers: of the images in the stack, from 0.
        stack: its name as RELION looks it up.
    """
    return np.array([f"{number + 1:06d}@{stack}" for number in numbers.tolist()], TEXT)


def _optics_numbers(particles: ParticleStack) -> tuple[np.ndarray, StarTable]:
    """Return rlnOpticsGroup of each group, and their table."""
    table = dict(optics_table(particles.optics))
    table |= aberration_columns(particles.optics, particles.optics_columns)
    table |= premultiplied_column(particles.optics, particles.optics_columns)
    kept = {
        name: column
        for name, column in particles.optics_columns.items()
        if name not in table or name in KEPT_OF_OPTICS
    }
    table |= kept
    return np.asarray(table["rlnOpticsGroup"]), StarTable(table)


def _defocus_columns(defocus: np.ndarray) -> dict[str, np.ndarray]:
    mean, astigmatism, angle = defocus.T
    values = _rounded(np.stack([mean + astigmatism / 2, mean - astigmatism / 2, angle]))
    return dict(zip(DEFOCUS, values, strict=True))


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.round(values, _DECIMALS) + 0.0


def ordered(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns in RELION's usual order, others after.

    Args:
        columns: by RELION's names.
    """
    first = [name for name in _FIRST if name in columns]
    others = [name for name in columns if name not in set(first)]
    return {name: columns[name] for name in [*first, *others]}
