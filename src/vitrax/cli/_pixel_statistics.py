"""Mean and variance of the pixels of all images of a data set."""

import dataclasses
import math
from typing import Self

import numpy as np


@dataclasses.dataclass(frozen=True)
class PixelStatistics:
    """Sums over the chosen pixels of each image.

    The sums are kept image by image and added up at the end, always in the same order:
    the result doesn't depend on how the images came in batches.

    Args:
        mask: the pixels that count.
        sums: one (sum, sum of squares) for each image.
    """

    mask: np.ndarray
    sums: tuple[np.ndarray, ...] = ()

    def add(self, images: np.ndarray) -> Self:
        """Return the statistics with more images."""
        values = images[:, self.mask].astype(np.float64)
        both = np.stack([values.sum(axis=1), (values**2).sum(axis=1)], axis=1)
        return dataclasses.replace(self, sums=(*self.sums, both))

    def mean(self) -> float:
        """Return the mean of all pixels."""
        return float(self._totals()[0])

    def variance(self) -> float:
        """Return the variance of all pixels about their common mean."""
        mean, square = self._totals()
        return float(max(square - mean**2, 0.0))

    def _totals(self) -> np.ndarray:
        """Return the mean and the mean square."""
        per_image = np.concatenate(self.sums)
        return per_image.sum(axis=0) / (len(per_image) * self.mask.sum())


@dataclasses.dataclass(frozen=True)
class Range:
    """Least, greatest and mean of all values that were added.

    Args:
        least: so far.
        greatest: so far.
        total: sum of the values.
        count: of the values.
    """

    least: float = math.inf
    greatest: float = -math.inf
    total: float = 0.0
    count: int = 0

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return self.total / self.count

    def add(self, values: np.ndarray) -> Self:
        """Return the range with more values."""
        return dataclasses.replace(
            self,
            least=min(self.least, float(values.min())),
            greatest=max(self.greatest, float(values.max())),
            total=self.total + float(values.sum(dtype=np.float64)),
            count=self.count + values.size,
        )

    def as_results(self) -> dict[str, float]:
        """Return the numbers as a record has them."""
        return {"min": self.least, "max": self.greatest, "mean": self.mean}


def disc(box: int, diameter: float) -> np.ndarray:
    """Return the pixels within a circle about pixel N // 2.

    Args:
        box: pixels along a side.
        diameter: in pixels.
    """
    axis = (np.arange(box) - box // 2) ** 2
    return axis[:, None] + axis[None, :] <= (diameter / 2) ** 2
