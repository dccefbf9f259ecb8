import bz2
import gzip
import struct
import sys

import numpy as np
import pytest

from vitrax.io import (
    InputError,
    InputWarning,
    StackWriter,
    read_header,
    read_image,
    read_movie,
    read_stack,
)


FRAMES = np.random.default_rng(0).poisson(3.0, size=(5, 12, 16)).astype(np.uint8)


@pytest.fixture
def tifffile():
    pytest.importorskip("imagecodecs")
    return pytest.importorskip("tifffile")


def written_mrc(path, frames=FRAMES):
    with StackWriter(path, frames.shape, pixel_size=1.5) as writer:
        writer.append(frames.astype(np.float32))
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_frames_of_mrc(tmp_path, pack):
    path = written_mrc(tmp_path / "movie.mrcs")
    path.write_bytes(pack(path.read_bytes()))
    movie = read_movie(path)
    assert (len(movie), movie.shape, movie.pixel_size) == (5, (5, 12, 16), 1.5)
    np.testing.assert_array_equal(movie[2], FRAMES[2])
    np.testing.assert_array_equal(movie[1:4], FRAMES[1:4])
    chosen = np.array([4, 0, 0, 2])
    np.testing.assert_array_equal(movie[chosen], FRAMES[chosen])
    np.testing.assert_array_equal(list(movie), FRAMES)
    np.testing.assert_array_equal(movie.sum_of(), FRAMES.sum(axis=0))
    np.testing.assert_array_equal(movie.sum_of(slice(1, 3)), FRAMES[1:3].sum(axis=0))
    assert movie[0].dtype == np.float32
    with pytest.raises(InputError, match=r"cannot read frame 6 .* it holds 5"):
        movie[5]


def test_a_packed_movie_is_read_one_frame_at_a_time(tmp_path):
    import tracemalloc

    frames = np.zeros((64, 64, 256), np.uint8)
    path = written_mrc(tmp_path / "movie.mrcs", frames)
    path.write_bytes(gzip.compress(path.read_bytes()))
    movie = read_movie(path)
    tracemalloc.start()
    total = movie.sum_of()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total.shape == (64, 256)
    assert peak < 20 * frames[0].size * 4 < frames.size * 4


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits", "zstd"])
@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "f4"])
def test_frames_of_tiff_begin_at_the_bottom(tmp_path, tifffile, compression, kind):
    path = tmp_path / "movie.tif"
    stored = FRAMES.astype(kind)
    tifffile.imwrite(path, stored, compression=compression, photometric="minisblack")
    movie = read_movie(path)
    assert (movie.shape, movie.pixel_size) == ((5, 12, 16), None)
    np.testing.assert_array_equal(movie[:], FRAMES[:, ::-1])
    np.testing.assert_array_equal(movie[3], tifffile.imread(path)[3, ::-1])
    np.testing.assert_array_equal(movie.sum_of(), FRAMES.sum(axis=0)[::-1])
    assert movie[0].dtype == np.float32


@pytest.mark.parametrize(
    "options",
    [
        {"bigtiff": True},
        {"byteorder": ">"},
        {"tile": (16, 16), "compression": "lzw"},
        {"predictor": True, "compression": "lzw"},
        {"rowsperstrip": 5, "compression": "zlib"},
    ],
    ids=str,
)
def test_ways_to_store_tiff(tmp_path, tifffile, options):
    path = tmp_path / "movie.tif"
    stored = FRAMES.astype(np.uint16) * 300
    tifffile.imwrite(path, stored, photometric="minisblack", **options)
    np.testing.assert_array_equal(read_movie(path)[:], stored[:, ::-1])


def test_rows_that_begin_at_the_bottom_stay(tmp_path, tifffile):
    path = tmp_path / "movie.tif"
    tag = (274, "H", 1, 4, True)
    tifffile.imwrite(path, FRAMES[0], extratags=[tag], photometric="minisblack")
    np.testing.assert_array_equal(read_image(path), FRAMES[0])
    tag = (274, "H", 1, 6, True)
    tifffile.imwrite(path, FRAMES[0], extratags=[tag], photometric="minisblack")
    with pytest.raises(InputError, match="orientation"):
        read_image(path)


