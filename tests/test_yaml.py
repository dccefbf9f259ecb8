import pytest

from vitrax._yaml import LARGEST_YAML, parse_yaml
from vitrax.io import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("-2.5E+3", -2500.0),
        ("1:30", "1:30"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("0x10", 16),
        ("12", 12),
        (".5", 0.5),
        ("1.", 1.0),
        ("'1'", "1"),
        ("true", True),
        ("~", None),
    ],
)
def test_numbers_are_those_that_look_like_numbers(text, value):
    found = parse_yaml(f"a: {text}".encode(), "x")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        b"a: 1\na: 2",
        b"{[1]: 2, [1]: 3}",
        b"a: !!python/name:os.system",
        b"\xff",
        b"a: [",
        b"[" * 5000,
        b"#" * (LARGEST_YAML + 1),
    ],
)
def test_what_is_not_plain_is_refused(text):
    with pytest.raises(InputError, match="cannot read x"):
        parse_yaml(text, "x")
