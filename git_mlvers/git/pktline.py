"""Git's packets on two pipes: four hex digits of length, then at most 65516 bytes.

This is the way of every byte of a large file into and out of a filter, so
packets are read and written many at a time and their payloads never become
objects of their own (gitprotocol-common(5), "pkt-line Format").
"""

from __future__ import annotations

import os
from binascii import unhexlify
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.git.wait import Wait

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DATA = 65516
"""The most that one packet carries, in bytes."""

_HEADER = 4
_MAX_PACKET = MAX_DATA + _HEADER
_BUFFER = 1 << 20
_PACKETS = 16  # at once, which is what a pipe of _BUFFER bytes holds
_TEXT = 8192
"""So much of a message is looked at in one go. Bytes."""
_LF = 0x0A
_FULL = b"%04x" % _MAX_PACKET
_FLUSH = b"0000"
_SUCCESS = b"0013status=success\n" + _FLUSH
_END = _FLUSH + _FLUSH


class PktLineError(MlversError):
    """The other side does not speak the protocol, or stopped in the middle of it."""


class Reader:
    """Reads packets from the descriptor `fd`, which it does not close."""

    __slots__ = ("_buffer", "_content", "_end", "_fd", "_start", "_wait")

    def __init__(self, fd: int) -> None:
        _widen(fd)
        self._fd = fd
        self._buffer = memoryview(bytearray(_BUFFER))
        self._start = self._end = 0
        self._content: Content | None = None
        self._wait = Wait(fd)

    def read_lines(self) -> list[bytes] | None:
        """The text packets up to the next flush, without their line ends.

        ``None`` when the stream ends where a message would begin. Content that
        was not read to its end is skipped first.
        """
        self.skip()
        if self._start == self._end:
            self._wait.awake()
        if not self._has(_HEADER):
            if self._start == self._end:
                return None
            raise _cut()
        lines: list[bytes] = []
        # A filter reads nine packets for each file, so those at hand are read in one go.
        while not self._read_ready(lines):
            packet = self.read_packet()
            if packet is None:
                break
            lines.append(bytes(packet).removesuffix(b"\n"))
        return lines

    def _read_ready(self, lines: list[bytes]) -> bool:
        """Move the text packets that are here whole to `lines`; whether the flush was there too."""
        data = bytes(self._buffer[self._start : min(self._end, self._start + _TEXT)])
        start, end = 0, len(data)
        done = False
        while True:
            body = start + _HEADER
            try:
                high, low = unhexlify(data[start:body])
            except ValueError:
                break
            stop = start + (high << 8 | low)
            if stop == start:
                start, done = body, True
                break
            # What is not whole, and what is wrong, is for `read_packet`.
            if not body < stop <= end:
                break
            lines.append(data[body : stop - 1] if data[stop - 1] == _LF else data[body:stop])
            start = stop
        self._start += start
        return done

    def read_small(self, limit: int) -> bytes | None:
        """The content that begins here, if it is one packet of at most `limit` bytes.

        ``None`` otherwise, and when there is none; nothing of it is read then.
        """
        self.skip()
        self._need(_HEADER)
        length = self._parse()
        if not _HEADER < length <= _HEADER + limit:
            return None
        self._need(length + _HEADER)
        begin, end = self._start + _HEADER, self._start + length
        if self._buffer[end : end + _HEADER] != _FLUSH:
            return None
        self._start = end + _HEADER
        return bytes(self._buffer[begin:end])

    def read_fields(self) -> dict[bytes, bytes] | None:
        """The ``key=value`` packets up to the next flush; ``None`` at the end of the stream."""
        lines = self.read_lines()
        if lines is None:
            return None
        try:
            return dict([line.split(b"=", 1) for line in lines])
        except ValueError:
            wrong = next(line for line in lines if b"=" not in line)
            raise PktLineError(f"not key=value: {wrong[:80]!r}") from None

    def read_packet(self) -> memoryview | None:
        """The payload of the next packet, ``None`` for a flush; valid until the next call."""
        length = self._length()
        if length is None:
            return None
        self._need(length)
        self._start += length
        return self._buffer[self._start - length + _HEADER : self._start]

    def content(self) -> Content:
        """The content that begins here; what is left of it is skipped by the next reading."""
        self.skip()
        self._content = Content(self)
        return self._content

    def _block(self) -> memoryview | None:
        """The payloads of all packets that are here, as one; ``None`` at the flush."""
        length = _HEADER
        while length == _HEADER:  # an empty packet is allowed, and says nothing
            found = self._length()
            if found is None:
                return None
            length = found
            self._need(length)
            self._start += length
        end = self._start
        first = end - length + _HEADER
        # Closing the gaps of four bytes costs little while all is in the processor's cache,
        # and spares whoever hashes and writes it a call for each packet.
        while self._end - self._start >= _HEADER:
            length = self._parse()
            if length < _HEADER or self._end - self._start < length:
                break
            payload = length - _HEADER
            source = self._start + _HEADER
            self._buffer[end : end + payload] = self._buffer[source : source + payload]
            end += payload
            self._start += length
        return self._buffer[first:end]

    def _length(self) -> int | None:
        """The length of the packet that begins here, header included; past a flush: ``None``."""
        self._need(_HEADER)
        length = self._parse()
        if length >= _HEADER:
            return length
        self._start += _HEADER
        if length != 0:
            raise PktLineError(f"unexpected packet {length:04x}")
        return None

    def _parse(self) -> int:
        digits = self._buffer[self._start : self._start + _HEADER]
        try:
            high, low = unhexlify(digits)
        except ValueError:
            raise PktLineError(f"not the length of a packet: {bytes(digits)!r}") from None
        length = high << 8 | low
        if length > _MAX_PACKET:
            raise PktLineError(f"a packet of {length} bytes is too long")
        return length

    def _need(self, size: int) -> None:
        if self._end - self._start < size and not self._has(size):
            raise _cut()

    def _has(self, size: int) -> bool:
        """Read until `size` bytes are there, as many as there is room for; whether they are."""
        if self._start + size > _BUFFER or self._start == self._end:
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        while self._end - self._start < size:
            count = os.readv(self._fd, [self._buffer[self._end :]])
            if count == 0:
                return False
            self._end += count
        return True

    def skip(self) -> None:
        """Read what is left of the content that was begun."""
        if self._content is not None:
            for _ in self._content:
                pass
            self._content = None


