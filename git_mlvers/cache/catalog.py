"""What is known of the packs of a cache: the database, and what it does not know yet.

The database is only a memory of the packs. What other processes, or one that
crashed, appended behind the recorded length is read from the packs; a damaged
database is replaced; where none can be used, one in memory takes its place. So
nothing here is lost and nothing here fails, it is only slower.
"""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING, TypeVar

from git_mlvers.cache.appender import SUFFIX
from git_mlvers.cache.index import IndexLock, PackIndex, Row
from git_mlvers.cache.scan import scan
from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import fsync_dir, remove_quietly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from git_mlvers.cache.scan import Scanned
    from git_mlvers.oid import Oid

_T = TypeVar("_T")
# What sqlite says of a file that is no sound database of ours: ERROR (no such table),
# IOERR, CORRUPT, NOTADB. Being locked, full or read-only is no damage.
_DAMAGE = frozenset({1, 10, 11, 26})


class Catalog:
    """Where each object is in the packs of `folder`; for one thread at a time.

    With `writable` off the folder is not changed. `sync` makes `commit` wait
    for the disk.
    """

    def __init__(self, folder: str, *, writable: bool, shared: int | None, sync: bool) -> None:
        self.folder = folder
        self.writable = writable
        self._shared = shared
        self._sync = sync
        self._path = os.path.join(folder, "index.db")
        self._index: PackIndex | None = None
        self._rows: dict[Oid, Row] = {}
        self._lengths: dict[str, int] = {}
        self._distrusted: set[str] = set()
        self._dropped: set[Oid] = set()
        self._fresh: set[Oid] = set()

    # -- asking --

    @property
    def lasting(self) -> bool:
        """Whether the database is a file that this process may change."""
        return self._ask(lambda index: index.lasting)

    def find(self, oid: Oid) -> Row | None:
        """Where `oid` is, if it is known."""
        row = self._rows.get(oid)
        if row is not None:
            return row
        if self._index is None:
            self._open()  # It finds rows as well.
            return self.find(oid)
        row = self._ask(lambda index: index.get(oid))
        if row is None or row.pack in self._distrusted or oid in self._dropped:
            return None
        return row

    def known_length(self, pack: str) -> int:
        """How many bytes of `pack` have been looked at."""
        if pack in self._lengths:
            return self._lengths[pack]
        return 0 if pack in self._distrusted else self._ask(PackIndex.lengths).get(pack, 0)

    def items(self) -> Iterator[tuple[Oid, Row]]:
        """Everything that is known."""
        self.refresh()
        rows = dict(self._rows)
        yield from rows.items()
        last = b""
        while found := self._ask(lambda index: index.after(last)):  # noqa: B023
            last = found[-1][0]
            for oid, row in found:
                if (
                    oid not in rows
                    and oid not in self._dropped
                    and row.pack not in self._distrusted
                ):
                    yield oid, row

    def rows(self, pack: str) -> list[tuple[Oid, Row]]:
        """What is known to be in `pack`, in the order of the frames."""
        found = {oid: row for oid, row in self._rows.items() if row.pack == pack}
        if pack not in self._distrusted:
            recorded = self._ask(lambda index: index.rows(pack))
            known = self._rows.keys() | self._dropped
            found.update((oid, row) for oid, row in recorded if oid not in known)
        return sorted(found.items(), key=lambda item: item[1].offset)

    def packs(self) -> dict[str, int]:
        """The packs that are there, with their sizes in bytes."""
        found = {}
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX):
                        try:
                            found[entry.name] = entry.stat().st_size
                        except FileNotFoundError:
                            continue  # compacted at this moment
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return found

    # -- what is new --

    def put(self, oid: Oid, row: Row) -> None:
        """`oid` is at `row`."""
        self._rows[oid] = row
        self._dropped.discard(oid)

    def extend(self, pack: str, end: int) -> None:
        """All of `pack` up to `end` is known."""
        self._lengths[pack] = end

    def absorb(self, pack: str, found: Scanned, start: int, end: int) -> None:
        """Take in what was found in `pack` from `start` up to `end`."""
        if start == 0:
            self._distrusted.add(pack)
        now = int(time.time())
        for oid, offset, length, size in found.frames:
            self._rows[oid] = Row(pack, offset, length, size, now)
            self._dropped.discard(oid)
        self._lengths[pack] = end

    def freshen(self, oid: Oid) -> None:
        """`oid` is in use."""
        self._fresh.add(oid)

    def is_fresh(self, oid: Oid) -> bool:
        """Whether this process said that `oid` is in use, and `commit` was not called since."""
        return oid in self._fresh

    def drop(self, oids: Iterable[Oid]) -> None:
        """Forget `oids`."""
        for oid in oids:
            self._rows.pop(oid, None)
            self._dropped.add(oid)

    def refresh(self, reopen: bool = False) -> None:
        """Look for what other processes did to the packs."""
        if reopen and self._index is not None and self._index.from_file:
            self._index.close()
            self._index = None
        if self._index is None:
            self._open()
        else:
            self._compare(self._index)

    # -- keeping it --

    def commit(self) -> bool:
        """Write all news into the database; false when that failed, which loses nothing."""
        if not (self._rows or self._distrusted or self._dropped or self._fresh):
            return True
        if self._index is not None and self._index.is_placeholder:
            self._index = None  # There was no directory when it was opened.
        return self.writable and self._change(self._record)

    def move(
        self, old: str, moved: Mapping[Oid, tuple[Row, Row]], temp: str | None, length: int
    ) -> bool:
        """Replace pack `old` by the pack that `temp` becomes, of `length` bytes; unlinks `old`.

        `moved` gives for each object where it was and where it is. False when
        `old` holds other objects too or the database fails; both packs are there then.
        """

        def change(index: PackIndex) -> bool:
            new = ""
            if temp is not None:
                new = next(to.pack for _, to in moved.values())
                # From here on others may read it, so it stays whatever happens.
                os.rename(temp, os.path.join(self.folder, new))
                if self._sync:
                    fsync_dir(self.folder)
            if not index.move(old, moved, new, length):
                return False
            os.unlink(os.path.join(self.folder, old))
            return True

        return self.lasting and self._change(change)

    def rebuild(self) -> None:
        """Make the database anew from what is undamaged in the packs."""
        for news in (self._rows, self._lengths, self._distrusted, self._dropped):
            news.clear()
        if self.writable:
            self._discard(even_sound=True)
        try:
            self._index = self._connect() if self.writable else PackIndex.in_memory()
        except sqlite3.Error:
            self._index = PackIndex.in_memory()
        for name, size in self.packs().items():
            self._scan(name, 0, size, verify=True)

    def is_sound(self) -> bool:
        """Whether the database agrees with itself."""
        return self._ask(PackIndex.is_sound)

    def close(self) -> None:
        """Close the database; what was not committed is forgotten."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def _record(self, index: PackIndex) -> bool:
        there = self.packs()  # Under the lock, so that no compaction is half done.
        cut = [name for name in self._distrusted if name in self._lengths or name not in there]
        lengths = {name: end for name, end in self._lengths.items() if name in there}
        rows = {oid: row for oid, row in self._rows.items() if row.pack in there}
        index.record(cut, lengths, rows, self._dropped)
        index.freshen(self._fresh, int(time.time()))
        for news in (self._rows, self._lengths, self._distrusted, self._dropped, self._fresh):
            news.clear()
        return True

    # -- the database --

    def _ask(self, question: Callable[[PackIndex], _T]) -> _T:
        index = self._index or self._open()
        try:
            return question(index)
        except sqlite3.Error as error:
            return question(self._open(error))

    def _change(self, change: Callable[[PackIndex], bool]) -> bool:
        index = self._index or self._open()
        try:
            with IndexLock(self.folder, self._shared):
                return change(index)
        except sqlite3.Error as error:
            if not _is_damage(error):
                return False
            index = self._open(error)
        try:
            with IndexLock(self.folder, self._shared):
                return change(index)
        except sqlite3.Error:
            return False

    def _open(self, error: sqlite3.Error | None = None) -> PackIndex:
        """Open the database; after `error`, another one in its place."""
        if self._index is not None:
            self._index.close()
            self._index = None
        ways = (self._connect, lambda: self._connect_anew(error), self._in_memory)
        for way in ways if error is None else ways[1:]:
            try:
                index = way()
                self._compare(index)
            except sqlite3.Error as caught:
                error = caught
                continue
            self._index = index
            return index
        raise LocalIOError(f"no database can be used, not even in memory: {error}")

    def _connect(self) -> PackIndex:
        if not os.path.isdir(self.folder):
            return PackIndex.in_memory(is_placeholder=True)
        if not self.writable or os.path.exists(self._path):
            return self._connect_file()
        with IndexLock(self.folder, self._shared):
            return self._connect_file()

    def _connect_anew(self, error: sqlite3.Error | None) -> PackIndex:
        if not self.writable or error is None or not _is_damage(error):
            raise error or sqlite3.OperationalError("no database")
        self._discard()
        with IndexLock(self.folder, self._shared):
            return self._connect_file()

    def _connect_file(self) -> PackIndex:
        return PackIndex.open(
            self._path, writable=self.writable, sync=self._sync, shared=self._shared
        )

    def _in_memory(self) -> PackIndex:
        self._lengths.clear()
        return PackIndex.in_memory()

    def _discard(self, even_sound: bool = False) -> None:
        """Remove a database that is damaged, but not one that another process has just made."""
        if self._index is not None:
            self._index.close()
            self._index = None
        with IndexLock(self.folder, self._shared):
            if even_sound or not self._is_file_sound():
                remove_quietly(self._path + "-journal")
                remove_quietly(self._path)
                self._lengths.clear()

    def _is_file_sound(self) -> bool:
        try:
            index = self._connect_file()
        except sqlite3.Error:
            return False
        try:
            return index.is_sound()
        except sqlite3.Error:
            return False
        finally:
            index.close()

    def _compare(self, index: PackIndex) -> None:
        """Read from the packs what `index` does not know."""
        # Before the directory: a pack that compaction makes is there before it is recorded.
        recorded = index.lengths()
        there = self.packs()
        for name in recorded.keys() - there.keys():
            self._lose(name)
        for name in {row.pack for row in self._rows.values()} - there.keys():
            self._lose(name)
        for name, size in there.items():
            known = 0 if name in self._distrusted else recorded.get(name, 0)
            known = self._lengths.get(name, known)
            if known != size:
                # What a crash left is looked at closely; a whole pack would take too long.
                start = known if known < size else 0
                self._scan(name, start, size, verify=start > 0)

    def _lose(self, pack: str) -> None:
        self._distrusted.add(pack)
        self._lengths.pop(pack, None)
        for oid in [oid for oid, row in self._rows.items() if row.pack == pack]:
            del self._rows[oid]

    def _scan(self, pack: str, start: int, size: int, verify: bool) -> None:
        try:
            fd = os.open(os.path.join(self.folder, pack), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            found = scan(fd, start, size, verify)
        finally:
            os.close(fd)
        self.absorb(pack, found, start, found.end)


def _is_damage(error: sqlite3.Error) -> bool:
    # Without a code it is our own word on what we found in the database.
    return getattr(error, "sqlite_errorcode", 1) & 0xFF in _DAMAGE
