"""Making the index of a remote true again: without what is lost, with all that packs hold.

No pack is ever deleted. What is lost has to be pushed again, and can be,
since the index does not list it any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.remote.fsck import Check
from git_mlvers.remote.layout import INDEXES, doom_key, pack_key
from git_mlvers.remote.model import Problem
from git_mlvers.remote.publish import Pending
from git_mlvers.remote.strike import strike
from git_mlvers.remote.table import SET_ASIDE
from git_mlvers.remote.tails import fetch_tail
from git_mlvers.remote.terms import is_possible
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.backend.base import Backend
    from git_mlvers.oid import Oid
    from git_mlvers.progress import Progress
    from git_mlvers.remote.model import StoredFile
    from git_mlvers.remote.pack import Footer
    from git_mlvers.remote.state import State
    from git_mlvers.remote.sync import Listing


class Repair:
    """One repair of a remote whose index is in `state`; `listing` is what the last sync found."""

    def __init__(self, backend: Backend, state: State, connections: int, listing: Listing) -> None:
        self._backend = backend
        self._state = state
        self._connections = connections
        self._listing = listing.entries
        self._bad_dooms = listing.bad_dooms
        self._damaged = set(listing.damaged)
        self._unread: set[bytes] = set()
        self._lost: dict[Oid, bytes | None] = {}

    def run(self, read_data: bool, progress: Progress) -> Iterator[Problem]:
        """Take out of the index what is lost, and list what packs hold and it does not list.

        Costs one request for each pack and each index file; with `read_data`
        all content is read too, and what is damaged counts as lost. Yields a
        problem for each pack (or for the index) by which files are lost.
        """
        check = Check(self._backend, self._state, self._connections, progress)
        for _ in check.run(read_data, everything=True):
            pass
        for file in strike(
            self._backend, self._state, self._connections, self._listing, self._damaged, check
        ):
            self._lost.setdefault(file.oid, check.blamed(file))
        # Neither the journal nor a footer that is kept here may lead back to them.
        self._state.forget_packs(sorted(check.faults))
        # What was set aside earlier, and is not read now, may be damaged anywhere.
        self._unread = set() if read_data else self._state.set_aside()
        yield from self._list(check)
        yield from self._told(check)

    def _list(self, check: Check) -> Iterator[Problem]:
        """List the files of footers that the index lacks; packs that tell nothing are problems."""
        sizes, pending = check.sizes, Pending(check.sizes)
        listed = self._state.pack_sizes()
        names = sorted(name for name in sizes if not _is_cut(name, check))
        for done in in_parallel(
            self._connections, lambda name: fetch_tail(self._backend, name, sizes[name])[1], names
        ):
            if isinstance(done.error, CorruptError | KeyMissing):
                if done.tag not in listed:
                    yield Problem("damaged-pack", pack_key(done.tag), done.error.message, ())
                elif done.tag not in self._state.set_aside():
                    pending.add(done.tag, sizes[done.tag], [SET_ASIDE], [])
            elif done.result is None:
                raise done.error or RuntimeError("a task without an end")
            else:
                self._tell(done.result, check, pending)
                if pending.large:
                    pending.publish(self._backend, self._state)
                    pending = Pending(sizes)
        # Last of all: what is superseded must have its successors.
        pending.supersedes.extend(sorted(self._damaged))
        if not pending.empty:
            pending.publish(self._backend, self._state)
        # Whoever collects dooms anew what has to go; until then its packs are as any others.
        for name in self._bad_dooms:
            self._backend.delete(doom_key(name))

    def _tell(self, footer: Footer, check: Check, pending: Pending) -> None:
        """Add the files of one pack that no index lists."""
        name = footer.table.name
        known = self._state.present(file.oid for file in footer.files)
        usable = []
        for file in footer.files:
            if file.oid in known:
                continue
            blamed = self._blamed(file, check)
            if blamed is not None:
                self._lost.setdefault(file.oid, blamed)
            elif is_possible(file, check.sizes):
                usable.append(file)
        damaged = name in check.faults
        if usable or not self._state.pack_sizes([name]):
            hooks = [SET_ASIDE] if damaged else footer.hooks
            pending.add(name, check.sizes[name], hooks, usable)
        elif damaged and name not in self._state.set_aside():
            pending.add(name, check.sizes[name], [SET_ASIDE], [])

    def _blamed(self, file: StoredFile, check: Check) -> bytes | None:
        """The pack to blame for that `file` cannot be had where a footer says that it is."""
        for term in file.terms:
            if term.pack not in check.sizes or term.pack in self._unread:
                return term.pack
        return check.blamed(file)

    def _told(self, check: Check) -> Iterator[Problem]:
        """What is lost in the end, by what is to blame."""
        found = self._state.present(self._lost)
        lost: dict[bytes | None, list[Oid]] = {}
        for oid, pack in self._lost.items():
            if oid not in found:
                lost.setdefault(pack, []).append(oid)
        for pack, oids in lost.items():
            key = INDEXES.rstrip("/") if pack is None else pack_key(pack)
            if pack is None:
                kind, message = "damaged-file", "the index listed places at which it is not"
            elif pack in check.faults:
                kind, message = check.faults[pack].kind, check.faults[pack].message
            elif pack in check.sizes:
                kind, message = "damaged-pack", "its content is damaged"
            else:
                kind, message = "missing-pack", "it is not on the remote"
            yield Problem(kind, key, message, tuple(oids))


def _is_cut(pack: bytes, check: Check) -> bool:
    return pack in check.faults and check.faults[pack].kind == "wrong-size"
