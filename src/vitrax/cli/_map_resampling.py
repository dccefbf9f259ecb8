"""A map on another grid, by the band-limited function through its voxels."""

import numpy as np


def resample_map(
    values: np.ndarray,
    old_size: float,
    new_size: float,
    box: int,
    centre: np.ndarray | None = None,
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
        centre: (x, y, z) of the result's origin in the map, Å; by default its own.

    Example:
        >>> import numpy as np
        >>> resample_map(np.ones((4, 4, 4)), 2.0, 1.0, 8).mean().round(6).item()
        1.0
    """
    result = np.asarray(values, np.float64)
    offsets = (0.0,) * 3 if centre is None else tuple(float(x) for x in centre[::-1])
    if result.shape == (box,) * 3 and old_size == new_size and not any(offsets):
        return result
    for axis in range(3):
        old = old_size * (np.arange(result.shape[axis]) - result.shape[axis] // 2)
        new = new_size * (np.arange(box) - box // 2) + offsets[axis]
        matrix = _interpolation_matrix(old, new, old_size, new_size)
        result = np.moveaxis(np.tensordot(matrix, result, axes=(1, axis)), 0, axis)
    return result


def _interpolation_matrix(
    old: np.ndarray, new: np.ndarray, old_size: float, new_size: float
) -> np.ndarray:
    """Return the matrix (new, old) that takes voxels at old places to new ones."""
    count = len(old)
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
