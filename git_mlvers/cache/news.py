"""What a process knows of the packs that the database does not know yet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_mlvers.cache.index import Row

if TYPE_CHECKING:
    from collections.abc import Container

    from git_mlvers.cache.index import PackIndex
    from git_mlvers.cache.scan import Scanned
    from git_mlvers.oid import Oid

FRESH = 600
"""Content that is added again is recorded as such, but not more often than this. Seconds."""


class News:
    """Changes that `record` brings into the database, all or none.

    `rows` are new; `dropped` are gone; `fresh` were there when they were added
    again. `spans` tell from where to where packs were read or written, and
    `distrusted` packs are recorded wrongly: they are that short, or gone.
    """

    def __init__(self) -> None:
        self.rows: dict[Oid, Row] = {}
        self.spans: dict[str, tuple[int, int]] = {}
        self.distrusted: dict[str, int] = {}
        self.dropped: set[Oid] = set()
        self.fresh: dict[Oid, Row] = {}

    def __bool__(self) -> bool:
        return bool(self.rows or self.spans or self.distrusted or self.dropped or self.fresh)

    def put(self, oid: Oid, row: Row) -> None:
        """`oid` is at `row`."""
        self.rows[oid] = row
        self.dropped.discard(oid)

    def drop(self, oid: Oid) -> None:
        """`oid` is gone."""
        self.rows.pop(oid, None)
        self.dropped.add(oid)

    def extend(self, pack: str, start: int, end: int) -> None:
        """All of `pack` from `start` to `end` is known now."""
        if start == end:
            return
        before = self.spans.get(pack)
        if before is not None and before[0] <= start <= before[1]:
            start, end = before[0], max(end, before[1])
        self.spans[pack] = (start, end)

    def absorb(self, pack: str, found: Scanned, start: int, end: int) -> None:
        """Take in what was found in `pack` from `start` up to `end`."""
        now = int(time.time())
        for oid, offset, length, size in found.frames:
            self.put(oid, Row(pack, offset, length, size, now))
        self.extend(pack, start, end)

    def distrust(self, pack: str, size: int) -> None:
        """What is recorded of `pack` is wrong: it has only `size` bytes, or is gone with 0."""
        self.distrusted[pack] = size
        self.spans.pop(pack, None)
        for oid in [oid for oid, row in self.rows.items() if row.pack == pack]:
            del self.rows[oid]

    def record(self, index: PackIndex, there: Container[str]) -> Oid | None:
        """Bring all into `index`, by a caller who has its lock; `there` are the packs.

        Returns content that was here when it was added again, and is lost since.
        """
        recorded = index.lengths()
        again, lost = self._added_again(index, there)
        cut = {
            name
            for name, size in self.distrusted.items()
            if name not in there or recorded.get(name, 0) > size
        }
        lengths = {
            name: self._length(name, 0 if name in cut else recorded.get(name, 0))
            for name in self.spans
            if name in there
        }
        index.record(cut, lengths, self.rows | again, self.dropped)
        self.clear()
        return lost

    def clear(self) -> None:
        """Forget everything."""
        for part in (self.rows, self.spans, self.distrusted, self.dropped, self.fresh):
            part.clear()

    def _length(self, pack: str, recorded: int) -> int:
        """How much of `pack` is recorded once our news are.

        Another process may have put a lower number there since we looked. What
        lies between was read by neither, so the number must not go beyond.
        """
        start, end = self.spans[pack]
        return max(recorded, end) if start <= recorded else recorded

    def _added_again(
        self, index: PackIndex, there: Container[str]
    ) -> tuple[dict[Oid, Row], Oid | None]:
        """What to record of `fresh`: removed meanwhile but still in its pack, or not new."""
        now = int(time.time())
        found: dict[Oid, Row] = {}
        lost = None
        recorded = index.get_many(self.fresh)
        for oid, old in self.fresh.items():
            row = self.rows.get(oid) or recorded.get(oid)
            if row is None and old.pack not in there:
                lost = oid
            elif row is None or row.added < now - FRESH:
                found[oid] = (row or old)._replace(added=now)
        return found, lost
