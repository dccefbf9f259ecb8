"""Images that a particle table doesn't name."""

import dataclasses

import numpy as np
from jaxtyping import Float32, Int

from .._files import InputError


@dataclasses.dataclass(frozen=True)
class MissingImages:
    """In the place of a reader of images: says why there are none.

    Attributes:
        reason: what to say when they are asked for.
    """

    reason: str

    def __call__(
        self, rows: Int[np.ndarray, " chosen"]
    ) -> Float32[np.ndarray, "chosen y x"]:
        """Raise, unless no images are asked for.

        Args:
            rows: of the table.

        Raises:
            InputError: saying what to do.
        """
        if len(rows):
            raise InputError(self.reason)
        return np.empty((0, 0, 0), np.float32)
