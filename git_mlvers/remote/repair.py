"""Making the index of a remote anew from what the packs say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.remote.layout import PACKS, named_packs, pack_key
from git_mlvers.remote.model import Problem
from git_mlvers.remote.publish import Pending
from git_mlvers.remote.tails import fetch_tail
from git_mlvers.remote.terms import is_possible
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_mlvers.backend.base import Backend
    from git_mlvers.remote.model import StoredFile
    from git_mlvers.remote.pack import Footer
    from git_mlvers.remote.state import State


def rebuild(
    backend: Backend, state: State, connections: int, damaged: Iterable[bytes]
) -> Iterator[Problem]:
    """List in the index what packs hold and it does not list, in place of `damaged` index files.

    Costs one request for each pack. Packs whose footer cannot be read, and
    those that files in others need and that are gone, come as problems.
    """
    sizes = {name: entry.size for name, entry in named_packs(backend.list(PACKS))}
    pending = Pending(sizes)
    lost: dict[bytes, list[StoredFile]] = {}
    for done in in_parallel(
        connections, lambda name: fetch_tail(backend, name, sizes[name])[1], sorted(sizes)
    ):
        if isinstance(done.error, CorruptError | KeyMissing):
            yield Problem("damaged-pack", pack_key(done.tag), done.error.message, ())
        elif done.result is None:
            raise done.error or RuntimeError("a task without an end")
        else:
            _tell(state, done.result, sizes, pending, lost)
            if pending.large:
                pending.publish(backend, state)
                pending = Pending(sizes)
    # Last of all: what is superseded must have its successors.
    pending.supersedes.extend(sorted(damaged))
    if not pending.empty:
        pending.publish(backend, state)
    for name, files in lost.items():
        oids = tuple(file.oid for file in files)
        yield Problem("missing-pack", pack_key(name), "it is not on the remote", oids)


def _tell(
    state: State,
    footer: Footer,
    sizes: dict[bytes, int],
    pending: Pending,
    lost: dict[bytes, list[StoredFile]],
) -> None:
    """Add the files of one pack that no index lists."""
    name = footer.table.name
    known = state.present(file.oid for file in footer.files)
    new = [file for file in footer.files if file.oid not in known]
    usable = []
    for file in new:
        gone = next((term.pack for term in file.terms if term.pack not in sizes), None)
        if gone is not None:
            lost.setdefault(gone, []).append(file)
        elif is_possible(file, sizes):
            usable.append(file)
    if usable or not state.pack_sizes([name]):
        pending.add(name, sizes[name], footer.hooks, usable)
