"""Packets byte for byte, and the ends of streams."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from git_mlvers.git.pktline import MAX_DATA, PktLineError, Reader, Writer

if TYPE_CHECKING:
    from collections.abc import Callable


def written(act: Callable[[Writer], None]) -> bytes:
    """The bytes that a `Writer` sends in `act`."""
    ours, theirs = os.pipe()
    found = bytearray()

    def drain() -> None:
        while block := os.read(ours, 1 << 16):
            found.extend(block)

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        act(Writer(theirs))
    finally:
        os.close(theirs)
        thread.join()
        os.close(ours)
    return bytes(found)


def reader_of(stream: bytes) -> Reader:
    ours, theirs = os.pipe()
    os.write(theirs, stream)
    os.close(theirs)
    return Reader(ours)


def test_lines() -> None:
    assert written(lambda w: w.lines(b"status=success")) == b"0013status=success\n0000"
    assert written(lambda w: w.lines()) == b"0000"


def test_an_answer_is_status_content_and_two_flushes() -> None:
    assert written(lambda w: w.answer(b"abc")) == b"0013status=success\n00000007abc00000000"
    assert written(lambda w: w.answer(b"")) == b"0013status=success\n000000000000"
    data = b"x" * (MAX_DATA + 1)
    expected = b"0013status=success\n0000fff0" + data[:-1] + b"0005x00000000"
    assert written(lambda w: w.answer(data)) == expected


def test_full_packets_are_as_long_as_git_allows() -> None:
    data = b"x" * (2 * MAX_DATA)
    half = b"fff0" + b"x" * MAX_DATA
    assert written(lambda w: w.content(data)) == half + half


def test_views_of_wider_items_are_bytes_all_the_same() -> None:
    view = memoryview(b"abcdefgh").cast("I")
    assert written(lambda w: w.content(view)) == b"000cabcdefgh"


def test_very_many_lines_are_sent_at_once() -> None:
    lines = [b"pathname=%06d" % n for n in range(5000)]
    sent = written(lambda w: w.lines(*lines))
    assert sent == b"".join(b"0014%b\n" % line for line in lines) + b"0000"


def test_a_line_longer_than_a_packet_is_refused() -> None:
    with pytest.raises(PktLineError, match="too long"):
        written(lambda w: w.lines(b"x" * MAX_DATA))


def test_the_stream_may_end_between_messages_only() -> None:
    assert reader_of(b"").read_lines() is None
    assert reader_of(b"").read_fields() is None
    for cut in (b"0", b"0008", b"0008ab", b"0008abcd"):
        with pytest.raises(PktLineError, match="in the middle"):
            reader_of(cut).read_lines()


@pytest.mark.parametrize("header", [b"0001", b"0002", b"0003", b"fff1", b"zzzz", b" 1ff", b"+0ff"])
def test_lengths_that_mean_nothing_here(header: bytes) -> None:
    with pytest.raises(PktLineError):
        reader_of(header + b"x" * 100).read_lines()
    with pytest.raises(PktLineError):
        list(reader_of(b"0005a" + header + b"x" * 100).content())


def test_fields_keep_what_follows_the_first_equals_sign() -> None:
    reader = reader_of(b"0012pathname=a=b\n\n0000")
    assert reader.read_fields() == {b"pathname": b"a=b\n"}
    with pytest.raises(PktLineError, match="not key=value"):
        reader_of(b"0006ab0000").read_fields()


def test_blocks_are_joined() -> None:
    stream = b"".join(b"0005%c" % n for n in b"abcdef") + b"00040006gh0000"
    assert [bytes(block) for block in reader_of(stream).content()] == [b"abcdefgh"]


def test_content_that_was_read_to_its_end_stays_at_its_end() -> None:
    reader = reader_of(b"0005a0000" + b"0005b0000")
    content = reader.content()
    assert [bytes(block) for block in content] == [b"a"]
    assert list(content) == []
    assert [bytes(block) for block in reader.content()] == [b"b"]
