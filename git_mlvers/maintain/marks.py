"""Which content must stay on a remote: what refs need, here and on git remotes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.git import refs, scan
from git_mlvers.git.command import joined
from git_mlvers.maintain import copies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.oid import Oid


class Incomplete(MlversError):
    """This clone lacks objects, so that it is not known what it needs."""


def needed(repo: Repository, folder: str, urls: Sequence[str], since: float | None) -> set[Oid]:
    """The oids that anything in `repo`, or any ref of the git remotes at `urls`, needs.

    In `repo` that are all refs, worktrees, indexes, stash entries and unfinished
    operations; commits of the reflogs that are younger than `since` (seconds since 1970)
    as well. `folder` is for copies. Raises `Unread`, `Incomplete` and `GitError`.
    """
    tips = _own_tips(repo, since)
    oids = {found.pointer.oid for found in scan.pointers(repo, tips)}
    for path in scan.all_roots(repo).indexes:
        oids.update(
            e.pointer.oid for e in scan.index_pointers(repo, index_path=path, unmerged=True)
        )
    absent = set(_absent(repo, tips)) if repo.partial else set()
    for url in urls:
        with copies.copied(repo, folder, url) as copy:
            # What is here as well was looked at already.
            known = refs.existing(copy, tips) if copies.lends(repo) else ()
            ids = copies.tips(copy)
            here = refs.existing(copy, absent)
            absent -= here
            oids.update(f.pointer.oid for f in scan.pointers(copy, [*ids, *here], sorted(known)))
    if absent:
        raise Incomplete(
            f"this clone lacks {len(absent)} objects that its refs need and that no git remote"
            " which is looked at has: it is not known what they need, and so nothing is deleted",
            "run it in a clone that has all of its history",
        )
    return oids


def _own_tips(repo: Repository, since: float | None) -> list[str]:
    roots = scan.all_roots(repo)
    tips = [*roots.refs, *roots.heads, *roots.stashes, *roots.states]
    if since is not None and roots.reflogs:
        young = repo.git(
            *("rev-list", "--no-walk=unsorted", f"--since-as-filter=@{int(since)} +0000"),
            *("--ignore-missing", "--stdin"),
            input=joined(roots.reflogs),
        )
        tips += young.decode("ascii").split()
    return list(dict.fromkeys(tips))


def _absent(repo: Repository, tips: Sequence[str]) -> Iterator[str]:
    """The objects that a partial clone has not, of those that `tips` reach."""
    listed = repo.git(
        *("rev-list", "--objects", "--no-object-names", "--missing=print", "--stdin"),
        input=joined(tips),
    )
    for line in os.fsdecode(listed).splitlines():
        if line.startswith("?"):
            yield line[1:]
