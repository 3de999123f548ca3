"""What the other process says is taken, and what it does not say is done in this one."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest

from git_mlvers.cache import Cache
from git_mlvers.errors import ContentMissing, LocalIOError
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer
from git_mlvers.transfer import Outcome
from git_mlvers.transfer.apart import Apart, serve

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

CONTENT = [b"content %d" % number for number in range(5)]
POINTERS = [Pointer(Oid.of(data), len(data)) for data in CONTENT]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    made = Cache(str(tmp_path / "cache"), fsync=False)
    yield made
    made.close()


class Here:
    """A download in this process that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Pointer] = []

    def __call__(self, pointers: list[Pointer]) -> Generator[Outcome, None, None]:
        self.asked += pointers
        for pointer in pointers:
            yield Outcome(pointer, None)


def apart(cache: Cache, here: Here, program: str) -> Apart:
    read = "import sys\nfor line in sys.stdin:\n    if line == '\\n': break\n"
    return Apart([sys.executable, "-c", read + program], os.environ, cache, here)


def test_all_that_it_says_is_taken(cache: Cache) -> None:
    here = Here()
    lines = r"2\n0 packs 0 50\n1 ! [\"gone\", \"look for it\"]\n4\n3\n"
    other = apart(cache, here, f'print("{lines}", end="")')
    found = dict(other.download(POINTERS))
    other.close()
    assert found.keys() == set(POINTERS)
    assert here.asked == []
    error = found.pop(POINTERS[1])
    assert (error.message, error.hint) == ("gone", "look for it")
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    ("program", "left"),
    [
        ("", POINTERS),
        ("sys.exit(1)", POINTERS),
        (r'print("2\n3\n4", end="")', [*POINTERS[:2], POINTERS[4]]),
        (r'print("0\n1 what is this\n2\n")', POINTERS[1:]),
        (r'print("0\n0\n1\n")', POINTERS[1:]),
        (r'print("0\n77\n1\n")', POINTERS[1:]),
        (r'print("0 ! [\n")', POINTERS),
        (r'print("one\n")', POINTERS),
    ],
)
def test_what_it_does_not_say_is_done_here(cache: Cache, program: str, left: list[Pointer]) -> None:
    here = Here()
    other = apart(cache, here, program)
    found = [outcome.pointer for outcome in other.download(POINTERS)]
    other.close()
    assert sorted(found) == sorted(POINTERS)
    assert set(left) <= set(here.asked)


def test_without_the_program_all_is_done_here(cache: Cache, tmp_path: Path) -> None:
    here = Here()
    other = Apart([str(tmp_path / "nothing")], os.environ, cache, here)
    assert [outcome.pointer for outcome in other.download(POINTERS)] == POINTERS
    other.stop()
    other.close()


def test_nothing_is_begun_after_a_stop(cache: Cache, tmp_path: Path) -> None:
    here = Here()
    began = tmp_path / "began"
    other = apart(cache, here, f"open({str(began)!r}, 'w')")
    other.stop()
    assert list(other.download(POINTERS)) == []
    other.close()
    assert here.asked == []
    assert not began.exists()


class TestServe:
    def answers(self, cache: Cache, download: object, *batches: list[Pointer]) -> list[bytes]:
        text = "".join(
            "".join(f"{pointer.oid.hex()} {pointer.size}\n" for pointer in batch) + "\n"
            for batch in batches
        )
        reading, writing = os.pipe()
        try:
            serve(io.BytesIO(text.encode()), writing, cache, download)  # type: ignore[arg-type]
        finally:
            os.close(writing)
        with open(reading, "rb") as file:
            return file.read().splitlines()

    def test_batches(self, cache: Cache) -> None:
        for data in CONTENT[:3]:
            cache.add_bytes(data)
        told = self.answers(cache, Here(), POINTERS[:2], POINTERS[2:])
        assert [line.split()[0] for line in told] == [b"0", b"1", b"0", b"1", b"2"]
        assert [len(line.split()) for line in told] == [4, 4, 4, 1, 1]

    def test_errors(self, cache: Cache) -> None:
        def download(pointers: list[Pointer]) -> Generator[Outcome, None, None]:
            yield Outcome(pointers[1], ContentMissing("not\nthere", "ask"))
            raise LocalIOError("the disk is full")

        told = self.answers(cache, download, POINTERS[:3])
        assert told == [
            rb'1 ! ["not\nthere", "ask"]',
            b'0 ! ["the disk is full", null]',
            b'2 ! ["the disk is full", null]',
        ]

    def test_what_it_tells_is_where_content_is(self, cache: Cache) -> None:
        def download(pointers: list[Pointer]) -> Generator[Outcome, None, None]:
            for pointer, data in zip(pointers, CONTENT, strict=True):
                cache.add_bytes(data)
                yield Outcome(pointer, None)

        told = self.answers(cache, download, POINTERS)
        text = b"\n".join(told) + b"\n"
        reader = Cache(cache.root, fsync=False)
        here = Here()
        program = f"sys.stdout.buffer.write({text!r})"
        other = apart(reader, here, program)
        assert {error for _, error in other.download(POINTERS)} == {None}
        other.close()
        assert here.asked == []
        assert [reader.read(*pointer) for pointer in POINTERS] == CONTENT
        reader.close()
