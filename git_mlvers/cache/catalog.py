"""What is known of the packs of a cache: the database, and what it does not know yet.

The database is only a memory of the packs. What other processes, or one that
crashed, appended behind the recorded end is read from the packs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cache.appender import SUFFIX, absorb_tail, lock_pack
from git_mlvers.cache.database import Database
from git_mlvers.cache.index import PackIndex, Row
from git_mlvers.cache.news import News
from git_mlvers.cache.scan import scan
from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import fsync_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from git_mlvers.oid import Oid

# Each question to the database locks and unlocks its file, nine microseconds; a row of
# many costs one. So who asks often gets them all, unless they are too many to hold.
_OFTEN = 200
_HELD = 50_000


class Catalog:
    """Where each object is in the packs of `folder`; for one thread at a time.

    With `writable` off the folder is not changed. `sync` makes `commit` wait
    for the disk. What the disk refuses is an `OSError`.
    """

    def __init__(self, folder: str, *, writable: bool, shared: int | None, sync: bool) -> None:
        self.folder = folder
        self.writable = writable
        self._sync = sync
        self._database = Database(
            folder, writable=writable, shared=shared, sync=sync, catch_up=self._catch_up
        )
        self._recorded: dict[Oid, Row] = {}
        self._all_recorded = False
        self._asked = 0
        self.news = News()

    # -- asking --

    @property
    def lasting(self) -> bool:
        """Whether the database is a file that this process may change."""
        return self._database.ask(lambda index: index.lasting)

    def find(self, oid: Oid, now: bool = False) -> Row | None:
        """Where `oid` is, if it is known.

        With `now` it certainly is there at this moment, whatever others removed; then
        what others added a moment ago may be missed, and who adds it stores it twice.
        """
        row = self.news.rows.get(oid)
        if row is not None:
            return row
        row = self._recorded.get(oid)
        if row is None:
            row = None if now and self._all_recorded else self._look_up(oid)
        elif now:
            row = self._database.ask(lambda index: index.get(oid))
        if row is None or row.pack in self.news.distrusted or oid in self.news.dropped:
            # Opening the database at the first question may have brought news.
            return self.news.rows.get(oid)
        return row

    def find_many(self, oids: Sequence[Oid]) -> dict[Oid, Row]:
        """Where those of `oids` are that are known, some times quicker than one by one."""
        recorded = self._database.ask(lambda index: index.get_many(oids))
        news = self.news
        found = {
            oid: row
            for oid, row in recorded.items()
            if row.pack not in news.distrusted and oid not in news.dropped
        }
        found.update((oid, news.rows[oid]) for oid in oids if oid in news.rows)
        return found

    def learn(self, rows: Mapping[Oid, Row]) -> None:
        """Take another process's word for it, which records these rows, until the next refresh."""
        self._recorded.update(rows)

    def known_length(self, pack: str) -> int:
        """How many bytes of `pack` have been looked at."""
        if pack in self.news.spans:
            return self.news.spans[pack][1]
        if pack in self.news.distrusted:
            return 0
        return self._database.ask(PackIndex.lengths).get(pack, 0)

    def items(self) -> Iterator[tuple[Oid, Row]]:
        """Everything that is known."""
        self.refresh()
        rows = dict(self.news.rows)
        yield from rows.items()
        last = b""
        while found := self._database.ask(lambda index: index.after(last)):  # noqa: B023
            last = found[-1][0]
            for oid, row in found:
                known = oid not in self.news.dropped and row.pack not in self.news.distrusted
                if known and oid not in rows:
                    yield oid, row

    def rows(self, pack: str) -> list[tuple[Oid, Row]]:
        """What is known to be in `pack`, in the order of the frames."""
        recorded = self._database.ask(lambda index: index.rows(pack))
        found = {oid: row for oid, row in self.news.rows.items() if row.pack == pack}
        if pack not in self.news.distrusted:
            known = self.news.rows.keys() | self.news.dropped
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

    def refresh(self, reopen: bool = False) -> None:
        """Look for what other processes did to the packs."""
        self._forget_recorded()
        self._database.refresh(reopen)

    # -- keeping it --

    def commit(self) -> bool:
        """Write all news into the database; false when that failed, which loses nothing."""
        if not self.news:
            return True
        return self.writable and self._database.change(self._record)

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

        self._forget_recorded()
        return self.lasting and self._database.change(change)

    def is_sound(self) -> bool:
        """Whether the database agrees with itself."""
        return self._database.ask(PackIndex.is_sound)

    def rebuild(self) -> None:
        """Make the database anew from what is undamaged in the packs."""
        fresh = dict(self.news.fresh)
        self.news.clear()
        self.news.fresh = fresh
        self._forget_recorded()
        self._database.start_anew()
        for name, size in self.packs().items():
            fd = lock_pack(os.path.join(self.folder, name)) if self.writable else None
            if fd is None:
                self._scan(name, 0, size, verify=True)
                continue
            try:
                absorb_tail(self, name, fd, verify=True)
            finally:
                os.close(fd)

    def close(self) -> None:
        """Close the database; what was not committed is forgotten."""
        self._database.close()

    def _look_up(self, oid: Oid) -> Row | None:
        self._asked += 1
        if self._asked == _OFTEN:
            found = self._database.ask(lambda index: index.after(b"", _HELD))
            self._recorded.update(found)
            self._all_recorded = len(found) < _HELD
        return self._database.ask(lambda index: index.get(oid))

    def _record(self, index: PackIndex) -> bool:
        # The packs as they are under the lock, so that no compaction is half done.
        lost = self.news.record(index, self.packs())
        self._forget_recorded()
        if lost is not None:
            raise LocalIOError(
                f"content {lost.short} was removed by another process while it was added",
                "run the command again",
            )
        return True

    def _forget_recorded(self) -> None:
        self._recorded.clear()
        self._all_recorded = False
        self._asked = 0

    def _catch_up(self, index: PackIndex, new: bool) -> None:
        """Read from the packs what `index`, which is `new` and empty or not, does not know."""
        if new:
            self._forget_recorded()
            self.news.spans.clear()
        # Before the directory: a pack that compaction makes is there before it is recorded.
        recorded = index.lengths()
        there = self.packs()
        expected = recorded.keys() | {row.pack for row in self.news.rows.values()}
        for name in expected - there.keys():
            self.news.distrust(name, 0)
        for name, size in there.items():
            known = 0 if name in self.news.distrusted else recorded.get(name, 0)
            known = self.news.spans.get(name, (0, known))[1]
            if known > size:
                self.news.distrust(name, size)
                known = 0
            if known < size:
                # What a crash left is looked at closely; a whole pack would take too long.
                self._scan(name, known, size, verify=known > 0)

    def _scan(self, pack: str, start: int, size: int, verify: bool) -> None:
        try:
            fd = os.open(os.path.join(self.folder, pack), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        except PermissionError:
            if self.writable:
                raise
            return  # The other packs of somebody else's cache may be readable.
        try:
            found = scan(fd, start, size, verify)
        finally:
            os.close(fd)
        self.news.absorb(pack, found, start, found.end)
