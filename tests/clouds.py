"""Clouds of Gaussians, their maps and their projections in closed form (numpy)."""

import numpy as np


def cloud(count: int, radius: float, seed: int = 0) -> np.ndarray:
    """Return positions, uniform in a ball."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction * radius * rng.uniform(size=(count, 1)) ** (1 / 3)


def waves(n: int, centres: np.ndarray, variance: float) -> np.ndarray:
    """Return normalised Gaussians on n points a unit apart: (points, Gaussians)."""
    axis = np.arange(n)[:, None] - n // 2
    norm = np.sqrt(2 * np.pi * variance)
    return np.exp(-((axis - centres) ** 2) / (2 * variance)) / norm


def volume(positions: np.ndarray, variance: float, n: int) -> np.ndarray:
    """Return the map [z, y, x], point-sampled."""
    x, y, z = (waves(n, positions[:, i], variance) for i in range(3))
    return np.einsum("za,ya,xa->zyx", z, y, x, optimize=True)


def projection(
    positions: np.ndarray, variance: float, n: int, matrix: np.ndarray, shift=(0.0, 0.0)
) -> np.ndarray:
    """Return the exact projection, point-sampled."""
    x, y, _ = matrix @ positions.T
    columns, rows = waves(n, x + shift[0], variance), waves(n, y + shift[1], variance)
    return rows @ columns.T
