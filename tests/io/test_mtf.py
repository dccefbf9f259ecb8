"""MTFs of detectors in STAR files."""

import jax.numpy as jnp
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import InputError, read_mtf


HEADER = "data_mtf\nloop_\n_rlnResolutionInversePixel\n_rlnMtfValue\n"


def written(folder, text):
    path = folder / "mtf.star"
    path.write_text(text)
    return path


def test_a_curve_is_read_as_it_stands(tmp_path):
    mtf = read_mtf(written(tmp_path, HEADER + "0 1\n0.1 0.9\n0.5 0.3\n"))
    assert mtf.frequencies.tolist() == [0.0, 0.1, 0.5]
    assert mtf.values.tolist() == [1.0, 0.9, 0.3]
    assert float(mtf(jnp.asarray(0.3))) == pytest.approx(0.6, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "points", "at_half_nyquist", "at_nyquist"),
    [
        ("de20", 641, 0.5696, 0.2042),
        ("falcon2", 1001, 0.218741, 0.051841),
        ("k2", 1001, 0.733256, 0.388115),
    ],
)
def test_relion_s_files_of_detectors(shared, name, points, at_half_nyquist, at_nyquist):
    path = shared / "detectors" / f"mtf_{name}_300kV.star"
    mtf = read_mtf(path)
    rows = np.loadtxt(path, skiprows=4)
    assert mtf.frequencies.shape == (points,)
    np.testing.assert_array_equal(mtf.values, rows[:, 1])
    ours = mtf(jnp.asarray([0.0, 0.25, 0.5]))
    np.testing.assert_allclose(ours, [1.0, at_half_nyquist, at_nyquist], rtol=1e-9)
    camera = vx.Camera.counting(mtf, pixel_size=0.5)
    assert camera.signal_transfer(vx.Grid(16, 1.0)).shape == (16, 9)


BROKEN = {
    "no such columns": (
        "data_\nloop_\n_a\n1\n",
        "no columns rlnResolutionInversePixel",
    ),
    "misspelt": (
        HEADER.replace("rlnMtfValue", "rlnMTFValue") + "0 1\n",
        r"no column rlnMtfValue \(it has rlnMTFValue: is that meant",
    ),
    "two tables": (
        HEADER + "0 1\n\n" + HEADER.replace("mtf", "other") + "0 1\n",
        r"2 tables hold an MTF \(mtf, other\)",
    ),
    "no rows": (HEADER, "its MTF has no rows"),
    "falling": (HEADER + "0 1\n0.2 0.9\n0.1 0.8\n", "doesn't increase in row 3"),
    "twice": (HEADER + "0 1\n0 0.9\n", "doesn't increase in row 2"),
    "negative frequency": (HEADER + "-0.1 1\n0 0.9\n", "negative in row 1"),
    "negative value": (HEADER + "0 1\n0.1 -0.9\n", "rlnMtfValue .* negative in row 2"),
    "NaN": (HEADER + "0 1\n0.1 nan\n", "NaN or infinite in row 2"),
    "infinite": (HEADER + "0 1\n0.1 inf\n", "NaN or infinite in row 2"),
    "infinite frequency": (HEADER + "0 1\ninf 0\n", "NaN or infinite in row 2"),
    "text": (
        HEADER + "0 1\n0.1 none\n",
        r"'none' in row 2 \(line 6\) isn't",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_errors(tmp_path, case):
    text, message = BROKEN[case]
    with pytest.raises(InputError, match=message) as caught:
        read_mtf(written(tmp_path, text))
    assert "mtf.star" in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(
        InputError, match=r"nowhere\.star because there is no such file"
    ):
        read_mtf(tmp_path / "nowhere.star")
