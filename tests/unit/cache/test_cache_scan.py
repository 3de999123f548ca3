"""Finding frames in packs without an index."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers import frame
from git_mlvers.cache.scan import Scanned, scan
from git_mlvers.oid import Oid

contents = st.lists(st.binary(max_size=300), max_size=6)


def framed(data: bytes) -> bytes:
    """The frame of `data`."""
    return frame.encode(data, Oid.of(data))


def look(data: bytes, start: int = 0, verify: bool = True) -> Scanned:
    """Scan `data` as a pack."""
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        return scan(file.fileno(), start, len(data), verify)


@given(contents, st.booleans())
def test_every_frame_is_found(items: list[bytes], verify: bool) -> None:
    pack = b"".join(map(framed, items))
    found = look(pack, verify=verify)
    assert [place.oid for place in found.frames] == [Oid.of(item) for item in items]
    assert [place.size for place in found.frames] == [len(item) for item in items]
    for place in found.frames:
        assert frame.decode(pack, place.offset)[0].id == place.oid
    assert found.end == len(pack)
    assert not found.torn


@given(contents, st.binary(min_size=1, max_size=300), st.data())
def test_what_a_crash_left_is_torn(items: list[bytes], last: bytes, data: st.DataObject) -> None:
    whole = b"".join(map(framed, items))
    cut = data.draw(st.integers(1, len(framed(last)) - 1))
    found = look(whole + framed(last)[:cut])
    assert [place.oid for place in found.frames] == [Oid.of(item) for item in items]
    assert (found.end, found.torn) == (len(whole), True)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6), st.data())
def test_one_changed_byte_costs_one_frame(items: list[bytes], data: st.DataObject) -> None:
    pack = bytearray(b"".join(map(framed, items)))
    at = data.draw(st.integers(0, len(pack) - 1))
    pack[at] ^= data.draw(st.integers(1, 255))
    found = look(bytes(pack))
    oids = [Oid.of(item) for item in items]
    kept = [place.oid for place in found.frames]
    # A reserved byte of a header is looked at by nobody.
    assert len(kept) >= len(items) - 1
    assert set(kept) <= set(oids)
    for place in found.frames:
        assert Oid.of(frame.decode(pack, place.offset)[1]) == place.oid


@given(contents, st.binary(max_size=200), contents)
def test_garbage_between_is_stepped_over(
    before: list[bytes], garbage: bytes, after: list[bytes]
) -> None:
    pack = b"".join(map(framed, before)) + garbage + b"".join(map(framed, after))
    found = look(pack)
    kept = [place.oid for place in found.frames]
    assert kept == [Oid.of(item) for item in (*before, *after)]


@pytest.mark.parametrize(
    ("rest", "torn"),
    [
        (b"", False),
        (b"M", True),
        (b"X", False),
        (bytes(10), True),
        (bytes(1000), True),
        (b"garbage " * 20, False),
        (b"MLF1" + bytes(2_000_000), False),
    ],
)
def test_only_what_nobody_needs_is_torn(rest: bytes, torn: bool) -> None:
    pack = framed(b"content")
    assert look(pack + rest)[1:] == (len(pack), torn)


def test_a_length_that_leads_astray(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, three = framed(b"1" * 200), framed(bytes(range(200))), framed(b"3" * 200)
    wrong = bytearray(two)
    wrong[12:16] = (150).to_bytes(4, "little")
    found = look(one + bytes(wrong) + three, verify=False)
    assert [place.oid for place in found.frames] == [Oid.of(b"1" * 200), Oid.of(b"3" * 200)]


def test_a_window_may_end_within_the_magic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("git_mlvers.cache.scan._WINDOW", 7)
    for count in range(1, 30):
        assert len(look(b"g" * count + framed(b"content")).frames) == 1


def test_start_in_the_middle() -> None:
    one, two = framed(b"one"), framed(b"two")
    found = look(one + two, start=len(one))
    assert [place.offset for place in found.frames] == [len(one)]
