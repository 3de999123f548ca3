"""Large files past the page cache, where that is quicker.

Content that goes through the page cache takes new memory for each page. Most
machines hand that out far quicker than a disk writes; but in a virtual machine
a new page may cost a trap into the host, and a cache full of unwritten pages
makes the writer wait. Then the disk alone, asked directly, is several times
quicker. Which one it is shows within some megabytes, so both are tried.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import time

from git_mlvers.fsutil import copy_range, write_all

TRIAL = 16 << 20
"""A way is judged after so many bytes."""

LAP = 256 << 20
"""After so many more bytes the other way is tried again, since either may have been held up."""

QUICK = 1 << 30
"""A way that takes so many bytes per second is not doubted."""

WORTH = 64 << 20
"""Smaller copies are not worth a trial. Bytes."""

_STEP = 4 << 20
_ALIGNED = 4096
_DIRECT = getattr(os, "O_DIRECT", 0)


def buffer(size: int) -> memoryview:
    """Memory of `size` bytes, aligned as direct I/O wants it."""
    return memoryview(mmap.mmap(-1, size))


def set_direct(fd: int, wanted: bool) -> bool:
    """Turn direct I/O on or off for `fd`; false when the file system cannot."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    try:
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | _DIRECT if wanted else flags & ~_DIRECT)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
        return False
    return bool(_DIRECT)


class Pace:
    """Decides between the page cache and direct I/O, by how long each takes."""

    def __init__(self, *fds: int) -> None:
        self._fds = fds
        self._count = 0
        self._seconds = 0.0
        self._rates: dict[bool, float] = {}
        self._on_trial = False
        self._until = TRIAL
        self._settled = not _DIRECT
        self.direct = False

    def note(self, count: int, seconds: float) -> None:
        """`count` bytes took so long in the present way; may switch to the other one."""
        self._count += count
        self._seconds += seconds
        if self._settled or self._count < self._until:
            return
        rate = self._count / max(self._seconds, 1e-9)
        self._rates[self.direct] = rate
        self._count, self._seconds = 0, 0.0
        if self._on_trial:
            self._on_trial, self._until = False, LAP
            if rate < self._rates[not self.direct]:
                self._switch(not self.direct)
        elif rate < QUICK:
            self._on_trial, self._until = True, TRIAL
            self._switch(not self.direct)

    def give_up(self) -> None:
        """Use the page cache from now on: direct I/O does not work, or an odd end is to come."""
        self._settled = True
        if self.direct:
            self._switch(False)

    def _switch(self, direct: bool) -> None:
        self.direct = direct
        if not all(set_direct(fd, direct) for fd in self._fds) and direct:
            self.give_up()


class Output:
    """Writes a new file in aligned blocks; any other length ends the direct way."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pace = Pace(fd)

    def write(self, data: memoryview) -> None:
        """Write the next block; raises `OSError`."""
        start = time.monotonic()
        if self._pace.direct and len(data) % _ALIGNED:
            self._pace.give_up()
        try:
            write_all(self._fd, data)
        except OSError as error:
            if error.errno != errno.EINVAL or not self._pace.direct:
                raise
            self._pace.give_up()
            write_all(self._fd, data)
        self._pace.note(len(data), time.monotonic() - start)

    def finish(self) -> None:
        """There is no more; nothing is left to do."""


def copy(source: int, target: int, size: int, share: bool = True) -> None:
    """Copy `size` bytes of `source` into the empty file `target` (descriptors).

    `share` and what is raised are those of `fsutil.copy_range`.
    """
    pace = Pace(source, target)
    block: memoryview | None = None
    done = 0
    while size - done >= WORTH:
        start = time.monotonic()
        if not pace.direct:
            copy_range(source, target, TRIAL, done, share)
            count = TRIAL
        else:
            block = block or buffer(_STEP)
            count = _copy_direct(source, target, block, done)
            if count == 0:
                pace.give_up()
        done += count
        pace.note(count, time.monotonic() - start)
    pace.give_up()
    copy_range(source, target, size - done, done, share)


def _copy_direct(source: int, target: int, block: memoryview, offset: int) -> int:
    """Copy one block; 0 when that is not possible in this way."""
    try:
        count = os.preadv(source, [block], offset)
        if count % _ALIGNED:
            return 0
        return os.pwrite(target, block[:count], offset)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return 0
