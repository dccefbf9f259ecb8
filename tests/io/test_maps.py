import bz2
import contextlib
import gzip
import tracemalloc

import gemmi
import jax.numpy as jnp
import mrcfile
import numpy as np
import pytest

import vitrax as vx
from vitrax.io import InputError, InputWarning, read_header, read_map, write_map


def values_of(shape=(4, 5, 6)):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "map.mrc"
    write_map(path, vx.VoxelMap(values_of(), voxel_size=1.5))
    return path


def patched(path, offset, value):
    """Write bytes into a file's header."""
    content = bytearray(path.read_bytes())
    content[offset : offset + len(value)] = value
    path.write_bytes(content)
    return path


def as_int(*values):
    return np.array(values, "<i4").tobytes()


def as_float(*values):
    return np.array(values, "<f4").tobytes()


def test_written_map_is_read_the_same(path):
    back = read_map(path)
    np.testing.assert_array_equal(back.values, values_of())
    assert back.values.dtype == jnp.float32
    assert float(back.voxel_size) == 1.5
    assert back.unit == "arbitrary"
    assert read_map(path, unit="V").unit == "V"


def test_header_has_no_date(path):
    # The same map gives the same bytes on another day.
    with mrcfile.open(path) as file:
        assert [label.strip() for label in file.get_labels()] == ["written by vitrax"]


def test_other_programs_read_what_is_written(path):
    assert mrcfile.validate(path)
    with mrcfile.open(path) as file:
        np.testing.assert_array_equal(file.data, values_of())
        np.testing.assert_allclose(file.voxel_size.tolist(), 1.5)
        assert file.is_volume()
        np.testing.assert_allclose(file.header.rms, values_of().std(), rtol=1e-6)
    grid = gemmi.read_ccp4_map(str(path)).grid
    np.testing.assert_array_equal(np.array(grid), values_of().transpose(2, 1, 0))


def test_origin_stands_in_the_header(tmp_path):
    path = tmp_path / "map.mrc"
    write_map(path, vx.VoxelMap(values_of(), 2.0), origin=(-6.0, -5.0, -4.0))
    assert read_header(path).origin == (-6.0, -5.0, -4.0)


def test_values_that_are_not_finite_are_not_written(tmp_path):
    bad = vx.VoxelMap(jnp.full((4, 4, 4), jnp.nan), 1.0)
    with pytest.raises(ValueError, match="NaN or infinite"):
        write_map(tmp_path / "map.mrc", bad)
    assert not list(tmp_path.iterdir())


def test_no_voxel_size_names_the_option(path):
    patched(path, 40, as_float(0, 0, 0))
    with pytest.raises(InputError, match=r"voxel_size= \(--map-angpix\)"):
        read_map(path)
    assert float(read_map(path, voxel_size=5.0).voxel_size) == 5.0


def test_voxel_size_of_the_caller_goes_first(path):
    assert float(read_map(path, voxel_size=5.0).voxel_size) == 5.0
    with pytest.raises(ValueError, match="isn't positive"):
        read_map(path, voxel_size=0.0)


def test_anisotropic_voxels_are_refused_with_their_sizes(path):
    patched(path, 40, as_float(6 * 1.5, 5 * 1.5, 4 * 3.0))
    with pytest.raises(InputError, match=r"anisotropic: 1\.5, 1\.5, 3 Å along x, y, z"):
        read_map(path)


def test_rounding_of_the_header_is_no_anisotropy(path):
    patched(path, 40, as_float(6 * 1.5 * 1.0005, 5 * 1.5, 4 * 1.5))
    assert float(read_map(path).voxel_size) == pytest.approx(1.5, rel=1e-3)


def test_slanted_cells_are_refused(path):
    patched(path, 52, as_float(90.0, 94.326, 90.0))
    with pytest.raises(InputError, match=r"angles of its cell are 90, 94\.326, 90"):
        read_map(path, voxel_size=1.5)


def test_truncated(path):
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        InputError, match="is 1404 bytes where its header promises 1504"
    ):
        read_map(path)


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        (0, 0, "NX is 0"),
        (4, -5, "NY is -5"),
        (12, 154285104, "MODE is 154285104"),
        (64, 7, "MAPC is 7"),
    ],
)
def test_fields_that_cannot_be_are_named(path, place, value, expected):
    patched(path, place, as_int(value))
    with pytest.raises(InputError, match=rf"makes sense \({expected}\)"):
        read_map(path)


