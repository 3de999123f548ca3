"""Packets: whatever is written comes back, however it is cut, and nothing else is accepted."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_mlvers.git.pktline import MAX_DATA, PktLineError, Reader, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINES = st.lists(st.binary(max_size=40).filter(lambda line: not line.endswith(b"\n")), max_size=5)
SIZES = st.one_of(
    st.integers(0, 3000),
    st.sampled_from([MAX_DATA - 1, MAX_DATA, MAX_DATA + 1, 16 * MAX_DATA, 16 * MAX_DATA + 1]),
    st.integers(0, 3 << 20),
)


def packet(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data


@contextlib.contextmanager
def pipe(write: Callable[[int], None]) -> Iterator[int]:
    """A descriptor that gives what `write`, in a thread, writes to the one it is given."""
    ours, theirs = os.pipe()

    def run() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(theirs, "wb", 0) as file:
            write(file.fileno())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ours
    finally:
        os.close(ours)
        thread.join()


def in_pieces(stream: bytes, cuts: list[int]) -> Callable[[int], None]:
    """Writes `stream` cut at `cuts`, which are taken modulo its length."""

    def write(fd: int) -> None:
        places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
        for start, end in itertools.pairwise(places):
            view = memoryview(stream)[start:end]
            while view:
                view = view[os.write(fd, view) :]

    return write


def noise(size: int) -> bytes:
    block = bytes(range(256)) * 4 + b"0000"
    return (block * (size // len(block) + 1))[:size]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(LINES, SIZES), min_size=1, max_size=6),
    st.integers(1, 40),
)
def test_what_is_written_comes_back(messages: list[list[bytes] | int], parts: int) -> None:
    def write(fd: int) -> None:
        writer = Writer(fd)
        for message in messages:
            if isinstance(message, int):
                data = noise(message)
                step = message // parts + 1
                for start in range(0, len(data), step):
                    writer.content(data[start : start + step])
                writer.flush()
            else:
                writer.lines(*message)

    with pipe(write) as fd:
        reader = Reader(fd)
        for message in messages:
            if isinstance(message, int):
                assert b"".join(map(bytes, reader.content())) == noise(message)
            else:
                assert reader.read_lines() == message
        assert reader.read_lines() is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=2000), max_size=30),
    st.lists(st.integers(0, 1 << 20), max_size=40),
    st.integers(0, 40),
)
def test_packets_of_any_size_in_pieces_of_any_size(
    payloads: list[bytes], cuts: list[int], read: int
) -> None:
    stream = b"".join(map(packet, payloads)) + b"0000" + packet(b"command=x\n") + b"0000"
    with pipe(in_pieces(stream, cuts)) as fd:
        reader = Reader(fd)
        content = reader.content()
        taken = [bytes(block) for block, _ in zip(content, range(read), strict=False)]
        assert b"".join(payloads).startswith(b"".join(taken))
        # What was not read of the content is skipped.
        assert reader.read_fields() == {b"command": b"x"}
        assert reader.read_fields() is None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_anything_else_is_an_error_and_never_a_crash(stream: bytes) -> None:
    with pipe(in_pieces(stream, [])) as fd:
        reader = Reader(fd)
        with contextlib.suppress(PktLineError):
            while reader.read_lines() is not None:
                pass
    with pipe(in_pieces(stream, [])) as fd, contextlib.suppress(PktLineError):
        for _ in Reader(fd).content():
            pass


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400))
def test_a_stream_that_is_cut_off_is_an_error(length: int) -> None:
    stream = packet(b"a" * 100) + packet(b"b" * 250) + b"0000"
    whole = length >= len(stream)
    with pipe(in_pieces(stream[:length], [])) as fd:
        content = Reader(fd).content()
        if whole:
            assert sum(map(len, content)) == 350
        else:
            with pytest.raises(PktLineError, match="in the middle"):
                list(content)
