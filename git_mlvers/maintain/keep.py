"""Which content must stay in the cache, and why.

Only what is kept for its own sake is found here. Content that no remote has is
kept too, but that is for the caller, who asks the remote.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_mlvers.git import catfile, refs, scan
from git_mlvers.git.command import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.git.roots import Roots
    from git_mlvers.oid import Oid

CURRENT = "checked out or staged"
STASHED = "stashed"
UNFINISHED = "needed to finish or undo an operation"
UNPUSHED = "in commits that are not pushed"
RECENT = "in recent commits"

_REMOTE_TRACKING = "refs/remotes/"
_DAY = 86400


def kept(repo: Repository, recent_days: float) -> dict[Oid, str]:
    """The oids that must stay, each with the first reason that applies.

    All worktrees count, with their indexes and what they have left unfinished.
    So do the whole trees of commits of the last `recent_days` days on any ref,
    and every version in commits that no remote-tracking ref reaches.
    """
    roots = scan.all_roots(repo)
    reasons: dict[Oid, str] = {}
    for reason, oids in (
        (CURRENT, _current(repo, roots)),
        (STASHED, _in_trees(repo, roots.stashes)),
        (UNFINISHED, _in_trees(repo, roots.states)),
        (UNPUSHED, _unpushed(repo, roots)),
        (RECENT, _in_trees(repo, _recent(repo, roots, recent_days))),
    ):
        for oid in oids:
            reasons.setdefault(oid, reason)
    return reasons


def pushed(repo: Repository) -> set[Oid]:
    """The oids that commits reach which git remotes had when they were last talked to."""
    tips = [ref.oid for ref in refs.for_each_ref(repo, _REMOTE_TRACKING)]
    return {found.pointer.oid for found in scan.pointers(repo, tips)}


def _current(repo: Repository, roots: Roots) -> Iterator[Oid]:
    yield from _in_trees(repo, roots.heads)
    for path in roots.indexes:
        for entry in scan.index_pointers(repo, index_path=path, unmerged=True):
            yield entry.pointer.oid


def _unpushed(repo: Repository, roots: Roots) -> Iterator[Oid]:
    remote: list[str] = []
    local: list[str] = []
    for ref in refs.for_each_ref(repo):
        (remote if ref.name.startswith(_REMOTE_TRACKING) else local).append(ref.oid)
    tips = dict.fromkeys([*local, *roots.heads, *roots.states])
    for found in scan.pointers(repo, list(tips), remote):
        yield found.pointer.oid


def _recent(repo: Repository, roots: Roots, days: float) -> list[str]:
    """The commits of the last `days` days that any ref or worktree reaches.

    All history is looked at: a wrong clock must not hide the commits behind it.
    """
    tips = dict.fromkeys([*roots.refs, *roots.heads])
    if days <= 0 or not tips:
        return []
    since = max(0, int(time.time() - days * _DAY))
    listed = repo.git(
        *("rev-list", f"--since-as-filter=@{since} +0000", "--ignore-missing", "--stdin"),
        input=joined(tips),
    )
    return listed.decode("ascii").split()


def _in_trees(repo: Repository, ids: Iterable[str]) -> Iterator[Oid]:
    """The oids in the trees of the commits `ids`, without their history."""
    for found in scan.pointers(repo, _trees(repo, list(ids))):
        yield found.pointer.oid


def _trees(repo: Repository, ids: Sequence[str]) -> list[str]:
    """What to list instead of `ids`: the tree of a commit; tags and plain objects as they are."""
    found = catfile.infos(repo, ids)
    return [
        f"{oid}^{{tree}}" if info is not None and info.type == "commit" else oid
        for oid, info in zip(ids, found, strict=True)
        if info is not None
    ]
