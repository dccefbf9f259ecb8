import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.image import OpticsGroup, premultiply


LENS = vx.Lens(6000.0, 300.0, 20.0, amplitude_contrast=0.1, b_factor=30.0)
SCOPE = vx.Microscope(vx.Grid((10, 9), 2.0), 300.0, LENS)
IMAGE = jnp.asarray(np.random.default_rng(0).normal(size=(10, 9)))


def test_it_multiplies_by_relions_ctf():
    spectrum = np.fft.rfft2(premultiply(IMAGE, SCOPE))
    expected = np.fft.rfft2(IMAGE) * -np.asarray(SCOPE.ctf())
    np.testing.assert_allclose(spectrum, expected, atol=1e-5)


def test_protein_stays_dark():
    blob = vx.Gaussians([[0.0, 0.0, 0.0]], [[50.0]], [[9.0]])
    scope = vx.Microscope(vx.Grid(32, 1.0), 300.0, vx.Lens(defocus=2_000.0))
    image = vx.simulate(blob, vx.Pose.identity(), scope)
    assert premultiply(image, scope)[16, 16] < 0


def test_the_image_is_that_of_the_grid():
    with pytest.raises(ValueError, match=r"shape \(9, 10\) because .* has \(10, 9\)"):
        premultiply(IMAGE.T, SCOPE)


def test_a_stack_says_which_images_were_multiplied():
    optics = OpticsGroup(2.0, 300.0, box=8)
    assert not optics.premultiplied
    poses = vx.Pose.uniform(jax.random.key(0), 2)
    stack = vx.ParticleStack.from_arrays(
        np.zeros((2, 8, 8)), poses, vx.Lens(1e4), optics
    )
    assert stack.premultiplied.tolist() == [False, False]
