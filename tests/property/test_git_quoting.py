"""Quoting as git reads it: any pattern that is written is the one that git has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.git.attributes_file import ATTRIBUTES, parse_line
from git_mlvers.git.quote import quote, split_quoted, unquote


@given(st.binary(max_size=40), st.binary(max_size=10))
def test_what_is_quoted_comes_back(text: bytes, rest: bytes) -> None:
    quoted = quote(text)
    assert b"\n" not in quoted
    assert unquote(quoted) == text
    assert split_quoted(quoted + rest) == (text, rest)


@given(st.binary(max_size=40))
def test_anything_may_be_asked(text: bytes) -> None:
    unquote(text)
    split_quoted(text)
    line = parse_line(text)
    assert line is None or line.pattern or text.lstrip().startswith(b'""')


@given(st.binary(min_size=1, max_size=30).filter(lambda p: not p.startswith((b"!", b"[attr]"))))
def test_a_quoted_pattern_is_read_back(pattern: bytes) -> None:
    line = parse_line(quote(pattern) + b" " + " ".join(ATTRIBUTES).encode() + b"\r\n")
    assert line is not None
    assert line.pattern == pattern
    assert line.words == tuple(word.encode() for word in ATTRIBUTES)
