"""What the values of an MRC file are."""

import dataclasses
import itertools
import math

import numpy as np
from jaxtyping import Num

from ._mrc import MrcHeader
from ._mrc_data import each_section


@dataclasses.dataclass
class MrcValues:
    """What the values of some sections are; those that aren't finite aside.

    Attributes:
        finite: their number.
        not_finite: number of the values that are NaN or infinite.
        smallest: of them; infinite where there are none.
        largest: likewise.
        constant: sections of one value.
        sections: that were looked at.

    Example:
        >>> import numpy as np, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/a.mrcs"
        >>> with vx.io.StackWriter(path, (2, 4, 4), pixel_size=1.0) as writer:
        ...     writer.append(np.arange(32.0).reshape(2, 4, 4))
        >>> values = vx.io.mrc_values(vx.io.read_header(path))
        >>> values.largest, values.mean
        (31.0, 15.5)
    """

    finite: int = 0
    not_finite: int = 0
    smallest: float = math.inf
    largest: float = -math.inf
    constant: int = 0
    sections: int = 0
    _total: float = 0.0
    _squares: float = 0.0

    def add(self, section: Num[np.ndarray, "rows columns"]) -> None:
        """Look at one more section.

        Args:
            section: its values.
        """
        good = section[np.isfinite(section)]
        self.sections += 1
        self.finite += good.size
        self.not_finite += section.size - good.size
        if not good.size:
            return
        smallest, largest = float(good.min()), float(good.max())
        self.constant += smallest == largest
        self.smallest = min(self.smallest, smallest)
        self.largest = max(self.largest, largest)
        self._total += float(good.sum(dtype=np.float64))
        self._squares += float(np.square(good, dtype=np.float64).sum())

    @property
    def mean(self) -> float:
        """Of the finite values."""
        return self._total / max(self.finite, 1)

    @property
    def deviation(self) -> float:
        """Standard deviation of the finite values."""
        return max(self._squares / max(self.finite, 1) - self.mean**2, 0.0) ** 0.5


def mrc_values(header: MrcHeader, sections: int | None = None) -> MrcValues:
    """Return what the values of a file are, one section in memory at a time.

    Args:
        header: of the file.
        sections: how many to look at, from the first; None for all.

    Raises:
        InputError: if the data end early, or their compression is damaged.

    Example:
        >>> import jax.numpy as jnp, tempfile
        >>> import vitrax as vx
        >>> path = tempfile.mkdtemp() + "/map.mrc"
        >>> vx.io.write_map(path, vx.VoxelMap(jnp.ones((4, 4, 4)), voxel_size=1.5))
        >>> vx.io.mrc_values(vx.io.read_header(path), 2).sections
        2
    """
    found = MrcValues()
    for section in itertools.islice(each_section(header), sections):
        found.add(section)
    return found
