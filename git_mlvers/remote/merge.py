"""Keeping the index of a remote in few files.

Each push adds a file. When many small ones are there, a push merges them into
one that says which it supersedes. Those are deleted by a later push, when
their successor has been there for a day: whoever listed the remote before
there was a successor has long read them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_mlvers.errors import CorruptError
from git_mlvers.remote import index_file
from git_mlvers.remote.layout import index_key
from git_mlvers.remote.sync import fetch_index
from git_mlvers.remote.terms import is_possible
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from git_mlvers.backend.base import Backend, Entry
    from git_mlvers.oid import Oid
    from git_mlvers.remote.model import StoredFile
    from git_mlvers.remote.state import State

MANY = 64
"""With more small index files than this, they are merged."""

GRACE = 24 * 3600.0
"""How long a superseded index file is left alone. Seconds."""

# Larger ones stay as they are, …
_SMALL = 256 << 10
# … and so much is merged at once, so that memory stays bounded. Bytes, as stored.
_AT_ONCE = 6 << 20


def tidy(backend: Backend, state: State, listing: dict[bytes, Entry], connections: int) -> None:
    """Merge index files when they are many, and delete those whose time has come.

    `listing` is what the remote had at the last sync. Raises `RemoteError` and
    `CorruptError`; whatever happens, no file that is not superseded is touched.
    """
    superseded = state.superseded()
    small = [
        name
        for name, entry in sorted(listing.items(), key=lambda pair: pair[1].size)
        if entry.size < _SMALL and name not in superseded
    ]
    if len(small) > MANY:
        _merge(backend, state, _first(small, listing), superseded, listing, connections)
    for name in removable(listing, superseded):
        backend.delete(index_key(name))


def removable(listing: dict[bytes, Entry], superseded: dict[bytes, set[bytes]]) -> list[bytes]:
    """Index files whose successor has been there for long enough."""
    now = time.time()
    return [
        name
        for name, successors in superseded.items()
        if name in listing
        and any(
            successor in listing and now - listing[successor].modified >= GRACE
            for successor in successors
        )
    ]


def _first(names: list[bytes], listing: dict[bytes, Entry]) -> list[bytes]:
    chosen, size = [], 0
    for name in names:
        size += listing[name].size
        if size > _AT_ONCE:
            break
        chosen.append(name)
    return chosen


def _merge(
    backend: Backend,
    state: State,
    names: list[bytes],
    superseded: dict[bytes, set[bytes]],
    listing: dict[bytes, Entry],
    connections: int,
) -> None:
    # From the files themselves and not from the database: what is merged replaces the truth.
    data: dict[bytes, bytes] = {}
    for done in in_parallel(
        connections, lambda name: fetch_index(backend, name, listing[name].size), names
    ):
        if done.result is None:
            raise done.error or RuntimeError("a task without an end")
        data[done.tag] = done.result
    # In the order of their names, so that two who merge at once write the same file.
    merged = _join([index_file.decode(data.pop(name), name) for name in sorted(data)])
    # What the merged ones had superseded must not come back when they are gone.
    earlier = [old for old, by in superseded.items() if old in listing and not by.isdisjoint(names)]
    merged.supersedes.extend(sorted({*names, *earlier}))
    name, encoded = index_file.encode(merged)
    backend.put(index_key(name), encoded)
    state.ingest(name, merged)


def _join(parts: list[index_file.Index]) -> index_file.Index:
    """All that `parts` tell, each file once, at a place that is possible if there is one."""
    packs: dict[bytes, int] = {}
    files: dict[Oid, StoredFile] = {}
    doubtful: list[StoredFile] = []
    hooks: set[tuple[int, bytes]] = set()
    for part in parts:
        for name, size in part.packs.items():
            if packs.setdefault(name, size) != size:
                raise CorruptError(f"two index files differ about pack {name.hex()[:10]}")
        hooks.update(part.hooks)
        for file in part.files:
            if is_possible(file, part.packs):
                files.setdefault(file.oid, file)
            else:
                doubtful.append(file)
    for file in doubtful:
        files.setdefault(file.oid, file)
    return index_file.Index(packs, sorted(hooks), list(files.values()), [])