def test_a_micrograph_or_gain_may_be_tiff(tmp_path, tifffile):
    path = tmp_path / "camera.gain"
    gain = np.linspace(0.9, 1.1, 192, dtype=np.float32).reshape(12, 16)
    tifffile.imwrite(path, gain)
    np.testing.assert_array_equal(read_image(path), gain[::-1])
    tifffile.imwrite(path, FRAMES, photometric="minisblack")
    with pytest.raises(InputError, match="has 5 sections"):
        read_image(path)
    for read in (read_header, read_stack):
        with pytest.raises(InputError, match=r"TIFF or EER file; do use .*read_movie"):
            read(path)


def test_pixels_that_are_not_finite(tmp_path, tifffile):
    path = tmp_path / "movie.tif"
    stored = FRAMES.astype(np.float32)
    stored[1, 0, 0] = np.nan
    tifffile.imwrite(path, stored, photometric="minisblack")
    np.testing.assert_array_equal(read_movie(path)[0], FRAMES[0, ::-1])
    with pytest.raises(InputError, match="1 of its 192 pixels"):
        read_movie(path)[1]
    with pytest.warns(InputWarning, match="set to 0"):
        assert read_movie(path, nan_policy="zero")[1][-1, 0] == 0.0
    with pytest.warns(InputWarning, match="mean of the others"):
        filled = read_movie(path, nan_policy="mask")[1][-1, 0]
    assert filled == pytest.approx(np.nanmean(stored[1]), rel=1e-6)


def colours(tifffile, path):
    tifffile.imwrite(path, np.zeros((4, 6, 3), np.uint8), photometric="rgb")


def complex_numbers(tifffile, path):
    tifffile.imwrite(path, np.zeros((4, 6), np.complex64))


def doubles(tifffile, path):
    tifffile.imwrite(path, np.zeros((4, 6), np.float64))


def jpeg(tifffile, path):
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), compression="jpeg")


def frames_that_differ(tifffile, path):
    with tifffile.TiffWriter(path) as file:
        file.write(np.zeros((4, 6), np.uint8))
        file.write(np.zeros((6, 6), np.uint8))


def one_page_for_many(tifffile, path):
    options = {"imagej": True, "truncate": True}
    tifffile.imwrite(path, FRAMES, metadata={"axes": "TYX"}, **options)


def one_page_for_many_shaped(tifffile, path):
    tifffile.imwrite(path, FRAMES, photometric="minisblack", truncate=True)


REFUSED = {
    colours: "colours",
    complex_numbers: "its pixels are complex64",
    doubles: "its pixels are float64",
    jpeg: "compression is JPEG; do convert",
    frames_that_differ: "frame 2 .* is 6 × 6 .* where the first is 6 × 4",
    one_page_for_many: "says that 5 frames follow",
    one_page_for_many_shaped: "says that 5 frames follow",
}


@pytest.mark.parametrize("write", REFUSED, ids=lambda f: f.__name__)
def test_what_is_no_movie(tmp_path, tifffile, write):
    path = tmp_path / "movie.tif"
    write(tifffile, path)
    with pytest.raises(InputError, match=REFUSED[write]):
        read_movie(path)[:]


@pytest.mark.parametrize("left", [4, 100, -100])
def test_a_movie_cut_short(tmp_path, tifffile, left):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, FRAMES, compression="lzw", photometric="minisblack")
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InputError, match=r"movie\.tif"):
        read_movie(path)[:]


def with_tag(content, tag, value):
    """Return a little-endian classic TIFF with another value in its first page."""
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    content = bytearray(content)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        code, kind = struct.unpack_from("<HH", content, place)
        if code == tag:
            struct.pack_into({3: "<H", 4: "<I"}[kind], content, place + 8, value)
            return bytes(content)
    raise AssertionError(tag)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd"])
@pytest.mark.parametrize("side", [30_000, 65_535])
def test_huge_sizes_of_tiff_allocate_nothing(tmp_path, tifffile, compression, side):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, FRAMES[0], compression=compression)
    content = path.read_bytes()
    for tag in (256, 257):
        content = with_tag(content, tag, side)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"hasn't the bytes|larger than 8 GiB"):
        read_movie(path)
    with pytest.raises(InputError, match=r"larger than 1 MiB; do give max_unpacked="):
        read_movie(path, max_unpacked=2**20)


