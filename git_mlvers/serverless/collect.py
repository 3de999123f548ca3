"""A repository on a store tidied up because somebody asks for it, not along with a push."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.fsutil import remove_quietly
from git_mlvers.git import refs
from git_mlvers.serverless import shallow
from git_mlvers.serverless.consolidate import consolidate, superseded, sweep, to_join
from git_mlvers.serverless.fetch import Fetcher
from git_mlvers.serverless.local import Local
from git_mlvers.serverless.mirror import hydrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_mlvers.backend.base import Entry
    from git_mlvers.git.repository import Repository
    from git_mlvers.serverless.consolidate import Consolidated
    from git_mlvers.serverless.manifest import Manifest
    from git_mlvers.serverless.store import Loaded, Store

_ATTEMPTS = 5


class Collected(NamedTuple):
    """How many packs were joined, their bytes before and after, and what was deleted."""

    packs: int
    before: int
    after: int
    deleted: Sequence[Entry]


NOTHING = Collected(0, 0, 0, ())


def collect(
    store: Store,
    repo: Repository,
    local: Local,
    *,
    everything: bool = False,
    dry_run: bool = False,
    now: float | None = None,
) -> Collected:
    """Join packs of the repository on `store`, all if `everything`, and delete what is superseded.

    The objects are taken from `repo`, and what it lacks is fetched into it. A
    `dry_run` changes nothing and tells what there is to do (`after` is 0 then).
    Raises `BackendError`, `SingleWriter`, `CorruptError` (also when this clone
    knows that there was a repository and now is none), `GitError` and
    `LocalIOError`; and `MlversError` when packs cannot be joined from here.
    """
    store.check_writable()
    state = store.load()
    if state.manifest is None:
        local.check_lost(store.url)
        return NOTHING
    if dry_run:
        old = to_join(state.manifest, everything=everything, thrifty=True)
        size = sum(pack.size for pack in old)
        return Collected(len(old), size, 0, superseded(store, state, now=now))
    done = _join(store, repo, local, state, everything, now)
    gone = sweep(store, state if done is None else done.state, now=now)
    if done is None:
        return NOTHING._replace(deleted=gone)
    return Collected(done.replaced, done.before, done.size, gone)


def _join(
    store: Store,
    repo: Repository,
    local: Local,
    state: Loaded,
    everything: bool,
    now: float | None,
) -> Consolidated | None:
    """Join packs, again when somebody else was faster; ``None`` when there are none to join."""
    for _ in range(_ATTEMPTS):
        manifest = state.manifest
        if manifest is None or not to_join(manifest, everything=everything, thrifty=True):
            return None
        with _whole(store, repo, local, state, manifest) as (source, place):
            done = consolidate(
                store, source, place, state, everything=everything, thrifty=True, now=now
            )
        if done is not None:
            return done
        before, state = state, store.load()
        if state.data == before.data:
            raise MlversError(
                f"the packs of {store.url} cannot be joined from here: this clone lacks objects",
                "git fsck --full tells which; or do it in another clone",
            )
    raise MlversError(f"others kept changing {store.url} meanwhile", "start it once more")


@contextlib.contextmanager
def _whole(
    store: Store, repo: Repository, local: Local, state: Loaded, manifest: Manifest
) -> Iterator[tuple[Repository, Local]]:
    """A repository with all objects of `state`, and what it remembers of `store`."""
    if repo.partial or shallow.boundary(repo) or repo.object_format != manifest.object_format:
        # It cannot have them all, but a copy beside it can: see `mirror`.
        copy = hydrate(store, state, local, manifest.object_format)
        yield copy, Local(copy.common_dir, store.url)
        return
    tips = sorted(set(manifest.refs.values()))
    fetcher = Fetcher(store, repo, local)
    try:
        if refs.existing(repo, tips) != set(tips):
            fetcher.fetch(state, tips)
        yield repo, local
    finally:
        for path in fetcher.keeps:
            remove_quietly(path)
