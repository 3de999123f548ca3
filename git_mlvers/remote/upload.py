"""One upload: files that the remote lacks become packs, and then an index file.

The order makes it safe to stop anywhere: packs first, each noted in the local
journal when it is there; then the index file, which is what makes the files
exist for others. An upload that was cut short is taken up by the next one,
which finds its packs in the journal.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_mlvers.errors import RemoteError
from git_mlvers.remote.assemble import Assembler
from git_mlvers.remote.journal import recover
from git_mlvers.remote.model import Item, UploadReport
from git_mlvers.remote.publish import Pending
from git_mlvers.remote.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from git_mlvers.backend.base import Backend
    from git_mlvers.oid import Oid
    from git_mlvers.progress import Progress
    from git_mlvers.remote.chunker import Chunker
    from git_mlvers.remote.known import Known
    from git_mlvers.remote.model import Source, StoredFile
    from git_mlvers.remote.pack import Pack
    from git_mlvers.remote.state import State

# Packs of an earlier version are opened this far ahead of the place where they are needed. Bytes.
_AHEAD = 4 << 30


RECHECK = 600.0
"""When so much time has gone by, it is looked whether a collection began meanwhile. Seconds."""
_ROUNDS = 5
# What is sent exists for others, and for collections, after this time at the latest. Seconds.
_DAY = 24 * 3600.0


class Overtaken(RemoteError):
    """A collection is going to delete what an upload relies on, or has done so."""


def upload_to_last(
    items: Sequence[Item],
    send: Callable[[Sequence[Item]], UploadReport],
    lacking: Callable[[Sequence[Item]], list[Item]],
    url: str,
) -> UploadReport:
    """Let `send` upload `items`, and once more what a collection has doomed meanwhile.

    `lacking` tells which of them the remote at `url` has not, or not for long.
    Raises `RemoteError` when that goes on for ever.
    """
    todo, report = list(items), UploadReport(0, 0, 0, 0)
    for _ in range(_ROUNDS):
        begun = time.monotonic()
        try:
            done = send(todo)
        except Overtaken:
            todo = lacking(items)
            continue
        report = UploadReport(*(sum(pair) for pair in zip(report, done, strict=True)))
        todo = lacking(items) if time.monotonic() - begun >= RECHECK else []
        if not todo:
            return report._replace(files=len(items), bytes=sum(item.size for item in items))
    raise RemoteError(
        f"what was sent to {url} was about to be deleted again each time",
        "git mlvers gc --remote runs there too often, with an mlvers.gcGrace that is too short",
    )


class Upload:
    """Uploads files; made anew for each upload."""

    def __init__(
        self,
        backend: Backend,
        state: State,
        chunker: Chunker,
        known: Known,
        connections: int,
        progress: Progress,
        refresh: Callable[[], None],
    ) -> None:
        """`refresh` brings `state` up to date."""
        self._backend = backend
        self._state = state
        self._refresh = refresh
        self._looked = self._published = time.monotonic()
        self._chunker = chunker
        self._known = known
        self._connections = connections
        self._progress = progress
        self._doomed = state.doomed()
        self._sender = Sender(backend, state, connections)
        self._assembler = Assembler(known, chunker, self._send, self._sender.buffers, self._doomed)
        self._pending = Pending()
        self._index_bytes = 0
        self._files_since = 0
        self._bytes_since = 0
        self._position = 0

    def run(
        self, items: Sequence[Item], source: Source, bases: Mapping[Oid, Collection[Oid]]
    ) -> UploadReport:
        """Upload `items`, none of which the remote has; see `Remote.upload`.

        Raises `Overtaken` when that took so long that it has to be done again.
        """
        try:
            left = self._recover(items)
            for item in left:
                self._store(item, source, bases.get(item.oid, ()))
                if self._pending.large or time.monotonic() - self._published > _DAY:
                    self._publish()
            self._assembler.finish()
            self._publish()
        finally:
            self._sender.stop()
        total = sum(item.size for item in items)
        sent = self._sender.sent_bytes + self._index_bytes
        return UploadReport(len(items), total, sent, self._sender.packs)

    def _recover(self, items: Sequence[Item]) -> list[Item]:
        """Use what an upload that was cut short left; returns the items that are still to do."""
        found = recover(self._backend, self._state, self._connections)
        complete: set[Oid] = set()
        for footer, size in found:
            self._known.trust(footer.table.name, footer.hooks)
            self._known.add(footer.table)
            self._pending.add(footer.table.name, size, footer.hooks, footer.files)
            complete.update(file.oid for file in footer.files)
        done = [item for item in items if item.oid in complete]
        self._progress.advance(len(done), sum(item.size for item in done))
        return [item for item in items if item.oid not in complete]

    def _store(self, item: Item, source: Source, bases: Collection[Oid]) -> None:
        small = item.size <= self._chunker.parameters.whole
        frame = source.frame(item.oid, item.size) if small else None
        self._position = 0
        if frame is not None:
            self._assembler.add_frame(item, frame)
        else:
            places = [] if small else sorted(self._base_places(bases), reverse=True)
            with source.open(item.oid, item.size) as stream:
                self._assembler.add_stream(item, stream, lambda at: self._reached(at, places))
        self._files_since += 1
        self._bytes_since += item.size - self._position

    def _reached(self, position: int, places: list[tuple[int, bytes]]) -> None:
        """A file is stored up to `position`; open the packs of its earlier versions near there.

        `places` are these packs and where in the file they are to be expected, last one first.
        """
        self._bytes_since += position - self._position
        self._position = position
        if places and places[-1][0] <= position + _AHEAD // 2:
            near = []
            while places and places[-1][0] <= position + _AHEAD:
                near.append(places.pop()[1])
            self._known.open(near)

    def _base_places(self, bases: Collection[Oid]) -> Iterable[tuple[int, bytes]]:
        for places in self._state.files(bases).values():
            position = 0
            for term in min(places, key=self._going).terms:
                yield position, term.pack
                position += term.size

    def _going(self, place: StoredFile) -> int:
        """How many terms of a file are in packs that are going to be deleted."""
        return sum(term.pack in self._doomed for term in place.terms)

    def _send(self, pack: Pack) -> None:
        files, size = self._files_since, self._bytes_since
        self._files_since = self._bytes_since = 0
        self._pending.add(pack.table.name, len(pack.data), pack.hooks, pack.files)
        self._sender.send(pack, lambda: self._progress.advance(files, size))

    def _publish(self) -> None:
        """Wait for all packs, then make their files exist."""
        self._sender.drain()
        pending, self._pending = self._pending, Pending()
        if time.monotonic() - self._looked >= RECHECK and not pending.empty:
            self._refresh()
            self._looked = time.monotonic()
            if not pending.lasts(self._state):
                raise Overtaken(f"a collection overtook the push to {self._backend.url}")
        self._published = time.monotonic()
        if not pending.empty:
            self._index_bytes += pending.publish(self._backend, self._state)
