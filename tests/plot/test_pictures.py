import base64
import io

import numpy as np
import PIL.Image
import pytest

from vitrax import plot


RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 16, 16))
K = np.linspace(0, 0.5, 20)
ANGLES = RNG.uniform(0, 180, 6000)
SPREAD = np.stack([ANGLES * 100, ANGLES, ANGLES], axis=1)

PICTURES = {
    "gallery": lambda: plot.draw_gallery({"a": IMAGES, "b": IMAGES}, 1.5, ["x"] * 3),
    "map": lambda: plot.draw_map(RNG.normal(size=(8, 8, 8)), 2.0, "V"),
    "ctf": lambda: plot.draw_ctf({"a": np.sin(K)}, K, IMAGES[0], 0.5),
    "power": lambda: plot.draw_power({"a": 1 + K, "b": 2 + K}, K),
    "views": lambda: plot.draw_views(ANGLES[:50], ANGLES[:50]),
    "many views": lambda: plot.draw_views(ANGLES, ANGLES),
    "spread": lambda: plot.draw_spread(SPREAD, RNG.normal(size=(6000, 2))),
    "no spread": lambda: plot.draw_spread(SPREAD * [1, 0, 1], np.zeros((6000, 2))),
    "one particle": lambda: plot.draw_spread(SPREAD[:1], np.zeros((1, 2))),
    "pairs": lambda: plot.draw_pairs(IMAGES, IMAGES, ["r"] * 3),
    "correlations": lambda: plot.draw_correlations({"a": K, "b": -K}),
    "constant images": lambda: plot.draw_gallery({"a": np.zeros((1, 8, 8))}, 1.0),
}


@pytest.mark.parametrize("count", [1, 3, 6])
def test_labels_of_pairs_are_whole(count):
    images = np.zeros((count, 16, 16))
    uri = plot.draw_pairs(images, images, ["r = 0.123"] * count)
    png = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    picture = np.asarray(PIL.Image.open(io.BytesIO(png)).convert("L"))
    margin = 3
    edges = picture[:margin], picture[-margin:], picture[:, :margin]
    assert all((edge == 255).all() for edge in edges)


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_drawn(name):
    uri = PICTURES[name]()
    png = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    picture = np.asarray(PIL.Image.open(io.BytesIO(png)).convert("L"))
    assert picture.shape[1] > 300
    assert picture.std() > 2
