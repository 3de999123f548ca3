"""The chunks that a remote is known to have, as far as they matter to an upload.

Tables of packs come and go: there is a bound on how many chunks are kept in
memory, and the oldest table makes room. A pack is opened when a base of the
file lies in it or when a hook names it, and only when it is really there: each
opening costs one request, which reads its footer or asks for its size. A pack
with damaged content, or that will be deleted, is never opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.remote.layout import pack_key
from git_mlvers.remote.pack import read_tail
from git_mlvers.remote.table import PackTable, hook_of
from git_mlvers.remote.tails import fetch_tail
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.backend.base import Backend
    from git_mlvers.remote.model import Tail
    from git_mlvers.remote.state import State

MAX_CHUNKS = 300_000
"""So many chunks are kept in memory, at some 220 bytes each."""

_NUMBER_BITS = 24
_NUMBER = (1 << _NUMBER_BITS) - 1


class Known:
    """Finds a chunk in the packs that are open."""

    def __init__(self, backend: Backend, state: State, connections: int) -> None:
        self._backend = backend
        self._state = state
        self._connections = connections
        self._tables: dict[int, PackTable] = {}
        self._slots: dict[bytes, int] = {}
        self._where: dict[bytes, int] = {}
        self._next_slot = 0
        self._building = -1
        self._chunks = 0
        self._refused = state.set_aside() | state.doomed()
        self._ours: set[bytes] = set()
        self._our_hooks: dict[int, list[bytes]] = {}

    def find(self, chunk_id: bytes) -> tuple[PackTable, int] | None:
        """The table and the number of a chunk, when it is in an open pack."""
        place = self._where.get(chunk_id)
        return None if place is None else (self._tables[place >> _NUMBER_BITS], place & _NUMBER)

    def begin(self, table: PackTable) -> None:
        """Open the pack that is being built; `note` tells of its chunks as they are added."""
        self._building = self._insert(table)

    def note(self, chunk_id: bytes, number: int) -> None:
        """The pack that is being built got a chunk."""
        self._where[chunk_id] = self._building << _NUMBER_BITS | number
        self._chunks += 1

    def finished(self, table: PackTable, hooks: Iterable[int]) -> None:
        """The pack that was being built has its name; its hooks find it again."""
        self._slots[table.name] = self._building
        self.trust(table.name, hooks)

    def trust(self, name: bytes, hooks: Iterable[int]) -> None:
        """A pack of this machine is surely on the remote, and is found by its hooks."""
        self._ours.add(name)
        for hook in hooks:
            self._our_hooks.setdefault(hook, []).append(name)

    def add(self, table: PackTable) -> None:
        """Open a pack whose table is at hand."""
        slot = self._insert(table)
        self._slots[table.name] = slot
        first = slot << _NUMBER_BITS
        for number, chunk_id in enumerate(table.ids):
            self._where.setdefault(chunk_id, first | number)
        self._chunks += len(table.ids)

    def open_hooked(self, chunk_id: bytes) -> None:
        """Open the packs that are listed under this chunk."""
        hook = hook_of(chunk_id)
        names = self._state.hooked([hook]).get(hook, [])
        self.open([*self._our_hooks.get(hook, ()), *names])

    def open(self, names: Iterable[bytes]) -> None:
        """Open those packs that are not open yet; one that is gone or damaged is passed over."""
        wanted = [
            name
            for name in dict.fromkeys(names)
            if name not in self._slots and name not in self._refused
        ]
        if not wanted:
            return
        kept = self._state.tails(wanted)
        sizes = self._state.pack_sizes(wanted) | {n: tail.pack_size for n, tail in kept.items()}

        def load(name: bytes) -> tuple[PackTable, Tail | None]:
            return self._load(name, sizes[name], kept.get(name))

        fetched: dict[bytes, Tail] = {}
        usable = [name for name in wanted if name in sizes]
        self._refused.update(set(wanted) - set(usable) - self._ours)
        for done in in_parallel(self._connections, load, usable):
            if isinstance(done.error, KeyMissing | CorruptError):
                self._refused.add(done.tag)
            elif done.error is not None:
                raise done.error
            elif done.result is not None:
                table, tail = done.result
                self.add(table)
                if tail is not None:
                    fetched[done.tag] = tail
        if fetched:
            self._state.keep_tails(fetched)

    def _load(self, name: bytes, size: int, kept: Tail | None) -> tuple[PackTable, Tail | None]:
        if kept is None:
            tail, footer = fetch_tail(self._backend, name, size)
            return footer.table, tail
        if name not in self._ours:
            entry = self._backend.stat(pack_key(name))
            if entry is None or entry.size != kept.pack_size:
                raise CorruptError(f"pack {name.hex()[:10]} is not as it was")
        return read_tail(name, kept.pack_size, kept.tail).table, None

    def _insert(self, table: PackTable) -> int:
        while self._chunks > MAX_CHUNKS and len(self._tables) > 1:
            self._evict()
        slot = self._next_slot
        self._next_slot += 1
        self._tables[slot] = table
        return slot

    def _evict(self) -> None:
        slot = next(slot for slot in self._tables if slot != self._building)
        table = self._tables.pop(slot)
        for chunk_id in table.ids:
            if self._where.get(chunk_id, -1) >> _NUMBER_BITS == slot:
                del self._where[chunk_id]
        self._slots.pop(table.name, None)
        self._chunks -= len(table.ids)
