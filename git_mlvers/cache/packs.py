"""Small objects, many to a file.

Creating a file costs several times what it costs to write ten kilobytes, so
objects of at most `SMALL` bytes stand in packs, one frame after the other. The
packs are the truth; a `Catalog` says where in them each object is.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from git_mlvers import frame
from git_mlvers.cache.ahead import ReadAhead
from git_mlvers.cache.appender import Appender
from git_mlvers.cache.catalog import Catalog
from git_mlvers.cache.index import Row
from git_mlvers.cache.news import FRESH
from git_mlvers.cache.objects import BAD
from git_mlvers.cache.scan import content_of, scan
from git_mlvers.errors import CorruptError
from git_mlvers.fsutil import apply_shared, disk_errors, make_dirs, temp_path, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from git_mlvers.oid import Oid

SMALL = 131072
"""Content of at most this size is kept in packs, larger content as a file. Bytes."""

_MOST_OPEN = 32
_ATTEMPTS = 3


class LocalPacks:
    """The packs of the cache at `root`; used by several threads, and by several processes at once.

    With `writable` off nothing there is changed. `sync` makes `flush` wait for
    the disk. What the disk refuses becomes a `LocalIOError`.
    """

    def __init__(
        self, root: str, *, writable: bool = True, shared: int | None = None, sync: bool = True
    ) -> None:
        self.root = root
        self.folder = folder = os.path.join(root, "packs")
        self.writable = writable
        self.shared = shared
        self.sync = sync
        self.mutex = threading.RLock()
        self.catalog = Catalog(folder, writable=writable, shared=shared, sync=sync)
        self._appender = Appender(folder, shared, self.catalog)
        self._fds: dict[str, int] = {}
        self._ahead = ReadAhead()

    def find(self, oid: Oid) -> Row | None:
        """Where `oid` is; ``None`` when it is not in the packs."""
        with self.mutex:
            return self.catalog.find(oid)

    def learn(self, rows: Mapping[Oid, Row]) -> None:
        """Take another process's word for where content is."""
        with self.mutex:
            self.catalog.learn(rows)

    def find_many(self, oids: Sequence[Oid]) -> dict[Oid, Row]:
        """Where those of `oids` are that are in the packs."""
        with self.mutex:
            return self.catalog.find_many(oids)

    def read(self, oid: Oid, look_again: bool = True) -> tuple[bytes, bytes] | None:
        """The frame of `oid` and its content, verified; ``None`` when it is not here.

        With `look_again` off, what another process has just added may be missed.
        Raises `CorruptError` when it was here and is damaged; from then on it is missing.
        """
        with self.mutex:
            ahead = self._ahead.take(oid)
        if ahead is not None:
            return ahead
        with disk_errors(self.folder, "reading the cache"):
            for _ in range(_ATTEMPTS):
                with self.mutex:
                    row = self.catalog.find(oid)
                    if row is None and look_again:
                        row = self._find_new(oid)
                    if row is None:
                        return None
                    try:
                        data = self._ahead.read(
                            row.pack, self._fd(row.pack), row.offset, row.length
                        )
                    except FileNotFoundError:
                        # Another process has compacted the pack, and recorded where to.
                        self.catalog.refresh(reopen=True)
                        continue
                content = content_of(data, oid)
                if content is not None:
                    return data, content
                with self.mutex:
                    self._ahead.forget()
                damaged = self.heal(row.pack)
                if oid in damaged:
                    raise CorruptError(
                        f"content {oid.short} in the cache is damaged; it is now at {damaged[oid]}"
                    )
        return None

    def is_ready(self, oid: Oid, size: int) -> bool:
        """Whether this content (of `size` bytes) is what `read_ahead` has made ready."""
        return self._ahead.is_ready(oid, size)

    def read_ahead(self) -> None:
        """Make ready what stands behind the object that was read last, for who reads in a row."""
        with self.mutex:
            self._ahead.prepare()

    def add(self, data: bytes | memoryview, oid: Oid, framed: bytes | None = None) -> None:
        """Keep `data`, whose oid this is; mark it as in use when it is here already.

        `framed` is its frame, for who has it. Once this returns the content
        survives the end of the process, and after `flush` that of the machine.
        """
        with self.mutex:
            row = self.catalog.find(oid, now=True)
            if row is not None:
                self.catalog.news.fresh[oid] = row
                return
        if framed is None:
            framed = frame.encode(data, oid)
        with self.mutex, disk_errors(self.folder, "adding to the cache"):
            offset = self._appender.append(framed)
            row = Row(self._appender.name, offset, len(framed), len(data), int(time.time()))
            self.catalog.news.put(oid, row)
            self.catalog.news.extend(row.pack, offset, self._appender.end)

    def add_frames(self, framed: Iterable[tuple[Oid, int, bytes]]) -> None:
        """Keep verified content: of each the oid, the size in bytes, and the frame, as `add` does.

        All of it costs one write, so nothing of it is kept when that fails.
        """
        with self.mutex, disk_errors(self.folder, "adding to the cache"):
            new: dict[Oid, tuple[int, bytes]] = {}
            for oid, size, data in framed:
                row = self.catalog.find(oid, now=True)
                if row is None:
                    new[oid] = size, data
                else:
                    self.catalog.news.fresh[oid] = row
            if not new:
                return
            offset = start = self._appender.append(b"".join(data for _, data in new.values()))
            pack, now = self._appender.name, int(time.time())
            for oid, (size, data) in new.items():
                self.catalog.news.put(oid, Row(pack, offset, len(data), size, now))
                offset += len(data)
            self.catalog.news.extend(pack, start, offset)

    def remove(self, oids: Iterable[Oid], before: float | None = None) -> list[tuple[Oid, int]]:
        """Forget those of `oids` that are here, with their sizes in bytes.

        Spares what was added, or added again, at or after `before` (seconds since
        the epoch), or some minutes (`FRESH`) earlier. Room is made only by compaction.
        """
        with self.mutex:
            gone = []
            for oid in oids:
                row = self.catalog.find(oid)
                if row is None:
                    continue
                if before is None or (
                    row.added + FRESH < before and oid not in self.catalog.news.fresh
                ):
                    gone.append((oid, row.size))
            for oid, _ in gone:
                self.catalog.news.drop(oid)
            return gone

    def __iter__(self) -> Iterator[tuple[Oid, int]]:
        """Every oid with the size of its content in bytes."""
        with self.mutex:
            found = [(oid, row.size) for oid, row in self.catalog.items()]
        return iter(found)

    def flush(self) -> None:
        """Make durable what was added, and record it."""
        with self.mutex, disk_errors(self.folder, "flushing the cache"):
            if self.sync:
                self._appender.sync()
            self._appender.release()
            self.catalog.commit()

    def close(self) -> None:
        """Flush, and close all files."""
        with self.mutex:
            try:
                self.flush()
            finally:
                self._appender.release()
                self.forget_files()
                self.catalog.close()

    def heal(self, pack: str) -> dict[Oid, str]:
        """Read all of `pack`, and forget what is damaged: oids, and where their frames are now.

        What is whole but was recorded in a wrong place is recorded anew.
        """
        lost: dict[Oid, str] = {}
        with self.mutex:
            rows = self.catalog.rows(pack)
            try:
                fd = self._fd(pack)
            except FileNotFoundError:
                return lost  # compacted at this moment
            found = scan(fd, 0, os.fstat(fd).st_size, verify=True)
            places = {place.oid: place for place in found.frames}
            offsets = {place.offset: place.oid for place in found.frames}
            for oid, row in rows:
                place = places.get(oid)
                if place is None:
                    data = os.pread(fd, row.length, row.offset)
                    lost[oid] = self.drop_damaged(oid, row, data)
                elif offsets.get(row.offset) != oid or row.length != place.length:
                    self.catalog.news.put(oid, Row(pack, *place[1:], row.added))
            if lost:
                # At once, so that nobody who adds it again takes it for being here.
                self.catalog.commit()
        return lost

    def drop_damaged(self, oid: Oid, row: Row, data: bytes) -> str:
        """Forget `oid`, whose frame at `row` is damaged and reads as `data`; where that is kept."""
        self.catalog.news.drop(oid)
        if not self.writable:
            return os.path.join(self.folder, row.pack)
        kept = os.path.join(self.root, BAD, f"{oid.hex()}.frame")
        make_dirs(os.path.dirname(kept), self.shared)
        write_atomic(kept, data, sync=False, shared=self.shared)
        return kept

    def temp_file(self) -> tuple[int, str]:
        """A new file to become a pack: descriptor and path."""
        folder = os.path.join(self.root, "tmp")
        make_dirs(folder, self.shared)
        path = temp_path(folder, "pack-")
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        apply_shared(fd, self.shared)
        return fd, path

    def disk_size(self) -> int:
        """Bytes of all packs, dead frames included."""
        with self.mutex:
            return sum(self.catalog.packs().values())

    def forget_files(self) -> None:
        """Close the packs that were read from."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()

    def _find_new(self, oid: Oid) -> Row | None:
        """Where `oid` is, if another process has added it since the packs were looked at."""
        self.catalog.refresh()
        return self.catalog.find(oid)

    def _fd(self, pack: str) -> int:
        fd = self._fds.get(pack)
        if fd is None:
            if len(self._fds) >= _MOST_OPEN:
                self.forget_files()
            fd = os.open(os.path.join(self.folder, pack), os.O_RDONLY | os.O_CLOEXEC)
            self._fds[pack] = fd
        return fd
