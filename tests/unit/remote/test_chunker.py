"""Cuts depend on the content alone, and not on how it comes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from pyfastcdc import FastCDC

from git_mlvers.errors import CorruptError
from git_mlvers.remote.chunker import Chunker, Parameters
from tests.support.stores import some_bytes

if TYPE_CHECKING:
    from typing import BinaryIO

SMALL = Parameters(min=256, avg=1024, max=4096, whole=2048)


class Dripping(io.RawIOBase):
    """A stream that gives a little at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._data.readinto(buffer[:1000])


def chunks(data: bytes, parameters: Parameters, stream: BinaryIO | None = None) -> list[bytes]:
    stream = io.BytesIO(data) if stream is None else stream
    return [bytes(chunk) for chunk in Chunker(parameters).cut(stream, len(data))]


def test_cuts_are_those_of_the_whole_buffer() -> None:
    data = some_bytes(9_000_000, 1)
    expected = [
        bytes(chunk.data) for chunk in FastCDC(65536, min_size=16384, max_size=262144).cut_buf(data)
    ]
    assert chunks(data, Parameters()) == expected
    assert chunks(data, Parameters(), Dripping(data)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 2047, 2048])
def test_a_small_file_is_one_chunk(size: int) -> None:
    data = some_bytes(size, 1)
    assert chunks(data, SMALL) == [data]


def test_a_larger_file_is_several() -> None:
    data = some_bytes(100_000, 1)
    found = chunks(data, SMALL)
    assert b"".join(found) == data
    assert all(256 <= len(chunk) <= 4096 for chunk in found[:-1]) and len(found) > 20


def test_an_edit_changes_chunks_near_it() -> None:
    data = some_bytes(4_000_000, 1)
    shifted = data[:2_000_000] + b"inserted" + data[2_000_000:]
    before, after = chunks(data, Parameters()), chunks(shifted, Parameters())
    assert len(set(after) - set(before)) <= 3


def test_cuts_never_change() -> None:
    # What is on remotes was cut like this: other cuts would find nothing of it again.
    data = b"".join((n * n).to_bytes(8, "little") for n in range(100_000))
    assert [len(chunk) for chunk in chunks(data, Parameters())] == [
        156293,
        140317,
        26802,
        44275,
        68896,
        118796,
        40220,
        139863,
        64538,
    ]


def test_a_file_that_ends_early_is_an_error() -> None:
    with pytest.raises(CorruptError, match="ended 10 bytes early"):
        list(Chunker(SMALL).cut(io.BytesIO(b"x" * 90), 100))


@pytest.mark.parametrize(
    "bad",
    [
        Parameters(min=65536, avg=16384),
        Parameters(max=2 << 20),
        Parameters(whole=0),
        Parameters(whole=2 << 20),
        Parameters(min=1),
    ],
)
def test_parameters_that_cannot_be(bad: Parameters) -> None:
    with pytest.raises(CorruptError):
        bad.check()
