"""The header of an MRC file: what it says, checked against what the file holds."""

import dataclasses
import os
import warnings

import numpy as np

from .._files import InputError, InputWarning
from ._contents import (
    MAX_UNPACKED,
    Path,
    check_content,
    check_unpacked,
    first_bytes,
    is_compressed,
    is_tiff,
    largest_ratio,
    too_large,
    unpack,
)
from ._mrc_fields import (
    FOUR_BITS,
    HEADER_SIZE,
    Fields,
    Mode0,
    fields_of,
    labels_of,
    three,
)
from ._problem import Problem


@dataclasses.dataclass(frozen=True)
class MrcHeader:
    """What the header of an MRC file says.

    Attributes:
        path: the file.
        shape: (sections, rows, columns), as the file stores them.
        mode: how a number is stored: 0 bytes, 1 and 6 integers, 2 floats, 12 half
            floats, 101 half bytes.
        dtype: of the stored numbers, byte order included.
        axes: which of x, y, z (1, 2, 3) the sections, rows and columns are.
        start: index of the first voxel along x, y, z.
        sampling: intervals of the cell along x, y, z.
        cell: lengths of the cell along x, y, z, Å.
        angles: of the cell, degrees.
        origin: of the first voxel (x, y, z), Å, as MRC 2014 defines it.
        space_group: 0 for images, 1 for a volume, 401 for a stack of volumes.
        stated: smallest, largest and mean value and standard deviation; a program that
            didn't know them wrote a largest below the smallest, or a negative one.
        labels: texts about the file.
        offset: bytes before the data.
        compressed: whether the file is packed with gzip or bzip2.
        notes: what had to be inferred.

    Example:
        >>> import jax.numpy as jnp, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/map.mrc"
        >>> vx.io.write_map(path, vx.VoxelMap(jnp.zeros((4, 4, 4)), voxel_size=1.5))
        >>> vx.io.read_header(path).mode
        2
    """

    path: str
    shape: tuple[int, int, int]
    mode: int
    dtype: np.dtype
    axes: tuple[int, int, int]
    start: tuple[int, int, int]
    sampling: tuple[int, int, int]
    cell: tuple[float, float, float]
    angles: tuple[float, float, float]
    origin: tuple[float, float, float]
    space_group: int
    stated: tuple[float, float, float, float]
    labels: tuple[str, ...]
    offset: int
    compressed: bool
    notes: tuple[str, ...]

    @property
    def section_size(self) -> int:
        """Bytes of one section."""
        _, rows, columns = self.shape
        if self.mode == FOUR_BITS:
            return rows * ((columns + 1) // 2)
        return rows * columns * self.dtype.itemsize

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Å along x, y, z; 0 where the header doesn't say."""
        sizes = np.zeros(3)
        np.divide(self.cell, self.sampling, sizes, where=np.array(self.sampling) > 0)
        x, y, z = np.where(np.isfinite(sizes) & (sizes > 0), sizes, 0.0).tolist()
        return x, y, z

    @property
    def order(self) -> tuple[int, int, int]:
        """Which stored axes (sections 0, rows 1, columns 2) are z, y and x."""
        z, y, x = (self.axes.index(axis) for axis in (3, 2, 1))
        return z, y, x

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """Numbers of voxels (z, y, x)."""
        z, y, x = (self.shape[stored] for stored in self.order)
        return z, y, x

    def first_voxel(self, voxel_size: float) -> tuple[float, float, float]:
        """Return the coordinates (x, y, z) of a map's first voxel, Å.

        They are ORIGIN where it isn't zero, else the start in voxels: as the programs
        read it that show maps over models.

        Args:
            voxel_size: Å.
        """
        if any(self.origin):
            return self.origin
        x, y, z = (voxel_size * start for start in self.start)
        return x, y, z


def read_header(
    path: Path, *, mode0: Mode0 | None = None, max_unpacked: int = MAX_UNPACKED
) -> MrcHeader:
    """Return the checked header of an MRC file.

    Sizes are compared with the file's own size, so that what follows may trust them.
    Byte order and number type are inferred where the header doesn't say; a warning
    tells.

    Args:
        path: an MRC, MRCS, MAP or CCP4 file, also packed with gzip or bzip2. Its
            content decides, not its suffix.
        mode0: whether bytes (mode 0) are "signed" or "unsigned"; None to go by IMOD's
            flag, else by the stated range, else as MRC 2014 says: signed.
        max_unpacked: bytes that the content of a packed file may have.

    Returns:
        The header.

    Raises:
        InputError: if the file isn't MRC, is damaged or cut short, or holds numbers
            that aren't images.

    Example:
        >>> import jax.numpy as jnp, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/map.mrc"
        >>> vx.io.write_map(path, vx.VoxelMap(jnp.zeros((4, 4, 4)), voxel_size=1.5))
        >>> header = vx.io.read_header(path)
        >>> header.shape, header.voxel_size
        ((4, 4, 4), (1.5, 1.5, 1.5))
    """
    header, remarks = _interpret(path, mode0)
    sizes = check_size(header, max_unpacked)
    for problem in sizes:
        if problem.where == EXTENDED:
            raise InputError(
                f"cannot read {header.path} because {problem.what}; do mend it with "
                f"`vitrax check --fix` (vitrax.io.write_mended_mrc)"
            )
    for each in (*remarks, *sizes):
        warnings.warn(f"{header.path}: {each.what}", InputWarning, stacklevel=3)
    return header


def read_header_leniently(
    path: Path, mode0: Mode0 | None, max_unpacked: int = MAX_UNPACKED
) -> tuple[MrcHeader, list[Problem]]:
    """Return the header of a file that may be mended, and what is wrong with it.

    Data whose place the extended header gets wrong are looked for at the file's end.

    Args:
        path: the file.
        mode0: what bytes are; None to infer it.
        max_unpacked: bytes that the content of a packed file may have.

    Raises:
        InputError: if there is nothing to mend.
    """
    header, remarks = _interpret(path, mode0)
    sizes = check_size(header, max_unpacked)
    if any(problem.where == EXTENDED for problem in sizes):
        data = header.shape[0] * header.section_size
        header = dataclasses.replace(header, offset=os.path.getsize(path) - data)
    return header, [*remarks, *sizes]


def shortest(size: float) -> float:
    """Return the number with the fewest digits that a header would hold as this one.

    Args:
        size: with the rounding of float32.
    """
    return float(str(np.float32(size)))


# Bytes of a symmetry operator in an extended header.
_RECORD = 80
EXTENDED = "extended header"
TRAILING = "end of the file"


def check_size(header: MrcHeader, max_unpacked: int) -> list[Problem]:
    """Return what is odd about a file's size.

    Args:
        header: of the file.
        max_unpacked: bytes that the content of a packed file may have.

    Raises:
        InputError: if the file doesn't hold what its header promises.
    """
    data = header.shape[0] * header.section_size
    promised, actual = header.offset + data, os.path.getsize(header.path)
    extended = header.offset - HEADER_SIZE
    if header.compressed:
        _check_packed(header, promised, actual, max_unpacked)
        return []
    there = actual - HEADER_SIZE - data
    # What a copy lacks that was cut short is seldom a whole number of records.
    is_whole = extended < 0 or there % _RECORD == 0
    if there >= 0 and is_whole and (extended < 0 or actual < promised):
        claim = f"is promised as {extended} bytes"
        if extended < 0:
            claim = f"has a negative length ({extended})"
        return [
            Problem(
                EXTENDED,
                f"its extended header {claim} where the file has {there} bytes between "
                f"header and data",
                "fixing takes the data from the end of the file",
                True,
            )
        ]
    if extended < 0:
        raise InputError(
            f"cannot read {header.path} because its extended header has a negative "
            f"length ({extended}); the header is damaged, do fetch the file again"
        )
    if actual < promised:
        raise InputError(
            f"cannot read {header.path} because it is {actual} bytes where its header "
            f"promises {promised} ({_as_words(header)}); it is a truncated copy, or "
            "its header is damaged: do copy it again"
        )
    if actual > promised:
        what = f"{actual - promised} bytes follow the data and were ignored"
        return [Problem(TRAILING, what, "fixing leaves them out", True)]
    return []


def _check_packed(
    header: MrcHeader, promised: int, actual: int, max_unpacked: int
) -> None:
    """Raise if a packed file can't or mustn't hold what its header promises."""
    if header.offset < HEADER_SIZE:
        raise InputError(
            f"cannot read {header.path} because its extended header has a negative "
            f"length ({header.offset - HEADER_SIZE}); the header is damaged, do fetch "
            f"the file again"
        )
    if promised > actual * largest_ratio(header.path):
        raise InputError(
            f"cannot read {header.path} because its header promises {promised} bytes "
            f"({_as_words(header)}), more than {actual} compressed bytes can hold; it "
            "is damaged: do fetch it again"
        )
    if promised > max_unpacked:
        what = f"its header promises {promised} bytes ({_as_words(header)}), which is"
        raise too_large(header.path, what, max_unpacked)


def _as_words(header: MrcHeader) -> str:
    sections, rows, columns = header.shape
    size = f"{columns} × {rows} × {sections} of mode {header.mode}"
    return f"{size} after {header.offset} bytes"


def _interpret(
    path: Path, mode0: Mode0 | None
) -> tuple[MrcHeader, tuple[Problem, ...]]:
    """Return the header that a file begins with, and what had to be inferred."""
    start, compressed = _first_unpacked_bytes(path)
    fields = fields_of(os.fspath(path), start, mode0)
    record, axes = fields.record, fields.axes
    starts = dict(
        zip(axes, (int(record[f"n{name}start"]) for name in "zyx"), strict=True)
    )
    sampling, cell = _sampling(fields)
    header = MrcHeader(
        path=os.fspath(path),
        shape=(int(record["nz"]), int(record["ny"]), fields.columns),
        mode=fields.mode,
        dtype=fields.dtype,
        axes=axes,
        start=(starts[1], starts[2], starts[3]),
        sampling=sampling,
        cell=cell,
        angles=three(record["cellb"], float),
        origin=_finite(three(record["origin"], float)),
        space_group=int(record["ispg"]),
        stated=(*three(record[["dmin", "dmax", "dmean"]], float), float(record["rms"])),
        labels=labels_of(record),
        offset=HEADER_SIZE + int(record["nsymbt"]),
        compressed=compressed,
        notes=tuple(each.what for each in fields.remarks),
    )
    return header, fields.remarks


def _first_unpacked_bytes(path: Path) -> tuple[bytes, bool]:
    """Return the bytes of the header, and whether the file is packed."""
    start = first_bytes(path, HEADER_SIZE)
    check_content(path, start)
    compressed = is_compressed(start)
    if compressed:
        start = unpack(path, HEADER_SIZE)
        check_unpacked(path, start)
    if is_tiff(start):
        raise InputError(
            f"cannot read {os.fspath(path)} as MRC because it is a TIFF or EER file; "
            f"do use vitrax.io.read_movie, or read_image for a single image"
        )
    if len(start) < HEADER_SIZE:
        raise InputError(
            f"cannot read {os.fspath(path)} because it ends within its header, which "
            f"is {HEADER_SIZE} bytes ({len(start)} are there); do copy it again"
        )
    return start, compressed


def _sampling(
    fields: Fields,
) -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    """Return the intervals and lengths of the cell."""
    record = fields.record
    mx, my, mz = three(record[["mx", "my", "mz"]], int)
    a, b, c = three(record["cella"], float)
    if fields.is_packed_otherwise and mx == int(record["nx"]):
        mx, a = 2 * mx, 2 * a
    return (mx, my, mz), (a, b, c)


def _finite(place: tuple[float, float, float]) -> tuple[float, float, float]:
    return place if np.isfinite(place).all() else (0.0, 0.0, 0.0)
