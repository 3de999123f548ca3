"""The end of doomed packs: first no index file names them, then they are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.remote import index_file
from git_mlvers.remote.layout import index_key, pack_key
from git_mlvers.remote.live import Count
from git_mlvers.remote.merge import removable
from git_mlvers.remote.strike import replace_indexes
from git_mlvers.remote.sync import sync
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from git_mlvers.backend.base import Backend, Entry
    from git_mlvers.remote.state import State
    from git_mlvers.remote.sync import Listing


class Swept(NamedTuple):
    """What was deleted: packs and their bytes; and how many packs were spared at the end."""

    packs: Count
    spared: int


def sweep(
    backend: Backend,
    state: State,
    connections: int,
    over: Mapping[bytes, float],
    packs: Mapping[bytes, Entry],
    seen: Listing,
) -> Swept:
    """Delete the packs `over`, each with the time at which it was doomed, of all `packs`.

    All index files are read once more before that: a pack that one names which was not
    `seen` when it was decided is spared. So is a pack that was written again.
    """
    now = sync(backend, state, connections)
    for error in (*now.damaged.values(), *now.bad_dooms.values()):
        raise error
    naming = state.naming(over)
    spared = {pack for name in set(naming) - set(seen.entries) for pack in naming[name]}
    going = set(over) - spared
    # Of those that are gone already an index file may have come back, merged by a slow push.
    _strike(backend, state, connections, now.entries, going | _lost(backend, state, packs))

    def delete(name: bytes) -> int | None:
        entry = backend.stat(pack_key(name))
        if entry is not None and entry.modified > over[name]:
            return None
        backend.delete(pack_key(name))
        return packs[name].size

    files, size = 0, 0
    for done in in_parallel(connections, delete, sorted(going)):
        if done.error is not None:
            raise done.error
        if done.result is None:
            spared.add(done.tag)
        else:
            files, size = files + 1, size + done.result
    # A superseded index file stays for a day, for those who have just listed it.
    for name in removable(now.entries, state.superseded()):
        backend.delete(index_key(name))
    return Swept(Count(files, size), len(spared))


def _lost(backend: Backend, state: State, packs: Mapping[bytes, Entry]) -> set[bytes]:
    """Doomed packs that index files name, and that are gone: a listing alone is not believed."""
    naming = state.naming(state.doomed() - set(packs))
    named = {pack for some in naming.values() for pack in some}
    return {pack for pack in named if backend.stat(pack_key(pack)) is None}


def _strike(
    backend: Backend,
    state: State,
    connections: int,
    listing: Mapping[bytes, Entry],
    gone: Collection[bytes],
) -> None:
    """Replace the index files that name packs which are, or are about to be, `gone`."""

    def rest(index: index_file.Index) -> index_file.Index:
        files = [file for file in index.files if not any(term.pack in gone for term in file.terms)]
        packs = {name: size for name, size in index.packs.items() if name not in gone}
        hooks = [(hook, pack) for hook, pack in index.hooks if pack not in gone]
        return index_file.Index(packs, hooks, files, index.supersedes)

    names = [name for name in state.naming(gone) if name in listing]
    for _ in replace_indexes(backend, state, connections, names, listing, rest):
        pass
