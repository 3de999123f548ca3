"""YAML as its version 1.2 reads it, with the line of what is wrong."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.values.errors import ValuesError
from git_mlvers.values.yaml12 import load, load_marked, scalar


def read(text: str) -> object:
    return load(text.encode(), "p.yaml")


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("5.", 5.0),
        (".5", 0.5),
        ("-0.5e+2", -50.0),
        ("010", 10),
        ("-7", -7),
        ("+7", 7),
        ("10_000", 10000),
        ("0o17", 15),
        ("0x1F", 31),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("12:30:45", "12:30:45"),
        ("2020-01-31", "2020-01-31"),
        ("0o8", "0o8"),
        ("1__0", "1__0"),
        ("1e", "1e"),
        (".", "."),
        ("-", "-"),
        ("=", "="),
        ("tRue", "tRue"),
    ],
)
def test_plain_words(word: str, value: object) -> None:
    found = scalar(word)
    assert (found, type(found)) == (value, type(value))


def test_not_a_number() -> None:
    assert math.isnan(scalar(".nan"))  # type: ignore[arg-type]


def test_quotes_and_blocks_are_texts() -> None:
    assert read("a: '1'\nb: \"yes\"\nc: |\n  1\n") == {"a": "1", "b": "yes", "c": "1\n"}


def test_an_empty_file_is_nothing() -> None:
    assert read("") is None
    assert read("# only a remark\n") is None


def test_a_byte_order_mark_is_no_part_of_a_key() -> None:
    assert load(b"\xef\xbb\xbfa: 1", "p.yaml") == {"a": 1}


def test_anchors_and_merge_keys() -> None:
    text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nboth:\n  <<: [*b, *m]\n  x: 5\n"
    found = read(text)
    assert isinstance(found, dict)
    assert found["both"] == {"x": 5, "y": 2, "z": 4}


def test_known_tags() -> None:
    assert read("[!!str 1, !!float 2, !!int 3, !!bool true, !!null '']")[:4] == [  # type: ignore[index]
        "1",
        2.0,
        3,
        True,
    ]


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands twice"),
        ("x:\n  a: 1\n  a: 1\n", 3, "'a' stands twice"),
        ("a: 1\nb: [\n", 3, "not valid YAML"),
        ("a: b: c\n", 1, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: !thing x\n", 1, "!thing"),
        ("a: !!int x\n", 1, "'x' cannot be read as !!int"),
        ("a: 1\n? [b]\n: 2\n", 2, "cannot be a key"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("a: 1\n<<: 3\n", 2, "<<"),
        (f"a: {'1' * 5000}\n", 1, "digits"),
        ("[" * 500 + "]" * 500, 1, "nested"),
        ("- " * 100_000 + "x", 1, "nested"),
    ],
)
def test_errors_name_file_and_line(text: str, line: int, word: str) -> None:
    with pytest.raises(ValuesError) as caught:
        read(text)
    assert caught.value.message.startswith(f"p.yaml, line {line}: ")
    assert word in caught.value.message


@pytest.mark.parametrize("data", [b"\xc3\x28: x", b"\xff\xfe\xff", b"a: \x01"])
def test_what_is_no_text_is_an_error(data: bytes) -> None:
    with pytest.raises(ValuesError, match=r"^p\.yaml: not valid YAML"):
        load(data, "p.yaml")


def test_an_alias_is_not_copied_again_and_again() -> None:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    found = read("\n".join(lines))
    assert isinstance(found, dict)
    assert len(found["a39"]) == 9


def test_lines_of_keys_and_of_positions() -> None:
    marked = load_marked(b"a:\n  b: 1\n  c:\n  - x\n  - y: 2\n", "p.yaml")
    assert marked.value == {"a": {"b": 1, "c": ["x", {"y": 2}]}}
    assert marked.lines[("a",)] == 1
    assert marked.lines[("a", "b")] == 2
    assert marked.lines[("a", "c", 0)] == 4
    assert marked.lines[("a", "c", 1, "y")] == 5


texts = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=20)
plain = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | texts
values = st.recursive(
    plain | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_json_reads_the_same(value: object) -> None:
    assert load(json.dumps(value, ensure_ascii=False).encode(), "p.json") == value


@given(st.binary(max_size=60) | st.text(alphabet="ab:-[]{}&*!?|>'\"#% \n\t,<~1.e", max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes | str) -> None:
    try:
        load(data.encode() if isinstance(data, str) else data, "p.yaml")
    except ValuesError as error:
        assert error.message.startswith("p.yaml")
