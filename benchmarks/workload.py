"""The numbers that both sides of a comparison are given."""

import numpy as np


BATCH = 64
ATOMS = 20_000
TERMS = 5
GAUSSIAN_BOX = 256


def density(n: int) -> np.ndarray:
    """Return a map [z, y, x] of smooth blobs."""
    rng = np.random.default_rng(0)
    axis = np.arange(n) - n // 2
    centres = rng.normal(size=(40, 3)) * 0.1 * n
    waves = [np.exp(-((axis[None] - centres[:, i, None]) ** 2) / 8.0) for i in range(3)]
    return np.einsum("az,ay,ax->zyx", *waves, optimize=True).astype(np.float32)


def poses(batch: int = BATCH) -> dict[str, np.ndarray]:
    """Return RELION's angles (degrees), shifts (Å), and the optics of each image."""
    rng = np.random.default_rng(1)
    mean = rng.uniform(10_000, 20_000, batch)
    values = {
        "rot": rng.uniform(-180, 180, batch),
        "tilt": np.degrees(np.arccos(rng.uniform(-1, 1, batch))),
        "psi": rng.uniform(-180, 180, batch),
        "shift_x": rng.uniform(-5, 5, batch),
        "shift_y": rng.uniform(-5, 5, batch),
        "defocus": mean,
        "astigmatism": rng.uniform(0, 1500, batch),
        "angle": rng.uniform(0, 180, batch),
    }
    return {name: value.astype(np.float32) for name, value in values.items()}


def gaussians() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return positions, amplitudes and variances, no two widths alike."""
    rng = np.random.default_rng(2)
    direction = rng.normal(size=(ATOMS, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = 55.0 * rng.uniform(size=(ATOMS, 1)) ** (1 / 3)
    b_factors = rng.uniform(15.0, 60.0, (ATOMS, 1))
    widths = np.array([[0.2, 1.0, 5.0, 15.0, 35.0]]) + b_factors
    amplitudes = rng.uniform(0.1, 1.0, (ATOMS, TERMS))
    return (
        (direction * radius).astype(np.float32),
        amplitudes.astype(np.float32),
        (widths / (8 * np.pi**2)).astype(np.float32),
    )
