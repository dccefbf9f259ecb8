import bz2
import gzip

import mrcfile
import numpy as np
import pytest

from vitrax.io import (
    InputError,
    InputWarning,
    StackWriter,
    read_header,
    read_image,
    read_map,
    read_stack,
)


IMAGES = np.random.default_rng(0).normal(size=(5, 6, 8)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "stack.mrcs"
    with StackWriter(path, IMAGES.shape, pixel_size=1.5) as writer:
        writer.append(IMAGES[:2])
        writer.append(IMAGES[2:])
    return path


def test_images_on_demand(path):
    stack = read_stack(path)
    assert (len(stack), stack.shape, stack.pixel_size) == (5, (5, 6, 8), 1.5)
    np.testing.assert_array_equal(stack[3], IMAGES[3])
    np.testing.assert_array_equal(stack[1:4], IMAGES[1:4])
    chosen = np.array([4, 0, 0, 2])
    np.testing.assert_array_equal(stack[chosen], IMAGES[chosen])


def test_only_what_is_asked_for_is_read(path):
    content = bytearray(path.read_bytes())
    content[1024:1028] = np.float32(np.nan).tobytes()
    path.write_bytes(content)
    stack = read_stack(path)
    np.testing.assert_array_equal(stack[1], IMAGES[1])
    with pytest.raises(InputError, match="1 of its 48 pixels are NaN"):
        stack[0]


@pytest.mark.parametrize("index", [5, -1])
def test_no_such_image(path, index):
    with pytest.raises(InputError, match="it holds 5"):
        read_stack(path)[index]


def test_a_file_that_shrinks_is_an_error(path):
    stack = read_stack(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="data end early"):
        stack[4]


def test_other_programs_read_what_is_written(path):
    assert mrcfile.validate(path)
    with mrcfile.open(path) as file:
        assert file.is_image_stack()
        np.testing.assert_array_equal(file.data, IMAGES)
        np.testing.assert_allclose(file.voxel_size.tolist(), 1.5)
        header = file.header
        statistics = [header.dmin, header.dmax, header.dmean, header.rms]
    expected = [IMAGES.min(), IMAGES.max(), IMAGES.mean(), IMAGES.std()]
    np.testing.assert_allclose(statistics, expected, rtol=1e-5, atol=1e-7)


def write_too_few(path):
    with StackWriter(path, (5, 6, 8), pixel_size=1.0) as writer:
        writer.append(IMAGES[:4])


def write_too_many(path):
    with StackWriter(path, (5, 6, 8), pixel_size=1.0) as writer:
        writer.append(IMAGES)
        writer.append(IMAGES[:1])


def write_another_box(path):
    with StackWriter(path, (5, 6, 8), pixel_size=1.0) as writer:
        writer.append(IMAGES[:, :, :6])


def write_nan(path):
    with StackWriter(path, (5, 6, 8), pixel_size=1.0) as writer:
        writer.append(IMAGES * np.float32(np.nan))


WRONG = {
    write_too_few: "4 of 5 sections were written",
    write_too_many: "promised as",
    write_another_box: "promised as",
    write_nan: "NaN or infinite",
}


@pytest.mark.parametrize("write", WRONG, ids=lambda f: f.__name__)
def test_wrong_images_leave_nothing(tmp_path, write):
    with pytest.raises(ValueError, match=WRONG[write]):
        write(tmp_path / "stack.mrcs")
    assert not list(tmp_path.iterdir())


def test_writing_outside_the_block(tmp_path):
    with pytest.raises(ValueError, match="isn't open"):
        StackWriter(tmp_path / "a.mrcs", (1, 4, 4), 1.0).append(np.zeros((1, 4, 4)))


def test_a_disk_without_room_is_an_error_before_writing(tmp_path):
    writer = StackWriter(tmp_path / "a.mrcs", (10**9, 4096, 4096), 1.0)
    with pytest.raises(OSError, match="cannot write"):
        writer.__enter__()
    assert not list(tmp_path.iterdir())


def test_one_image(tmp_path, path):
    mrcfile.write(tmp_path / "micrograph.mrc", IMAGES[0])
    np.testing.assert_array_equal(read_image(tmp_path / "micrograph.mrc"), IMAGES[0])
    assert read_stack(tmp_path / "micrograph.mrc").pixel_size is None
    with pytest.raises(InputError, match="has 5 sections"):
        read_image(path)


def test_the_caller_says_what_it_is(path):
    assert read_header(path).space_group == 0
    assert read_map(path, voxel_size=1.5).shape == (5, 6, 8)


def test_columns_along_y_are_turned(path):
    content = bytearray(path.read_bytes())
    content[64:72] = np.array([2, 1], "<i4").tobytes()
    path.write_bytes(content)
    with pytest.warns(InputWarning, match="stored along y, x and z"):
        stack = read_stack(path)
    assert stack.shape == (5, 8, 6)
    np.testing.assert_array_equal(stack[2], IMAGES[2].T)
    np.testing.assert_array_equal(list(stack)[4], IMAGES[4].T)


def test_sections_that_are_not_along_z(path):
    content = bytearray(path.read_bytes())
    content[64:76] = np.array([3, 1, 2], "<i4").tobytes()
    path.write_bytes(content)
    with (
        pytest.warns(InputWarning, match="stored along z, x and y"),
        pytest.raises(InputError, match="sections aren't along z"),
    ):
        read_stack(path)


def test_real_stacks(shared):
    folder = shared / "relion"
    with (
        pytest.warns(InputWarning, match="machine stamp is missing"),
        pytest.warns(InputWarning, match="MAP identifier is missing"),
    ):
        stack = read_stack(folder / "relion31.mrcs")
    assert stack.shape == (5, 256, 256)
    particles = read_stack(folder / "empiar_10076_7.mrc")
    assert particles.pixel_size is None
    assert particles[np.array([0, 6])].std() == pytest.approx(1.0, abs=0.05)
    micrograph = read_image(shared / "micrographs" / "Ucsf_stack_1142_DW.mrc")
    assert micrograph.shape == (927, 959)


def test_agrees_with_mrcfile(shared):
    for path in sorted((shared / "relion").glob("rln_proj*.mrcs")):
        with mrcfile.open(path) as file:
            np.testing.assert_array_equal(read_stack(path)[:], file.data)


def test_images_one_after_another(path):
    np.testing.assert_array_equal(list(read_stack(path)), IMAGES)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_stacks(path, pack):
    path.write_bytes(pack(path.read_bytes()))
    stack = read_stack(path)
    np.testing.assert_array_equal(list(stack), IMAGES)
    chosen = np.array([4, 0, 0, 2])
    np.testing.assert_array_equal(stack[chosen], IMAGES[chosen])


def test_images_that_are_not_finite(path):
    content = bytearray(path.read_bytes())
    content[1024:1028] = np.float32(np.nan).tobytes()
    path.write_bytes(content)
    with pytest.warns(InputWarning, match="1 of its 48 pixels .* were set to 0"):
        assert read_stack(path, nan_policy="zero")[0][0, 0] == 0
    stack = read_stack(path, nan_policy="mask")
    with pytest.warns(InputWarning, match="mean of the others"):
        filled = stack[:2]
    expected = IMAGES[0].ravel()[1:].mean()
    assert filled[0, 0, 0] == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(filled[1], IMAGES[1])


def test_half_precision_of_stacks(tmp_path):
    path = tmp_path / "stack.mrcs"
    with StackWriter(path, IMAGES.shape, pixel_size=1.5, dtype=np.float16) as writer:
        writer.append(IMAGES)
    assert read_header(path).mode == 12
    np.testing.assert_array_equal(read_stack(path)[:], IMAGES.astype(np.float16))
    assert mrcfile.validate(path)


def test_pixels_of_two_sizes(path):
    content = bytearray(path.read_bytes())
    content[44:48] = np.float32(6 * 3.0).tobytes()
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"anisotropic: 1\.5 Å along x, 3 Å along y"):
        _ = read_stack(path).pixel_size


@pytest.mark.parametrize("size", [0.8235, 1.06, 1.3499, 0.4117])
def test_rectangular_micrographs_have_one_pixel_size(tmp_path, size):
    for rows, columns in [(3, 5760), (4092, 2), (7, 927), (959, 3)]:
        path = tmp_path / "micrograph.mrc"
        with StackWriter(path, (1, rows, columns), pixel_size=size) as writer:
            writer.append(np.zeros((1, rows, columns)))
        assert read_stack(path).pixel_size == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize("name", ["a.map", "a.mrc", "a.mrcs.gz", "a.ccp4", "a"])
def test_the_name_decides_nothing(path, tmp_path, name):
    (tmp_path / name).write_bytes(path.read_bytes())
    np.testing.assert_array_equal(read_stack(tmp_path / name)[:], IMAGES)
    assert read_map(tmp_path / name, voxel_size=1.5).shape == (5, 6, 8)
