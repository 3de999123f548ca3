"""What an upload that was cut short left on the remote, and may now be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import CorruptError
from git_mlvers.remote.layout import pack_key
from git_mlvers.remote.pack import Footer, read_tail
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from git_mlvers.backend.base import Backend
    from git_mlvers.remote.model import StoredFile
    from git_mlvers.remote.state import State


def recover(backend: Backend, state: State, connections: int) -> list[tuple[Footer, int]]:
    """The packs of the journal that are on the remote: footer, and size in bytes.

    Costs one request each; those that are gone, or were found damaged since, or
    are going to be deleted, are forgotten. The footers name only files of which
    every pack is there.
    """
    journal = state.journal()
    if not journal:
        return []
    aside = state.set_aside() | state.doomed()
    tails = state.tails(journal)
    there: dict[bytes, Footer] = {}
    gone = set(journal)
    usable = [name for name in journal if name not in aside]
    for done in in_parallel(connections, lambda name: backend.stat(pack_key(name)), usable):
        if done.error is not None:
            raise done.error
        tail = tails.get(done.tag)
        if done.result is None or tail is None or done.result.size != tail.pack_size:
            continue
        try:
            there[done.tag] = read_tail(done.tag, tail.pack_size, tail.tail)
        except CorruptError:
            continue
        gone.discard(done.tag)
    state.forget_packs(sorted(gone))
    return _with_whole_files(state, journal, there, aside)


def _with_whole_files(
    state: State, journal: dict[bytes, int], there: dict[bytes, Footer], aside: set[bytes]
) -> list[tuple[Footer, int]]:
    needed = {term.pack for footer in there.values() for f in footer.files for term in f.terms}
    others = state.pack_sizes(needed - set(there) - aside)

    def whole(file: StoredFile) -> bool:
        return all(term.pack in there or term.pack in others for term in file.terms)

    packs = []
    for name in journal:
        footer = there.get(name)
        if footer is not None:
            files = [file for file in footer.files if whole(file)]
            packs.append((footer._replace(files=files), journal[name]))
    return packs