def test_copies_cut_short_within_an_extended_header_s_length(path):
    content = path.read_bytes()
    path.write_bytes(content[:1024] + b"X".ljust(160) + content[1024:-1])
    patched(path, 92, as_int(160))
    with pytest.raises(InputError, match="truncated copy"):
        read_map(path)


def test_shorter_than_a_header(path):
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match=r"1024 bytes \(500 are there"):
        read_map(path)


def test_trailing_bytes_are_accepted_with_a_warning(path):
    path.write_bytes(path.read_bytes() + bytes(10))
    with pytest.warns(InputWarning, match="10 bytes follow the data"):
        np.testing.assert_array_equal(read_map(path).values, values_of())


IMPOSTORS = {
    b"": r"it is empty \(0 bytes\)",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0": "Git LFS pointer",
    b"\n<!DOCTYPE html><html><body>404": "web page",
    b"<html>" + bytes(2000): "web page",
    b"\x93NUMPY\x01\x00" + bytes(2000): "CryoSPARC",
    bytes(2048): "isn't an MRC file",
    b"secret:x:0:0:" * 200: "isn't an MRC file",
}


@pytest.mark.parametrize("content", IMPOSTORS, ids=lambda c: str(c[:10]))
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_is_no_map_is_called_by_its_name(tmp_path, content, pack):
    path = tmp_path / "map.mrc"
    path.write_bytes(pack(content) if content else content)
    with pytest.raises(InputError, match=IMPOSTORS[content]) as caught:
        read_map(path)
    assert "map.mrc" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_map(tmp_path / "none.mrc")
    with pytest.raises(InputError, match="is a folder"):
        read_map(tmp_path)


@pytest.mark.parametrize("size", [0, -5])
def test_sizes_that_cannot_be(path, size):
    patched(path, 0, as_int(size))
    with pytest.raises(InputError, match="isn't an MRC file, or"):
        read_map(path)


def test_huge_sizes_allocate_nothing(path):
    patched(path, 0, as_int(20_000, 20_000, 20_000))
    with pytest.raises(InputError, match="header promises 32000000001024"):
        read_map(path)


def test_garbage_mode(path):
    patched(path, 12, as_int(154285104))
    with pytest.raises(InputError, match="isn't an MRC file, or"):
        read_map(path)


@pytest.mark.parametrize("mode", [3, 4, 16])
def test_modes_that_are_no_images(path, mode):
    patched(path, 12, as_int(mode))
    with pytest.raises(InputError, match=f"mode {mode} holds"):
        read_map(path)


def test_negative_extended_header(path):
    patched(path, 92, as_int(-1))
    with pytest.raises(InputError, match="negative length"):
        read_map(path)


def test_extended_header_is_skipped(path):
    content = path.read_bytes()
    path.write_bytes(content[:1024] + b"\1" * 160 + content[1024:])
    patched(path, 92, as_int(160))
    np.testing.assert_array_equal(read_map(path).values, values_of())


@pytest.mark.parametrize("stamp", [b"\0\0\0\0", b"D   ", b"\x11\x11\0\0"])
def test_wrong_machine_stamp_is_inferred(path, stamp):
    patched(path, 212, stamp)
    with pytest.warns(InputWarning, match="makes sense as little-endian"):
        np.testing.assert_array_equal(read_map(path).values, values_of())


@pytest.mark.parametrize("word", [b"\0\0\0\0", b"MAP\0"])
def test_map_identifier(path, word, recwarn):
    patched(path, 208, word)
    np.testing.assert_array_equal(read_map(path).values, values_of())
    assert bool(recwarn) == (word[:3] != b"MAP")


