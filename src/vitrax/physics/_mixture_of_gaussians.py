r"""Sums of Gaussians that stand for fractions, as few as a stated error allows.

A fraction is a mixture of Gaussians of all widths,

$$\frac{1}{1 + x} = \int_0^\infty e^{-t} e^{-tx}\, dt, \qquad
\frac{1}{(1 + x)^2} = \int_0^\infty t\, e^{-t} e^{-tx}\, dt, \qquad x = \beta k^2,$$

whose sums over equal steps of $\log t$ converge exponentially. So do sums of Gaussians
whose widths are in equal ratios, with whatever amplitudes are best; fewer are needed.
"""

import numpy as np
from jaxtyping import Float


# Frequencies up to which the sums hold, 1/Å.
LARGEST = 6.0
# The narrowest Gaussian's width times the largest k², and the widest one's over the
# widest fraction's: the least of these whose relative error is good, or else the best.
_NARROWEST, _REACHES, _GOOD = 0.4, (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0), 5e-5


def sampled_frequencies() -> Float[np.ndarray, " k"]:
    """Return the frequencies at which `fit_gaussians` fits, 1/Å, denser near zero."""
    return LARGEST * np.linspace(0.0, 1.0, 97) ** 1.5


def fit_gaussians(
    values: Float[np.ndarray, "elements k"],
    weights: Float[np.ndarray, "elements k"],
    widest: Float[np.ndarray, " elements"],
    terms: int,
) -> tuple[Float[np.ndarray, "elements terms"], Float[np.ndarray, "elements terms"]]:
    r"""Return $a_t$ and $\beta_t$ such that $\sum_t a_t e^{-\beta_t k^2}$ are `values`.

    The widths of an element are in equal ratios; the amplitudes, some of which are
    negative, minimise the sum of squared errors times `weights`.

    Args:
        values: sums of fractions at `sampled_frequencies`, Å.
        weights: one over what errors are relative to, 1/Å.
        widest: largest $\beta$ of each element's fractions, Å².
        terms: Gaussians of each element.
    """
    squared = sampled_frequencies()[:, None] ** 2
    target = (values * weights)[:, :, None]
    best = np.full(len(values), np.inf)
    amplitudes, widths = np.zeros((2, len(values), terms))
    for reach in _REACHES:
        found = _geometric(reach * widest, terms)
        basis = np.exp(-squared * found[:, None, :]) * weights[:, :, None]
        q, r = np.linalg.qr(basis)
        fitted = np.linalg.solve(r, np.swapaxes(q, 1, 2) @ target)
        error = np.abs(basis @ fitted - target).max(axis=(1, 2))
        better = (best > _GOOD) & (error < best)
        best[better], widths[better] = error[better], found[better]
        amplitudes[better] = fitted[better, :, 0]
    return amplitudes, widths


def _geometric(widest: np.ndarray, terms: int) -> np.ndarray:
    """Return widths in equal ratios: (element, term)."""
    narrowest = _NARROWEST / LARGEST**2
    return narrowest * (widest / narrowest)[:, None] ** np.linspace(0.0, 1.0, terms)
