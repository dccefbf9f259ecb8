"""A file of particles, with what the caller says about it."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping

from ._contents import Path
from ._contrast import contrast_sign
from ._stack_search import StackSearch


# How to give what a file lacks, in Python and on the command line.
HOW_TO_GIVE = {
    "rlnImagePixelSize": "pixel_size= (--angpix)",
    "rlnVoltage": "voltage= (--kv)",
    "rlnSphericalAberration": "spherical_aberration= (--cs)",
    "rlnAmplitudeContrast": "amplitude_contrast= (--q0)",
}


@dataclasses.dataclass(frozen=True)
class ParticleSource:
    """What a reader of one format is given.

    Attributes:
        path: the file.
        search: where its stacks are looked for.
        contrast: of protein in the stacks, None where the format or the file says it.
        given: values for what the file lacks, by RELION's names, None where unknown.
        passthrough: further files about the same particles.
        stack: the images, for files that don't name them.
        box: pixels along an edge of images that are cut out of micrographs.
        max_unpacked: bytes that the content of a packed table may have, None for what
            its reader takes by default.
    """

    path: pathlib.Path
    search: StackSearch
    contrast: str | None = None
    given: Mapping[str, float | None] = dataclasses.field(default_factory=dict)
    passthrough: tuple[pathlib.Path, ...] = ()
    stack: pathlib.Path | None = None
    box: int | None = None
    max_unpacked: int | None = None

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return os.fspath(self.path)

    def sign(self, contrast: str) -> int:
        """Return the sign that turns the file's images into physical ones.

        Args:
            contrast: that the format has, where the caller doesn't say.
        """
        return contrast_sign(self.contrast or contrast)


def as_source(
    path: Path,
    *,
    contrast: str | None,
    project: Path | None,
    path_map: Mapping[str, str] | None,
    strict_paths: bool,
    given: Mapping[str, float | None],
    passthrough: tuple[Path, ...],
    stack: Path | None,
    box: int | None = None,
    max_unpacked: int | None = None,
) -> ParticleSource:
    """Return the arguments of `read_particles` as one thing.

    Args:
        path: the file.
        contrast: of protein, or None.
        project: folder, or None.
        path_map: old to new beginnings of names, or None.
        strict_paths: whether names that lead elsewhere are refused.
        given: what the file may lack.
        passthrough: further files.
        stack: the images, or None.
        box: of images cut out of micrographs, or None.
        max_unpacked: bytes that a packed table may have, or None.

    Raises:
        ValueError: if `contrast` is neither white nor dark, or the box isn't positive.
    """
    if contrast is not None:
        contrast_sign(contrast)
    if box is not None and not 0 < box < 2**16:
        raise ValueError(
            f"cannot use box={box!r} because images have 1 to 65535 pixels along an "
            "edge; do give the number of pixels"
        )
    search = StackSearch(
        source=os.fspath(path),
        project=None if project is None else os.fspath(project),
        path_map=tuple((path_map or {}).items()),
        is_strict=strict_paths,
    )
    return ParticleSource(
        path=pathlib.Path(path),
        search=search,
        contrast=contrast,
        given=dict(given),
        passthrough=tuple(map(pathlib.Path, passthrough)),
        stack=None if stack is None else pathlib.Path(stack),
        box=box,
        max_unpacked=max_unpacked,
    )
