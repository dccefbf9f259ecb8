"""How the files of images that a table names are read."""

import dataclasses

from .._files import InputError
from ._contents import MAX_UNPACKED, Path
from ._eman_hdf import HdfStack, holds_images
from ._mrc import MrcHeader, read_header
from ._mrc_fields import Mode0
from ._not_finite import NanPolicy
from ._stacks import ImageStack, read_stack


@dataclasses.dataclass(frozen=True)
class ImageReading:
    """What a caller says of all files of images of a table.

    Attributes:
        mode0: as in `read_stack`.
        nan_policy: as in `read_stack`.
        max_unpacked: as in `read_stack`.
    """

    mode0: Mode0 | None = None
    nan_policy: NanPolicy = "error"
    max_unpacked: int = MAX_UNPACKED

    def header(self, path: Path) -> MrcHeader:
        """Return the header of a file."""
        return read_header(path, mode0=self.mode0, max_unpacked=self.max_unpacked)

    def mrc(self, path: Path) -> ImageStack:
        """Return the images of an MRC file, not yet read."""
        return read_stack(path, **vars(self))

    def stack(self, path: Path) -> ImageStack | HdfStack:
        """Return the images of a file of particles, not yet read."""
        try:
            return self.mrc(path)
        except InputError:
            # Most are MRC, and each opening of a file takes time on a server.
            if holds_images(path):
                return HdfStack(path, self.nan_policy)
            raise
