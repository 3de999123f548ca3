"""Change refs of a repository on a store: objects first, then the manifest, again if others did."""

from __future__ import annotations

import contextlib
import random
import secrets
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from git_mlvers.errors import RemoteError
from git_mlvers.git import refs
from git_mlvers.git.refs import RefUpdate
from git_mlvers.serverless import packing, shallow
from git_mlvers.serverless.layout import pack_key
from git_mlvers.serverless.manifest import Manifest, Pack
from git_mlvers.serverless.rules import ATOMIC, Judge

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.serverless.local import Local
    from git_mlvers.serverless.packing import Built
    from git_mlvers.serverless.rules import Change
    from git_mlvers.serverless.store import Loaded, Store

TRIES = 40
FIRST_WAIT = 0.05
LONGEST_WAIT = 2.0
"""Pauses after a conflict are random, up to the first, twice that, and so on. Seconds."""


class Busy(RemoteError):
    """Others changed the repository each time that we were about to."""


class Send(Protocol):
    """Brings the content that `updates` need to its place; a reason when that failed."""

    def __call__(self, updates: Sequence[RefUpdate], advertised: Collection[str]) -> str | None:
        """`advertised` are the ids of all refs that the store has."""


class Wishes(NamedTuple):
    """How to push: all or nothing, only as if, and with which branch as the default one."""

    atomic: bool = False
    dry_run: bool = False
    head: str | None = None
    verbose: bool = False


class Pushed(NamedTuple):
    """For each ref ``None`` or why it was rejected, and the state in the end."""

    reasons: dict[str, str | None]
    state: Loaded


