"""Deleting from a remote what nothing needs, in two steps, while others push and fetch.

The first step moves what is needed out of packs that are mostly dead, and
then *dooms* packs: a list of them stands among the index files, and from then on
no upload refers to one of them or takes for stored what is only there. The
second one, of a later run and when the grace is over, deletes those that are
still not needed. A pack that was doomed stays so: what turns out to be needed in it
is moved. So it does not matter how many collections run at once, nor where one
is killed. See "Collection" in docs/design.md for why nothing is lost.
"""

from __future__ import annotations

import os
import time
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import RemoteError
from git_mlvers.remote import doom
from git_mlvers.remote.layout import GC, PACKS, USERS, doom_key, named_packs, user_name
from git_mlvers.remote.live import Count, live
from git_mlvers.remote.move import Mover
from git_mlvers.remote.sweep import Swept, sweep
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_mlvers.backend.base import Backend, Entry
    from git_mlvers.oid import Oid
    from git_mlvers.progress import Progress
    from git_mlvers.remote.state import State
    from git_mlvers.remote.sync import Listing

SHARE = 0.5
"""A pack of which less is needed is repacked."""

_MAX_USER = 64 << 10
_DAY = 24 * 3600.0


class Fate(Enum):
    """What becomes of a pack."""

    STAYS = "stays"
    DEAD = "dead"
    """Nothing of it is needed: it is doomed."""
    SPARSE = "sparse"
    """Little of it is needed: that is moved, and the pack is doomed."""
    WANTED = "wanted"
    """It was doomed, and something of it is needed after all: that is moved."""
    AGAIN = "again"
    """It was doomed, and written or named since: its grace begins anew."""
    WAITING = "waiting"
    """It was doomed, and its grace is not over."""
    OVER = "over"
    """It was doomed, and its grace is over: it is deleted."""


class Plan(NamedTuple):
    """What a collection is about to do; packs by their raw names, sizes in bytes."""

    now: float
    """The time of the store, in seconds since 1970."""
    packs: dict[bytes, Entry]
    """All packs that are on the remote."""
    needed: Count
    """Files that are needed, of those that the index lists."""
    idle: Count
    """Files that the index lists and nothing needs."""
    held: dict[bytes, int]
    """Bytes of each pack that are needed."""
    doomed: dict[bytes, float]
    """When each doomed pack was doomed, in seconds since 1970."""
    named: set[bytes]
    """Doomed packs that index files name."""
    fates: dict[bytes, Fate]
    """What becomes of each pack that is there."""

    def of(self, *fates: Fate) -> set[bytes]:
        """The packs with one of these fates."""
        return {name for name, fate in self.fates.items() if fate in fates}

    def total(self, *fates: Fate) -> Count:
        """How many packs with one of these fates there are, and their size."""
        return self.sized(self.of(*fates))

    def sized(self, packs: Collection[bytes]) -> Count:
        """How many `packs` there are, and their size."""
        return Count(len(packs), sum(self.packs[name].size for name in packs))


class Collected(NamedTuple):
    """What a collection has done. Sizes in bytes."""

    doomed: Count
    """Packs that are doomed from now on."""
    moved: Count
    """Files that were moved, and what was sent for that."""
    swept: Swept
    unreadable: list[bytes]
    """Packs that stay since what is needed of them cannot be read."""


