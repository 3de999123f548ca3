"""Many small packs become one, and packs that nothing needs any more are deleted in time."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.git import refs
from git_mlvers.git.command import GitError
from git_mlvers.serverless import layout, packing, shallow
from git_mlvers.serverless.manifest import Manifest, Pack, Retired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.backend.base import Entry
    from git_mlvers.git.repository import Repository
    from git_mlvers.serverless.local import Local
    from git_mlvers.serverless.packing import Built
    from git_mlvers.serverless.store import Loaded, Store

MANY = 50
"""After a push that leaves the packs of more changes than this, some of them are joined."""

GRACE = 7 * 24 * 3600
"""So long a pack stays after the last manifest that named it, for those who read that. Seconds."""

_FACTOR = 2


class Consolidated(NamedTuple):
    """What came of it: how many packs of how many bytes were replaced, by how many, and the state.

    All sizes are in bytes.
    """

    replaced: int
    before: int
    size: int
    state: Loaded


def consolidate(
    store: Store,
    repo: Repository,
    local: Local,
    state: Loaded,
    *,
    everything: bool = False,
    thrifty: bool = False,
    now: float | None = None,
) -> Consolidated | None:
    """Put one pack in place of those that `to_join` gives.

    The objects are taken from `repo`. ``None`` when there is nothing to gain,
    when `repo` has not all of them, or when somebody else changed the state
    meanwhile: then nothing has changed and the next one may have more luck.
    """
    manifest = state.manifest
    if manifest is None:
        return None
    old = to_join(manifest, everything=everything, thrifty=thrifty)
    if not old:
        return None
    keep = len(manifest.packs) - len(old)
    tips = set(manifest.refs.values())
    # git would pack what such a clone has, and take it for all that there is.
    if repo.partial or shallow.boundary(repo) or refs.existing(repo, tips) != tips:
        return None
    at = int(time.time() if now is None else now)
    without = refs.existing(repo, (tip for pack in manifest.packs[:keep] for tip in pack.tips))
    try:
        with packing.build(repo, local, tips, without) as built:
            packing.upload(store, built)
            swap = store.swap(state, _joined(state, manifest, keep, built, at))
    except GitError:
        return None  # a clone that has lost objects
    if not swap.won:
        return None
    store.keep_history(state)
    local.remember(
        (pack.id for pack in built), swap.now.manifest.pack_ids if swap.now.manifest else ()
    )
    before, size = (sum(pack.size for pack in packs) for packs in (old, built))
    return Consolidated(len(old), before, size, swap.now)


def to_join(
    manifest: Manifest, *, everything: bool = False, thrifty: bool = False
) -> tuple[Pack, ...]:
    """The packs that one should stand for: the small ones at the end, or all if `everything`.

    Of all there may be a single one, which is then made anew: without what no
    ref needs any more. If `thrifty`, a large pack stays as it is even when just
    one follows, for who comes often and not only when there are `MANY`.
    """
    packs = manifest.packs
    if everything:
        return packs
    old = packs[_kept(packs, 1 if thrifty else 2) :]
    # What was too large for one pack was made as several at once; it would be so again.
    return old if len({pack.generation for pack in old}) > 1 else ()


def sweep(
    store: Store, state: Loaded, *, grace: float = GRACE, now: float | None = None
) -> list[Entry]:
    """Delete what `superseded` finds; what was deleted."""
    oldest = _oldest(grace, now)
    gone = []
    for entry in superseded(store, state, grace=grace, now=now):
        again = store.backend.stat(entry.key)
        # Somebody may just have written it anew, to name it again.
        if again is not None and again.modified <= oldest:
            store.backend.delete(entry.key)
            gone.append(entry)
    return gone


def superseded(
    store: Store, state: Loaded, *, grace: float = GRACE, now: float | None = None
) -> list[Entry]:
    """What nothing has named for `grace` seconds.

    What the `state`, or the one at the end of the look around, names is never
    in it, nor what a state of the last `grace` seconds named, nor what was
    written since.
    """
    oldest = _oldest(grace, now)
    found = [entry for entry in store.backend.list(layout.FOLDER) if entry.modified <= oldest]
    fresh = store.load()
    if state.manifest is None or fresh.manifest is None:
        return []
    spared = state.manifest.pack_ids | fresh.manifest.pack_ids
    spared |= {pack.id for pack in fresh.manifest.retired if pack.at > oldest}
    return [entry for entry in found if _is_old(entry.key, spared, fresh.manifest)]


def after_push(store: Store, repo: Repository, local: Local, state: Loaded) -> None:
    """Tidy up when a push left many packs; whatever goes wrong can wait for the next push."""
    # What was too large for one pack counts once.
    if state.manifest is None or len({p.generation for p in state.manifest.packs}) <= MANY:
        return
    try:
        done = consolidate(store, repo, local, state)
        if done is not None:
            sweep(store, done.state)
    except MlversError:
        return


def _oldest(grace: float, now: float | None) -> float:
    return (time.time() if now is None else now) - grace


def _kept(packs: Sequence[Pack], least: int) -> int:
    """How many packs at the beginning stay: those larger than all that follow, by a factor.

    The packs of one change count as one. Those of at least `least` changes must follow.
    So each byte is written again only a number of times that grows like the
    logarithm of the repository's size.
    """
    end, followers, following = len(packs), 0, 0
    while end:
        start = end - 1
        while start and packs[start - 1].generation == packs[end - 1].generation:
            start -= 1
        size = sum(pack.size for pack in packs[start:end])
        if followers >= least and size > _FACTOR * following:
            return end
        end, followers, following = start, followers + 1, following + size
    return 0


def _joined(
    state: Loaded, manifest: Manifest, keep: int, built: Sequence[Built], at: int
) -> Manifest:
    """The state with the packs from `keep` on replaced by `built`."""
    last = len(built) - 1
    tips = tuple(sorted(set(manifest.refs.values())))
    kept = manifest.packs[:keep]
    kept_ids = {pack.id for pack in kept}
    ids = kept_ids | {pack.id for pack in built}
    bases = [
        Pack(
            id=pack.id,
            size=pack.size,
            tips=tips if number == last else (),
            thin=pack.thin,
            generation=manifest.generation + 1,
            base=True,
        )
        for number, pack in enumerate(built)
        if pack.id not in kept_ids
    ]
    retired = [Retired(pack.id, at) for pack in manifest.packs[keep:] if pack.id not in ids]
    still = [old for old in manifest.retired if old.at > at - GRACE and old.id not in ids]
    new = manifest._replace(packs=(*kept, *bases), retired=(*still, *retired))
    return new.after(secrets.token_hex(16), state.data)


def _is_old(key: str, spared: set[str], manifest: Manifest) -> bool:
    """Whether an object of the store is ours, and nothing names it."""
    pack = layout.pack_id(key)
    if pack is not None:
        return pack not in spared
    number = layout.number(key)
    if number is not None:
        return number < manifest.generation
    return key.startswith((layout.HISTORY, layout.PROBE))
