"""Moving what is needed out of packs that are going to be deleted, into new ones.

Frames are verified and copied as they are. The new packs tell of the files that
are moved, and of those of which only a leaving pack tells, so that the index
can still be made anew from the footers of all packs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.remote.live import chosen
from git_mlvers.remote.pack import PackBuilder
from git_mlvers.remote.publish import Pending
from git_mlvers.remote.sending import Sender
from git_mlvers.remote.table import PackTable, Run
from git_mlvers.remote.taking import Taken, numbers_of, take
from git_mlvers.remote.workers import in_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from git_mlvers.backend.base import Backend, Entry
    from git_mlvers.oid import Oid
    from git_mlvers.progress import Progress
    from git_mlvers.remote.model import StoredFile, Term
    from git_mlvers.remote.state import State

# So much of packs is moved at a time, so that memory stays bounded. Bytes.
_BATCH = 2 << 30
# Packs that are read at a time: each takes its size in memory.
_READERS = 2


class Fixed(PackTable):
    """Stands for one term of a pack that stays where it is."""

    __slots__ = ("_term",)

    def __init__(self, term: Term) -> None:
        super().__init__(term.pack)
        self._term = term

    def terms(self, first: int, count: int) -> list[Term]:
        """The term."""
        return [self._term]


class Mover:
    """Moves files of the remote whose index is in `state`."""

    def __init__(
        self, backend: Backend, state: State, connections: int, progress: Progress
    ) -> None:
        self.backend = backend
        self.state = state
        self._connections = connections
        self._progress = progress
        self.files = 0
        """Files that were moved."""
        self.sent = 0
        """Bytes that were sent for that."""
        self.unreadable: set[bytes] = set()
        """Packs out of which not all could be moved."""

    def run(
        self,
        needed: Collection[Oid],
        packs: Mapping[bytes, Entry],
        leaving: set[bytes],
    ) -> None:
        """Move all files of `needed` out of `leaving`, of all `packs` that count as places.

        When this returns, the index lists another place for each, but for those in
        packs that are `unreadable`. Raises `RemoteError`.
        """
        doomed = self.state.doomed() | leaving
        for batch in _batches(packs, sorted(leaving)):
            self.files += _Batch(self, needed, packs, doomed, batch).run()

    def sender(self) -> Sender:
        """What sends new packs."""
        return Sender(self.backend, self.state, self._connections)

    def publish(self, pending: Pending) -> None:
        """Make what was moved exist for others."""
        if not pending.empty:
            self.sent += pending.publish(self.backend, self.state)

    def advance(self, size: int) -> None:
        """So many bytes of packs are read."""
        self._progress.advance(1, size)


class _Batch:
    """One batch of leaving packs: their needed frames, and the files that consist of them."""

    def __init__(
        self,
        mover: Mover,
        needed: Collection[Oid],
        packs: Mapping[bytes, Entry],
        doomed: set[bytes],
        leaving: set[bytes],
    ) -> None:
        self._mover = mover
        self._needed = needed
        self._packs = packs
        self._doomed = doomed
        self._leaving = leaving
        self._sender = mover.sender()
        self._builder = PackBuilder()
        self._pending = Pending()
        self._tables: dict[bytes, PackTable] = {}
        self._places: dict[tuple[bytes, int], Run] = {}
        self._moved: set[Oid] = set()

    def run(self) -> int:
        """Move; returns how many files."""
        files = self._touching(self._leaving, set())
        terms: dict[bytes, list[Term]] = {}
        for file in files.values():
            for term in file.terms:
                if term.pack in self._leaving:
                    terms.setdefault(term.pack, []).append(term)
        try:
            told = self._take(terms)
            lost = set(self._mover.unreadable)
            whole = [file for file in files.values() if self._could_be_read(file, lost)]
            self._moved = {file.oid for file in whole}
            self._tell(whole)
            # Of these only the footer of a leaving pack tells.
            self._tell(self._touching(set(), told - set(files)).values())
            self._close()
            self._publish()
        finally:
            self._sender.stop()
        self._mover.sent += self._sender.sent_bytes
        return len(self._moved)

    def _touching(self, packs: set[bytes], told: set[Oid]) -> dict[Oid, StoredFile]:
        """Needed files that are kept in one of `packs`, or are among `told`."""
        if not packs and not told:
            return {}
        state = self._mover.state
        return {
            file.oid: file
            for file in chosen(state, self._needed, self._packs, self._doomed)
            if file.oid in told or any(term.pack in packs for term in file.terms)
        }

    def _could_be_read(self, file: StoredFile, lost: set[bytes]) -> bool:
        """Whether no pack of a file is `lost`; if one is, all packs in which it is must stay."""
        here = {term.pack for term in file.terms if term.pack in self._leaving}
        if here.isdisjoint(lost):
            return True
        self._mover.unreadable |= here
        return False

    def _take(self, terms: Mapping[bytes, list[Term]]) -> set[Oid]:
        """Put the needed frames of all packs into new ones; the needed files they tell of."""
        told: set[Oid] = set()

        def read(name: bytes) -> Taken:
            return take(self._mover.backend, name, self._packs[name].size, terms.get(name, ()))

        for name, taken in in_order(_READERS, read, sorted(self._leaving)):
            self._mover.advance(self._packs[name].size)
            if taken.footer is None:
                if name in terms:
                    self._mover.unreadable.add(name)
                continue
            self._tables[name] = taken.footer.table
            told.update(file.oid for file in taken.footer.files if file.oid in self._needed)
            ids, sums = taken.footer.table.ids, taken.footer.table.sums
            for number, frame in taken.frames:
                self._make_room()
                self._builder.add_frame(frame, ids[number], sums[number + 1] - sums[number])
                table = self._builder.table
                self._places[name, number] = Run(table, len(table.ids) - 1, 1)
        return told

    def _tell(self, files: Collection[StoredFile]) -> None:
        """Let new packs tell of `files`."""
        for file in files:
            self._make_room()
            runs = [run for term in file.terms for run in self._runs(term)]
            self._builder.add_file(file.oid, file.size, _joined(runs))

    def _runs(self, term: Term) -> Iterator[Run]:
        if term.pack not in self._leaving:
            yield Run(Fixed(term), 0, term.chunks)
            return
        for number in numbers_of(self._tables[term.pack], [term]):
            yield self._places[term.pack, number]

    def _make_room(self) -> None:
        if self._builder.full:
            self._close()

    def _close(self) -> None:
        if self._builder.empty:
            return
        pack = self._builder.close(self._doomed)
        moved = [file for file in pack.files if file.oid in self._moved]
        self._pending.add(pack.table.name, len(pack.data), pack.hooks, moved)
        self._sender.send(pack, lambda: None)
        if self._pending.large:
            self._publish()
        buffers = self._sender.buffers
        self._builder = PackBuilder(buffers.pop() if buffers else None)

    def _publish(self) -> None:
        """Wait for all packs, then make what they tell of exist for others."""
        self._sender.drain()
        pending, self._pending = self._pending, Pending()
        self._mover.publish(pending)


def _batches(packs: Mapping[bytes, Entry], names: Sequence[bytes]) -> Iterator[set[bytes]]:
    batch: set[bytes] = set()
    size = 0
    for name in names:
        batch.add(name)
        size += packs[name].size
        if size >= _BATCH:
            yield batch
            batch, size = set(), 0
    if batch:
        yield batch


def _joined(runs: Sequence[Run]) -> list[Run]:
    """`runs` with those put together that follow one another in one new pack."""
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last and last.table is run.table and last.first + last.chunks == run.first:
            joined[-1] = Run(last.table, last.first, last.chunks + run.chunks)
        else:
            joined.append(run)
    return joined