def test_files_without_frames_and_frames_without_pixels(tmp_path, tifffile):
    path = tmp_path / "movie.tif"
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 0))
    with pytest.raises(InputError, match="because"):
        read_movie(path)
    for tag in (256, 257, 279):
        tifffile.imwrite(path, FRAMES[0])
        path.write_bytes(with_tag(path.read_bytes(), tag, 0))
        with pytest.raises(InputError, match="because"):
            read_movie(path)


def test_pages_that_go_round(tmp_path, tifffile):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, FRAMES[0])
    content = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    struct.pack_into("<I", content, start + 2 + 12 * count, start)
    path.write_bytes(content)
    np.testing.assert_array_equal(read_movie(path)[0], FRAMES[0, ::-1])


def test_the_extra_is_named(tmp_path, tifffile, monkeypatch):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, FRAMES[0])
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(ImportError, match=r'pip install "vitrax\[movies\]"'):
        read_movie(path)


def eer_codes(electrons, bits):
    """Return (value, number of bits) of a frame [y, x] of zeros and ones."""
    longest, gap = 2**bits - 1, 0
    # Of 8 bits, the longest gap too is followed by a place.
    escape = bits if bits == 7 else bits + 4
    for pixel in [*electrons.ravel().tolist(), None]:
        if pixel == 0:
            gap += 1
            continue
        while gap >= longest:
            yield longest, escape
            gap -= longest
        yield gap, bits
        # The place within the pixel, of which nothing is read.
        yield 9, 4
        gap = 0


def packed(codes):
    """Return codes as bytes, the lowest bit first."""
    total = place = 0
    for value, bits in codes:
        total |= value << place
        place += bits
    return total.to_bytes((place + 7) // 8, "little")


def write_eer(path, frames, compression=65001, total=False):
    """Write a BigTIFF with a page for each frame, as an electron counter does."""
    bits = {65000: 8, 65001: 7}[compression]
    _, rows, columns = frames.shape
    pages = [(compression, packed(eer_codes(frame, bits))) for frame in frames]
    if total:
        pages.insert(0, (1, frames.sum(axis=0).astype(np.uint8).tobytes()))
    metadata = b"<metadata></metadata>\0"
    content = bytearray(b"II+\0" + struct.pack("<HHQ", 8, 0, 0)) + metadata
    link = 8
    for kind, data in pages:
        offset = len(content)
        content += data + bytes(-len(data) % 8)
        tags = [
            (256, 4, 1, columns), (257, 4, 1, rows), (258, 3, 1, 8), (259, 3, 1, kind),
            (262, 3, 1, 1), (273, 16, 1, offset), (277, 3, 1, 1), (278, 4, 1, rows),
            (279, 16, 1, len(data)), (65001, 7, len(metadata), 16),
        ]  # fmt: skip
        struct.pack_into("<Q", content, link, len(content))
        content += struct.pack("<Q", len(tags))
        for tag in tags:
            content += struct.pack("<HHQQ", *tag)
        link = len(content)
        content += bytes(8)
    path.write_bytes(content)


@pytest.mark.parametrize("compression", [65000, 65001])
@pytest.mark.parametrize("total", [False, True])
def test_frames_of_eer(tmp_path, tifffile, compression, total):
    frames = (np.random.default_rng(1).random((4, 48, 64)) < 0.004).astype(np.uint8)
    assert frames.any(axis=(1, 2)).all()
    write_eer(tmp_path / "movie.eer", frames, compression, total)
    movie = read_movie(tmp_path / "movie.eer")
    assert movie.shape == (4, 48, 64)
    np.testing.assert_array_equal(movie[:], frames)
    np.testing.assert_array_equal(movie.sum_of(), frames.sum(axis=0))


@pytest.mark.parametrize("compression", [65000, 65001])
@pytest.mark.parametrize("last", [0, 1])
def test_eer_without_its_end_is_an_error(tmp_path, tifffile, compression, last):
    frames = (np.random.default_rng(1).random((1, 48, 64)) < 0.02).astype(np.uint8)
    frames[0, -1, -1] = last
    path = tmp_path / "movie.eer"
    write_eer(path, frames, compression)
    np.testing.assert_array_equal(read_movie(path)[0], frames[0])
    content = bytearray(path.read_bytes())
    place = content.index(struct.pack("<HHQ", 279, 16, 1)) + 12
    (size,) = struct.unpack_from("<Q", content, place)
    struct.pack_into("<Q", content, place, size - 8)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"frame 1 of .* is damaged"):
        read_movie(path)[0]
