import json

import numpy as np
import pytest

from vitrax.io import InputError, InputWarning, read_cs, read_map, read_star
from vitrax.io._unpacking import PackingError, unpack_lz4, unpack_snappy


TYPES = [
    ("uid", "u8"),
    ("blob/path", "S7"),
    ("blob/shape", "u4", (2,)),
    ("ctf/df1_A", "f4"),
]
ROWS = np.array(
    [(2**63 + 5, b"a.mrc", (8, 8), 1.5), (7, "ä.mrcs".encode(), (8, 8), -2.25)], TYPES
)


def saved(folder, array=ROWS, name="a.cs", **options):
    path = folder / name
    with open(path, "wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=False, **options)
    return path


def stream(fields, packing=None, pack=None, heap=b"", length=None):
    """Return a CSDAT stream of (name, type, shape, bytes)."""
    header = {
        "length": length,
        "dtype": [
            [name, kind, *([shape] if shape else [])] for name, kind, shape, _ in fields
        ],
        "compression": packing,
        "compressed_fields": [name for name, *_ in fields] if packing else [],
    }
    text = json.dumps(header).encode()
    content = b"\x95CSDAT" + len(text).to_bytes(4, "little") + text
    for *_, data in fields:
        block = pack(data) if pack else data
        content += len(block).to_bytes(4, "little") + block
    return content + heap


def as_stream(packing=None, pack=None):
    heap = b"a.mrc\0" + "ä.mrcs".encode() + b"\0"
    places = np.array([0, 6], "<u8").tobytes()
    fields = [
        ("uid", "<u8", (), ROWS["uid"].tobytes()),
        ("blob/path", "|O", (), places),
        ("blob/shape", "<u4", (2,), ROWS["blob/shape"].tobytes()),
        ("ctf/df1_A", "<f4", (), ROWS["ctf/df1_A"].tobytes()),
    ]
    return stream(fields, packing, pack, heap, 2)


def literals(data):
    """Return an LZ4 block without copies."""
    length = len(data)
    token = bytes([min(length, 15) << 4])
    more = bytes([255] * ((length - 15) // 255) + [(length - 15) % 255])
    return token + (more if length >= 15 else b"") + data


def snappy_literals(data):
    assert 0 < len(data) <= 60
    return bytes([len(data), (len(data) - 1) << 2]) + data


def check_fields(fields):
    assert list(fields) == [name for name, *_ in TYPES]
    assert fields["uid"].tolist() == [2**63 + 5, 7]
    assert fields["uid"].dtype == np.uint64
    assert fields["blob/path"].tolist() == ["a.mrc", "ä.mrcs"]
    assert fields["blob/shape"].tolist() == [[8, 8], [8, 8]]
    assert fields["ctf/df1_A"].dtype == np.float32
    assert fields["ctf/df1_A"].tolist() == [1.5, -2.25]


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_arrays_of_numpy(tmp_path, version):
    check_fields(read_cs(saved(tmp_path, version=version)))


def test_big_endian_numbers(tmp_path):
    kinds = [
        (name, np.dtype(kind).newbyteorder(">"), *more) for name, kind, *more in TYPES
    ]
    check_fields(read_cs(saved(tmp_path, ROWS.astype(kinds))))


@pytest.mark.parametrize(
    ("packing", "pack"), [(None, None), ("lz4", literals), ("snappy", snappy_literals)]
)
def test_streams_of_columns(tmp_path, packing, pack):
    path = tmp_path / "a.cs"
    path.write_bytes(as_stream(packing, pack))
    check_fields(read_cs(path))


def test_packed_by_gzip(tmp_path):
    import gzip

    path = tmp_path / "a.cs.gz"
    path.write_bytes(gzip.compress(saved(tmp_path).read_bytes()))
    check_fields(read_cs(path))


def test_lz4_copies_what_it_holds():
    # abcd, then 4 + 8 bytes from 4 before, then the end.
    assert unpack_lz4(b"\x48abcd\x04\x00\x10e", 17) == b"abcd" * 4 + b"e"
    # A run: one byte, copied 19 + 255 + 1 times.
    assert unpack_lz4(b"\x1fx\x01\x00\xff\x01\x00", 276) == b"x" * 276


def test_snappy_copies_what_it_holds():
    assert unpack_snappy(b"\x0c\x0cabcd\x11\x04", 12) == b"abcd" * 3
    assert unpack_snappy(b"\x08\x0cabcd\x0e\x04\x00", 8) == b"abcdabcd"
    assert unpack_snappy(b"\x08\x0cabcd\x0f\x04\x00\x00\x00", 8) == b"abcdabcd"


@pytest.mark.parametrize("unpack", [unpack_lz4, unpack_snappy])
@pytest.mark.parametrize(
    "block", [b"", b"\x48abc", b"\x04\x04", b"\x18a\x09\x00\x00", b"\x40\x00\x00" * 9]
)
def test_damaged_blocks(unpack, block):
    with pytest.raises(PackingError):
        unpack(block, 4)


def test_blocks_do_not_grow_beyond_their_size():
    run = b"\x1fx\x01\x00" + b"\xff" * 1000 + b"\x00\x00"
    with pytest.raises(PackingError, match="more than 100 bytes"):
        unpack_lz4(run, 100)


def test_cut_short(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"header promises.*cut short"):
        read_cs(path)


def test_bytes_after_the_end(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.warns(InputWarning, match="follows its end, of 4 bytes"):
        check_fields(read_cs(path))


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    path = tmp_path / "a.cs"
    array = np.zeros(1, [("uid", "u8"), ("x", "O")])
    array["x"][0] = Bomb()
    with open(path, "wb") as file:
        np.save(file, array, allow_pickle=True)
    with pytest.raises(
        InputError, match="Python objects, which would have to be unpick"
    ):
        read_cs(path)
    assert not (tmp_path / "ran").exists()


def header(text, data=b""):
    encoded = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(encoded).to_bytes(2, "little") + encoded + data


def lying(fields, rows):
    return f"{{'descr': {fields!r}, 'fortran_order': False, 'shape': {rows!r}}}"


LYING = {
    "rows": lying([("uid", "<u8")], (99999999999,)),
    "negative": lying([("uid", "<u8")], (-1,)),
    "nothing": lying([("uid", "S0")], (9999999999,)),
    "wide": lying([("a", "<f4", (2**40,))], (2,)),
    "plain": lying("<f4", (0,)),
    "twice": lying([("a", "<f4"), ("a", "<f4")], (0,)),
    "blank": lying([("a b", "<f4")], (0,)),
    "nested": lying([("a", [("b", "<f4")])], (0,)),
    "deep": "(" * 5000,
    "call": "__import__('os').getcwd()",
}


@pytest.mark.parametrize("text", LYING.values(), ids=LYING)
def test_lying_headers(tmp_path, text):
    path = tmp_path / "a.cs"
    path.write_bytes(header(text))
    with pytest.raises(InputError, match=r"cannot read .*a\.cs"):
        read_cs(path)


@pytest.mark.parametrize(
    "change",
    [
        {"length": 2**40},
        {"length": -1},
        {"length": True},
        {"compression": "zip"},
        {"dtype": [["uid", "O8,f4"]]},
        {"dtype": [["uid", "<u8", [0]]]},
        {"dtype": 3},
        {"compressed_fields": None},
    ],
    ids=str,
)
def test_lying_streams(tmp_path, change):
    good = as_stream("lz4", literals)
    size = int.from_bytes(good[6:10], "little")
    text = json.dumps(json.loads(good[10 : 10 + size]) | change).encode()
    path = tmp_path / "a.cs"
    path.write_bytes(
        good[:6] + len(text).to_bytes(4, "little") + text + good[10 + size :]
    )
    with pytest.raises(InputError, match=r"cannot read .*a\.cs because"):
        read_cs(path)


@pytest.mark.parametrize("heap", [b"", b"a.mrc", b"a.mrc\0", b"\0\0\0"])
def test_texts_of_streams_are_where_they_should_be(tmp_path, heap):
    places = np.array([0, 4], "<u8").tobytes()
    path = tmp_path / "a.cs"
    path.write_bytes(stream([("a/path", "|O", (), places)], heap=heap, length=2))
    with pytest.raises(InputError, match="the text of a/path"):
        read_cs(path)


def test_text_that_is_not_unicode(tmp_path):
    array = np.array([(b"\xff\xfe",)], [("blob/path", "S2")])
    with pytest.raises(InputError, match="blob/path isn't text in UTF-8"):
        read_cs(saved(tmp_path, array))


@pytest.mark.parametrize("read", [read_star, read_map])
def test_other_readers_say_who_reads_it(tmp_path, read):
    with pytest.raises(InputError, match="read_particles, or convert it with"):
        read(saved(tmp_path, name="a.mrc"))


def test_what_is_no_data_set(tmp_path):
    path = tmp_path / "a.cs"
    path.write_text("data_particles")
    with pytest.raises(InputError, match="isn't a CryoSPARC data set"):
        read_cs(path)


def test_mutated_files_end_in_an_error_or_in_fields(tmp_path):
    rng = np.random.default_rng(0)
    seeds = [saved(tmp_path).read_bytes(), as_stream(), as_stream("lz4", literals)]
    path = tmp_path / "mutated.cs"
    for turn in range(600):
        data = bytearray(seeds[turn % 3])
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(len(data)))
            data[at] = int(rng.integers(256))
        if turn % 5 == 0:
            del data[int(rng.integers(len(data))) :]
        path.write_bytes(data)
        try:
            with np.errstate(all="ignore"):
                fields = read_cs(path)
        except (InputError, InputWarning):
            continue
        assert all(len(values) <= len(data) for values in fields.values())


def test_types_are_made_cryosparc_s_only_where_nothing_is_lost():
    from vitrax.io._cs_types import as_field

    whole = np.array([-1, 3])
    for name, values, kind in (
        ("blob/idx", np.array([0, 3]), np.uint32),
        ("alignments3D/class", np.array([0.0, 3.0]), np.uint32),
        ("alignments3D/class", whole, np.int64),
        ("mine/class", np.array([0, 3]), np.int64),
        ("mine/idx", np.array([2.5, 1.0]), np.float64),
        ("ctf/df1_A", np.array([1e4, 0.1]), np.float32),
        ("ctf/df1_A", np.array([1e300, np.nan]), np.float64),
        ("mine/v", np.array([1 / 3, 1e300]), np.float64),
    ):
        made = as_field(name, values)
        assert made.dtype == kind, name
        np.testing.assert_allclose(made, values, rtol=1e-7)
