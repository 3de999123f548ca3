"""A remote: which files it has, bringing files there, and getting them back."""

from __future__ import annotations

import contextlib
import os
import time
from functools import partial
from typing import TYPE_CHECKING

from git_mlvers.backend.base import StoreNotMade
from git_mlvers.errors import CorruptError, RemoteError
from git_mlvers.progress import Silent
from git_mlvers.remote import settings
from git_mlvers.remote.abilities import Abilities
from git_mlvers.remote.bringing import Bringing
from git_mlvers.remote.chunker import Chunker
from git_mlvers.remote.fsck import Check, missing_index, pack_sizes
from git_mlvers.remote.known import Known
from git_mlvers.remote.layout import user_key
from git_mlvers.remote.merge import tidy
from git_mlvers.remote.model import Item, Outcome, Problem, UploadReport
from git_mlvers.remote.repair import Repair
from git_mlvers.remote.schema import StateDamaged
from git_mlvers.remote.state import State
from git_mlvers.remote.sync import NOTHING, Listing, sync
from git_mlvers.remote.upload import RECHECK, Upload, upload_to_last

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from git_mlvers.backend.base import Backend
    from git_mlvers.backend.probe import Found
    from git_mlvers.oid import Oid
    from git_mlvers.progress import Progress
    from git_mlvers.remote.collect import Collector
    from git_mlvers.remote.model import Sink, Source
    from git_mlvers.remote.settings import Settings


