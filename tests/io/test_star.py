import numpy as np
import pytest

import vitrax as vx
from vitrax.io import InputError, StarTable, read_star, write_star
from vitrax.io._star_numbers import Chunk, column_of


def written(tmp_path, text, name="a.star"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def loop(rows, columns=("a", "b", "c"), block="particles"):
    names = "".join(f"_{name} #{i}\n" for i, name in enumerate(columns, 1))
    return f"data_{block}\n\nloop_\n{names}{rows}\n"


def test_tables_columns_and_kinds(tmp_path):
    text = "# version 30001\n\n" + loop("1 1.5 x\n-2 nan y\n")
    table = read_star(written(tmp_path, text))["particles"]
    assert list(table) == ["a", "b", "c"]
    assert [column.dtype.kind for column in table.values()] == ["i", "f", "T"]
    np.testing.assert_array_equal(table["a"], [1, -2])
    np.testing.assert_array_equal(table["b"], [1.5, np.nan])
    assert table["c"].tolist() == ["x", "y"]


def test_single_values_and_several_blocks(tmp_path):
    text = "data_general\n_rlnBox 64\n_rlnName 'two words'\n\n" + loop("1 2 3\n")
    tables = read_star(written(tmp_path, text))
    assert list(tables) == ["general", "particles"]
    assert not tables["general"].is_loop
    assert tables["general"]["rlnBox"].tolist() == [64]
    assert tables["general"]["rlnName"].tolist() == ["two words"]


def test_the_unnamed_block(tmp_path):
    assert list(read_star(written(tmp_path, loop("1 2 3", block="")))) == [""]


ODD = {
    "hash in a name": ("1 2 a#b.mrc\n", ["a#b.mrc"]),
    "comment after a row": ("1 2 x # 3\n", ["x"]),
    "data_ at the start of a value": ("1 2 data_3.mrc\n", ["data_3.mrc"]),
    "single quotes": ("1 2 'x y'\n", ["x y"]),
    "double quotes": ('1 2 "it\'s"\n', ["it's"]),
    "quote inside a word": ("1 2 it's\n", ["it's"]),
    "quote within quotes": ("1 2 'it's so'\n", ["it's so"]),
    "empty text": ("1 2 ''\n", [""]),
    "tabs": ("\t1\t2\t x\t\n", ["x"]),
    "windows line ends": ("1 2 x\r\n3 4 y\r\n", ["x", "y"]),
    "blank lines": ("1 2 x\n\n3 4 y\n", ["x", "y"]),
    "UTF-8": ("1 2 Gerät_µ.mrc\n", ["Gerät_µ.mrc"]),
    "no last line end": ("1 2 x", ["x"]),
    "leading zeros": ("1 2 007\n1 2 12\n", ["007", "12"]),
    "beyond 64 bits": ("1 2 17394728347283472834\n", ["17394728347283472834"]),
    "numbers then text": ("1 2 1.50\n1 2 x\n", ["1.50", "x"]),
    "underscores": ("1 2 1_0\n", ["1_0"]),
    "words that Python takes for numbers": ("1 2 infinity\n", ["infinity"]),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_texts_are_kept(tmp_path, case):
    rows, expected = ODD[case]
    table = read_star(written(tmp_path, loop(rows)))["particles"]
    assert table["c"].tolist() == expected
    assert table["a"].dtype == np.int64


def test_a_value_that_begins_with_data_in_a_single_column(tmp_path):
    rows = "data_1.mrc\ndata_2.mrc\n" + loop("1 2 3\n", block="next")
    tables = read_star(written(tmp_path, loop(rows, columns=("a",))))
    assert tables["particles"]["a"].tolist() == ["data_1.mrc", "data_2.mrc"]
    assert tables["next"].rows == 1


def test_byte_order_mark(tmp_path):
    text = b"\xef\xbb\xbf" + loop("1 2 3\n").encode()
    assert list(read_star(written(tmp_path, text))) == ["particles"]


NUMBERS = {
    "nan": ("nan -nan inf -inf NaN 1.0", [np.nan, np.nan, np.inf, -np.inf, np.nan, 1]),
    "mixed": ("1 2.5 -3e-5 .5 5. +7.25", [1, 2.5, -3e-5, 0.5, 5.0, 7.25]),
    "minus zero": ("1 -0 2", [1.0, -0.0, 2.0]),
    "minus zero point": ("1.5 -0.0 2.5", [1.5, -0.0, 2.5]),
    "many digits": (
        "0.1234567890123456789 1e300 5e-324",
        [0.12345678901234568, 1e300, 5e-324],
    ),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_odd_numbers(tmp_path, case):
    text, expected = NUMBERS[case]
    rows = "".join(f"{word} x y\n" for word in text.split())
    column = read_star(written(tmp_path, loop(rows)))["particles"]["a"]
    assert column.dtype == np.float64
    np.testing.assert_array_equal(column, expected)
    signed = ~np.isnan(column)
    np.testing.assert_array_equal(
        np.signbit(column)[signed], np.signbit(expected)[signed]
    )


@pytest.mark.parametrize("decimals", [0, 1, 3, 6, 7, 9])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e7, 1e12])
def test_columns_are_what_python_reads(decimals, size):
    values = np.random.default_rng(decimals).normal(size=500) * size
    words = [b"%.*f" % (decimals, value) for value in values.tolist()]
    data = b"".join(b"%12s x %s\n" % (word, word) for word in words)
    chunk = Chunk(data)
    starts, ends = chunk.starts.reshape(-1, 3), chunk.ends.reshape(-1, 3)
    got = chunk.column(starts[:, 0], ends[:, 0], False)
    expected = column_of(words)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, [float(word) for word in words])
    np.testing.assert_array_equal(got, expected)
    assert chunk.column(starts[:, 1], ends[:, 1], False).tolist() == [b"x"] * 500


