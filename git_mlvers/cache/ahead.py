"""Reading objects of a pack in the order in which they stand there.

What was added in one command is mostly read in one command too, in the same
order. So more than one object is read at a time, and the next one is made ready
while whoever has asked is busy with this one.
"""

from __future__ import annotations

import os

from git_mlvers import frame
from git_mlvers.errors import CorruptError
from git_mlvers.oid import Oid

_WINDOW = 256 << 10


class ReadAhead:
    """A window of one pack, and the object in it that is likely to be asked for next."""

    def __init__(self) -> None:
        self._pack = ""
        self._start = 0
        self._window = b""
        self._next = 0
        self._ready: tuple[Oid, bytes, bytes] | None = None

    def read(self, pack: str, fd: int, offset: int, length: int) -> bytes:
        """The `length` bytes at `offset` of `pack`, open as `fd`; fewer at its end; `OSError`."""
        at = offset - self._start
        if pack != self._pack or not 0 <= at <= len(self._window) - length:
            following = pack == self._pack and offset == self._next
            data = os.pread(fd, max(length, _WINDOW) if following else length, offset)
            self._pack, self._start, self._window, at = pack, offset, data, 0
        self._next = offset + length
        self._ready = None
        return self._window[at : at + length]

    def prepare(self) -> None:
        """Verify the object behind the one that was read last, if it is in the window."""
        at = self._next - self._start
        if self._ready is not None or not 0 < at < len(self._window):
            return
        try:
            header, content = frame.decode(self._window, at)
        except CorruptError:
            return  # cut by the window's end, or damaged: for who asks for it
        framed = self._window[at : at + header.length]
        self._ready = header.id, framed, content

    def is_ready(self, oid: Oid, size: int) -> bool:
        """Whether the object that was made ready is `oid`, and of `size` bytes."""
        ready = self._ready
        return ready is not None and ready[0] == oid and len(ready[2]) == size

    def take(self, oid: Oid) -> tuple[bytes, bytes] | None:
        """The frame of `oid` and its content, if that was made ready."""
        if self._ready is None or self._ready[0] != oid:
            return None
        _, framed, content = self._ready
        self._ready = None
        self._next += len(framed)
        return framed, content

    def forget(self) -> None:
        """Read anew what is asked for next: what was in the window may have been replaced."""
        self._window = b""
        self._ready = None