@pytest.mark.parametrize("stamped", [True, False])
def test_big_endian(path, stamped, recwarn):
    content = path.read_bytes()
    header = np.frombuffer(content[:1024], mrcfile.dtypes.HEADER_DTYPE)
    swapped = header.astype(header.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(swapped + values_of().astype(">f4").tobytes())
    patched(path, 212, b"\x11\x11\0\0" if stamped else bytes(4))
    back = read_map(path)
    np.testing.assert_array_equal(back.values, values_of())
    assert bool(recwarn) != stamped


@pytest.mark.parametrize("kind", ["i1", "i2", "u2", "f2", "f4"])
def test_number_types(tmp_path, kind):
    values = (values_of() * 20).astype(kind)
    mrcfile.write(tmp_path / "map.mrc", values, voxel_size=1.5)
    back = read_map(tmp_path / "map.mrc")
    assert back.values.dtype == jnp.float32
    np.testing.assert_array_equal(back.values, values.astype(np.float32))


def test_half_bytes(path):
    pairs = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    path.write_bytes(path.read_bytes()[:1024] + pairs.tobytes())
    patched(path, 12, as_int(101))
    expected = np.stack([pairs & 15, pairs >> 4], -1).reshape(4, 5, 6)
    np.testing.assert_array_equal(read_map(path).values, expected)


BYTES = {
    "range says unsigned": (as_float(0, 200), b"", False, "unsigned"),
    "range says signed": (as_float(-100, 100), b"", True, None),
    "nothing is said": (as_float(0, 0), b"", True, "signed"),
    "IMOD says signed": (as_float(0, 0), as_int(1146047817, 1), True, None),
    "IMOD says unsigned": (as_float(0, 0), as_int(1146047817, 0), False, None),
}


@pytest.mark.parametrize("case", BYTES)
def test_signs_of_bytes(path, case, recwarn):
    extremes, imod, signed, warning = BYTES[case]
    values = np.arange(120, dtype=np.uint8).reshape(4, 5, 6) + 100
    path.write_bytes(path.read_bytes()[:1024] + values.tobytes())
    patched(patched(path, 12, as_int(0)), 76, extremes)
    patched(path, 152, imod)
    expected = values.view(np.int8) if signed else values
    np.testing.assert_array_equal(read_map(path).values, expected)
    assert [warning in str(each.message) for each in recwarn] == [True] * bool(warning)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1), (2, 1, 3)])
def test_axes_are_put_in_order(tmp_path, order):
    """`order` is MAPC, MAPR, MAPS: x, y, z of columns, rows, sections."""
    zyx = values_of((4, 5, 6))
    stored = zyx.transpose([3 - axis for axis in reversed(order)])
    path = tmp_path / "map.mrc"
    mrcfile.write(path, stored)
    patched(path, 28, as_int(6, 5, 4))
    patched(path, 40, as_float(9.0, 7.5, 6.0))
    patched(path, 64, as_int(*order))
    expected = contextlib.nullcontext()
    if order != (1, 2, 3):
        expected = pytest.warns(InputWarning, match=r"is in the order \[z, y, x\]")
    with expected:
        np.testing.assert_array_equal(read_map(path).values, zyx)


def test_axes_that_are_no_order(path):
    patched(path, 64, as_int(1, 1, 3))
    with pytest.raises(InputError, match=r"\(1, 1, 3\), not an order of 1, 2, 3"):
        read_map(path)


