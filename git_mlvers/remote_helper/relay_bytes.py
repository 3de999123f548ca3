"""Bytes from one descriptor to another, and the buffer in front of that."""

from __future__ import annotations

import os
import select

_BLOCK = 1 << 16
_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Buffered:
    """Reads lines and exact numbers of bytes from `fd`; `rest` is what was read beyond them.

    While it waits it looks whether `watched`, a descriptor that we write to, is
    still read by anybody, and raises `BrokenPipeError` when it is not.
    """

    def __init__(self, fd: int, watched: int = -1) -> None:
        self.fd = fd
        self._watched = watched
        self._data = bytearray()
        self._start = 0

    def line(self) -> bytes | None:
        """The next line without its end; ``None`` where the stream ends before one does."""
        while (end := self._data.find(b"\n", self._start)) < 0:
            if not self._fill():
                return None
        found = bytes(self._data[self._start : end])
        self._start = end + 1
        return found

    def exactly(self, size: int) -> bytes | None:
        """The next `size` bytes; ``None`` where the stream ends before."""
        while len(self._data) - self._start < size:
            if not self._fill():
                return None
        found = bytes(self._data[self._start : self._start + size])
        self._start += size
        return found

    def rest(self) -> bytes:
        """What was read and not given out yet, which is given out now."""
        found = bytes(self._data[self._start :])
        self._data.clear()
        self._start = 0
        return found

    def _fill(self) -> bool:
        wait_for(self.fd, self._watched)
        block = os.read(self.fd, _BLOCK)
        del self._data[: self._start]
        self._start = 0
        self._data += block
        return bool(block)


def wait_for(source: int, watched: int = -1, stop: int = -1) -> bool:
    """Wait until there is something to read; false when nobody writes to the pipe `stop` any more.

    Raises `BrokenPipeError` if nobody reads `watched`.
    """
    if watched < 0:
        return True
    poller = select.poll()
    poller.register(source, select.POLLIN)
    poller.register(watched, 0)
    if stop >= 0:
        poller.register(stop, select.POLLIN)
    events = dict(poller.poll())
    if events.get(watched, 0) & _GONE:
        raise BrokenPipeError
    return source in events or stop not in events


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`, however little is taken at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def pump(source: int, target: int, stop: int = -1) -> None:
    """Move all bytes of `source` to `target`, inside of the kernel where it can do that.

    Ends early when the other end of the pipe `stop` is closed. Raises
    `BrokenPipeError` when nobody reads `target` any more.
    """
    move = _splice if hasattr(os, "splice") else _copy
    while wait_for(source, target, stop):
        try:
            if not move(source, target):
                return
        except BrokenPipeError:
            raise
        except OSError:
            if move is _copy:
                raise
            move = _copy  # neither of them is a pipe, or the system does not do it


def drain(source: int) -> None:
    """Read `source` to its end for nobody."""
    while os.read(source, _BLOCK):
        pass


def _splice(source: int, target: int) -> bool:
    return os.splice(source, target, 1 << 20) > 0


def _copy(source: int, target: int) -> bool:
    block = os.read(source, _BLOCK)
    write_all(target, block)
    return bool(block)
