"""Reading of a pack what is to be copied into another one."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers import frame as frames
from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.remote.layout import pack_key
from git_mlvers.remote.tails import fetch_tail, read_exactly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_mlvers.backend.base import Backend
    from git_mlvers.remote.model import Term
    from git_mlvers.remote.pack import Footer
    from git_mlvers.remote.table import PackTable

# Needed frames are read together up to so many bytes, over gaps of so many.
_RANGE, _GAP = 8 << 20, 64 << 10


class Taken(NamedTuple):
    """What was read of a leaving pack: its footer, and the needed frames by their numbers.

    A pack that cannot be read has no footer.
    """

    footer: Footer | None
    frames: list[tuple[int, bytes]]


def take(backend: Backend, name: bytes, size: int, terms: Sequence[Term]) -> Taken:
    """The footer of the pack `name` of `size` bytes, and the frames of `terms` in it, verified.

    Raises what the backend does, but for a pack that is gone.
    """
    try:
        _, footer = fetch_tail(backend, name, size)
        numbers = numbers_of(footer.table, terms)
        return Taken(footer, list(_frames(backend, footer.table, numbers)))
    except (CorruptError, KeyMissing):
        return Taken(None, [])


def _frames(backend: Backend, table: PackTable, numbers: list[int]) -> Iterator[tuple[int, bytes]]:
    offsets, key = table.offsets, pack_key(table.name)
    for first, last in _ranges(table, numbers):
        start, end = offsets[numbers[first]], offsets[numbers[last] + 1]
        data = read_exactly(backend, key, start, end - start)
        for number in numbers[first : last + 1]:
            frame = data[offsets[number] - start : offsets[number + 1] - start]
            header, _ = frames.decode(frame)
            if header.id != table.ids[number] or header.length != len(frame):
                raise CorruptError("a frame is not the one that the footer lists")
            yield number, frame


def numbers_of(table: PackTable, terms: Sequence[Term]) -> list[int]:
    """The numbers of the chunks in `terms`, sorted; raises `CorruptError` if they are not there."""
    numbers: set[int] = set()
    for term in terms:
        first = bisect_left(table.offsets, term.offset)
        last = first + term.chunks
        if last > len(table.ids) or table.offsets[first] != term.offset:
            raise CorruptError("the index lists chunks that the pack does not have")
        if table.offsets[last] != term.offset + term.length:
            raise CorruptError("the index lists chunks that the pack does not have")
        numbers.update(range(first, last))
    return sorted(numbers)


def _ranges(table: PackTable, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Which of `numbers` are read together: places in the list, the last one included."""
    offsets, first = table.offsets, 0
    for at in range(1, len(numbers) + 1):
        if at < len(numbers):
            gap = offsets[numbers[at]] - offsets[numbers[at - 1] + 1]
            if gap <= _GAP and offsets[numbers[at] + 1] - offsets[numbers[first]] <= _RANGE:
                continue
        yield first, at - 1
        first = at