class Content:
    """Iterates over content up to its flush packet, in blocks as large as are at hand.

    A block is valid until the next one is asked for: it is a view of a buffer
    that is used again.
    """

    __slots__ = ("_done", "_reader")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._done = False

    def __iter__(self) -> Iterator[memoryview]:
        return self

    def __next__(self) -> memoryview:
        if self._done:
            raise StopIteration
        block = self._reader._block()
        if block is None:
            self._done = True
            raise StopIteration
        return block


class Writer:
    """Writes packets to the descriptor `fd`, which it does not close; nothing is held back."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        _widen(fd)
        self._fd = fd

    def lines(self, *lines: bytes) -> None:
        """Send `lines` as text packets, and a flush."""
        self._send([b"".join(map(_text, lines)) + _FLUSH])

    def answer(self, data: bytes | memoryview) -> None:
        """Send a whole successful answer with the content `data`, in one write when it is small."""
        size = len(data)
        if 0 < size <= MAX_DATA:
            self._send([_SUCCESS, b"%04x" % (size + _HEADER), data, _END])
        else:
            self._send([_SUCCESS])
            self.content(data)
            self._send([_END])

    def content(self, data: bytes | memoryview) -> None:
        """Send `data` as content, which `flush` ends; may be called several times before."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), MAX_DATA * _PACKETS):
            self._send(_packets(view[start : start + MAX_DATA * _PACKETS]))

    def flush(self) -> None:
        """Send a flush packet."""
        self._send([_FLUSH])

    def _send(self, parts: list[bytes | memoryview]) -> None:
        """Write all of `parts`, however little of it the pipe takes at a time."""
        todo = sum(map(len, parts))
        while True:
            count = os.writev(self._fd, parts)
            todo -= count
            if not todo:
                return
            done = 0
            while count >= len(parts[done]):
                count -= len(parts[done])
                done += 1
            parts = parts[done:]
            parts[0] = memoryview(parts[0])[count:]


def _packets(data: memoryview) -> list[bytes | memoryview]:
    """`data`, which is short enough to be sent at once, with a header before each packet."""
    parts: list[bytes | memoryview] = []
    for start in range(0, len(data), MAX_DATA):
        piece = data[start : start + MAX_DATA]
        parts.append(_FULL if len(piece) == MAX_DATA else b"%04x" % (len(piece) + _HEADER))
        parts.append(piece)
    return parts


def _text(line: bytes) -> bytes:
    if len(line) >= MAX_DATA:
        raise PktLineError(f"a line of {len(line)} bytes is too long for a packet")
    return b"%04x%b\n" % (len(line) + _HEADER + 1, line)


def _cut() -> PktLineError:
    return PktLineError("the stream from git ended in the middle of a message")


def _widen(fd: int) -> None:
    """Let the pipe `fd` hold as much as is read at once, where the system allows it."""
    import fcntl

    try:
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _BUFFER)
    except (AttributeError, OSError):
        pass  # not Linux, not a pipe, or the user has used up the memory for large pipes