@pytest.mark.parametrize(
    "bad", [b"12a.5", b"1/.5", b"1:.5", b"1.a", b"--1.5", b"1.5.5"]
)
def test_nearly_numbers_are_text(bad):
    data = b"1.5 x y\n" * 3 + bad + b" x y\n"
    chunk = Chunk(data)
    starts, ends = chunk.starts.reshape(-1, 3), chunk.ends.reshape(-1, 3)
    got = chunk.column(starts[:, 0], ends[:, 0], False)
    assert list(got) == ["1.5"] * 3 + [bad.decode()]


BROKEN = {
    "truncated row": (
        loop("1 2 3\n4 5"),
        "at line 8 a row has 2 values where .* 3 columns",
    ),
    "short row": (loop("1 2 3\n4 5\n6 7 8\n"), "at line 8 a row has 2 values"),
    "long row": (loop("1 2 3\n4 5 6 7\n"), "at line 8 a row has 4 values"),
    "quoted blank missing": (loop("1 2 'x y\n"), "at line 7 a row has 4 values"),
    "duplicate column": (
        loop("1 2 3\n", ("a", "b", "a")),
        "line 6 column _a comes twice",
    ),
    "duplicate block": (loop("1 2 3\n") * 2, "block data_particles comes twice"),
    "no block": ("hello world\n", "at line 1 no table begins"),
    "only comments": ("# hello\n", "no data_ block"),
    "two tables in a block": ("data_\n_a 1\nloop_\n_b\n1\n", "line 3 a second table"),
    "three words": ("data_\n_a 1 2\n", "line 2 there are 3 words"),
    "hash in the name of a column": ("data_\nloop_\n_a#1\n1\n", "line 3 .* holds #"),
    "no columns": ("data_\nloop_\n1 2\n", "has no columns"),
    "latin-1": (loop("1 2 3\n1 2 Ger\xe4t\n").encode("latin-1"), "isn't UTF-8"),
    "binary": (loop("1 2 3\n1 2 \0\n"), "line 8 it holds bytes that aren't text"),
    "empty": ("", r"it is empty \(0 bytes\)"),
    "web page": ("<!DOCTYPE html><html>", "it is a web page"),
    "LFS pointer": ("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_errors(tmp_path, case):
    text, message = BROKEN[case]
    with pytest.raises(InputError, match=message) as caught:
        read_star(written(tmp_path, text))
    assert "a.star" in str(caught.value)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr("vitrax.io._star_parser._CHUNK", 1000)


def test_the_line_of_an_error_far_down(tmp_path, small_chunks):
    rows = "1.5 2 x\n" * 700 + "1.5 2\n" + "1.5 2 x\n" * 700
    with pytest.raises(InputError, match="at line 707 a row has 2 values"):
        read_star(written(tmp_path, loop(rows)))


def test_a_column_that_becomes_text_far_down(tmp_path, small_chunks):
    rows = "1.50 2 x\n" * 700 + "none 2 x\n"
    text = loop(rows) + "# comment\n" + loop("1 2 3\n" * 300, block="next")
    tables = read_star(written(tmp_path, text))
    assert tables["particles"]["a"].tolist() == ["1.50"] * 700 + ["none"]
    assert tables["particles"]["b"].tolist() == [2] * 701
    assert tables["next"]["c"].tolist() == [3] * 300


def test_chunks_change_nothing(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    values = np.round(rng.normal(size=(400, 3)) * 10.0 ** rng.integers(-3, 8, 3), 4)
    rows = [f"{a} {b:.3f} {c}.mrc" for a, b, c in values.tolist()]
    rows[100] = "1 2 'x y'"
    rows[200] = "   \n# comment\n1 2 data_x"
    rows[300] = "nan -1 x#y"
    path = written(tmp_path, loop("\n".join(rows)) + loop("1 2 3\n", block="next"))
    whole = read_star(path)
    assert whole["particles"].rows == 400
    assert whole["particles"]["c"][[100, 200, 300]].tolist() == ["x y", "data_x", "x#y"]
    for size in (70, 300, 5000):
        monkeypatch.setattr("vitrax.io._star_parser._CHUNK", size)
        parts = read_star(path)
        assert list(parts) == list(whole)
        for name, column in whole["particles"].items():
            np.testing.assert_array_equal(parts["particles"][name], column)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_star(tmp_path / "none.star")


def test_write_and_read_give_the_same(tmp_path):
    rng = np.random.default_rng(0)
    table = StarTable(
        {
            "rlnFixed": np.round(rng.normal(size=50) * 1e4, 6),
            "rlnFree": rng.normal(size=50) * 1e-7,
            "rlnNan": [np.nan, np.inf, *range(48)],
            "rlnInteger": rng.integers(-(2**62), 2**62, 50),
            "rlnText": [f"a{i}" for i in range(45)]
            + ["", "two words", "it's", 'say "x"', "_x"],
        }
    )
    single = StarTable({"a": [1.25], "b": ["x y"]}, is_loop=False)
    path = tmp_path / "a.star"
    write_star(path, {"particles": table, "general": single})
    back = read_star(path)
    assert list(back) == ["particles", "general"]
    for name, column in table.items():
        assert back["particles"][name].dtype == column.dtype
        np.testing.assert_array_equal(back["particles"][name], column)
    assert not back["general"].is_loop
    assert back["general"]["b"].tolist() == ["x y"]


def test_empty_loop_round_trip(tmp_path):
    path = tmp_path / "a.star"
    write_star(path, {"particles": StarTable({"a": np.empty(0), "b": np.empty(0)})})
    table = read_star(path)["particles"]
    assert (list(table), table.rows) == (["a", "b"], 0)


def test_texts_that_cannot_be_written(tmp_path):
    table = StarTable({"a": ["it's \" x", "x"]})
    write_star(tmp_path / "a.star", {"": table})
    assert read_star(tmp_path / "a.star")[""]["a"].tolist() == table["a"].tolist()
    for text in ("two\nlines", "end' \" ' \""):
        with pytest.raises(ValueError, match="both kinds of quotes or a line break"):
            write_star(tmp_path / "b.star", {"": StarTable({"a": [text]})})
    assert not (tmp_path / "b.star").exists()


def test_names_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match="one word"):
        write_star(tmp_path / "a.star", {"two words": StarTable({"a": [1]})})
    with pytest.raises(ValueError, match="leading underscore"):
        StarTable({"_a": [1]})


def test_tables_must_fit():
    with pytest.raises(ValueError, match=r"columns have \[1, 2\] values"):
        StarTable({"a": [1], "b": [1, 2]})
    with pytest.raises(TypeError, match="do give numbers or text"):
        StarTable({"a": [1j]})
    with pytest.raises(ValueError, match="one value per row"):
        StarTable({"a": [[1, 2]]})


def test_select_and_update():
    table = StarTable({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    assert table.select(np.array([True, False, True]))["b"].tolist() == ["x", "z"]
    assert table.select(slice(1, None)).rows == 2
    updated = table.updated({"a": [0.5, 1, 1], "c": [1, 1, 1]})
    assert list(updated) == ["a", "b", "c"]
    assert table["a"].tolist() == [1, 2, 3]


def test_every_real_file_round_trips(shared, tmp_path):
    paths = sorted(shared.glob("*/*.star"))
    assert len(paths) > 10
    for path in paths:
        tables = read_star(path)
        write_star(tmp_path / path.name, tables)
        back = read_star(tmp_path / path.name)
        assert list(back) == list(tables)
        for name, table in tables.items():
            assert list(back[name]) == list(table)
            for column, values in table.items():
                np.testing.assert_array_equal(back[name][column], values)


def test_agrees_with_starfile(shared):
    starfile = pytest.importorskip("starfile")
    path = shared / "relion" / "relion31.6opticsgroups.star"
    expected = starfile.read(path, always_dict=True)
    for name, table in read_star(path).items():
        assert list(expected[name]) == list(table)
        for column, values in table.items():
            assert values.tolist() == expected[name][column].tolist()


def test_table_is_a_mapping():
    table = vx.io.StarTable({"a": [1, 2]})
    assert dict(table).keys() == {"a"}
    assert repr(table) == "StarTable(2 rows: a)"
