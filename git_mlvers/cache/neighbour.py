"""The cache of a git remote on this machine: what is read from it is kept here too.

Git copies what it takes from such a repository, or links to it, so that a clone
goes on when the other one is moved or deleted. Content has to do the same.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Protocol

from git_mlvers.cache.alternate import Alternate
from git_mlvers.cache.objects import hash_file
from git_mlvers.cache.writer import BATCH
from git_mlvers.errors import CorruptError, LocalIOError
from git_mlvers.fsutil import reflink, remove_quietly, shared_mode

if TYPE_CHECKING:
    from git_mlvers.cache.store import Store
    from git_mlvers.cache.writer import Writer
    from git_mlvers.oid import Oid

HELD = 8 << 20
"""So much small content is held until it is added. Bytes."""


class Own(Protocol):
    """What a keeper needs of the cache."""

    def writer(self) -> Writer:
        """What takes a copy."""


class Keeper:
    """Takes content of a neighbour into the own cache; used by several threads.

    Large content is shared on the disk where that can be done: as a reflink,
    or with `link` as a hard link. Small content is added some at a time. When the
    own cache can take no more, nothing more is kept: it was only a copy.
    """

    def __init__(self, cache: Own, store: Store, link: bool) -> None:
        self._cache = cache
        self._store = store
        self._link = link
        self._off = False
        self._frames: list[tuple[Oid, int, bytes]] = []
        self._held = 0
        self._mutex = threading.Lock()

    def keep_small(self, oid: Oid, size: int, framed: bytes) -> None:
        """Keep verified content of `size` bytes, of which `framed` is the frame."""
        if self._off:
            return
        with self._mutex:
            self._frames.append((oid, size, framed))
            self._held += len(framed)
            full = self._held >= HELD
        if full:
            self.flush()

    def keep_large(self, path: str, oid: Oid, size: int) -> str:
        """Keep the object at `path`; its path in the own cache, or `path` where that fails."""
        if self._off:
            return path
        try:
            if not self._share(path, oid, size):
                self._copy(path, oid)
            return self._store.objects.find(oid, size) or path
        except FileNotFoundError:
            return path  # removed at this moment, which whoever reads it finds out
        except (LocalIOError, OSError):
            self._off = True
            return path

    def flush(self) -> None:
        """Add what is held."""
        with self._mutex:
            frames, self._frames, self._held = self._frames, [], 0
        try:
            self._store.packs.add_frames(frames)
        except LocalIOError:
            self._off = True

    def _share(self, path: str, oid: Oid, size: int) -> bool:
        """Have the object without a copy of its data; false when that cannot be done."""
        target, temp = self._store.objects.temp_file()
        try:
            try:
                shared = _clone(path, target)
            finally:
                os.close(target)
            if not shared and not self._link_to(path, temp):
                return False
            # A stamp says enough of what only we could have changed.
            if shared and not _is_safe(os.lstat(path)) and hash_file(temp) != oid:
                raise _damaged(path, oid)
            self._store.objects.adopt(temp, oid, size)
        finally:
            remove_quietly(temp)
        return True

    def _link_to(self, path: str, temp: str) -> bool:
        if not self._may_link(path):
            return False
        os.unlink(temp)
        try:
            os.link(path, temp)
        except FileNotFoundError:
            raise
        except OSError:
            return False  # another file system, one without hard links, too many of them
        return True

    def _may_link(self, path: str) -> bool:
        """Whether the file may be one of ours as it is: nobody else could change it then."""
        found = os.lstat(path)
        mode = found.st_mode & 0o777
        right = shared_mode(mode, self._store.objects.shared) == mode
        return self._link and right and _is_safe(found)

    def _copy(self, path: str, oid: Oid) -> None:
        with open(path, "rb", buffering=0) as source, self._cache.writer() as writer:
            while block := source.read(BATCH):
                writer.write(block)
            if writer.finish().oid != oid:
                raise _damaged(path, oid)


class Neighbour(Alternate):
    """The cache at `root`, of which `keeper` takes what is read."""

    def __init__(self, root: str, keeper: Keeper) -> None:
        super().__init__(root)
        self._keeper = keeper

    def read_small(self, oid: Oid, look_again: bool = True) -> tuple[bytes, bytes] | None:
        """See `Store.read_small`."""
        found = super().read_small(oid, look_again)
        if found is not None:
            self._keeper.keep_small(oid, len(found[1]), found[0])
        return found

    def find_file(self, oid: Oid, size: int) -> str | None:
        """See `Store.find_file`; the path is that in the own cache where there is one now."""
        path = super().find_file(oid, size)
        if path is None:
            return None
        try:
            return self._keeper.keep_large(path, oid, size)
        except CorruptError:
            self.objects.damaged[oid] = path  # It is to come from elsewhere.
            raise


def _is_safe(found: os.stat_result) -> bool:
    """Whether nobody but us can have changed a file, and not without meaning to."""
    return found.st_uid == os.geteuid() and not found.st_mode & 0o222


def _damaged(path: str, oid: Oid) -> CorruptError:
    return CorruptError(f"content {oid.short} is damaged: {path}")


def _clone(path: str, target: int) -> bool:
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return reflink(source, target)
    finally:
        os.close(source)
