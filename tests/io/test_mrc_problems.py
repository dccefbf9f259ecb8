import bz2
import dataclasses
import gzip
import tracemalloc

import mrcfile
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import (
    InputError,
    StackWriter,
    mrc_problems,
    read_header,
    read_map,
    read_stack,
    write_map,
    write_mended_mrc,
)


VALUES = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    write_map(tmp_path / "map.mrc", vx.VoxelMap(VALUES, voxel_size=1.5))
    return tmp_path / "map.mrc"


def patched(path, offset, value):
    content = bytearray(path.read_bytes())
    content[offset : offset + len(value)] = value
    path.write_bytes(content)


def as_int(*values):
    return np.array(values, "<i4").tobytes()


def as_float(*values):
    return np.array(values, "<f4").tobytes()


def no_stamp(path):
    patched(path, 212, bytes(4))


def no_map_word(path):
    patched(path, 208, bytes(4))


def big_endian(path):
    content = path.read_bytes()
    header = np.frombuffer(content[:1024], mrcfile.dtypes.HEADER_DTYPE)
    swapped = header.astype(header.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(swapped + VALUES.astype(">f4").tobytes())
    patched(path, 212, b"\x44\x44")


def other_axes(path):
    """Store columns along z, rows along x and sections along y."""
    patched(path, 0, as_int(4, 6, 5))
    patched(path, 64, as_int(3, 1, 2))
    patched(path, 1024, VALUES.transpose(1, 2, 0).tobytes())


def turned_axes(path):
    """Store columns along y and rows along x."""
    patched(path, 0, as_int(5, 6, 4))
    patched(path, 64, as_int(2, 1, 3))
    patched(path, 1024, VALUES.transpose(0, 2, 1).tobytes())


def no_axes(path):
    patched(path, 64, as_int(0, 0, 0))


def extended_header_absent(path):
    patched(path, 92, as_int(160))


def extended_header_too_long(path):
    content = path.read_bytes()
    path.write_bytes(content[:1024] + b"\1" * 80 + content[1024:])
    patched(path, 92, as_int(160))


def trailing_bytes(path):
    path.write_bytes(path.read_bytes() + bytes(10))


def trailing_packed_bytes(path):
    path.write_bytes(gzip.compress(path.read_bytes() + bytes(10)))


def wrong_statistics(path):
    patched(path, 76, as_float(0.0, 0.0, 0.0))


def no_angles(path):
    patched(path, 52, as_float(0.0, 0.0, 0.0))


FIXABLE = {
    no_stamp: "machine stamp",
    no_map_word: "MAP",
    big_endian: "machine stamp",
    other_axes: "MAPC, MAPR, MAPS",
    turned_axes: "MAPC, MAPR, MAPS",
    no_axes: "MAPC, MAPR, MAPS",
    extended_header_absent: "extended header",
    extended_header_too_long: "extended header",
    trailing_bytes: "end of the file",
    trailing_packed_bytes: "end of the file",
    wrong_statistics: "statistics",
    no_angles: "cell",
}


@pytest.mark.parametrize("damage", FIXABLE, ids=lambda f: f.__name__)
def test_what_can_be_mended(tmp_path, path, damage):
    patched(path, 16, as_int(-2, 7, 5))
    damage(path)
    found = mrc_problems(path)
    assert [problem.where for problem in found] == [FIXABLE[damage]]
    assert found[0].is_fixable
    assert found[0].remedy.startswith("fixing ")
    changes = write_mended_mrc(path, tmp_path / "b.mrc")
    assert any(change.startswith(FIXABLE[damage] + ": ") for change in changes)
    assert mrc_problems(tmp_path / "b.mrc") == []
    assert mrcfile.validate(tmp_path / "b.mrc") or "extended" in damage.__name__
    np.testing.assert_array_equal(read_map(tmp_path / "b.mrc").values, VALUES)
    start = {other_axes: (7, 5, -2), turned_axes: (7, -2, 5)}
    assert read_header(tmp_path / "b.mrc").start == start.get(damage, (-2, 7, 5))


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def truncated_in_its_packing(path):
    path.write_bytes(gzip.compress(path.read_bytes())[:-100])


def nan(path):
    patched(path, 1024, as_float(np.nan, np.inf))


def no_voxel_size(path):
    patched(path, 40, as_float(0.0, 0.0, 0.0))


def anisotropic(path):
    patched(path, 48, as_float(12.0))


def slanted(path):
    patched(path, 52, as_float(90.0, 94.3, 90.0))


def two_places(path):
    patched(path, 16, as_int(1, 2, 3))
    patched(path, 196, as_float(-1.0, 2.0, 8.0))


def bytes_of_unknown_sign(path):
    path.write_bytes(path.read_bytes()[:1144])
    patched(path, 12, as_int(0))
    patched(path, 76, as_float(0.0, -1.0, -2.0))


def complex_numbers(path):
    patched(path, 12, as_int(4))


def web_page(path):
    path.write_text("<!DOCTYPE html>")


NOT_FIXABLE = {
    truncated: ("file", "is 1404 bytes where its header promises 1504"),
    truncated_in_its_packing: ("file", "compression is damaged"),
    nan: ("values", "2 of 120 values are NaN or infinite"),
    no_voxel_size: ("voxel size", "no voxel size"),
    anisotropic: ("voxel size", "anisotropic: 1.5, 1.5, 3 Å along x, y, z"),
    slanted: ("cell", "90, 94.3, 90°"),
    two_places: ("ORIGIN", "two places"),
    bytes_of_unknown_sign: ("mode", "were taken as signed"),
    complex_numbers: ("file", "complex numbers"),
    web_page: ("file", "web page"),
}


@pytest.mark.parametrize("damage", NOT_FIXABLE, ids=lambda f: f.__name__)
def test_what_cannot_be_mended(path, damage):
    damage(path)
    where, what = NOT_FIXABLE[damage]
    (found,) = [p for p in mrc_problems(path) if p.where != "statistics"]
    assert (found.where, found.is_fixable) == (where, False)
    assert what in found.what
    assert found.remedy


def test_no_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        mrc_problems(tmp_path / "none.mrc")


def test_a_sound_file_has_no_problems(tmp_path, path):
    assert mrc_problems(path) == []
    assert write_mended_mrc(path, tmp_path / "b.mrc") == []
    before, after = read_header(path), read_header(tmp_path / "b.mrc")
    labels = (*before.labels, "mended by vitrax")
    assert after == dataclasses.replace(before, path=after.path, labels=labels)


@pytest.mark.parametrize("damage", [no_voxel_size, anisotropic])
def test_a_voxel_size_that_is_given(tmp_path, path, damage):
    damage(path)
    (found,) = mrc_problems(path, pixel_size=2.5)
    assert (found.remedy, found.is_fixable) == ("fixing writes 2.5 Å", True)
    changes = write_mended_mrc(path, tmp_path / "b.mrc", pixel_size=2.5)
    assert changes == ["voxel size: writes 2.5 Å"]
    assert read_header(tmp_path / "b.mrc").voxel_size == (2.5, 2.5, 2.5)
    with pytest.raises(ValueError, match="isn't positive"):
        write_mended_mrc(path, tmp_path / "b.mrc", pixel_size=0.0)


def test_without_a_voxel_size_the_rest_is_mended(tmp_path, path):
    no_voxel_size(path)
    no_stamp(path)
    changes = write_mended_mrc(path, tmp_path / "b.mrc")
    assert len(changes) == 1
    assert [each.where for each in mrc_problems(tmp_path / "b.mrc")] == ["voxel size"]


def test_values_that_are_not_finite_are_never_written(tmp_path, path):
    nan(path)
    with pytest.raises(InputError, match="--nan-policy zero or mask"):
        write_mended_mrc(path, tmp_path / "b.mrc")
    assert not (tmp_path / "b.mrc").exists()
    found = mrc_problems(path, nan_policy="zero")
    remedies = [each.remedy for each in found if each.where == "values"]
    assert remedies == ["fixing sets 2 that are NaN or infinite to 0"]
    changes = write_mended_mrc(path, tmp_path / "b.mrc", nan_policy="zero")
    assert changes[0] == "values: sets 2 that are NaN or infinite to 0"
    assert mrc_problems(tmp_path / "b.mrc") == []
    assert (read_stack(tmp_path / "b.mrc")[0][0, :2] == 0).all()


@pytest.mark.parametrize("kind", ["i1", "i2", "u2", "f2", "f4"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_keep_their_type(tmp_path, kind, order):
    values = (VALUES * 20).astype(np.dtype(kind).newbyteorder(order))
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(values)
        file.voxel_size = 1.5
    write_mended_mrc(tmp_path / "a.mrc", tmp_path / "b.mrc", mode0="signed")
    with mrcfile.open(tmp_path / "b.mrc") as file:
        assert file.data.dtype == np.dtype(kind).newbyteorder("<")
        np.testing.assert_array_equal(file.data, values)
    assert mrc_problems(tmp_path / "b.mrc") == []


def test_bytes_that_mrc_has_not(tmp_path, path):
    unsigned = np.arange(120, dtype=np.uint8).reshape(4, 5, 6) + 100
    start = path.read_bytes()[:1024]
    path.write_bytes(start + unsigned.tobytes())
    patched(path, 12, as_int(0))
    changes = write_mended_mrc(path, tmp_path / "b.mrc", mode0="unsigned")
    assert "mode: unsigned bytes become 16-bit integers (mode 6)" in changes
    np.testing.assert_array_equal(read_map(tmp_path / "b.mrc").values, unsigned)

    pairs = unsigned[:, :, :3].copy()
    path.write_bytes(start + pairs.tobytes())
    patched(path, 12, as_int(101))
    changes = write_mended_mrc(path, tmp_path / "b.mrc")
    assert "mode: half bytes become bytes (mode 0)" in changes
    expected = np.stack([pairs & 15, pairs >> 4], -1).reshape(4, 5, 6)
    with mrcfile.open(tmp_path / "b.mrc") as file:
        np.testing.assert_array_equal(file.data, expected)
    assert mrc_problems(tmp_path / "b.mrc") == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files_are_unpacked(tmp_path, path, pack):
    path.write_bytes(pack(path.read_bytes()))
    assert mrc_problems(path) == []
    changes = write_mended_mrc(path, tmp_path / "b.mrc")
    assert changes == ["packing: the file is unpacked"]
    np.testing.assert_array_equal(read_map(tmp_path / "b.mrc").values, VALUES)


def test_the_extended_header_is_kept(tmp_path, path):
    content = path.read_bytes()
    path.write_bytes(content[:1024] + b"X,  Y,  Z".ljust(80) + content[1024:])
    patched(path, 92, as_int(80))
    assert write_mended_mrc(path, tmp_path / "b.mrc") == []
    with mrcfile.open(tmp_path / "b.mrc") as file:
        assert bytes(file.extended_header).startswith(b"X,  Y,  Z ")
        assert file.header.exttyp == b"CCP4"
    assert mrcfile.validate(tmp_path / "b.mrc")


def stack(path, count=3, box=6):
    images = np.random.default_rng(1).normal(size=(count, box, box))
    with StackWriter(path, images.shape, pixel_size=1.5) as writer:
        writer.append(images)
    return path


def test_suffix_against_space_group(tmp_path):
    path = stack(tmp_path / "a.mrcs")
    patched(path, 88, as_int(1))
    patched(path, 36, as_int(3))
    patched(path, 48, as_float(4.5))
    (found,) = mrc_problems(path)
    assert (found.where, found.is_fixable) == ("ISPG", True)
    write_mended_mrc(path, tmp_path / "b.mrcs")
    assert read_header(tmp_path / "b.mrcs").space_group == 0
    with mrcfile.open(tmp_path / "b.mrcs") as file:
        assert file.is_image_stack()
        np.testing.assert_allclose(file.voxel_size.tolist(), 1.5)

    path = stack(tmp_path / "a.map")
    (found,) = mrc_problems(path)
    assert (found.where, found.is_fixable) == ("ISPG", True)
    write_mended_mrc(path, tmp_path / "b.map")
    assert mrc_problems(tmp_path / "b.map") == []

    (found,) = mrc_problems(stack(tmp_path / "cube.mrc", 6))
    assert (found.where, found.is_fixable) == ("ISPG", False)


def test_boxes_that_are_odd_and_images_of_one_value(tmp_path):
    (found,) = mrc_problems(stack(tmp_path / "a.mrcs", box=5))
    assert (found.where, found.is_fixable) == ("box", False)
    images = np.random.default_rng(1).normal(size=(3, 4, 4))
    images[1] = 2.0
    with StackWriter(tmp_path / "b.mrcs", images.shape, pixel_size=1.5) as writer:
        writer.append(images)
    (found,) = mrc_problems(tmp_path / "b.mrcs")
    assert "1 of 3 images" in found.what


def test_one_section_is_held_at_a_time(tmp_path):
    path = tmp_path / "a.mrcs"
    with StackWriter(path, (200, 64, 64), pixel_size=1.5) as writer:
        for i in range(200):
            writer.append(np.full((1, 64, 64), float(i)) + np.eye(64))
    no_stamp(path)
    tracemalloc.start()
    mrc_problems(path)
    write_mended_mrc(path, tmp_path / "b.mrcs")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 64 * 64 * 4 < path.stat().st_size / 5


def test_real_files(shared, tmp_path):
    folder = shared / "relion"
    found = mrc_problems(folder / "relion31.mrcs")
    assert [each.where for each in found] == ["machine stamp", "MAP"]
    for path in [*folder.glob("*.mrc*"), *(shared / "maps").iterdir()]:
        target = tmp_path / path.name
        write_mended_mrc(path, target)
        assert not any(each.is_fixable for each in mrc_problems(target)), path
        assert mrcfile.validate(target), path
