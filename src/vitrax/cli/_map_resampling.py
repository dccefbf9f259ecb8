"""A map on another grid, by the band-limited function through its voxels."""

import numpy as np


def resample_map(
    values: np.ndarray, old_size: float, new_size: float, box: int
) -> np.ndarray:
    r"""Return a map on a cube of `box` voxels of another size, centre on centre.

    The map is the trigonometric polynomial through its voxels, cut at the lower of the
    two Nyquist frequencies, and zero beyond the old box; with equal voxel sizes this
    crops or pads. The sum is separable: one matrix for each axis.

    Args:
        values: [z, y, x], the origin at voxel N // 2.
        old_size: of its voxels, Å.
        new_size: Å.
        box: voxels along each side of the result.

    Example:
        >>> import numpy as np
        >>> resample_map(np.ones((4, 4, 4)), 2.0, 1.0, 8).mean().round(6).item()
        1.0
    """
    result = np.asarray(values, np.float64)
    for axis in range(3):
        matrix = _interpolation_matrix(result.shape[axis], old_size, new_size, box)
        result = np.moveaxis(np.tensordot(matrix, result, axes=(1, axis)), 0, axis)
    return result


def _interpolation_matrix(
    count: int, old_size: float, new_size: float, box: int
) -> np.ndarray:
    """Return the matrix (box, count) that takes old voxels of an axis to new ones."""
    old = old_size * (np.arange(count) - count // 2)
    new = new_size * (np.arange(box) - box // 2)
    frequencies = np.fft.fftfreq(count, old_size)
    weights = np.where(np.abs(frequencies) < 0.5 / new_size - 1e-9, 1.0, 0.0)
    if new_size <= old_size * (1 + 1e-6):
        weights[:] = 1.0
    waves_new = np.exp(2j * np.pi * new[:, None] * frequencies)
    waves_old = np.exp(2j * np.pi * old[:, None] * frequencies)
    matrix = np.real((waves_new * weights) @ waves_old.conj().T) / count
    half = 0.5 * old_size * (1 + 1e-6)
    inside = (new >= old[0] - half) & (new < old[-1] + half)
    return matrix * inside[:, None]
