"""Adding a file without writing it: the object shares its blocks on the disk with the file.

Only the content that Git sends counts, and the file that it is said to come
from may be another by then. So the clone is compared with what comes, and
written from the first difference on.
"""

from __future__ import annotations

import os
import stat

from git_mlvers.cache import direct
from git_mlvers.fsutil import reflink

CLONE_MIN = 8 << 20
"""Smaller files are written; cloning one first writes it out to the disk. Bytes."""


def begin(fd: int, path: str | bytes) -> bool:
    """Make the empty file `fd` a clone of the file `path`; false when that cannot be done."""
    try:
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # Not there, a link, not ours to read: the content will come all the same.
    try:
        found = os.fstat(source)
        large = stat.S_ISREG(found.st_mode) and found.st_size >= CLONE_MIN
        return large and reflink(source, fd)
    finally:
        os.close(source)


class CloneOutput:
    """Takes content block by block for `fd`, which is a clone of what is expected.

    All blocks but the last have the same length, a multiple of 4096.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._position = 0
        self._block = memoryview(b"")
        self._rest: direct.Output | None = None
        # Else comparing would fill the page cache with a second copy of the file.
        direct.set_direct(fd, True)

    def write(self, data: memoryview) -> None:
        """Take the next block; raises `OSError`."""
        if self._rest is None and self._matches(data):
            self._position += len(data)
            return
        if self._rest is None:
            direct.set_direct(self._fd, False)
            os.ftruncate(self._fd, self._position)
            os.lseek(self._fd, self._position, os.SEEK_SET)
            self._rest = direct.Output(self._fd)
        self._rest.write(data)

    def finish(self) -> None:
        """There is no more; raises `OSError`."""
        if self._rest is None:
            os.ftruncate(self._fd, self._position)

    def _matches(self, data: memoryview) -> bool:
        if len(self._block) < len(data):
            self._block = direct.buffer(-(-len(data) // 4096) * 4096)
        count = os.preadv(self._fd, [self._block], self._position)
        # As bytes, since views are compared item by item.
        return count >= len(data) and self._block[: len(data)].tobytes() == data.tobytes()
