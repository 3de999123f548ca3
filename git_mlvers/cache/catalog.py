"""What is known of the packs of a cache: the database, and what it does not know yet.

The database is only a memory of the packs. What other processes, or one that
crashed, appended behind the recorded end is read from the packs.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from git_mlvers.cache.appender import SUFFIX
from git_mlvers.cache.database import Database
from git_mlvers.cache.index import PackIndex, Row
from git_mlvers.cache.scan import scan
from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import fsync_dir

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from git_mlvers.cache.scan import Scanned
    from git_mlvers.oid import Oid

# Each question to the database locks and unlocks its file, nine microseconds; a row of
# many costs one. So who asks often gets them all, unless they are too many to hold.
_OFTEN = 200
_HELD = 50_000

FRESH = 600
"""Content that is added again is recorded as such, but not more often than this. Seconds."""


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
        self._asked = 0
        # News that the database does not have:
        self._rows: dict[Oid, Row] = {}
        self._lengths: dict[str, int] = {}
        self._distrusted: set[str] = set()
        self._dropped: set[Oid] = set()
        self._fresh: dict[Oid, Row] = {}

    # -- asking --

    @property
    def lasting(self) -> bool:
        """Whether the database is a file that this process may change."""
        return self._database.ask(lambda index: index.lasting)

    def find(self, oid: Oid, now: bool = False) -> Row | None:
        """Where `oid` is, if it is known.

        With `now` it certainly is there at this moment, whatever others removed.
        """
        row = self._rows.get(oid)
        if row is not None:
            return row
        row = None if now else self._recorded.get(oid)
        if row is None:
            row = self._database.ask(lambda index: index.get(oid)) if now else self._look_up(oid)
        if row is None or row.pack in self._distrusted or oid in self._dropped:
            # Opening the database at the first question may have brought news.
            return self._rows.get(oid)
        return row

    def known_length(self, pack: str) -> int:
        """How many bytes of `pack` have been looked at."""
        if pack in self._lengths:
            return self._lengths[pack]
        return 0 if pack in self._distrusted else self._database.ask(PackIndex.lengths).get(pack, 0)

    def items(self) -> Iterator[tuple[Oid, Row]]:
        """Everything that is known."""
        self.refresh()
        rows = dict(self._rows)
        yield from rows.items()
        last = b""
        while found := self._database.ask(lambda index: index.after(last)):  # noqa: B023
            last = found[-1][0]
            for oid, row in found:
                if not (oid in rows or oid in self._dropped or row.pack in self._distrusted):
                    yield oid, row

    def rows(self, pack: str) -> list[tuple[Oid, Row]]:
        """What is known to be in `pack`, in the order of the frames."""
        recorded = self._database.ask(lambda index: index.rows(pack))
        found = {oid: row for oid, row in self._rows.items() if row.pack == pack}
        if pack not in self._distrusted:
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

    def freshen(self, oid: Oid, row: Row) -> None:
        """`oid` is in use at `row`; `commit` sees to it that nobody has removed it."""
        self._fresh[oid] = row

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
        self._forget_recorded()
        self._database.refresh(reopen)

    # -- keeping it --

    def commit(self) -> bool:
        """Write all news into the database; false when that failed, which loses nothing."""
        if not (self._rows or self._distrusted or self._dropped or self._fresh):
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
        fresh = dict(self._fresh)
        self._forget_news()
        self._fresh = fresh
        self._database.start_anew()
        for name, size in self.packs().items():
            self._scan(name, 0, size, verify=True)

    def close(self) -> None:
        """Close the database; what was not committed is forgotten."""
        self._database.close()

    def _look_up(self, oid: Oid) -> Row | None:
        self._asked += 1
        if self._asked == _OFTEN:
            self._recorded.update(self._database.ask(lambda index: index.after(b"", _HELD)))
        return self._database.ask(lambda index: index.get(oid))

    def _record(self, index: PackIndex) -> bool:
        there = self.packs()  # Under the lock, so that no compaction is half done.
        again, lost = self._added_again(index, there)
        cut = [name for name in self._distrusted if name in self._lengths or name not in there]
        lengths = {name: end for name, end in self._lengths.items() if name in there}
        rows = {oid: row for oid, row in self._rows.items() if row.pack in there}
        index.record(cut, lengths, rows | again, self._dropped)
        self._forget_news()
        if lost is not None:
            raise LocalIOError(
                f"content {lost.short} was removed by another process while it was added",
                "run the command again",
            )
        return True

    def _added_again(
        self, index: PackIndex, there: Container[str]
    ) -> tuple[dict[Oid, Row], Oid | None]:
        """What to record of content that was here when it was added, and one that is lost since.

        That is what was removed meanwhile but still is in its pack, and what was
        not added for long.
        """
        now = int(time.time())
        found: dict[Oid, Row] = {}
        lost = None
        for oid, old in self._fresh.items():
            row = self._rows.get(oid) or index.get(oid)
            if row is None and old.pack not in there:
                lost = oid
            elif row is None or row.added < now - FRESH:
                found[oid] = (row or old)._replace(added=now)
        return found, lost

    def _forget_news(self) -> None:
        for news in (self._rows, self._lengths, self._distrusted, self._dropped, self._fresh):
            news.clear()
        self._forget_recorded()

    def _forget_recorded(self) -> None:
        self._recorded.clear()
        self._asked = 0

    def _catch_up(self, index: PackIndex, new: bool) -> None:
        """Read from the packs what `index`, which is `new` and empty or not, does not know."""
        if new:
            self._forget_recorded()
            self._lengths.clear()
        # Before the directory: a pack that compaction makes is there before it is recorded.
        recorded = index.lengths()
        there = self.packs()
        for name in (recorded.keys() | {row.pack for row in self._rows.values()}) - there.keys():
            self._lose(name)
        for name, size in there.items():
            known = 0 if name in self._distrusted else recorded.get(name, 0)
            known = self._lengths.get(name, known)
            if known != size:
                # What a crash left is looked at closely; a whole pack that nobody has looked
                # at before would take too long.
                start = known if known < size else 0
                self._scan(name, start, size, verify=start > 0 or name in recorded)

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
