"""A service of git at the other end: two descriptors, and an exit status."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket

    from git_mlvers.git.process import Process


class Service(Protocol):
    """What a session speaks with."""

    read_fd: int
    write_fd: int

    def close_write(self) -> None:
        """Tell it that nothing more will come; any number of times."""

    def end(self) -> int:
        """Listen no more and wait for its end; its exit status, 128 and more for a signal.

        Somebody must have closed, or go on to close, the other direction.
        """


class Program:
    """A service that is a process of ours, with pipes at both ends."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.read_fd = process.stdout
        # Another thread closes it than the one that waits for the end.
        self.write_fd, process.stdin = process.stdin, -1

    def close_write(self) -> None:
        """Close its standard input."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def end(self) -> int:
        """Close its standard output and wait."""
        return exit_status(self._process.wait())


class Connection:
    """A service behind a socket; it has no status."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self.read_fd = self.write_fd = connection.fileno()

    def close_write(self) -> None:
        """Close our half of the connection."""
        from socket import SHUT_WR

        try:
            self._socket.shutdown(SHUT_WR)
        except OSError:
            pass  # the other side was faster

    def end(self) -> int:
        """Close the connection."""
        self._socket.close()
        return 0


def exit_status(returncode: int) -> int:
    """What a shell would say of a process that ended with `returncode`."""
    return returncode if returncode >= 0 else 128 - returncode
