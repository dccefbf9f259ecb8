"""Particles written as RELION 3.1 reads them."""

import contextlib
import os
import pathlib
import warnings
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from jaxtyping import Float

from .._files import InputError, InputWarning, atomic_path
from ..image import OpticsGroup, ParticleStack
from ..optics import Lens
from ..pose import Pose
from ._contents import Path
from ._contrast import contrast_sign
from ._further_tables import warn_of_further_tables
from ._labels import SIGN
from ._micrograph_images import MicrographImages
from ._missing_images import MissingImages
from ._particle_layout import AbstractLayout, ImagePlaces, joined
from ._particle_tables import (
    check_box,
    image_names,
    lens_columns,
    optics_table,
    ordered,
    pose_columns,
)
from ._relion_layout import Relion
from ._stack_images import StackImages
from ._stacks import StackWriter
from ._star_table import TEXT, StarTable
from ._star_text import write_tables


class ParticleWriter:
    """Writes simulated particles one batch after another, in bounded memory.

    A context manager: the stack and then the STAR file appear under their names when
    the block ends, all images are there and no error was raised, and not before.

    Args:
        path: the STAR file; the images go to an .mrcs file of the same name beside it.
        count: of all particles.
        optics: the optics groups, all of one box and pixel size; RELION's numbers of
            them are 1, 2, ….
        contrast: of protein in the stack: "white" (or "relion") as RELION's programs
            need it, or "dark". What is given to `append` is physical: protein dark.
        project: folder from which RELION will be run. RELION looks up names of stacks
            from there; by default it is the folder of the STAR file.

    Raises:
        InputError: if the box is odd: RELION puts its centre one pixel further.
        OSError: with errno ENOSPC if the disk hasn't room for all images.

    Example:
        >>> import jax, numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/particles.star"
        >>> optics = vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)
        >>> with vx.io.ParticleWriter(path, 4, [optics]) as writer:
        ...     for batch in range(2):
        ...         poses = vx.Pose.uniform(jax.random.key(batch), 2)
        ...         writer.append(
        ...             np.zeros((2, 8, 8)), poses=poses, lenses=vx.Lens(defocus=1.2e4)
        ...         )
        >>> len(vx.io.read_particles(path))
        4
    """

    def __init__(
        self,
        path: Path,
        count: int,
        optics: Sequence[OpticsGroup],
        *,
        contrast: str = "relion",
        project: Path | None = None,
    ):
        self._path = pathlib.Path(path)
        self._count = count
        self._optics = tuple(optics)
        self._sign = contrast_sign(contrast)
        self._images_name = _name_for_relion(self._path.with_suffix(".mrcs"), project)
        boxes = {group.box for group in optics}
        sizes = {group.pixel_size for group in optics}
        if len(boxes) != 1 or len(sizes) != 1:
            raise ValueError(
                f"cannot write one stack of boxes {boxes} and pixel sizes {sizes} "
                "because they differ; do write each into its own"
            )
        self._box = check_box(boxes.pop(), self._path)
        shape = (count, self._box, self._box)
        self._stack = StackWriter(self._path.with_suffix(".mrcs"), shape, sizes.pop())
        self._parts: list[dict[str, np.ndarray]] = []
        self._files = contextlib.ExitStack()

    def __enter__(self) -> Self:
        # Left in the opposite order: the images get their name first, the STAR file
        # last.
        self._table = self._files.enter_context(atomic_path(self._path))
        self._files.enter_context(self._stack)
        return self

    def append(
        self,
        images: Float[Any, "images y x"],
        *,
        poses: Pose | None = None,
        lenses: Lens | None = None,
        columns: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the next images.

        Args:
            images: physical, protein dark.
            poses: of them, with a leading axis; or the columns rlnAngleRot, …
            lenses: of them; leaves have a leading axis, or none where all share a
                value.
            columns: more about each, by RELION's names, one value per image. They go
                before what follows from `poses` and `lenses`. Unless given, all
                particles are in optics group 1, class 1, one micrograph, and in halves
                1 and 2 by turns.

        Raises:
            ValueError: if images don't fit, aren't finite, or batches differ in
                columns.
        """
        images = np.asarray(images)
        first, count = sum(len(p["rlnOpticsGroup"]) for p in self._parts), len(images)
        numbers = np.arange(first, first + count)
        part = {
            "rlnOpticsGroup": np.ones(count, np.int64),
            "rlnMicrographName": np.full(count, f"{self._path.stem}.mrc", TEXT),
            "rlnClassNumber": np.ones(count, np.int64),
            "rlnRandomSubset": numbers % 2 + 1,
        }
        part |= pose_columns(poses) if poses is not None else {}
        part |= {name: np.asarray(value) for name, value in (columns or {}).items()}
        if lenses is not None:
            part = lens_columns(lenses, self._optics, part["rlnOpticsGroup"]) | part
        part["rlnImageName"] = image_names(numbers, self._images_name)
        if self._sign != contrast_sign("relion"):
            part[SIGN] = np.full(count, -self._sign)
        self._check(part, count)
        self._stack.append(images * images.dtype.type(self._sign))
        self._parts.append(part)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._files.pop_all() as files:
            files.push(lambda *_: False)
            if error is not None:
                raise error
            self._write_table()

    def _check(self, part: Mapping[str, np.ndarray], count: int) -> None:
        lengths = {name: len(np.atleast_1d(values)) for name, values in part.items()}
        wrong = [name for name, length in lengths.items() if length != count]
        if wrong:
            raise ValueError(
                f"cannot write {count} images with {lengths[wrong[0]]} values of "
                f"{wrong[0]} because each has one; do give as many"
            )
        if self._parts and set(part) != set(self._parts[0]):
            differing = sorted(set(part) ^ set(self._parts[0]))
            raise ValueError(
                f"cannot write this batch because {', '.join(differing)} isn't in all "
                f"batches; do give the same columns each time"
            )

    def _write_table(self) -> None:
        columns = {
            name: np.concatenate([part[name] for part in self._parts])
            for name in (self._parts[0] if self._parts else ())
        }
        tables = {
            "optics": optics_table(self._optics),
            "particles": StarTable(ordered(columns)),
        }
        write_tables(self._table, tables)


def write_particles(
    path: Path,
    particles: ParticleStack,
    *,
    layout: AbstractLayout | None = None,
    contrast: str | None = None,
    project: Path | None = None,
    batch_size: int = 256,
) -> None:
    """Write particles, images and all, as some program reads them.

    Columns and tables that the particles' own file had are kept; poses, defoci and
    optics are those of the stack. Images are copied in batches. Files appear under
    their names only when whole, the table last.

    Args:
        path: the table; images go to an .mrcs file of the same name beside it (.hdf for
            EMAN2), or to one for each box and pixel size where these differ.
        particles: any stack, such as `read_particles` gives.
        layout: the program's, `Relion()` by default.
        contrast: of protein in the written stack, "white" or "dark"; by default as the
            program has it.
        project: folder from which the program will be run, by default that of the
            table.
        batch_size: images in memory at a time.

    Raises:
        InputError: if a box is odd or unknown, an image isn't found, or a stack of that
            name belongs to another table.
        OSError: with errno ENOSPC if the disk is full.

    Warns:
        InputWarning: of what the program's files have no room for, such as tables
            beside those of particles and optics groups.

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
        >>> vx.io.read_star(path)["particles"]["rlnImageName"][0]
        '000001@particles.mrcs'
    """
    target = pathlib.Path(path)
    layout = Relion() if layout is None else layout
    sign = contrast_sign(contrast or layout.contrast)
    kinds = [(group.box, group.pixel_size) for group in particles.optics]
    used = [kinds[i] for i in np.unique(particles.groups)]
    distinct = list(dict.fromkeys(used))
    kind_of = np.array(
        [distinct.index(k) if k in used else -1 for k in kinds], np.int64
    )
    parts = []
    if not layout.holds_tables:
        warn_of_further_tables(particles, target)
    with contextlib.ExitStack() as files:
        table = files.enter_context(atomic_path(target))
        for number, (box, _) in enumerate(distinct):
            rows = np.flatnonzero(kind_of[particles.groups] == number)
            suffix = "" if len(distinct) == 1 else f"_{number + 1}"
            stack = target.with_name(f"{target.stem}{suffix}{layout.stack_suffix}")
            _check_is_free(stack, target, particles)
            edge = layout.checked_box(box, target)
            writer = files.enter_context(
                layout.stack_writer(stack, particles[rows], edge)
            )
            for batch in particles[rows].batches(batch_size):
                writer.append(batch.images() * np.float32(sign))
            parts.append((rows, _name_for_relion(stack, project), sign))
        layout.write_table(table, particles, joined(parts, len(particles)), target)


def write_particle_table(
    path: Path, particles: ParticleStack, *, layout: AbstractLayout | None = None
) -> None:
    """Write the table of particles alone; their images stay in the stacks they are in.

    Names of stacks are those of the particles' own file, so that the table is used from
    the same folder.

    Args:
        path: the table.
        particles: from `read_particles`.
        layout: the program's, `Relion()` by default.

    Raises:
        InputError: if the images aren't in files, or in some that the program doesn't
            read, as HDF5 is to others than EMAN2.

    Warns:
        InputWarning: if protein isn't of the contrast that the program expects and its
            table can't say so.

    Example:
        >>> import jax, numpy as np, tempfile
        >>> import vitrax as vx
        >>> poses = vx.Pose.uniform(jax.random.key(0), 3)
        >>> lenses = jax.vmap(vx.Lens)(np.full(3, 1.2e4))
        >>> optics = vx.image.OpticsGroup(pixel_size=1.5, voltage=300.0, box=8)
        >>> images = np.ones((3, 8, 8))
        >>> stack = vx.ParticleStack.from_arrays(images, poses, lenses, optics)
        >>> folder = tempfile.mkdtemp()
        >>> vx.io.write_particles(folder + "/particles.star", stack)
        >>> stack = vx.io.read_particles(folder + "/particles.star")
        >>> vx.io.write_particle_table(folder + "/first.star", stack[:1])
        >>> vx.io.read_star(folder + "/first.star")["particles"]["rlnImageName"][0]
        '000001@particles.mrcs'
    """
    target = pathlib.Path(path)
    layout = Relion() if layout is None else layout
    reader, rows = particles.reader, particles.rows
    if not layout.holds_tables:
        warn_of_further_tables(particles, target)
    if not layout.names_stacks:
        with atomic_path(target) as table:
            layout.write_table(table, particles, joined([], len(particles)), target)
        return
    if isinstance(reader, MissingImages):
        raise InputError(f"cannot write {target}: {reader.reason}")
    if isinstance(reader, MicrographImages):
        raise InputError(
            f"cannot write {target} without images because those of the particles "
            "are cut out of micrographs; do use write_particles (--copy-images), which "
            "cuts them out"
        )
    if not isinstance(reader, StackImages):
        raise InputError(
            f"cannot write {target} without images because those of the particles "
            "aren't in files; do use write_particles (--copy-images)"
        )
    _check_are_read(reader, layout, target)
    images = ImagePlaces(
        stacks=reader.stacks,
        stack_of=reader.stack_of[rows],
        index_of=reader.index_of[rows],
        signs=reader.signs[rows],
    )
    other = images.signs != contrast_sign(layout.contrast)
    if other.any() and not layout.holds_contrast:
        warnings.warn(
            f"{target}: protein isn't {layout.contrast}, as it is expected to be, in "
            f"the stacks of {int(other.sum())} of {len(other)} particles, which the "
            f"table says in a column {SIGN} that vitrax alone reads; do use "
            "write_particles (--copy-images), which turns them",
            InputWarning,
            stacklevel=2,
        )
    with atomic_path(target) as table:
        layout.write_table(table, particles, images, target)


def _check_are_read(
    reader: StackImages, layout: AbstractLayout, table: pathlib.Path
) -> None:
    """Raise if images are in HDF5 files, and the program doesn't read these."""
    hdf = [] if layout.reads_hdf else [n for n in reader.stacks if reader.is_hdf(n)]
    if hdf:
        raise InputError(
            f"cannot write {table} without images because those of {hdf[0]} are in "
            f"HDF5, which {type(layout).__name__} doesn't read; do use write_particles "
            "(--copy-images)"
        )


def _check_is_free(
    stack: pathlib.Path, table: pathlib.Path, particles: ParticleStack
) -> None:
    """Raise if a stack would replace one that another table may name, or the source."""
    if stack.exists() and (not table.exists() or _is_read_from(stack, particles)):
        raise InputError(
            f"cannot write the images of {table} because {stack} exists, which may be "
            "the stack of another table; do choose another name or folder"
        )


def _is_read_from(stack: pathlib.Path, particles: ParticleStack) -> bool:
    """Return whether some of the particles' images are in a stack."""
    reader = particles.reader
    if not isinstance(reader, StackImages):
        return False
    names = [name for name in reader.stacks if reader.search.is_there(name)]
    return any(stack.samefile(reader.search.find(name)) for name in names)


def _name_for_relion(stack: pathlib.Path, project: Path | None) -> str:
    """Return a stack's name as RELION looks it up from its project's folder."""
    if project is None:
        return stack.name
    return os.path.relpath(stack.absolute(), pathlib.Path(project).absolute())
