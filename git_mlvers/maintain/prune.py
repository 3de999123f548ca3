"""Deleting from the cache what a remote has and nobody here needs at present.

Nothing is deleted that is not on the remote, so nothing can be lost, whatever
happens at the same time: content that somebody adds again while it is being
deleted is on the remote like all of it, and is downloaded when it is wanted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import UsageError
from git_mlvers.maintain import keep
from git_mlvers.pointer import Pointer

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_mlvers.cache import Removed
    from git_mlvers.config import RemoteSettings
    from git_mlvers.oid import Oid
    from git_mlvers.workspace import Workspace

NOT_ON_REMOTE = "not on the remote"
NOT_PUSHED = "in no commit that a git remote has"
_DEAD_SHARE = 0.2


class SharedCache(UsageError):
    """The cache is used by other repositories, whose needs are not known here."""


class Plan(NamedTuple):
    """What goes, and what stays for which reason, as it was `when` (seconds since the epoch)."""

    doomed: list[Pointer]
    kept: dict[str, list[Pointer]]
    when: float


def plan(workspace: Workspace, remote: RemoteSettings | None, recent_days: float) -> Plan:
    """Decide about all content in the cache; nothing is changed.

    Content goes only when `remote` says that it has it. Without a remote it
    must be reachable from a remote-tracking ref, and so was once pushed.
    Raises `RemoteError` when the remote cannot be asked.
    """
    when = time.time()
    reasons = keep.kept(workspace.repo, recent_days)
    cached = [Pointer(oid, size) for oid, size in workspace.cache]
    candidates = [pointer.oid for pointer in cached if pointer.oid not in reasons]
    if remote is not None:
        absent: Collection[Oid] = workspace.remote(remote).missing(candidates)
        reasons.update(dict.fromkeys(absent, NOT_ON_REMOTE))
    else:
        safe = keep.pushed(workspace.repo)
        reasons.update({oid: NOT_PUSHED for oid in candidates if oid not in safe})
    found = Plan([], {}, when)
    for pointer in cached:
        reason = reasons.get(pointer.oid)
        place = found.doomed if reason is None else found.kept.setdefault(reason, [])
        place.append(pointer)
    return found


def carry_out(workspace: Workspace, decided: Plan) -> Removed:
    """Delete what is doomed, except what was added, or added again, since `decided` was made.

    For small files the cache does not know that moment to better than some
    minutes, and spares them too. What killed processes left behind a day ago
    goes as well. It may be stopped at any point: what is deleted is deleted,
    the rest is whole.
    """
    cache = workspace.cache
    removed = cache.remove((item.oid for item in decided.doomed), before=decided.when)
    cache.compact(_DEAD_SHARE)
    cache.clean_temps()
    return removed


def check_alone(workspace: Workspace) -> None:
    """Raise `SharedCache` when other repositories may use the same cache."""
    shared = workspace.config.cache_dir
    if shared is not None:
        raise SharedCache(
            f"the cache {shared} may be used by other repositories, and what they need"
            " is not known here",
            "--force deletes nevertheless; what is deleted they download when they need it",
        )