class Remote:
    """The remote on `backend`. `state_dir` is where this machine keeps its copies of indexes,
    with the rights of `shared`. At most `concurrency` requests run at a time, by default as
    many as suit the backend. One thread at a time may use it. To read where there is no
    store is an error, since it may not be mounted; an `optional` one is empty.
    """

    def __init__(
        self,
        backend: Backend,
        state_dir: str,
        *,
        concurrency: int | None = None,
        optional: bool = False,
        shared: int | None = None,
    ) -> None:
        self.backend = backend
        self._state_dir = state_dir
        self._shared = shared
        self._connections = max(1, concurrency or backend.capabilities.connections)
        self._cached = settings.Cached(state_dir, shared)
        self._abilities = Abilities(state_dir, shared)
        self._settings: Settings | None = None
        self._state: State | None = None
        self._listing: Listing | None = None
        self._synced_at = 0.0
        self._optional = optional
        self._not_made: StoreNotMade | None = None

    @property
    def id(self) -> str:
        """What tells this remote from all others: 32 hex digits. It is made with the first thing
        that is written; asking for it counts as that."""
        self.sync()
        return self._made().id

    def sync(self, *, refresh: bool = False) -> None:
        """Know what the remote has: at most once for this object, unless `refresh`.

        Costs one listing and one request for each index file that is new; the
        first time on this machine also one for ``mlvers.json``. A remote is
        empty only when the store says that it has no ``mlvers.json``, lists
        no index file, and was no remote when this machine last saw it; else
        the file was lost or the wrong disk is mounted, and that is an error.
        """
        if self._listing is not None and not refresh:
            return
        cached = self._cached.get(self.backend.url)
        self._not_made = None
        self._synced_at = time.monotonic()
        try:
            found = self._settings or cached or settings.read(self.backend)
        except StoreNotMade as error:
            self._not_made = None if self._optional else error
            self._listing = NOTHING
            return
        if found is None:
            settings.check_new(self.backend)
            self._listing = NOTHING
            return
        self._use(found)
        listing = self._take_in()
        doubtful = listing.vanished or not listing.entries
        if doubtful and cached is not None and (now := self._cached.again(self.backend)) != cached:
            # Another remote has been made in the place of the one that was here.
            self._use(now)
            listing = self._take_in()
        self._listing = listing

    def missing(self, oids: Iterable[Oid], *, to_upload: bool = False) -> set[Oid]:
        """Those of `oids` that the remote has not, or not for long: see `collector`.

        Raises `CorruptError` while an index file is damaged: what it lists is
        unknown. Raises `StoreNotMade` when there is no store, unless the
        answer is only for an upload, which makes it.
        """
        if to_upload and self._listing and time.monotonic() - self._synced_at >= RECHECK:
            self.sync(refresh=True)  # What a push was told long ago may be doomed since.
        self._synced(strict=True, reads=not to_upload)
        wanted = set(oids)
        if self._state is None:
            return wanted
        return wanted - self.state.present(wanted, lasting=True)

    def upload(
        self,
        items: Sequence[Item],
        source: Source,
        *,
        bases: Mapping[Oid, Collection[Oid]] | None = None,
        progress: Progress | None = None,
    ) -> UploadReport:
        """Bring `items` to the remote, as far as it lacks them; returns what was brought.

        They are packed in the order given, so neighbours should be files that
        are wanted together. `bases` names earlier versions of a file, in whose
        packs shared chunks are looked for. When this returns, every file of
        `items` can be downloaded by anyone; when it raises, or the process is
        killed, the remote is as before, and the next upload finds the packs
        that had arrived. Raises `CorruptError` when what `source` gives is not
        the content of its oid.
        """
        progress = progress or Silent()
        if any(item.size <= 0 for item in items):
            raise ValueError("an empty file has no content to upload")
        distinct = {item.oid: item for item in items}
        lacking = self.missing(distinct, to_upload=True)
        here = [item for oid, item in distinct.items() if oid not in lacking]
        progress.advance(len(here), sum(item.size for item in here))
        todo = [item for oid, item in distinct.items() if oid in lacking]
        if not todo:
            return UploadReport(0, 0, 0, 0)
        report = self._upload(todo, source, bases or {}, progress)
        # The files are there; if it is not tidied up now, a later upload will.
        with contextlib.suppress(RemoteError, CorruptError):
            tidy(self.backend, self.state, self._synced(True).entries, self._connections)
        return report

    def download(
        self, items: Sequence[Item], sink: Sink, progress: Progress | None = None
    ) -> Iterator[Outcome]:
        """Bring the content of `items` into `sink`; yields one outcome for each, in any order.

        Every chunk and every whole file is verified before the sink has it. A
        file that the remote lacks ends in `ContentMissing`; a missing or
        damaged pack ends the files in it with `CorruptError`; when the store
        cannot be reached any more, the files that are left end with that
        error. Raises `LocalIOError` when the sink cannot take more. Closing
        the iterator stops the threads and removes temporary files.
        """
        listing = self._synced(strict=False, reads=True)
        distinct = list({item.oid: item for item in items}.values())
        threads, shown = self._connections, progress or Silent()
        bringing = Bringing(self.backend, self._state, threads, sink, shown)
        yield from bringing.run(distinct, listing.damaged.values())
        if bringing.moved:
            # A collection has moved them since the index was read: it says where to.
            self.sync(refresh=True)
            yield from bringing.run_again()

    def fsck(self, read_data: float = 0, progress: Progress | None = None) -> Iterator[Problem]:
        """Check that every pack of the index is there; read this share (up to 1) and verify it.

        Yields what is wrong, with the files that cannot be had because of it.
        """
        self.sync(refresh=True)
        listing = self._synced(strict=False, reads=True)
        if self._state is None:
            packs = pack_sizes(self.backend)
            yield from [missing_index(len(packs))] if packs else []
            return
        check = Check(self.backend, self.state, self._connections, progress or Silent())
        yield from check.run(read_data, listing)

    def rebuild_index(
        self, read_data: bool = False, progress: Progress | None = None
    ) -> list[Problem]:
        """Make the index list what the packs hold, and that only; returns what could not be saved.

        A file is not listed any more when a pack that it needs is lost, or,
        with `read_data`, damaged where it needs it: its content can be pushed
        again. Replaces index files that are damaged, and makes ``mlvers.json``
        anew when it was lost. No pack is deleted.
        """
        try:
            self.sync(refresh=True)
        except settings.MarkerLost:
            self._use(settings.create(self.backend))
            self.sync(refresh=True)
        self._synced(strict=False, reads=True)
        if self._state is None:
            if not pack_sizes(self.backend):
                return []
            self._made()
        listing = self._synced(strict=False)
        repair = Repair(self.backend, self.state, self._connections, listing)
        problems = list(repair.run(read_data, progress or Silent()))
        self.sync(refresh=True)
        return problems

    def _upload(
        self,
        todo: Sequence[Item],
        source: Source,
        bases: Mapping[Oid, Collection[Oid]],
        progress: Progress,
    ) -> UploadReport:
        chunker = Chunker(self._made().chunker)

        def send(items: Sequence[Item]) -> UploadReport:
            known = Known(self.backend, self.state, self._connections)
            threads, refresh = self._connections, partial(self.sync, refresh=True)
            upload = Upload(self.backend, self.state, chunker, known, threads, progress, refresh)
            return upload.run(items, source, bases)

        return upload_to_last(todo, send, self._lacking, self.backend.url)

    def _lacking(self, items: Sequence[Item]) -> list[Item]:
        """Those of `items` that the remote has not, or not for long, as it is now."""
        self.sync(refresh=True)
        missing = self.missing(item.oid for item in items)
        return [item for item in items if item.oid in missing]

    def register(self, user: bytes, text: bytes) -> None:
        """Tell the remote who uses it, for collections: one request, once on this machine.
        `user` is a raw name of 32 bytes, and `text` what is to be known of that user."""
        self.sync()
        self._made()
        if not self.state.told(user):
            self.backend.create(user_key(user), text)
            self.state.note_told(user)

    def prove(self, *, again: bool = False) -> Found:
        """Find out what the store can really do: once on this machine, unless `again`.

        Counts as a write, for which the remote is made. Raises `UnfitStore`.
        """
        self.sync()
        made = self._made()
        found = self._abilities.prove(self.backend, made.id, again=again)
        self.backend = self._abilities.limited(self.backend, made.id)
        return found

    def collector(self, progress: Progress | None = None) -> Collector | None:
        """What deletes from this remote; ``None`` if there is no remote. Raises `CorruptError`
        while an index file is damaged: what it lists is unknown."""
        from git_mlvers.remote.collect import Collector

        self.sync(refresh=True)
        listing = self._synced(strict=True, reads=True)
        if self._state is None:
            return None
        self._abilities.check_deleting(self.backend, self._made().id)
        shown = progress or Silent()
        return Collector(self.backend, self._state, self._connections, shown, listing)

    def close(self) -> None:
        """Close the local database and the backend."""
        if self._state is not None:
            self._state.close()
        self._state = self._listing = None
        self.backend.close()

    @property
    def state(self) -> State:
        """This machine's copy of the index; there is one once the remote is made."""
        assert self._state is not None
        return self._state

    def _synced(self, strict: bool, reads: bool = False) -> Listing:
        self.sync()
        if reads and self._not_made is not None:
            raise self._not_made
        assert self._listing is not None
        if strict:
            for error in (*self._listing.damaged.values(), *self._listing.bad_dooms.values()):
                raise error
        return self._listing

    def _take_in(self) -> Listing:
        try:
            return sync(self.backend, self.state, self._connections)
        except StateDamaged:
            self.state.reopen()
            return sync(self.backend, self.state, self._connections)

    def _made(self) -> Settings:
        """The settings of the remote, which is made when it is not there yet."""
        if self._settings is None:
            self._use(settings.create(self.backend))
            self.sync(refresh=True)  # Somebody else may have made it just now, and pushed to it.
        assert self._settings is not None
        return self._settings

    def _use(self, found: Settings) -> None:
        if self._settings == found:
            return
        if self._state is not None:
            self._state.close()
        self._state = State(os.path.join(self._state_dir, f"{found.id}.db"), self._shared)
        self._settings = found
        self.backend = self._abilities.limited(self.backend, found.id)
        self._cached.keep(self.backend.url, found)
