"""Any line of a note is read as it was written, and merging loses none of either side."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.git import notes_line
from git_mlvers.git.notes_line import Line

_TEXT = st.text(max_size=20)
_PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT
_VALUES = st.recursive(
    _PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3)
)
_MAPPING = st.dictionaries(_TEXT, _VALUES, max_size=4)
_HEX = st.text("0123456789abcdef", min_size=40, max_size=40)
_TIMES = st.integers(0, 59).map(lambda second: f"2026-11-21T02:47:{second:02}Z")
_LINES = st.builds(
    Line,
    time=_TIMES,
    id=st.sampled_from(["one", "two", "three"]),
    commit=_HEX,
    tree=st.just("") | _HEX,
    source=st.sampled_from(["hook", "ci", "import"]),
    params=_MAPPING,
    metrics=_MAPPING,
    dirty=st.integers(0, 3),
    dead=st.booleans(),
)
_TEXTS = st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), unique=True).map(
    lambda lines: b"".join(line + b"\n" for line in sorted(lines))
)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list) else value


@given(_LINES)
def test_a_line_comes_back(line: Line) -> None:
    text = line.text()
    wanted = line._replace(
        params=_finite(line.params),  # type: ignore[arg-type]
        metrics=_finite(line.metrics),  # type: ignore[arg-type]
    )
    assert notes_line.parse(text) == wanted
    assert notes_line.parse(text.encode()) == wanted
    assert wanted.text() == text
    assert "\n" not in text
    assert text.isascii()
    assert text.startswith('{"t":"2026-')
    json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@given(st.binary())
def test_any_bytes_are_read(data: bytes) -> None:
    notes_line.parse(data)
    notes_line.lines_of(data)
    assert notes_line.join(data, data) == notes_line.join(data)


@given(st.lists(_LINES), st.randoms())
def test_the_last_line_of_an_id_counts(lines: list[Line], random: object) -> None:
    note = notes_line.add(b"", lines)
    found = notes_line.lines_of(note)
    assert found == notes_line.lines_of(b"\n" + note + b"\n\nno json\n[1]\n")
    newest: dict[str, str] = {}
    for line in lines:
        newest[line.id] = max(newest.get(line.id, ""), line.text())
    living = {name: text for name, text in newest.items() if '"dead":true' not in text}
    assert {line.id for line in found} <= set(newest)
    for line in found:
        assert living[line.id] == line.text()
    assert notes_line.lines_of(notes_line.compact(note)) == found


@given(_TEXTS, _TEXTS, _TEXTS)
def test_a_merge_has_what_both_sides_have(base: bytes, ours: bytes, theirs: bytes) -> None:
    old, mine, other = (set(note.split()) for note in (base, ours, theirs))
    found = notes_line.merge(base, ours, theirs)
    assert set(found.split()) == (mine & other) | (mine - old) | (other - old)
    assert found == notes_line.merge(base, theirs, ours)
    assert notes_line.merge(found, found, found) == found


@given(_TEXTS, _TEXTS)
def test_a_union_is_what_cat_sort_uniq_makes(ours: bytes, theirs: bytes) -> None:
    found = notes_line.merge(b"", ours, theirs)
    assert found == notes_line.join(ours, theirs)
    assert found.splitlines() == sorted({*ours.splitlines(), *theirs.splitlines()})


def test_what_json_has_no_word_for() -> None:
    metrics = {"nan": math.nan, "inf": -math.inf, "tuple": (1, 2), "odd": {3: {4}}, "big": 10**30}
    line = notes_line.parse(Line("2026-11-21T02:47:15Z", "x", "c", metrics=metrics).text())
    assert line is not None
    assert line.metrics == {
        "nan": "nan",
        "inf": "-inf",
        "tuple": [1, 2],
        "odd": {"3": "{4}"},
        "big": 10**30,
    }


def test_a_line_of_a_later_version_is_passed_over_and_kept() -> None:
    later = b'{"t":"2027-01-01T00:00:00Z","id":"x","v":2,"commit":"c"}\n'
    assert notes_line.lines_of(later) == []
    mine = Line("2026-11-21T02:47:15Z", "x", "c")
    note = notes_line.add(later, [mine])
    assert notes_line.lines_of(note) == [mine]
    assert later in notes_line.compact(note)


def test_what_a_later_version_added_is_kept() -> None:
    text = '{"t":"2026-11-21T02:47:15Z","id":"x","v":1,"commit":"c","zz":{"a":1}}'
    line = notes_line.parse(text)
    assert line is not None
    assert line.more == {"zz": {"a": 1}}
    assert line.text() == text
