"""What of a remote is needed: a place of each file, and how much of each pack that makes."""

from __future__ import annotations

from array import array
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from git_mlvers.oid import Oid
    from git_mlvers.remote.model import StoredFile
    from git_mlvers.remote.state import State

_END_BITS = 32


class Count(NamedTuple):
    """So many files, and the bytes of their content."""

    files: int
    size: int


class Live:
    """The places of files that are needed, as spans of packs. Some 8 bytes for each term."""

    def __init__(self) -> None:
        self._spans: dict[bytes, array[int]] = {}
        self.needed = Count(0, 0)
        """Files that are needed, of those that the index lists."""
        self.idle = Count(0, 0)
        """Files that the index lists and nothing needs."""

    def held(self, pack: bytes) -> int:
        """How many bytes of a pack are needed."""
        total, reached = 0, 0
        for span in sorted(self._spans.get(pack, ())):
            start, end = span >> _END_BITS, span & ((1 << _END_BITS) - 1)
            total += max(0, end - max(start, reached))
            reached = max(reached, end)
        return total

    def count(self, file: StoredFile, *, needed: bool) -> None:
        """One more file of the index."""
        if needed:
            self.needed = Count(self.needed.files + 1, self.needed.size + file.size)
        else:
            self.idle = Count(self.idle.files + 1, self.idle.size + file.size)

    def add(self, file: StoredFile) -> None:
        """A file is needed at this place."""
        for term in file.terms:
            span = term.offset << _END_BITS | (term.offset + term.length)
            self._spans.setdefault(term.pack, array("Q")).append(span)


def live(
    state: State, needed: Collection[Oid], packs: Collection[bytes], doomed: Collection[bytes]
) -> Live:
    """How much of each pack the files `needed` take, each at the place that `choose` gives."""
    found = Live()
    for places in _by_oid(state):
        wanted = places[0].oid in needed
        found.count(places[0], needed=wanted)
        place = choose(places, packs, doomed) if wanted else None
        if place is not None:
            found.add(place)
    return found


def chosen(
    state: State, needed: Collection[Oid], packs: Collection[bytes], doomed: Collection[bytes]
) -> Iterator[StoredFile]:
    """Each file of `needed` that the index lists, at the place that `choose` gives, if any."""
    for places in _by_oid(state):
        if places[0].oid in needed:
            place = choose(places, packs, doomed)
            if place is not None:
                yield place


def choose(
    places: Sequence[StoredFile], packs: Collection[bytes], doomed: Collection[bytes]
) -> StoredFile | None:
    """The best place of a file: with the fewest `doomed` packs, and of those the newest one.

    Only places in `packs`, which are those on the remote, count.
    """
    best: StoredFile | None = None
    fewest = 0
    for place in places:
        there = {term.pack for term in place.terms}
        if there and all(pack in packs for pack in there):
            bad = sum(pack in doomed for pack in there)
            if best is None or bad <= fewest:
                best, fewest = place, bad
    return best


def _by_oid(state: State) -> Iterator[list[StoredFile]]:
    return (list(places) for _, places in groupby(state.all_files(), key=lambda file: file.oid))
