"""Particles as EMAN2 keeps them."""

import contextlib
import dataclasses
import json
import pathlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._files import InputError, InputWarning
from ..image import ParticleStack
from ._eman_rows import CONTRAST, eman_rows, foreign_rows
from ._eman_writing import HdfWriter
from ._particle_layout import (
    AbstractLayout,
    ImagePlaces,
    ImageSink,
    refuse_none,
)
from ._particle_tables import known_box


_COMMENT = (
    "# This file is in fast LST format. All lines after the next line have exactly the "
    "number of characters shown on the next line. This MUST be preserved if editing."
)


@dataclasses.dataclass(frozen=True)
class EMAN2(AbstractLayout):
    """EMAN2's lists of images, .lst, whose images are in an HDF5 file beside them.

    Pose, CTF, micrograph, place in it and half stand both in the list and in the
    headers of the images. What EMAN2 has no attributes for (aberrations, scales,
    columns of other programs) is in the list under names that begin with "vitrax.":
    EMAN2 ignores it and `read_particles` takes it back. Images need
    `pip install "vitrax[eman2]"`.

    EMAN2 keeps amplitude contrast and phase shift as one number.

    Example:
        >>> import vitrax as vx
        >>> vx.io.EMAN2().contrast
        'white'
    """

    @property
    def contrast(self) -> str:
        """White, as EMAN2's programs expect it."""
        return CONTRAST

    @property
    def holds_contrast(self) -> bool:
        """No."""
        return False

    @property
    def reads_hdf(self) -> bool:
        """Yes, and MRC files too."""
        return True

    @property
    def stack_suffix(self) -> str:
        """HDF5's."""
        return ".hdf"

    def stack_writer(
        self, path: pathlib.Path, particles: ParticleStack, edge: int
    ) -> contextlib.AbstractContextManager[ImageSink]:
        """Return what writes images with their headers."""
        return HdfWriter(path, eman_rows(particles), edge)

    def checked_box(self, box: int | None, path: pathlib.Path) -> int:
        """Return any box that is known; EMAN2's centre is N // 2, as ours is."""
        return known_box(box, path)

    def write_table(
        self,
        file: pathlib.Path,
        particles: ParticleStack,
        images: ImagePlaces,
        path: pathlib.Path,
    ) -> None:
        """Write the list.

        Raises:
            InputError: if there are no particles, or the name of a stack can't stand in
                a list.

        Warns:
            InputWarning: of aberrations and scales, which EMAN2 won't see.
        """
        refuse_none(particles, path, "EMAN2")
        wrong = [name for name in images.stacks if name.split() != [name]]
        if wrong:
            raise InputError(
                f"cannot write {path} for EMAN2 because the name of the stack "
                f"{wrong[0]!r} has spaces, and its lists are split there; do rename it"
            )
        _warn_of_unseen(particles, path)
        rows = zip(eman_rows(particles), foreign_rows(particles, images), strict=True)
        places = zip(images.index_of.tolist(), images.names(), strict=True)
        lines = [
            f"{index}\t{name}\t{_as_json(own | other)}"
            for (index, name), (own, other) in zip(places, rows, strict=True)
        ]
        length = max(map(len, lines), default=19) + 1
        with open(file, "x", newline="\n") as text:
            text.write(f"#LSX\n{_COMMENT}\n# {length}\n")
            text.writelines(f"{line:<{length - 1}}\n" for line in lines)


def _as_json(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """Return an array as lists have it; a Transform as twelve numbers in a text."""
    if value.shape != (3, 4):
        return value.tolist()
    numbers = ",".join(f"{number:.9g}" for number in value.ravel().tolist())
    return {"__class__": "Transform", "matrix": f"[{numbers}]"}


def _warn_of_unseen(particles: ParticleStack, path: pathlib.Path) -> None:
    unseen = list(particles.aberrations())
    unseen += ["scales"] * bool((particles.scales != 1.0).any())
    unseen += ["a CTF that the images are multiplied by"] * bool(
        np.any(particles.premultiplied)
    )
    if unseen:
        warnings.warn(
            f"{path}: EMAN2 won't see {', '.join(unseen)}, which it has no "
            "attributes for; they are kept beside what it reads",
            InputWarning,
            stacklevel=4,
        )
