import os
import pathlib
import signal
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.cli._draw import draw_particles
from vitrax.cli._recipe import Recipe
from vitrax.cli._stream import Noise, Simulator, default_batch_size


@pytest.fixture(scope="module")
def simulator():
    blob = vx.Gaussians(
        [[3.0, -2.0, 4.0], [0.0, 5.0, 0.0]], [[9.0], [5.0]], [[4.0]] * 2
    )
    voxel_map = vx.render(blob, vx.Grid((16, 16, 16), 2.0))
    return Simulator((vx.FourierMap.from_map(voxel_map),), 16, 2.0, 1, 4)


@pytest.fixture(scope="module")
def particles():
    recipe = Recipe(structure=pathlib.Path("a"), out=pathlib.Path("b"), n=10)
    return draw_particles(recipe)


def joined(parts):
    return np.concatenate(list(parts))


def test_last_batch_may_be_short(simulator, particles):
    sizes = [len(batch) for batch in simulator.clean(particles)]
    assert sizes == [4, 4, 2]


def test_noise_of_an_image_is_its_own(simulator, particles):
    noise = Noise(seed=3, variance=2.0, scale=0.5)
    whole = joined(noisy for _, noisy in simulator.noisy(particles, noise))
    clean = joined(clean for clean, _ in simulator.noisy(particles, noise))
    first = joined(noisy for _, noisy in simulator.noisy(particles[:3], noise))
    np.testing.assert_allclose(first, whole[:3], atol=1e-6)
    drawn = (whole - clean) / 0.5
    assert drawn.var() == pytest.approx(2.0, rel=0.1)
    correlation = np.corrcoef(drawn.reshape(10, -1)) - np.eye(10)
    assert np.abs(correlation).max() < 0.3


def test_seed_changes_the_noise_alone(simulator, particles):
    pairs = [next(simulator.noisy(particles, Noise(seed, 1.0))) for seed in (0, 1)]
    np.testing.assert_array_equal(pairs[0][0], pairs[1][0])
    assert np.abs(pairs[0][1] - pairs[1][1]).max() > 1


def test_padded_ctf_does_not_wrap(simulator, particles):
    import dataclasses

    padded = dataclasses.replace(simulator, padding=3)
    periodic, cut = joined(simulator.clean(particles)), joined(padded.clean(particles))
    assert np.abs(periodic - cut).max() > 0.01 * np.abs(periodic).max()


def test_ctf_scale_factor_multiplies_the_image(simulator, particles):
    import dataclasses

    doubled = dataclasses.replace(particles, scales=np.full(10, 2.0))
    np.testing.assert_allclose(
        joined(simulator.clean(doubled)),
        2 * joined(simulator.clean(particles)),
        rtol=1e-5,
    )


def test_batches_are_smaller_for_larger_boxes():
    assert default_batch_size(64, 1) > default_batch_size(256, 1) > 8
    assert default_batch_size(256, 2) < default_batch_size(256, 1)
    assert default_batch_size(8192, 2) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_kill_leaves_nothing(tmp_path, kind, code):
    tokens = ["apoferritin", "-o", str(tmp_path / "out"), "--n", "30000", "--box", "64"]
    with subprocess.Popen(
        [sys.executable, "-m", "vitrax.cli", "simulate", *tokens, "--angpix", "3"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    ) as job:
        assert job.stderr is not None
        assert "writing images" in job.stderr.readline()
        job.send_signal(kind)
        said = job.stderr.read()
    assert job.returncode == code
    assert "vitrax: cannot go on" in said
    assert list(tmp_path.iterdir()) == []


def test_zero_specimen_gives_zero_images(particles):
    nothing = vx.FourierMap.from_map(vx.VoxelMap(jnp.zeros((16, 16, 16)), 2.0))
    assert (
        np.abs(joined(Simulator((nothing,), 16, 2.0, 1, 4).clean(particles))).max() == 0
    )
