"""Projections of chignolin that cisTEM made of a map, against ours."""

import functools as ft
import itertools

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.structure import SliceKernel


N = 64
AXIS = np.arange(N) - N // 2
FREQUENCIES = np.fft.fftfreq(N)
KERNELS = [SliceKernel(), SliceKernel(points=4, padding=1.5)]


@pytest.fixture(scope="module")
def cistem(shared):
    """Return (map, angles, projections) in double precision."""
    file = np.load(shared / "cistem" / "projections.npz")
    return [file[name].astype(float) for name in ("volume", "angles", "projections")]


def frequencies_in_the_map(angles):
    """Return the map's (x, y, z) frequency at each (ky, kx) of the image."""
    x_row, y_row, _ = np.asarray(vx.Rotation.from_euler(*angles).as_matrix())
    return FREQUENCIES[None, :, None] * x_row + FREQUENCIES[:, None, None] * y_row


def line_sum(volume, angles):
    """Return the transform of the sum along the beam, the whole square of it."""
    x, y, z = frequencies_in_the_map(angles).reshape(-1, 3).T
    waves = [np.exp(-2j * np.pi * np.outer(k, AXIS)) for k in (x, y, z)]
    along_x = np.einsum("zyx,kx->kzy", volume, waves[0], optimize=True)
    along_y = np.einsum("kzy,ky->kz", along_x, waves[1], optimize=True)
    return np.einsum("kz,kz->k", along_y, waves[2]).reshape(N, N)


def linear_slice(volume, angles):
    """Return the slice by trilinear interpolation of a transform without padding."""
    factor = np.sinc(AXIS / N) ** -2
    deconvolved = volume * factor[:, None, None] * factor[:, None] * factor
    nodes = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(deconvolved)))
    positions = frequencies_in_the_map(angles) * N
    first = np.floor(positions).astype(int)
    total = np.zeros((N, N), complex)
    for step in itertools.product((0, 1), repeat=3):
        weights = np.abs(1 - np.array(step) - (positions - first)).prod(axis=-1)
        x, y, z = np.moveaxis(first + N // 2 + step, -1, 0)
        inside = np.all([(i >= 0) & (i < N) for i in (x, y, z)], axis=0)
        total += np.where(inside, weights * nodes[z % N, y % N, x % N], 0.0)
    return total


def image_of(spectrum):
    """Return the image of a full spectrum in cisTEM's scale, its mean zero."""
    spectrum[0, 0] = 0.0
    return np.fft.fftshift(np.fft.ifft2(spectrum).real) / N


def relative(image, expected):
    return np.linalg.norm(image - expected) / np.linalg.norm(expected)


def correlation(image, expected):
    return np.corrcoef(image.ravel(), expected.ravel())[0, 1]


@pytest.mark.parametrize("index", range(6))
def test_they_are_line_sums(cistem, index):
    volume, angles, projections = cistem
    image = image_of(line_sum(volume, angles[index]))
    assert np.abs(image - projections[index]).max() < 4.65e-3
    assert relative(image, projections[index]) <= 0.07
    assert correlation(image, projections[index]) >= 0.9976


@pytest.mark.parametrize("index", range(6))
def test_they_are_linear_slices_without_padding(cistem, index):
    volume, angles, projections = cistem
    image = image_of(linear_slice(volume, angles[index]))
    assert np.abs(image - projections[index]).max() <= 9e-4


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_our_slices_are_cistem_s(cistem, kernel):
    volume, angles, projections = cistem
    fourier_map = vx.FourierMap.from_map(vx.VoxelMap(volume, 1.0), kernel)
    project = jax.jit(ft.partial(vx.project, fourier_map, grid=vx.Grid(N, 1.0)))
    for each, expected in zip(angles, projections, strict=True):
        image = np.asarray(project(vx.Pose.from_euler(*each))) / N
        image = image - image.mean()
        assert np.abs(image - expected).max() <= 2.5e-3
        assert relative(image, expected) <= 0.05
        assert correlation(image, expected) >= 0.9990


def test_the_other_hand_is_told_apart(cistem):
    volume, angles, projections = cistem
    mirrored = np.roll(volume[::-1], 1, axis=0)
    worst = min(
        correlation(image_of(linear_slice(mirrored, each)), expected)
        for each, expected in zip(angles, projections, strict=True)
    )
    assert worst < 0.9


def test_the_map_is_chignolin(cistem, shared):
    volume, _, _ = cistem
    atoms = vx.io.read_atoms(shared / "structures" / "1uao.pdb")
    gaussians = atoms.to_gaussians()
    total = float(gaussians.amplitudes.sum())
    assert volume.sum() == pytest.approx(total, rel=1e-4)
    centre = np.asarray(gaussians.positions).mean(axis=0, keepdims=True)
    centred = vx.Gaussians(
        np.asarray(gaussians.positions) - centre,
        gaussians.amplitudes,
        gaussians.variances,
    )
    ours = np.asarray(jax.jit(vx.render)(centred, vx.Grid((N, N, N), 1.0)).values)
    assert correlation(ours, volume) > 0.9
