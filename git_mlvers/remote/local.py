"""Reading chunks from files that the sink already has."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from blake3 import blake3

from git_mlvers.errors import ContentMissing, CorruptError
from git_mlvers.remote.fetching import write_all, writing
from git_mlvers.remote.reuse import pieces_for

if TYPE_CHECKING:
    from git_mlvers.remote.model import Item, Sink
    from git_mlvers.remote.plan import Piece
    from git_mlvers.remote.reuse import LocalRun
    from git_mlvers.remote.table import PackTable


class LocalReader:
    """Reads parts of files in a sink; keeps the last one open."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._item: Item | None = None
        self._stream: BinaryIO | None = None

    def read(self, item: Item, at: int, size: int) -> bytes:
        """`size` bytes of a file from byte `at`; fewer, or none, when they cannot be had."""
        try:
            if self._item != item or self._stream is None:
                self.close()
                self._stream = self._sink.open(item.oid, item.size)
                self._item = item
            self._stream.seek(at)
            return self._stream.read(size)
        except (OSError, ContentMissing, CorruptError):
            # The chunk is fetched instead, which tells if anything is really wrong.
            return b""

    def close(self) -> None:
        """Close the file that is open."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def copy_run(run: LocalRun, table: PackTable, reader: LocalReader) -> list[Piece]:
    """Write the chunks of `run` to where they belong; returns what has to be fetched after all.

    Raises `LocalIOError` when they cannot be written.
    """
    if run.target.path is None:
        raise AssertionError("a large file without a place to go")
    base = table.sums[run.first]
    bad: list[int] = []
    with writing(run.target.path) as fd:
        for number in range(run.first, run.first + run.chunks):
            ahead = table.sums[number] - base
            size = table.sums[number + 1] - table.sums[number]
            chunk = reader.read(run.source, run.source_at + ahead, size)
            if blake3(chunk).digest() == table.ids[number]:
                write_all(fd, chunk, run.at + ahead)
            else:
                bad.append(number)
    return [piece for first, count in _spans(bad) for piece in pieces_for(run, table, first, count)]


def _spans(numbers: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as runs: the first, and how many."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and sum(spans[-1]) == number:
            spans[-1] = (spans[-1][0], spans[-1][1] + 1)
        else:
            spans.append((number, 1))
    return spans
