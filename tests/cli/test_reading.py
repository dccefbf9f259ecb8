import pytest

from vitrax.cli._reading import parse_bytes, reading


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("17B", 17),
        ("2kB", 2000),
        ("2KiB", 2048),
        ("1.5 MB", 1_500_000),
        ("8GB", 8 * 10**9),
        ("8gib", 2**33),
        ("1T", 10**12),
    ],
)
def test_numbers_of_bytes(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "GB", "8 apples", "1iB", "nan", "1e99"]
)
def test_what_is_none(text):
    with pytest.raises(ValueError, match="isn't a number of bytes; do write it as 8GB"):
        parse_bytes(text)


def test_readers_are_told_what_was_given():
    assert reading().of_map == {"nan_policy": "error", "mode0": None}
    assert reading("signed", "zero", "1kB").of_map == {
        "nan_policy": "zero",
        "mode0": "signed",
        "max_unpacked": 1000,
    }
    assert reading(max_memory="1kB").limit == {"max_unpacked": 1000}
