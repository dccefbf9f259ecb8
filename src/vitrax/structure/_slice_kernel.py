"""The interpolation kernel with which a Fourier map is read between its nodes."""

import functools as ft
import math
from typing import Self

import jax.numpy as jnp
import numpy as np
import scipy.fft
import scipy.linalg
import scipy.special
from jaxtyping import Array, Bool, Float, Inexact

from .._checks import checked, is_concrete
from ._voxel_map import VoxelMap


# Part of the box's half width over which a kernel is made most accurate. Three points
# do well over half of it, where most of a particle is; four can afford more.
_FILLED = {3: 0.5, 4: 0.7, 5: 0.7, 6: 0.7}
_ALIASES = np.arange(-24, 25)
# What `SliceKernel.for_map` chooses from, the cheapest first.
_CHOICE = ((3, 1.4), (4, 1.5), (5, 1.5), (6, 2.0))
# By how much the worst pose was found to be worse than the mean that is predicted,
# where a kernel is near its limit (benchmarks/kernels.py).
_WORST = 1.2


class SliceKernel:
    r"""Least-squares interpolation between the nodes of a Fourier transform.

    The kernel is $\varphi(t) = (1 - u)^2 \sum_j c_j u^j$ with $u = (2t/W)^2$,
    continuous with its first derivative, so that gradients of an image in its pose
    have no jumps. Its coefficients minimise the aliases
    $\sum_{l \ne 0} \hat\varphi(x + l)^2$ against
    $\sum_l \hat\varphi(x + l)^2$ over the part of the box that a particle fills, as the
    optimal gridding kernels of magnetic resonance do (Fessler and Sutton 2003).

    The default is accurate to 5e-3 (relative L2) where the particle's diameter is up to
    0.6 of the box, `SliceKernel(points=4, padding=1.5)` to 1e-3 up to 0.75, and to 5e-3
    up to 0.9. `SliceKernel.for_map` chooses by a map's values; the table in
    docs/choosing.md has more.

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

    @classmethod
    def for_map(cls, voxel_map: VoxelMap, error: float = 5e-3) -> Self:
        """Return the cheapest kernel that is accurate enough for a map.

        Args:
            voxel_map: with known values; not under `jit`.
            error: of a projection, relative L2, at most, in the worst pose. Noise
                around a particle counts as part of it.

        Raises:
            ValueError: if the values are traced, or no kernel is as accurate.

        Example:
            >>> import jax.numpy as jnp
            >>> import vitrax as vx
            >>> from vitrax.structure import SliceKernel
            >>> small = vx.VoxelMap(jnp.zeros((16,) * 3).at[6:11, 6:11, 6:11].set(1), 1)
            >>> full = vx.VoxelMap(jnp.ones((16,) * 3), 1)
            >>> SliceKernel.for_map(small), SliceKernel.for_map(full)
            (SliceKernel(points=3, padding=1.4), SliceKernel(points=5, padding=1.5))
        """
        powers = _powers(voxel_map)
        kernel, found = cls(), math.inf
        for points, padding in _CHOICE:
            kernel = cls(points, padding)
            found = _WORST * kernel._relative_error(powers)
            if found <= error:
                return kernel
        raise ValueError(
            f"cannot choose a kernel for slices within {error:g} because the finest, "
            f"{kernel}, is within {found:.1g} for this map; do pad the map, or allow "
            f"that"
        )

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

    def kept(
        self, nodes: Inexact[Array, "z y x"], origin: tuple[int, int, int], n: int
    ) -> Inexact[Array, "z y x"]:
        """Return the nodes that are read: all."""
        del origin, n
        return nodes

    def reads(
        self, positions: tuple[Array, Array, Array], n: int
    ) -> Bool[Array, "y kx"]:
        """Return whether each frequency is read: those within the cube of nodes.

        Args:
            positions: x, y and z of each, in nodes.
            n: voxels of the map along each axis.
        """
        limit = self.padded_size(n) // 2 + 1e-3
        x, y, z = (jnp.abs(at) <= limit for at in positions)
        return x & y & z

    def error(self, voxel_map: VoxelMap) -> float:
        r"""Return the relative L2 error to expect in slices of a map.

        A wave from the place $x$ of one axis is read between nodes with the relative
        error $\epsilon^2(x) = \sum_{l \ne 0} \hat\varphi^2(x+l) / \sum_l
        \hat\varphi^2(x+l)$, the mean over all offsets from the nodes. The sum over the
        axes is weighted by the squares of the values, as if voxels were independent:

        $$\sqrt{\sum_r v^2(r) \sum_i \epsilon^2(r_i) / \sum_r v^2(r)}$$

        Args:
            voxel_map: with known values; not under `jit`.

        Raises:
            ValueError: if the values are traced.

        Example:
            >>> import jax.numpy as jnp
            >>> import vitrax as vx
            >>> full = vx.VoxelMap(jnp.ones((16, 16, 16)), 1.0)
            >>> f"{vx.structure.SliceKernel().error(full):.3f}"
            '0.069'
        """
        return self._relative_error(_powers(voxel_map))

    def _relative_error(self, powers: list[np.ndarray]) -> float:
        """Return the error of a map with these sums of squares along its axes."""
        total = float(np.sum(powers[0]))
        by_size = {n: self._squared_errors(n) for n in {each.size for each in powers}}
        squared = sum(float(each @ by_size[each.size]) for each in powers)
        return math.sqrt(squared / total) if total else 0.0

    def _squared_errors(self, n: int) -> np.ndarray:
        """Return ε² at each of `n` voxels along an axis."""
        x = (np.arange(n) - n // 2) / self.padded_size(n)
        main = np.tensordot(self.coefficients, _transforms(self.points, x), 1) ** 2
        middle = len(_ALIASES) // 2
        return np.delete(main, middle, axis=0).sum(axis=0) / main.sum(axis=0)

    def transform(self, x: np.ndarray) -> np.ndarray:
        r"""Return the deconvolution $\sum_l \hat\varphi(x+l)^2 / \hat\varphi(x)$.

        Args:
            x: position over the padded box's width, -0.5 to 0.5.
        """
        spectrum = np.tensordot(self.coefficients, _transforms(self.points, x), 1)
        return np.sum(spectrum**2, axis=0) / spectrum[len(_ALIASES) // 2]


def _powers(voxel_map: VoxelMap) -> list[np.ndarray]:
    """Return the sums of the squares of a map's values across z, y and x."""
    voxel_map = checked("SliceKernel.error", voxel_map=voxel_map)
    if not is_concrete(voxel_map.values):
        raise ValueError(
            "cannot measure the error of a kernel because the map's values are traced; "
            "do choose the kernel outside jit, grad and vmap"
        )
    values = np.asarray(voxel_map.values)
    powers = [np.zeros(n) for n in values.shape]
    # By planes, else a large map would be in memory once more.
    for z, plane in enumerate(values):
        squares = np.square(plane, dtype=float)
        powers[0][z] = squares.sum()
        powers[1] += squares.sum(axis=1)
        powers[2] += squares.sum(axis=0)
    return powers


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
    nodes, basis = _quadrature(points)
    phase = 2 * np.pi * (x[None, :] + _ALIASES[:, None])
    return np.tensordot(basis, np.cos(nodes[:, None, None] * phase), 1)


@ft.cache
def _quadrature(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places between 0 and W/2, and weighted basis functions there."""
    # π points per oscillation are needed, and the last alias has 24 per node.
    roots, weights = scipy.special.roots_legendre(100 * points)
    # The functions are even: half of the nodes, twice.
    half = roots > 0
    nodes, weights = 0.5 * points * roots[half], points * weights[half]
    u = (2 * nodes / points) ** 2
    # A higher degree gains nothing with three points, and costs time.
    degree = 2 if points <= 3 else 4
    basis = np.stack([(1 - u) ** 2 * u**j for j in range(degree + 1)]) * weights
    nodes.setflags(write=False)
    basis.setflags(write=False)
    return nodes, basis


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
