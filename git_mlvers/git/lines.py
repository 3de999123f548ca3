"""Lines from a descriptor that somebody else goes on reading from."""

from __future__ import annotations

import os


class LineReader:
    """Reads the descriptor `fd` line by line, and not a byte further than that.

    So a process that is given `fd` afterwards finds all that follows.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def read(self) -> bytes | None:
        """The next line without its end; ``None`` at the end of the stream."""
        line = bytearray()
        while byte := os.read(self._fd, 1):
            if byte == b"\n":
                return bytes(line)
            line += byte
        return bytes(line) or None
