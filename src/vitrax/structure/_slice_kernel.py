"""The interpolation kernel with which a Fourier map is read between its nodes."""

import functools as ft
import math

import jax.numpy as jnp
import numpy as np
import scipy.fft
import scipy.linalg
from jaxtyping import Array, Float, Inexact


# Part of the box's half width over which a kernel is made most accurate. Three points
# do well over half of it, where most of a particle is; four can afford more.
_FILLED = {3: 0.5, 4: 0.7, 5: 0.7, 6: 0.7}
_ALIASES = np.arange(-24, 25)


class SliceKernel:
    r"""Least-squares interpolation between the nodes of a Fourier transform.

    The kernel is $\varphi(t) = (1 - u)^2 \sum_j c_j u^j$ with $u = (2t/W)^2$,
    continuous with its first derivative, so that gradients of an image in its pose
    have no jumps. Its coefficients minimise the aliases
    $\sum_{l \ne 0} \hat\varphi(x + l)^2$ against
    $\sum_l \hat\varphi(x + l)^2$ over the part of the box that a particle fills, as the
    optimal gridding kernels of magnetic resonance do (Fessler and Sutton 2003).

    The default is accurate to 5e-3 (relative L2) where the particle's diameter is up to
    0.6 of the box, `SliceKernel(points=4, padding=1.5)` to 1e-3 up to 0.75. The table
    in docs/choosing.md has more.

    Args:
        points: nodes $W$ along each axis; more are slower and more accurate.
        padding: size of the padded box over that of the map; more takes memory (its
            cube) and is more accurate.

    Raises:
        ValueError: if `points` isn't 3 to 6 or `padding` isn't 1 to 4.

    References:
        Fessler and Sutton 2003, IEEE Trans. Signal Process. 51, 560.

    Example:
        >>> from vitrax.structure import SliceKernel
        >>> SliceKernel(points=4, padding=1.5).padded_size(100)
        150
    """

    def __init__(self, points: int = 3, padding: float = 1.4):
        if points not in range(3, 7):
            raise ValueError(
                f"cannot interpolate with {points} points per axis because 3 to 6 are "
                f"supported; do take 3 (default) or 4 (finer)"
            )
        if not 1.0 <= padding <= 4.0:
            raise ValueError(
                f"cannot pad {padding} times because 1 to 4 is supported; do take 1.4 "
                f"(default), or 2 (finer, and more memory)"
            )
        self.points = int(points)
        self.padding = float(padding)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SliceKernel) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"SliceKernel(points={self.points}, padding={self.padding})"

    def _key(self) -> tuple[int, float]:
        return self.points, self.padding

    def padded_size(self, n: int) -> int:
        """Return the padded size of `n` voxels: even, and quick to transform."""
        half = math.ceil(n * self.padding / 2)
        return 2 * int(scipy.fft.next_fast_len(half, real=True) or half)

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The $c_j$, normalised to $\\varphi$ of unit integral."""
        return _least_squares(self.points, self.padding)

    def weights(self, offset: Array) -> tuple[list[Array], list[Array]]:
        """Return the weight of each node along one axis, and its slope.

        Args:
            offset: distance to the first node, between W/2 - 1 and W/2.
        """
        scale = 2.0 / self.points
        both = [
            kernel_values(scale * (offset - node), self.coefficients)
            for node in range(self.points)
        ]
        return [weight for weight, _ in both], [scale * slope for _, slope in both]

    def deconvolved(
        self, values: Float[Array, "n n n"], size: int
    ) -> Float[Array, "n n n"]:
        """Return a map divided by the kernel's transform along each axis.

        Args:
            values: the map.
            size: of the padded box, voxels.
        """
        n = values.shape[0]
        factor = 1.0 / self.transform((np.arange(n) - n // 2) / size)
        x = jnp.asarray(factor, values.dtype)
        return values * x[:, None, None] * x[:, None][None] * x[None, None]

    def kept(self, half: Inexact[Array, "n n h"]) -> Inexact[Array, "n n h"]:
        """Return the nodes that are read: all."""
        return half

    def transform(self, x: np.ndarray) -> np.ndarray:
        r"""Return the deconvolution $\sum_l \hat\varphi(x+l)^2 / \hat\varphi(x)$.

        Args:
            x: position over the padded box's width, -0.5 to 0.5.
        """
        spectrum = np.tensordot(self.coefficients, _transforms(self.points, x), 1)
        return np.sum(spectrum**2, axis=0) / spectrum[len(_ALIASES) // 2]


def kernel_values(t, coefficients: tuple[float, ...]):
    """Return (1 - t²)² Σ c_j t²ʲ and its derivative."""
    u = t * t
    p, dp = coefficients[-1] + 0.0 * u, 0.0 * u
    for c in coefficients[-2::-1]:
        dp = dp * u + p
        p = p * u + c
    edge = 1.0 - u
    return edge * edge * p, 2.0 * t * edge * (edge * dp - 2.0 * p)


def _transforms(points: int, x: np.ndarray) -> np.ndarray:
    """Return transforms of the kernel's basis functions: (term, alias, x)."""
    # π points per oscillation are needed, and the last alias has 24 per node.
    nodes, weights = np.polynomial.legendre.leggauss(100 * points)
    nodes, weights = 0.5 * points * nodes, 0.5 * points * weights
    u = (2 * nodes / points) ** 2
    # A higher degree gains nothing with three points, and costs time.
    degree = 2 if points <= 3 else 4
    basis = np.stack([(1 - u) ** 2 * u**j for j in range(degree + 1)]) * weights
    phase = 2 * np.pi * (x[None, :] + _ALIASES[:, None])
    return np.tensordot(basis, np.cos(nodes[:, None, None] * phase), 1)


@ft.cache
def _least_squares(points: int, padding: float) -> tuple[float, ...]:
    """Return the coefficients, from a generalised eigenproblem weighted by a ball."""
    depth = np.linspace(0.0, 1.0, 33)
    spectra = _transforms(points, 0.5 * _FILLED[points] / padding * depth)
    middle = len(_ALIASES) // 2
    main, aliases = spectra[:, middle], np.delete(spectra, middle, axis=1)
    ball = 1.0 - depth**2
    weights, chosen = ball, np.zeros(len(main))
    for _ in range(20):
        noise = np.einsum("jlx,klx,x->jk", aliases, aliases, weights)
        signal = np.einsum("jx,kx,x->jk", main, main, weights)
        ridge = 1e-13 * np.trace(noise) * np.eye(len(noise))
        chosen = scipy.linalg.eigh(signal, noise + ridge)[1][:, -1]
        weights = ball / (chosen @ main) ** 2
    return tuple(float(c) for c in chosen / (chosen @ main)[0])
