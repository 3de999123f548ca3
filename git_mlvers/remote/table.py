"""The chunks of a pack, by number: what they are, and where they are."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from git_mlvers.remote.model import Term

LARGE = 1 << 20
"""Files from this size on are worth finding again by their first chunk. Bytes."""

CELL = 8 << 20
"""A term's chunks all start in the same cell of the pack, so that one range read of bounded
size brings it, and the terms of several versions of a file are cut at the same places. Bytes."""

SET_ASIDE = 0
"""Stands where the hooks of a pack were whose content is damaged: nothing new may refer to it.
No chunk has this hook: its id would begin with eight zero bytes."""

# What compresses very well is cut more often: no term holds more than this. Bytes of content.
_TERM_SIZE = 32 << 20


class Run(NamedTuple):
    """Neighbouring chunks of one pack: the first one's number, and how many."""

    table: PackTable
    first: int
    chunks: int


class PackTable:
    """The chunks of one pack: ids, and running sums of stored bytes and of content bytes."""

    __slots__ = ("ids", "name", "offsets", "sums")

    def __init__(self, name: bytes = b"") -> None:
        self.name = name
        self.ids: list[bytes] = []
        self.offsets = array("Q", [0])
        self.sums = array("Q", [0])

    def append(self, chunk_id: bytes, length: int, size: int) -> int:
        """Add a chunk whose frame takes `length` bytes and holds `size`; returns its number."""
        self.ids.append(chunk_id)
        self.offsets.append(self.offsets[-1] + length)
        self.sums.append(self.sums[-1] + size)
        return len(self.ids) - 1

    def terms(self, first: int, count: int) -> list[Term]:
        """A run of chunks as terms, cut where a cell of the pack begins."""
        terms, end = [], first + count
        while first < end:
            next_cell = (self.offsets[first] // CELL + 1) * CELL
            by_cell = bisect_left(self.offsets, next_cell, first)
            by_size = bisect_right(self.sums, self.sums[first] + _TERM_SIZE, first) - 1
            stop = min(end, max(first + 1, min(by_cell, by_size)))
            start = self.offsets[first]
            length = self.offsets[stop] - start
            size = self.sums[stop] - self.sums[first]
            terms.append(Term(self.name, start, length, stop - first, size))
            first = stop
        return terms

    def hooks(self, starts: set[int]) -> set[int]:
        """The chunks by which this pack is found again, as signed 64-bit numbers.

        One chunk in 64, picked by its id; the pack's first; and those numbered
        in `starts`, where large files begin.
        """
        wanted = {0, *starts} if self.ids else set()
        hooks = {hook_of(self.ids[number]) for number in wanted}
        hooks.update(hook_of(chunk_id) for chunk_id in self.ids if is_hook(chunk_id))
        return hooks


def is_hook(chunk_id: bytes) -> bool:
    """Whether `chunk_id` is one of the chunks, one in 64, that the index lists."""
    return not chunk_id[0] & 63


def hook_of(chunk_id: bytes) -> int:
    """The first 8 bytes of a chunk's id as the signed number that the index keeps."""
    return int.from_bytes(chunk_id[:8], "little", signed=True)
