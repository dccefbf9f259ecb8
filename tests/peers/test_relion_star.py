"""STAR files that RELION's own programs read."""

import dataclasses
import shutil
import subprocess

import jax
import numpy as np
import pytest

import vitrax as vx
from vitrax.image import OpticsGroup, premultiply
from vitrax.physics import RELION


COUNT, BOX, PIXEL = 60, 24, 2.0
HIGHER = {"beam_tilt": (0.3, -0.2), "odd_zernike": (0.1, 0.2, 3.0)}
IMAGES = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX)).astype(np.float32)

pytestmark = pytest.mark.skipif(
    shutil.which("relion_star_handler") is None, reason="needs RELION's programs"
)


def run(folder, *command):
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)


def make_stack(**optics):
    poses = vx.Pose.uniform(jax.random.key(0), COUNT)
    lenses = jax.vmap(lambda d: vx.Lens(d, **optics))(np.linspace(8e3, 1.5e4, COUNT))
    group = OpticsGroup(pixel_size=PIXEL, voltage=300.0, box=BOX, **optics)
    columns = {"myOwnColumn": np.array([f"x{i}" for i in range(COUNT)])}
    return vx.ParticleStack.from_arrays(IMAGES, poses, lenses, group, columns)


def reconstructed(folder, name):
    run(
        folder, "relion_reconstruct", "--i", f"{name}.star", "--o", f"{name}.mrc",
        "--ctf", "--sym", "C1", "--j", "1",
    )  # fmt: skip
    return np.asarray(vx.io.read_map(folder / f"{name}.mrc").values)


def test_both_layouts_are_read(tmp_path):
    stack, maps = make_stack(**HIGHER), {}
    for version in ("3.1", "5.0"):
        layout = vx.io.Relion(version)
        vx.io.write_particles(tmp_path / f"p{version}.star", stack, layout=layout)
        run(
            tmp_path, "relion_star_handler", "--i", f"p{version}.star", "--o",
            "half.star", "--select", "rlnRandomSubset", "--minval", "1", "--maxval",
            "1",
        )  # fmt: skip
        half = vx.io.read_particles(tmp_path / "half.star")
        assert half.optics == stack.optics
        assert half.columns["myOwnColumn"].tolist() == [
            f"x{i}" for i in range(0, COUNT, 2)
        ]
        np.testing.assert_allclose(half.angles, stack.angles[::2], atol=1e-5)
        np.testing.assert_array_equal(half.images(), IMAGES[::2])
        maps[version] = reconstructed(tmp_path, f"p{version}")
    assert (tmp_path / "p5.0.star").read_text().count("# version 50001") == 2
    np.testing.assert_array_equal(maps["3.1"], maps["5.0"])


def test_premultiplied_images_are_what_relion_takes_them_for(tmp_path):
    """RELION then leaves out its own multiplication: the map is the same."""
    stack = make_stack()
    vx.io.write_particles(tmp_path / "plain.star", stack)
    scopes = stack.microscopes(constants=RELION)
    axes = vx.batch_axes(scopes)
    images = jax.vmap(premultiply, in_axes=(0, axes))(IMAGES, scopes)
    group = dataclasses.replace(stack.optics[0], premultiplied=True)
    held = np.asarray(images)
    multiplied = dataclasses.replace(
        stack, optics=(group,), reader=lambda rows: held[rows]
    )
    vx.io.write_particles(tmp_path / "multiplied.star", multiplied)
    text = (tmp_path / "multiplied.star").read_text()
    assert "_rlnCtfDataAreCtfPremultiplied #" in text
    expected = reconstructed(tmp_path, "plain")
    scale = expected.std()
    actual = reconstructed(tmp_path, "multiplied")
    np.testing.assert_allclose(actual, expected, atol=2e-3 * scale)
    # Without the flag RELION multiplies once more.
    forgotten = dataclasses.replace(multiplied, optics=stack.optics)
    vx.io.write_particles(tmp_path / "forgotten.star", forgotten)
    assert np.abs(reconstructed(tmp_path, "forgotten") - expected).max() > scale