class Pusher:
    """Pushes from `repo` to `store`. `local_head` is the branch that is checked out, if any."""

    def __init__(
        self,
        store: Store,
        repo: Repository,
        local: Local,
        send: Send,
        *,
        local_head: str | None = None,
    ) -> None:
        self._store = store
        self._repo = repo
        self._local = local
        self._send = send
        self._local_head = local_head
        self._sent: dict[str, str | None] = {}

    def push(self, listed: Loaded, changes: Sequence[Change], wishes: Wishes) -> Pushed:
        """Make `changes` of the state `listed`, or of what it has become since.

        Raises `Busy`, `SingleWriter`, `BackendError`, `GitError`, `LocalIOError`:
        then nothing was changed, unless the store did not say.
        """
        self._store.check_writable()
        judge = Judge(self._repo, listed.refs)
        attempts: dict[str, dict[str, str | None]] = {}
        state = listed
        seen: tuple[Loaded, set[str]] | None = None
        with contextlib.ExitStack() as files:
            built: list[Built] = []
            again: list[Built] = []
            for attempt in range(TRIES):
                reasons = self._judged(judge, state, changes, wishes)
                todo = [change for change in changes if reasons[change.ref] is None]
                if wishes.dry_run or not _differs(state, todo, wishes.head):
                    return Pushed(reasons, state)
                self._send_content(state, todo, reasons, wishes.atomic)
                todo = [change for change in todo if reasons[change.ref] is None]
                if not _differs(state, todo, wishes.head):
                    return Pushed(reasons, state)
                tips = {change.new for change in todo if change.new}
                if seen is None or not _still_good(seen, state, tips):
                    built = files.enter_context(self._built(state, tips, wishes.verbose))
                    again = packing.upload(self._store, built)
                    seen = (state, tips)
                mark = secrets.token_hex(16)
                attempts[mark] = reasons
                swap = self._store.swap(state, self._next(state, todo, built, tips, mark, wishes))
                if swap.won:
                    self._make_sure(again)
                    return self._done(Pushed(reasons, swap.now))
                state = swap.now
                for mark, earlier in attempts.items():
                    if state.has(mark):  # a write that seemed lost arrived late
                        return self._done(Pushed(earlier, state))
                time.sleep(random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)))
        raise Busy(f"others push to {self._store.url} all the time", "push again")

    def _judged(
        self, judge: Judge, state: Loaded, changes: Sequence[Change], wishes: Wishes
    ) -> dict[str, str | None]:
        head = state.manifest.head if state.manifest else None
        there = set(state.refs) | {change.ref for change in changes if change.new}
        if wishes.head is not None and wishes.head in there:
            head = wishes.head
        reasons = judge.verdicts(changes, state.refs, head)
        if state.manifest and state.manifest.object_format != self._repo.object_format:
            reasons = dict.fromkeys(reasons, "the repository there has other object ids")
        elif shallow.boundary(self._repo):
            without = self._known(state)
            for change in changes:
                new = change.new
                if not reasons[change.ref] and new and new not in without:
                    hole = shallow.leaves_hole(self._repo, new, without)
                    reasons[change.ref] = shallow.REFUSED if hole else None
        return _atomic(reasons) if wishes.atomic else reasons

    def _send_content(
        self,
        state: Loaded,
        todo: Sequence[Change],
        reasons: dict[str, str | None],
        atomic: bool,
    ) -> None:
        """Bring the content that `todo` need; where that fails, the reason goes to `reasons`."""
        key = repr(sorted((change.ref, change.new or "") for change in todo))
        if key not in self._sent:
            updates = [_update(change, state) for change in todo]
            self._sent[key] = self._send(updates, set(state.refs.values()))
        reason = self._sent[key]
        if reason is not None:
            reasons.update({change.ref: reason for change in todo if change.new})
            if atomic:
                reasons.update(_atomic(reasons))

    def _known(self, state: Loaded) -> set[str]:
        """The ids that refs of `state` name and whose objects are here."""
        return refs.existing(self._repo, state.refs.values())

    def _built(
        self, state: Loaded, tips: set[str], verbose: bool
    ) -> contextlib.AbstractContextManager[list[Built]]:
        known = self._known(state)
        if tips <= known:
            return contextlib.nullcontext([])
        return packing.build(self._repo, self._local, tips, known, verbose=verbose)

    def _next(
        self,
        state: Loaded,
        todo: Sequence[Change],
        built: Sequence[Built],
        tips: set[str],
        mark: str,
        wishes: Wishes,
    ) -> Manifest:
        """The state that is to follow."""
        old = state.manifest or Manifest(self._repo.object_format)
        new_refs, peeled = dict(old.refs), dict(old.peeled)
        for change in todo:
            peeled.pop(change.ref, None)
            if change.new is None:
                new_refs.pop(change.ref, None)
            else:
                new_refs[change.ref] = change.new
                if change.peeled is not None:
                    peeled[change.ref] = change.peeled
        # With several pieces, what the tips reach is complete with the last of them.
        last = len(built) - 1
        news = [
            Pack(
                id=pack.id,
                size=pack.size,
                tips=tuple(sorted(tips)) if n == last else (),
                thin=pack.thin,
                generation=old.generation + 1,
            )
            for n, pack in enumerate(built)
            if pack.id not in old.pack_ids
        ]
        ids = {pack.id for pack in news}
        return old._replace(
            head=wishes.head if wishes.head in new_refs else old.head or self._first_head(todo),
            refs=new_refs,
            peeled=peeled,
            packs=(*old.packs, *news),
            retired=tuple(pack for pack in old.retired if pack.id not in ids),
        ).after(mark, state.data)

    def _first_head(self, todo: Sequence[Change]) -> str | None:
        """The default branch of a repository that has none yet."""
        branches = [c.ref for c in todo if c.new and c.ref.startswith("refs/heads/")]
        for name in (self._local_head, "refs/heads/main", "refs/heads/master"):
            if name in branches:
                return name
        return branches[0] if branches else None

    def _make_sure(self, again: Sequence[Built]) -> None:
        """Packs that had been there before may have been collected as nobody's: look again."""
        for pack in again:
            if self._store.backend.stat(pack_key(pack.id)) is None:
                packing.upload(self._store, [pack])

    def _done(self, pushed: Pushed) -> Pushed:
        manifest = pushed.state.manifest
        assert manifest is not None
        mine = [p.id for p in manifest.packs if p.generation == manifest.generation]
        self._local.remember(mine, manifest.pack_ids)
        return pushed


def _differs(state: Loaded, todo: Sequence[Change], head: str | None) -> bool:
    """Whether `todo` would change anything."""
    if any(state.refs.get(change.ref) != change.new for change in todo):
        return True
    return bool(head and state.manifest and head != state.manifest.head and head in state.refs)


def _still_good(seen: tuple[Loaded, set[str]], state: Loaded, tips: set[str]) -> bool:
    """Whether packs that were built for one state can be named in another one.

    They lack what refs of the first state reached. That is there as long as all
    of its packs are.
    """
    before = seen[0].manifest.pack_ids if seen[0].manifest else set()
    now = state.manifest.pack_ids if state.manifest else set()
    return tips <= seen[1] and before <= now


def _atomic(reasons: dict[str, str | None]) -> dict[str, str | None]:
    """All or nothing: when one is rejected, so are the others."""
    if not any(reasons.values()):
        return reasons
    return {ref: reason or ATOMIC for ref, reason in reasons.items()}


def _update(change: Change, state: Loaded) -> RefUpdate:
    none = "0" * 40
    old = state.refs.get(change.ref, none)
    return RefUpdate(change.source or "(delete)", change.new or none, change.ref, old)
