"""Adding frames to a pack of the cache that no other process adds to."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

from git_mlvers.cache.scan import scan
from git_mlvers.fsutil import apply_shared, fsync_dir, make_dirs, sync_file, write_all

if TYPE_CHECKING:
    from git_mlvers.cache.catalog import Catalog

SUFFIX = ".pack"
PACK_LIMIT = 64 << 20
"""No frame is added to a pack that is this long already. Bytes."""

_LOCKED = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})


class Appender:
    """The end of one pack in `folder`, locked as long as it is open.

    What a crashed process left behind the recorded end of a pack goes to `catalog`.
    """

    def __init__(self, folder: str, shared: int | None, catalog: Catalog) -> None:
        self._folder = folder
        self._shared = shared
        self._catalog = catalog
        self._fd = -1
        self._unsynced: set[str] = set()
        self._made = False
        self.name = ""
        self.end = 0

    def append(self, data: bytes) -> int:
        """Write `data`, whole frames; returns its offset in the pack `name`. Raises `OSError`.

        Once this returns the frames survive the end of the process.
        """
        if self._fd < 0 or self.end >= PACK_LIMIT:
            self._take()
        offset = self.end
        try:
            write_all(self._fd, data)
        except BaseException:
            # What was written ends in a torn frame; whoever opens the pack next cuts that off too.
            os.ftruncate(self._fd, offset)
            os.lseek(self._fd, offset, os.SEEK_SET)
            raise
        self.end = offset + len(data)
        return offset

    def sync(self) -> None:
        """Wait until all that was appended is on the disk; raises `OSError`."""
        for name in list(self._unsynced):
            if name == self.name and self._fd >= 0:
                sync_file(self._fd)
            else:
                _sync_path(os.path.join(self._folder, name))
            self._unsynced.discard(name)
        if self._made:
            fsync_dir(self._folder)
            fsync_dir(os.path.dirname(self._folder))
            self._made = False

    def release(self) -> None:
        """Leave the pack to others; `append` takes one anew."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take(self) -> None:
        self.release()
        for name in self._candidates():
            if self._try(name):
                return
        self._make()

    def _candidates(self) -> list[str]:
        """Packs with room, the fullest first, so that few are left half full."""
        room = [(size, name) for name, size in self._catalog.packs().items() if size < PACK_LIMIT]
        return [name for _, name in sorted(room, reverse=True)]

    def _try(self, name: str) -> bool:
        fd = lock_pack(os.path.join(self._folder, name))
        if fd is None:
            return False
        try:
            size = absorb_tail(self._catalog, name, fd)
            os.lseek(fd, size, os.SEEK_SET)
        except BaseException:
            os.close(fd)
            raise
        self._use(fd, name, size)
        return True

    def _make(self) -> None:
        make_dirs(self._folder, self._shared)
        while True:
            name = os.urandom(10).hex() + SUFFIX
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            fd = os.open(os.path.join(self._folder, name), flags, 0o666)
            try:
                apply_shared(fd, self._shared)
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in _LOCKED:  # another process was quicker; it may have this one
                    os.close(fd)
                    continue
                # Without locks nobody appends to a pack of another process.
            break
        self._made = True
        self._use(fd, name, 0)

    def _use(self, fd: int, name: str, size: int) -> None:
        self._fd, self.name, self.end = fd, name, size
        self._unsynced.add(name)


def lock_pack(path: str) -> int | None:
    """Open the pack at `path` and lock it; a descriptor to read, write, and close.

    ``None`` when another has the lock, when the pack is gone or may not be
    written, and on a file system without locks. Raises other `OSError`.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    # Compaction may have removed it between the two.
    if os.fstat(fd).st_nlink == 0:
        os.close(fd)
        return None
    return fd


def absorb_tail(catalog: Catalog, name: str, fd: int, verify: bool = False) -> int:
    """Let `catalog` know all of the pack `name`, which the caller has locked as `fd`.

    A torn frame at its end is cut off. What a crash left is looked at closely,
    all of a pack only to `verify` it, since that takes long. Returns the size in
    bytes; raises `OSError`.
    """
    known, size = catalog.known_length(name), os.fstat(fd).st_size
    if known > size:
        catalog.news.distrust(name, size)
        known = 0
    if known < size:
        found = scan(fd, known, size, verify or known > 0)
        if found.torn:
            os.ftruncate(fd, found.end)
            size = found.end
        # With the lock nobody else is writing: what is left behind the last frame is garbage.
        catalog.news.absorb(name, found, known, size)
    return size


def _sync_path(path: str) -> None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # Compacted into another pack, which was made durable then.
    try:
        sync_file(fd)
    finally:
        os.close(fd)