class Collector:
    """Collects on one remote, whose index in `state` is that of `listing`."""

    def __init__(
        self,
        backend: Backend,
        state: State,
        connections: int,
        progress: Progress,
        listing: Listing,
    ) -> None:
        self._backend = backend
        self._state = state
        self._connections = connections
        self._progress = progress
        self._listing = listing

    def users(self) -> dict[bytes, bytes]:
        """What the remote was told of those who use it, by raw name."""
        try:
            found = [(user_name(entry.key), entry) for entry in self._backend.list(USERS)]
        except KeyMissing:
            return {}
        users: dict[bytes, bytes] = {}
        keys = {name: entry.key for name, entry in found if name is not None}
        for done in in_parallel(
            self._connections, lambda name: self._backend.get(keys[name], 0, _MAX_USER), keys
        ):
            if done.error is not None and not isinstance(done.error, KeyMissing):
                raise done.error
            users[done.tag] = done.result or b""
        return users

    def forget_user(self, name: bytes) -> None:
        """Let a collection no longer ask for this user."""
        self._backend.delete(USERS + name.hex())

    def uploaded_since(self, since: float) -> set[Oid]:
        """The files of index files that were written after `since` (seconds since 1970)."""
        entries = self._listing.entries.items()
        return self._state.listed_in(name for name, e in entries if e.modified >= since)

    def plan(
        self,
        needed: Collection[Oid],
        grace: float,
        since: float | None = None,
        *,
        dry_run: bool = False,
    ) -> Plan:
        """Decide about every pack; nothing on the remote changes, and nothing is written
        but, unless it is a `dry_run`, an object that tells the time of the store.

        `needed` is what must stay. A pack written within the grace, or after `since` (seconds
        since 1970), stays in any case. `grace` is how long a doomed pack is left, in seconds.
        """
        now = time.time() if dry_run else _now(self._backend)
        oldest = now - grace if since is None else min(since, now - grace)
        packs = dict(named_packs(self._backend.list(PACKS)))
        doomed = self._doomed_at()
        found = live(self._state, needed, packs, doomed)
        held = {name: found.held(name) for name in packs}
        naming = self._state.naming(doomed)
        named = {pack for some in naming.values() for pack in some}
        plan = Plan(now, packs, found.needed, found.idle, held, doomed, named, {})
        aside = self._state.set_aside()
        renewing = self._named_since(naming, doomed)
        for name, entry in packs.items():
            if name in doomed:
                renewed = entry.modified > doomed[name] or name in renewing
                fate = _of_doomed(held[name], renewed, now - doomed[name] >= grace)
            elif entry.modified >= oldest:
                fate = Fate.STAYS
            else:
                fate = _of_old(held[name], entry.size, name in aside)
            plan.fates[name] = fate
        return plan

    def carry_out(self, plan: Plan, needed: Collection[Oid], grace: float) -> Collected:
        """Do what `plan` says; may be stopped at any point, and done again."""
        mover = Mover(self._backend, self._state, self._connections, self._progress)
        leaving = plan.of(Fate.DEAD, Fate.SPARSE, Fate.WANTED)
        places = {name: plan.packs[name] for name in plan.fates if plan.fates[name] != Fate.OVER}
        if leaving:
            self._progress.start("Repacking", len(leaving), plan.sized(leaving).size)
            try:
                mover.run(needed, places, leaving)
            finally:
                self._progress.finish()
        going = plan.of(Fate.DEAD, Fate.SPARSE) - mover.unreadable
        self._doom(going | plan.of(Fate.WANTED, Fate.AGAIN), plan.now)
        over = {name: plan.doomed[name] for name in plan.of(Fate.OVER)}
        swept = sweep(
            self._backend, self._state, self._connections, over, plan.packs, self._listing
        )
        self._tidy(plan, grace)
        moved = Count(mover.files, mover.sent)
        return Collected(plan.sized(going), moved, swept, sorted(mover.unreadable))

    def _doomed_at(self) -> dict[bytes, float]:
        """When each doomed pack was doomed the last time."""
        times: dict[bytes, float] = {}
        for name, entry in self._listing.dooms.items():
            for pack in self._state.doomed(name):
                times[pack] = max(times.get(pack, 0.0), entry.modified)
        return times

    def _named_since(
        self, naming: dict[bytes, set[bytes]], doomed: dict[bytes, float]
    ) -> set[bytes]:
        """Doomed packs that an upload has named after they were doomed."""
        rewritten = {name for by in self._state.superseded().values() for name in by}
        named = set()
        for index, packs in naming.items():
            entry = self._listing.entries.get(index)
            if entry is not None and index not in rewritten:
                named |= {pack for pack in packs if entry.modified > doomed[pack]}
        return named

    def _doom(self, packs: set[bytes], now: float) -> None:
        if packs:
            name, data = doom.encode(packs, now)
            self._backend.put(doom_key(name), data)
            self._state.take_doom(name, packs)

    def _tidy(self, plan: Plan, grace: float) -> None:
        """Delete the lists of packs that are long gone and that no index file names."""
        for name, entry in self._listing.dooms.items():
            packs = self._state.doomed(name)
            gone = packs.isdisjoint(plan.packs) and packs.isdisjoint(plan.named)
            if gone and plan.now - entry.modified >= 2 * grace:
                self._backend.delete(doom_key(name))
        for entry in list(self._backend.list(GC)):
            if plan.now - entry.modified > _DAY:
                self._backend.delete(entry.key)


def _of_doomed(held: int, renewed: bool, over: bool) -> Fate:
    """What becomes of a doomed pack of which `held` bytes are needed."""
    if held:
        return Fate.WANTED
    if renewed:
        return Fate.AGAIN
    return Fate.OVER if over else Fate.WAITING


def _of_old(held: int, size: int, aside: bool) -> Fate:
    """What becomes of a pack of `size` bytes of which `held` are needed, damaged when `aside`."""
    if not held:
        return Fate.DEAD
    return Fate.SPARSE if held < SHARE * size and not aside else Fate.STAYS


def _now(backend: Backend) -> float:
    """What time it is for the store, which tells when its objects were written.

    Raises `RemoteError` for one that does not: every pack would look as if it was old.
    """
    key = GC + os.urandom(8).hex()
    backend.put(key, b"")
    entry = backend.stat(key)
    backend.delete(key)
    if entry is None or entry.modified <= 0:
        raise RemoteError(
            f"{backend.url} does not tell when its objects were written,"
            " so it is not known what is old enough to be deleted"
        )
    return entry.modified
