"""Bringing this machine's copy of a remote's index up to date: one listing, and what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.remote import doom, index_file
from git_mlvers.remote.layout import (
    INDEXES,
    MAX_INDEX,
    doom_key,
    doom_name,
    index_key,
    index_name,
)
from git_mlvers.remote.tails import naming
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from git_mlvers.backend.base import Backend, Entry
    from git_mlvers.remote.state import State

# A listed index file can be gone when it is fetched, superseded long ago by one that
# was written after the listing: then list anew, but not for ever.
_ROUNDS = 3

_REPAIR = "git mlvers fsck --remote --repair makes the index anew"


class Listing(NamedTuple):
    """The index files on the remote, and those of them that cannot be used."""

    entries: dict[bytes, Entry]
    damaged: dict[bytes, CorruptError]
    vanished: bool
    """Whether an index file was known here that the remote has no longer."""
    dooms: dict[bytes, Entry]
    """The lists of packs that a collection is going to delete."""
    bad_dooms: dict[bytes, CorruptError]
    """Those of these lists that cannot be used."""


NOTHING = Listing({}, {}, False, {}, {})


class Listed(NamedTuple):
    """What one listing told: index files, and lists of doomed packs, by raw name."""

    indexes: dict[bytes, Entry]
    dooms: dict[bytes, Entry]


def list_indexes(backend: Backend) -> Listed:
    """What the remote has now; one request (or page)."""
    listed = Listed({}, {})
    for entry in backend.list(INDEXES):
        if (name := index_name(entry.key)) is not None:
            listed.indexes[name] = entry
        elif (name := doom_name(entry.key)) is not None:
            listed.dooms[name] = entry
    return listed


def fetch_index(backend: Backend, name: bytes, size: int) -> bytes:
    """The bytes of one index file of `size` bytes, which do match its name.

    Raises `KeyMissing` when it is gone, and `CorruptError` naming it when it is damaged.
    """
    key = index_key(name)
    with naming(key, backend.url):
        if size > MAX_INDEX:
            raise CorruptError("an index file of impossible size")
        # What a connection spoils once is likely right the second time.
        for _ in range(2):
            data = backend.get(key, 0, size)
            if blake3(data).digest() == name:
                return data
        raise CorruptError("it does not match its hash", _REPAIR)


def fetch_doom(backend: Backend, name: bytes, size: int) -> list[bytes]:
    """The packs in one list of doomed packs, of `size` bytes; raises as `fetch_index` does."""
    key = doom_key(name)
    with naming(key, backend.url):
        if size > doom.MAX_SIZE:
            raise CorruptError("a list of doomed packs of impossible size")
        try:
            return doom.decode(backend.get(key, 0, size), name)
        except CorruptError:
            return doom.decode(backend.get(key, 0, size), name)


def sync(backend: Backend, state: State, connections: int) -> Listing:
    """List the index files, take in the new ones, and forget those that are gone.

    The same with the lists of doomed packs.

    A damaged index file does not keep the others from being used: it is in the
    result. Any other failure to read one is raised.
    """
    for last in (False,) * (_ROUNDS - 1) + (True,):
        # Known before the listing: another process may take in a newer one meanwhile.
        known, dooms = state.indexes(), state.dooms()
        listed = list_indexes(backend)
        entries = listed.indexes
        bad_dooms, some_gone = _take_dooms(backend, state, connections, listed.dooms, last)
        damaged, gone = _take_in(backend, state, connections, entries, known, last)
        if not (gone or some_gone):
            break
    vanished = known - set(entries)
    superseded = set(state.superseded())
    replaced = superseded & state.indexes()
    if vanished or replaced:
        state.drop_indexes(vanished | replaced)
    # One that was read together with its successor is as good as read before it.
    damaged = {name: error for name, error in damaged.items() if name not in superseded}
    # Last: while an index file that names doomed packs is known here, so is their doom.
    if dooms - set(listed.dooms):
        state.drop_dooms(dooms - set(listed.dooms))
    return Listing(entries, damaged, bool(vanished - replaced), listed.dooms, bad_dooms)


def _take_in(
    backend: Backend,
    state: State,
    connections: int,
    entries: dict[bytes, Entry],
    known: set[bytes],
    last: bool,
) -> tuple[dict[bytes, CorruptError], bool]:
    """Fetch what is new; returns what is damaged, and whether something was gone."""
    new = set(entries) - known - set(state.superseded())
    damaged: dict[bytes, CorruptError] = {}
    gone = False

    def fetch(name: bytes) -> bytes:
        return fetch_index(backend, name, entries[name].size)

    for done in in_parallel(connections, fetch, sorted(new)):
        if isinstance(done.error, CorruptError):
            damaged[done.tag] = done.error
        elif isinstance(done.error, KeyMissing) and not last:
            gone = True
        elif done.error is not None:
            raise done.error
        elif done.result is not None:
            try:
                with naming(index_key(done.tag), backend.url):
                    index = index_file.decode(done.result, done.tag)
            except CorruptError as error:
                damaged[done.tag] = error
            else:
                state.ingest(done.tag, index)
    return damaged, gone


def _take_dooms(
    backend: Backend,
    state: State,
    connections: int,
    listed: dict[bytes, Entry],
    last: bool,
) -> tuple[dict[bytes, CorruptError], bool]:
    """The same as `_take_in` for lists of doomed packs."""
    damaged: dict[bytes, CorruptError] = {}
    gone = False

    def fetch(name: bytes) -> list[bytes]:
        return fetch_doom(backend, name, listed[name].size)

    for done in in_parallel(connections, fetch, sorted(set(listed) - state.dooms())):
        if isinstance(done.error, CorruptError):
            damaged[done.tag] = done.error
        elif isinstance(done.error, KeyMissing) and not last:
            gone = True
        elif done.error is not None:
            raise done.error
        elif done.result is not None:
            state.take_doom(done.tag, done.result)
    return damaged, gone
