"""Finished packs on their way to the remote: several at once, within a bound of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.remote.layout import pack_key
from git_mlvers.remote.model import Tail
from git_mlvers.remote.workers import Workers

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable

    from git_mlvers.backend.base import Backend
    from git_mlvers.remote.pack import Pack
    from git_mlvers.remote.state import State

MAX_UNDER_WAY = 96 << 20
"""Packs that are closed and not yet sent take at most about this much memory. Bytes."""


class Sender:
    """Puts packs on the backend and notes each in the journal when it is there."""

    def __init__(self, backend: Backend, state: State, connections: int) -> None:
        self._backend = backend
        self._state = state
        self._workers: Workers[int, None] = Workers(connections)
        self._under_way = 0
        self.sent_bytes = 0
        self.packs = 0
        self.buffers: list[mmap.mmap] = []
        """Memory of packs that were sent, free to be used again."""

    def send(self, pack: Pack, arrived: Callable[[], None]) -> None:
        """Send `pack`; returns while it is under way. Raises what went wrong with earlier ones.

        `arrived` is called, from another thread, when the pack is on the remote.
        """
        size = len(pack.data)
        while self._under_way and self._under_way + size > MAX_UNDER_WAY:
            self._take()

        def put() -> None:
            self._backend.put(pack_key(pack.table.name), pack.data)
            self._state.note_pack(pack.table.name, Tail(size, pack.tail))
            self.buffers.append(pack.buffer)
            arrived()

        self._under_way += size
        self._workers.submit(size, put)

    def drain(self) -> None:
        """Wait until every pack is on the remote; raises what went wrong with one."""
        while self._workers.pending:
            self._take()

    def stop(self) -> None:
        """Send nothing more."""
        self._workers.stop()

    def _take(self) -> None:
        done = self._workers.take()
        self._under_way -= done.tag
        if done.error is not None:
            raise done.error
        self.sent_bytes += done.tag
        self.packs += 1
