"""The cache of a repository, and the caches of others that it may read."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, BinaryIO

from git_mlvers import frame
from git_mlvers.cache import links
from git_mlvers.cache.objects import hash_file
from git_mlvers.cache.packs import SMALL
from git_mlvers.cache.store import Store
from git_mlvers.cache.upkeep import Removed, Usage, remove, usage
from git_mlvers.errors import ContentMissing, CorruptError
from git_mlvers.fsutil import disk_errors, remove_quietly
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import TypeVar

    from git_mlvers.cache.check import Problem
    from git_mlvers.cache.index import Row
    from git_mlvers.cache.neighbour import Keeper
    from git_mlvers.cache.writer import Writer
    from git_mlvers.progress import Progress

    T = TypeVar("T")

_DAY = 86400.0


class Cache:
    """Content by oid, under the directory `root`, which is made when something is added.

    `shared` is ``core.sharedRepository`` as permission bits, `link` one of
    `links.POLICIES`. `alternates` are roots of other caches that are only read, and
    asked for only when something is not in this one. So are `neighbours`, but what
    is read from them is kept here too.
    With `fsync` off nothing waits for the disk. Used by several threads and
    several processes at once. Whatever the disk refuses is a `LocalIOError`.
    """

    def __init__(
        self,
        root: str,
        *,
        shared: int | None = None,
        link: str = links.AUTO,
        alternates: Iterable[str] = (),
        neighbours: Iterable[str] = (),
        fsync: bool = True,
    ) -> None:
        self.root = root
        self._link = link
        self._own = Store(root, shared=shared, sync=fsync)
        self._alternates = alternates
        self._neighbours = neighbours
        self._keeper: Keeper | None = None
        self._seen: tuple[Oid, Store] | None = None
        self._others: list[Store] | None = None
        self._finding_others = threading.Lock()
        self._buffers: list[memoryview] = []

    # -- reading --

    def has(self, oid: Oid, size: int) -> bool:
        """Whether the content is here, or in an alternate. Cheap, and reads no content."""
        if self._own.packs.is_ready(oid, size):
            self._seen = oid, self._own
            return True
        for store in self._stores():
            if store.has(oid, size):
                self._seen = oid, store
                return True
        return False

    def missing(self, pointers: Iterable[Pointer]) -> list[Pointer]:
        """Those of `pointers` whose content is not here, each once, in their order."""
        left = list(dict.fromkeys(pointers))
        for store in self._stores():
            if left:
                left = store.missing(left)
        return left

    def read(self, oid: Oid, size: int) -> bytes:
        """All of the content, verified; meant for small files.

        Raises `ContentMissing`, or `CorruptError` when it was found damaged,
        after which it counts as missing.
        """
        if size > SMALL:
            return self._first(oid, lambda store: store.read(oid, size))
        damage: CorruptError | None = None
        seen = self._seen
        stores = [seen[1]] if seen is not None and seen[0] == oid else self._stores()
        # Looking for what was added a moment ago takes longer than asking the other caches.
        for store in stores:
            try:
                found = store.read_small(oid, look_again=False)
            except CorruptError as error:
                damage = damage or error
                continue
            if found is not None and len(found[1]) == size:
                return found[1]
        return self._first(oid, lambda store: store.read(oid, size), damage)

    def place(self, oid: Oid, size: int) -> Row | None:
        """Where small content of the own cache is, for another process to `learn`."""
        return self._own.packs.find(oid) if size <= SMALL else None

    def learn(self, rows: Mapping[Oid, Row]) -> None:
        """Take another process's word for where in the own cache content is, unlooked at."""
        self._own.packs.learn(rows)

    def read_ahead(self) -> None:
        """Make ready what may be read next, in a moment in which there is nothing else to do."""
        self._own.packs.read_ahead()

    def open(self, oid: Oid, size: int) -> BinaryIO:
        """The content for reading from its start.

        Of a large file only size and stamp are checked. Raises as `read` does.
        """
        return self._first(oid, lambda store: store.open(oid, size))

    def frame(self, oid: Oid, size: int) -> bytes | None:
        """The content as a ready frame, verified; ``None`` for a large file and a missing one.

        Raises `CorruptError`.
        """
        if size > SMALL:
            return None
        try:
            return self._first(oid, lambda store: store.packs.read(oid))[0]
        except ContentMissing:
            return None

    def materialise(self, oid: Oid, size: int, dest: str, mode: int) -> None:
        """Write the content to the new file `dest` with exactly the permission bits `mode`.

        A hard link, where the policy asks for one, has the object's read-only
        mode instead. Raises as `read` does, and `LocalIOError`; `dest` is then not there.
        """
        if size <= SMALL:
            links.write_new(dest, self.read(oid, size), mode)
            return

        def bring(store: Store) -> bool | None:
            path = store.find_file(oid, size)
            if path is None:
                return None
            # With a link to another repository's object an edit here would damage it there.
            linked = self._link == links.HARDLINK
            ours = path == self._own.objects.path(oid)
            policy = links.AUTO if linked and not ours else self._link
            return links.materialise(path, size, dest, mode, policy) or None

        self._first(oid, bring)

    # -- adding --

    def writer(self, source_path: str | bytes | None = None) -> Writer:
        """What takes one file's content piece by piece.

        `source_path` may name the file that the content is said to come from; where
        the file system can, the object shares its room on the disk.
        """
        from git_mlvers.cache.writer import Writer

        return Writer(self, self._buffers, source_path)

    def add_bytes(self, data: bytes) -> Pointer:
        """Add content that is in memory."""
        if len(data) > SMALL:
            with self.writer() as writer:
                writer.write(data)
                return writer.finish()
        oid = Oid.of(data)
        self._own.packs.add(data, oid)
        return Pointer(oid, len(data))

    def add_frame(self, data: bytes) -> None:
        """Add the content of one frame; raises `CorruptError` when it is not what it says."""
        header, content = frame.decode(data)
        if header.length != len(data):
            raise CorruptError(f"frame {header.id.short} has bytes behind its end")
        if header.size > SMALL:
            self.add_bytes(content)
        else:
            self._own.packs.add(content, header.id, data)

    def add_frames(self, framed: Iterable[bytes]) -> list[CorruptError | None]:
        """Do what `add_frame` does for many, in one write; what is wrong with each, if anything.

        Frames of more than `SMALL` bytes are not taken.
        """
        faults: list[CorruptError | None] = []
        good = []
        for data in framed:
            try:
                header, _ = frame.decode(data)
                if header.length != len(data) or header.size > SMALL:
                    raise CorruptError(f"frame {header.id.short} is not that of a small file")
            except CorruptError as error:
                faults.append(error)
                continue
            faults.append(None)
            good.append((header.id, header.size, data))
        self._own.packs.add_frames(good)
        return faults

    def add_small(self, oid: Oid, data: bytes) -> None:
        """Add content that must be `oid`; raises `CorruptError` when it is not."""
        if Oid.of(data) != oid:
            raise CorruptError(f"content {oid.short} does not match its hash")
        self.add_bytes(data)

    def temp_file(self) -> tuple[int, str]:
        """A new empty file beside the objects: descriptor for reading and writing, and path."""
        return self._own.objects.temp_file()

    def new_file(self, size: int) -> tuple[int, str]:
        """A `temp_file` for content that will be `size` bytes long."""
        return self.temp_file()

    def adopt(self, path: str, oid: Oid, size: int, verified: bool = True) -> None:
        """Take the closed `temp_file` at `path` as the content of `oid`; it is gone afterwards.

        Unless it is `verified` by the caller it is hashed. Raises `CorruptError`
        when it is not `oid`, or not `size` bytes long.
        """
        try:
            with disk_errors(path, "adding to the cache"):
                actual = os.stat(path).st_size
            if actual != size or not (verified or hash_file(path) == oid):
                raise CorruptError(f"content {oid.short} does not match its hash or size")
            if size <= SMALL:
                with disk_errors(path, "adding to the cache"), open(path, "rb") as file:
                    self.add_small(oid, file.read())
            else:
                self._own.objects.adopt(path, oid, size)
        finally:
            remove_quietly(path)

    def keep_small(self, data: bytes, oid: Oid) -> None:
        """Add content of at most `SMALL` bytes whose oid the caller has computed."""
        self._own.packs.add(data, oid)

    def keep_file(self, path: str, oid: Oid, size: int) -> None:
        """Add a large `temp_file` whose oid and size the caller has computed."""
        self._own.objects.adopt(path, oid, size)

    def keep(self, pointers: Iterable[Pointer]) -> None:
        """Have here what of `pointers` neighbours have, as far as that can be done."""
        for oid, size in self._own.missing(list(dict.fromkeys(pointers))):
            with contextlib.suppress(ContentMissing, CorruptError):
                if size <= SMALL:
                    self.read(oid, size)
                else:
                    self._first(oid, lambda store: store.find_file(oid, size))  # noqa: B023

    def flush(self) -> None:
        """Wait until all that was added is on the disk; to be called once per command."""
        self._flush_keeper()
        self._own.flush()

    def close(self) -> None:
        """Flush, and close all files."""
        try:
            self._flush_keeper()
            self._own.close()
        finally:
            for store in self._others or ():
                store.close()

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- upkeep of the own cache --

    def __iter__(self) -> Iterator[tuple[Oid, int]]:
        """Every oid in the own cache with its size in bytes."""
        yield from self._own.objects
        yield from self._own.packs

    def usage(self) -> Usage:
        """How much is in the own cache."""
        return usage(self._own)

    def remove(self, oids: Iterable[Oid], before: float | None = None) -> Removed:
        """Remove what is here of `oids`, unless it was added at or after `before`.

        `before` is in seconds since the epoch; content that was added again
        counts as added then. Small content is spared already when it was added
        up to ten minutes earlier, and makes room only by `compact`.
        """
        return remove(self._own, oids, before)

    def compact(self, dead_share: float = 0.5) -> int:
        """Rewrite packs of which more than `dead_share` is dead; returns the bytes of disk freed.

        Packs that another process is adding to are left for the next time.
        """
        from git_mlvers.cache.compact import compact

        return compact(self._own.packs, dead_share)

    def clean_temps(self, age: float = _DAY) -> int:
        """Remove temporary files older than `age` seconds; returns the bytes of disk freed."""
        return self._own.objects.clean_temps(age)

    def verify(self, oid: Oid, size: int) -> Problem | None:
        """Read and hash one object of the own cache; damaged it is moved away."""
        from git_mlvers.cache.check import verify

        return verify(self._own, oid, size)

    def fsck(self, progress: Progress | None = None, *, dry_run: bool = False) -> list[Problem]:
        """Read and hash everything in the own cache; what is damaged is moved away.

        With `dry_run` nothing is changed.
        """
        from git_mlvers.cache.check import check

        if not dry_run:
            return check(self._own, progress)
        looked_at = Store(self.root, writable=False)
        try:
            return check(looked_at, progress)
        finally:
            looked_at.close()

    def _stores(self) -> Iterator[Store]:
        """The own store, then those of the alternates."""
        yield self._own
        with self._finding_others:
            if self._others is None:
                self._others = self._open_others()
        yield from self._others

    def _open_others(self) -> list[Store]:
        from git_mlvers.cache.alternate import Alternate
        from git_mlvers.cache.neighbour import Keeper, Neighbour

        # Theirs must not be an object of ours that a file in the working tree is linked to.
        self._keeper = keeper = Keeper(self, self._own, link=self._link != links.HARDLINK)
        borrowed = [root for root in dict.fromkeys(self._alternates) if root != self.root]
        near = [root for root in dict.fromkeys(self._neighbours) if root != self.root]
        return [
            *(Alternate(root) for root in borrowed),
            *(Neighbour(root, keeper) for root in near if root not in borrowed),
        ]

    def _flush_keeper(self) -> None:
        if self._keeper is not None:
            self._keeper.flush()

    def _first(
        self, oid: Oid, attempt: Callable[[Store], T | None], damage: CorruptError | None = None
    ) -> T:
        """What `attempt` gives for the first store that has `oid`; raises `damage` if none does."""
        for store in self._stores():
            try:
                found = attempt(store)
            except CorruptError as error:
                damage = damage or error
                continue
            if found is not None:
                return found
        if damage is not None:
            raise damage
        raise ContentMissing(
            f"content {oid.short} is not in the cache", "git mlvers fetch brings it"
        )