def test_values_that_are_not_finite_are_counted(path):
    patched(path, 1024, as_float(np.nan, np.inf))
    with pytest.raises(InputError, match="2 of its 120 voxels are NaN or infinite"):
        read_map(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files_by_content(path, pack):
    path.write_bytes(pack(path.read_bytes()))
    np.testing.assert_array_equal(read_map(path).values, values_of())


def test_packed_files_that_lie_allocate_nothing(path):
    patched(path, 0, as_int(2_000, 2_000, 2_000))
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(InputError, match=r"more than .* compressed bytes can hold"):
        read_map(path)


def test_packed_file_cut_short(path):
    path.write_bytes(gzip.compress(path.read_bytes())[:-40])
    with pytest.raises(
        InputError, match=r"compression is damaged or cut short|truncated"
    ):
        read_map(path)


def test_an_image_is_no_map(tmp_path):
    mrcfile.write(tmp_path / "image.mrc", values_of((4, 4)), voxel_size=1.0)
    with pytest.raises(InputError, match="has one section, an image"):
        read_map(tmp_path / "image.mrc")


def test_start_stays_in_the_header(shared):
    header = read_header(shared / "maps" / "EMD-3197.map")
    assert header.start == (-2, 0, 0)
    with pytest.warns(InputWarning, match="stored along z, x and y"):
        slanted = read_header(shared / "maps" / "EMD-3001.map")
    assert slanted.start == (-21, -12, 0)
    assert slanted.axes == (2, 1, 3)


def test_real_maps(shared):
    folder = shared / "maps"
    assert float(read_map(folder / "3j9g_64_4.4A.mrc").voxel_size) == pytest.approx(4.4)
    assert float(read_map(folder / "EMD-3197.map").voxel_size) == pytest.approx(11.4)
    assert read_map(folder / "70S_65_5A.mrc", voxel_size=5.0).shape == (65, 65, 65)
    with pytest.raises(InputError, match="its header has none"):
        read_map(folder / "70S_65_5A.mrc")
    with (
        pytest.warns(InputWarning, match="stored along z, x and y"),
        pytest.raises(InputError, match=r"90, 94\.326, 90"),
    ):
        read_map(folder / "EMD-3001.map")


def test_agrees_with_gemmi(shared):
    path = shared / "maps" / "EMD-3197.map"
    expected = np.array(gemmi.read_ccp4_map(str(path)).grid).transpose(2, 1, 0)
    np.testing.assert_array_equal(read_map(path).values, expected)


def with_bytes(path, values, extremes=(0, 0)):
    path.write_bytes(path.read_bytes()[:1024] + values.tobytes())
    return patched(patched(path, 12, as_int(0)), 76, as_float(*extremes))


@pytest.mark.parametrize("mode0", ["signed", "unsigned"])
@pytest.mark.parametrize("extremes", [(0, 0), (0, 200), (-100, 100)])
def test_the_caller_says_what_bytes_are(path, mode0, extremes, recwarn):
    values = np.arange(120, dtype=np.uint8).reshape(4, 5, 6) + 100
    with_bytes(path, values, extremes)
    expected = values.view(np.int8) if mode0 == "signed" else values
    np.testing.assert_array_equal(read_map(path, mode0=mode0).values, expected)
    assert not recwarn


def test_half_bytes_that_are_declared_as_bytes(path):
    pairs = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    with_bytes(path, pairs)
    patched(path, 152, as_int(1146047817, 16))
    expected = np.stack([pairs & 15, pairs >> 4], -1).reshape(4, 5, 12)
    with pytest.warns(InputWarning, match="two half bytes"):
        back = read_map(path, voxel_size=1.5)
    np.testing.assert_array_equal(back.values, expected)
    with pytest.warns(InputWarning, match="two half bytes"):
        header = read_header(path)
    assert (header.shape, header.sampling) == ((4, 5, 12), (12, 5, 4))
    assert header.voxel_size == (1.5, 1.5, 1.5)


def test_values_that_are_not_finite_become_what_the_caller_says(path):
    patched(path, 1024, as_float(np.nan, np.inf))
    with pytest.warns(InputWarning, match="2 of its 120 voxels .* were set to 0"):
        back = read_map(path, nan_policy="zero")
    assert (back.values[0, 0, :2] == 0).all()
    rest = values_of().ravel()[2:]
    with pytest.warns(InputWarning, match="were set to the mean of the others"):
        back = read_map(path, nan_policy="mask")
    np.testing.assert_allclose(back.values[0, 0, :2], rest.mean(), rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(back.values).ravel()[2:], rest)


def test_policies_that_there_are_not(path, unchecked):
    with pytest.raises(ValueError, match="neither 'signed' nor 'unsigned'"):
        read_map(path, mode0="both")
    with pytest.raises(ValueError, match="no such policy"):
        read_map(path, nan_policy="none")


def test_a_map_without_finite_values_stays_an_error(path):
    patched(path, 1024, as_float(*[np.nan] * 120))
    with pytest.raises(InputError, match="all its voxels are NaN"):
        read_map(path, nan_policy="mask")


@pytest.mark.parametrize("length", [400, 2**31 - 1, -80])
@pytest.mark.parametrize("there", [0, 160])
def test_extended_header_of_another_length(path, length, there):
    content = path.read_bytes()
    path.write_bytes(content[:1024] + bytes(there) + content[1024:])
    patched(path, 92, as_int(length))
    with pytest.raises(InputError, match=r"extended header .* `vitrax check --fix`"):
        read_map(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_the_caller_limits_what_is_unpacked(path, pack):
    path.write_bytes(pack(path.read_bytes()))
    with pytest.raises(
        InputError,
        match=r"promises 1504 bytes .* larger than 1.468 KiB; do .*--max-memory",
    ):
        read_map(path, max_unpacked=1503)
    np.testing.assert_array_equal(read_map(path, max_unpacked=1504).values, values_of())


def test_a_bomb_is_not_unpacked(tmp_path):
    # 256 MiB of zeros after a header that promises 480 bytes.
    write_map(tmp_path / "map.mrc", vx.VoxelMap(values_of(), voxel_size=1.5))
    start = (tmp_path / "map.mrc").read_bytes()
    with gzip.open(tmp_path / "map.mrc.gz", "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(16):
            file.write(bytes(2**24))
    tracemalloc.start()
    np.testing.assert_array_equal(read_map(tmp_path / "map.mrc.gz").values, values_of())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24


def test_damage_at_the_end_of_a_packed_file_is_seen(path):
    content = bytearray(gzip.compress(path.read_bytes()))
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="compression is damaged"):
        read_map(path)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_what_a_map_does_not_hold_is_kept_by_its_header(tmp_path, path, dtype):
    for offset, value in [
        (16, as_int(-2, 7, 5)),
        (28, as_int(12, 10, 8)),
        (40, as_float(18.0, 15.0, 12.0)),
        (88, as_int(19)),
        (196, as_float(3.0, -4.5, 6.0)),
    ]:
        patched(path, offset, value)
    patched(path, 220, as_int(1))
    patched(path, 224, b"made by hand".ljust(80))
    header = read_header(path)
    assert header.start == (-2, 7, 5)
    assert header.voxel_size == (1.5, 1.5, 1.5)
    write_map(tmp_path / "b.mrc", read_map(path), header=header, dtype=dtype)
    back = read_header(tmp_path / "b.mrc")
    for name in ("start", "sampling", "cell", "angles", "origin", "space_group"):
        assert getattr(back, name) == getattr(header, name), name
    assert back.labels == ("made by hand", "written by vitrax")
    assert back.first_voxel(1.5) == (3.0, -4.5, 6.0)
    write_map(tmp_path / "c.mrc", read_map(path), header=back, origin=(1.0, 2.0, 3.0))
    last = read_header(tmp_path / "c.mrc")
    assert (last.origin, last.labels) == ((1.0, 2.0, 3.0), back.labels)
    other = vx.VoxelMap(np.zeros((4, 4, 4)), 1.5)
    with pytest.raises(ValueError, match=r"of shape \(4, 5, 6\); do give origin="):
        write_map(tmp_path / "d.mrc", other, header=header)


def test_the_first_voxel_goes_by_start_where_there_is_no_origin(path):
    patched(path, 16, as_int(-2, 7, 0))
    assert read_header(path).first_voxel(1.5) == (-3.0, 10.5, 0.0)


def test_the_place_of_reordered_axes(path):
    # Columns along z, rows along x, sections along y.
    patched(path, 64, as_int(3, 1, 2))
    patched(path, 16, as_int(30, 10, 20))
    with pytest.warns(InputWarning, match="stored along z, x and y"):
        header = read_header(path)
    assert header.start == (10, 20, 30)
    assert header.map_shape == (6, 4, 5)


def test_half_precision(tmp_path):
    voxel_map = vx.VoxelMap(values_of(), 1.5)
    write_map(tmp_path / "map.mrc", voxel_map, dtype=np.float16)
    assert (tmp_path / "map.mrc").stat().st_size == 1024 + 2 * 120
    back = read_map(tmp_path / "map.mrc")
    np.testing.assert_array_equal(back.values, values_of().astype(np.float16))
    with mrcfile.open(tmp_path / "map.mrc") as file:
        assert file.data.dtype == np.float16
        np.testing.assert_allclose(file.header.dmax, file.data.max(), rtol=1e-6)
    with pytest.raises(ValueError, match="float16 ends at 65504"):
        write_map(tmp_path / "b.mrc", vx.VoxelMap(values_of() * 1e6, 1), dtype="f2")
    with pytest.raises(ValueError, match="cannot write int16"):
        write_map(tmp_path / "b.mrc", voxel_map, dtype=np.int16)
    assert not (tmp_path / "b.mrc").exists()


def test_several_volumes_in_one_file(path):
    patched(patched(path, 88, as_int(401)), 36, as_int(2))
    patched(path, 48, as_float(3.0))
    with pytest.warns(InputWarning, match="a stack of 2 volumes; it was read as one"):
        assert read_map(path).shape == (4, 5, 6)
