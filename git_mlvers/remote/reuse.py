"""Chunks that need not be fetched, since a file that is here already has them.

An older version of a wanted file shares most of its terms. Which of its bytes
those are is told by the footers of the packs; each chunk taken from it is
verified, so that a damaged local file costs a request and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.remote.pack import read_tail
from git_mlvers.remote.plan import Piece
from git_mlvers.remote.table import LARGE, PackTable
from git_mlvers.remote.tails import fetch_tail
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.backend.base import Backend
    from git_mlvers.oid import Oid
    from git_mlvers.remote.model import Item, Sink, Tail, Term
    from git_mlvers.remote.plan import Target
    from git_mlvers.remote.state import State

# Fewer shared bytes in a pack are not worth the request for its footer.
_WORTH_A_FOOTER = 256 << 10
# So many files are looked for in the sink at most.
_MAX_FILES = 1000


class LocalRun(NamedTuple):
    """A run of chunks of a pack that is to be read from a file in the sink.

    `at` is where it goes in the target, `source_at` where it is in `source`;
    both in bytes.
    """

    target: Target
    at: int
    pack: bytes
    first: int
    chunks: int
    source: Item
    source_at: int


class Split(NamedTuple):
    """What is to be fetched, and what is here."""

    remote: list[Piece]
    local: list[LocalRun]


class Reuse:
    """Finds out what of wanted files is in the sink already."""

    def __init__(self, backend: Backend, state: State, connections: int) -> None:
        self._backend = backend
        self._state = state
        self._connections = connections
        self._table: PackTable | None = None

    def split(self, pieces: Sequence[Piece], wanted: Iterable[Target], sink: Sink) -> Split:
        """Divide `pieces` into those to fetch and those that files in `sink` have."""
        packs = {p.term.pack for p in pieces if p.target.item.size > LARGE}
        here = self._sources(packs, {target.item.oid for target in wanted}, sink)
        if not here:
            return Split(list(pieces), [])
        shared = _shared(pieces, here)
        tables = self._load(shared)
        result = Split([], [])
        by_pack: dict[bytes, list[Piece]] = {}
        for piece in pieces:
            if piece.term.pack in tables and piece.target.item.size > LARGE:
                by_pack.setdefault(piece.term.pack, []).append(piece)
            else:
                result.remote.append(piece)
        for pack, few in by_pack.items():
            table = self.table(pack)
            places = _local_chunks(table, here.get(pack, []))
            for piece in few:
                _divide(piece, table, places, result)
        result.local.sort(key=lambda run: (run.source, run.source_at))
        return result

    def table(self, pack: bytes) -> PackTable:
        """The chunks of a pack whose footer `split` has fetched; raises `CorruptError`."""
        if self._table is None or self._table.name != pack:
            kept = self._state.tails([pack]).get(pack)
            if kept is None:
                raise CorruptError(f"the footer of pack {pack.hex()[:10]} is not here any more")
            self._table = read_tail(pack, kept.pack_size, kept.tail).table
        return self._table

    def _sources(
        self, packs: set[bytes], wanted: set[Oid], sink: Sink
    ) -> dict[bytes, list[tuple[Item, int, Term]]]:
        """Terms of files in the sink, by pack: the file, where the term is in it, the term."""
        here: dict[bytes, list[tuple[Item, int, Term]]] = {}
        sharing = [item for item in self._state.sharing(packs) if item.oid not in wanted]
        found = {item.oid: item for item in sharing[:_MAX_FILES] if sink.has(item.oid, item.size)}
        for oid, places in self._state.files(found).items():
            for place in places:
                at = 0
                for term in place.terms:
                    if term.pack in packs:
                        here.setdefault(term.pack, []).append((found[oid], at, term))
                    at += term.size
        return here

    def _load(self, packs: Iterable[bytes]) -> set[bytes]:
        """Have the footers of these packs in the state; returns the packs for which that is so."""
        wanted = list(packs)
        kept = set(self._state.tails(wanted))
        sizes = self._state.pack_sizes(wanted)
        missing = [name for name in wanted if name not in kept and name in sizes]

        def fetch(name: bytes) -> Tail:
            return fetch_tail(self._backend, name, sizes[name])[0]

        fetched: dict[bytes, Tail] = {}
        for done in in_parallel(self._connections, fetch, missing):
            if done.result is not None:
                fetched[done.tag] = done.result
            # Without its footer, a pack is fetched as if nothing of it were here.
            elif not isinstance(done.error, KeyMissing | CorruptError):
                raise done.error or RuntimeError("a task without an end")
        if fetched:
            self._state.keep_tails(fetched)
        return kept | set(fetched)


def _shared(
    pieces: Iterable[Piece], here: Mapping[bytes, list[tuple[Item, int, Term]]]
) -> list[bytes]:
    """The packs of which files here have enough that it is worth to read the footer."""
    wanted: dict[bytes, list[Term]] = {}
    for piece in pieces:
        if piece.term.pack in here:
            wanted.setdefault(piece.term.pack, []).append(piece.term)
    return [
        pack
        for pack, terms in wanted.items()
        if _overlap(terms, [term for _, _, term in here[pack]]) >= _WORTH_A_FOOTER
    ]


def _overlap(wanted: Iterable[Term], here: Iterable[Term]) -> int:
    """How many bytes of the terms `wanted` lie in the terms `here` of the same pack."""
    covered = _merged(here)
    total = 0
    for term in wanted:
        end = term.offset + term.length
        for low, high in covered:
            total += max(0, min(end, high) - max(term.offset, low))
    return total


def _merged(terms: Iterable[Term]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted((term.offset, term.offset + term.length) for term in terms):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _numbers(table: PackTable, term: Term) -> range | None:
    """The numbers of the chunks that are `term`; ``None`` when the footer says otherwise."""
    first = bisect_left(table.offsets, term.offset)
    last = first + term.chunks
    if (
        last >= len(table.offsets)
        or table.offsets[first] != term.offset
        or table.offsets[last] != term.offset + term.length
        or table.sums[last] - table.sums[first] != term.size
    ):
        return None
    return range(first, last)


def _local_chunks(
    table: PackTable, terms: Iterable[tuple[Item, int, Term]]
) -> dict[int, tuple[Item, int]]:
    """Where each chunk of a pack is in a file here, as far as it is in one."""
    places: dict[int, tuple[Item, int]] = {}
    for item, at, term in terms:
        numbers = _numbers(table, term) or range(0)
        base = table.sums[numbers.start]
        for number in numbers:
            places.setdefault(number, (item, at + table.sums[number] - base))
    return places


def _divide(
    piece: Piece, table: PackTable, places: Mapping[int, tuple[Item, int]], result: Split
) -> None:
    """Cut a piece into runs that are here and runs that are not."""
    numbers = _numbers(table, piece.term)
    if numbers is None:
        result.remote.append(piece)
        return
    start = numbers[0]
    while start < numbers.stop:
        stop = start + 1
        place = places.get(start)
        while stop < numbers.stop and _continues(table, places, start, stop):
            stop += 1
        at = piece.at + table.sums[start] - table.sums[numbers[0]]
        if place is None:
            for term in table.terms(start, stop - start):
                result.remote.append(Piece(piece.target, at, term))
                at += term.size
        else:
            run = LocalRun(piece.target, at, table.name, start, stop - start, *place)
            result.local.append(run)
        start = stop


def _continues(
    table: PackTable, places: Mapping[int, tuple[Item, int]], start: int, number: int
) -> bool:
    """Whether chunk `number` lies in the same file here, in line with chunk `start`."""
    first, this = places.get(start), places.get(number)
    if first is None or this is None:
        return first is this
    distance = table.sums[number] - table.sums[start]
    return first[0] == this[0] and first[1] + distance == this[1]


def pieces_for(run: LocalRun, table: PackTable, first: int, chunks: int) -> list[Piece]:
    """What to fetch instead of some chunks of a run that turned out not to be here."""
    at = run.at + table.sums[first] - table.sums[run.first]
    pieces = []
    for term in table.terms(first, chunks):
        pieces.append(Piece(run.target, at, term))
        at += term.size
    return pieces
