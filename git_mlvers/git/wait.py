"""Waiting for the other side of a pipe without going to sleep, where that pays.

Git asks for the next file some 50 microseconds after an answer. A process that
sleeps until then wakes up as much later again, and later still in a virtual
machine, whose processor has been given back meanwhile. Measured with 10,000
files of 10 KB: a checkout takes half as long.
"""

from __future__ import annotations

import os
import select
import time

_PATIENCE = 150e-6
"""How long to look for something before going to sleep. Seconds."""

# When all of that was for nothing so many times in a row, so many waits are left out.
_IN_VAIN, _REST = 3, 200


class Wait:
    """Looks out for what comes on the descriptor `fd`."""

    __slots__ = ("_in_vain", "_poll", "_rest")

    def __init__(self, fd: int) -> None:
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        self._poll = poller.poll
        self._in_vain = 0
        self._rest = 0

    def awake(self) -> None:
        """Return when something has come, at once or after a moment when that is unlikely to be."""
        if self._rest:
            self._rest -= 1
            return
        poll, end = self._poll, time.perf_counter() + _PATIENCE
        while not poll(0):
            if time.perf_counter() > end:
                self._in_vain += 1
                if self._in_vain >= _IN_VAIN:
                    self._in_vain, self._rest = 0, _REST
                return
            os.sched_yield()
        self._in_vain = 0
