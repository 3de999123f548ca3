"""Objects that a partial clone has not, because a git remote promised to have them.

Most of git's commands fetch such an object as soon as they touch it, one by
one, each with a connection of its own. So whatever touches many objects asks
here first which are present, and brings what it needs in one go.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.git.command import GitError, joined
from git_mlvers.pointer import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_mlvers.git.repository import Repository

_PRESENT = (
    # "--missing" keeps this git from fetching; "--ignore-missing" from minding.
    *("rev-list", "--objects", "--no-object-names", "--no-walk", "--ignore-missing"),
    # The filter keeps it from walking into trees.
    *("--missing=allow-any", "--filter=tree:0", "--stdin"),
)
# What git itself runs for a promised object (promisor-remote.c, fetch_objects).
_FETCH = (
    *("-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags"),
    *("--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance"),
)
_FETCH_THESE = (*_FETCH, "--filter=blob:none")
_FETCH_SMALL = (
    *_FETCH,
    # A tree that git has it would not fetch again.
    *("--refetch", f"--filter=blob:limit={MAX_SIZE + 1}"),
)


def present(repo: Repository, oids: Collection[str]) -> set[str]:
    """Those of the full hex ids `oids` whose objects are here; nothing is fetched."""
    absent, here = set(oids), set[str]()
    # A tree is not listed beside the commit that it belongs to: ask again for what is left.
    while absent:
        listed = repo.git(*_PRESENT, input=joined(absent)).decode("ascii").split()
        found = absent.intersection(listed)
        if not found:
            break
        here |= found
        absent -= found
    return here


def bring_small(repo: Repository, tree: str) -> bool:
    """Fetch the blobs of `tree` (hex id) that may be pointers, all at once; whether that worked.

    The tree is asked for with a filter on the size of blobs, since nobody here
    knows how large an absent blob is. Its larger blobs stay where they are.
    """
    try:
        require_small(repo, tree)
    except GitError:
        return False
    return True


def require_small(repo: Repository, tree: str) -> None:
    """The same as `bring_small`; raises `GitError` when no promisor gives them."""
    *others, last = promisors(repo) or ["origin"]
    for git_remote in others:
        try:
            repo.git(*_FETCH_SMALL, "--", git_remote, tree)
        except GitError:
            continue
        return
    repo.git(*_FETCH_SMALL, "--", last, tree)


def bring(repo: Repository, git_remote: str, oids: Collection[str]) -> bool:
    """Fetch the objects with the full hex ids `oids` from `git_remote`, all at once; whether
    that worked."""
    try:
        repo.git(*_FETCH_THESE, git_remote, "--stdin", input=joined(oids))
    except GitError:
        return False
    return True


def promisors(repo: Repository) -> list[str]:
    """The names of the git remotes that promised objects."""
    listed = repo.git(
        *("config", "-z", "--type=bool", "--get-regexp", r"^remote\..*\.promisor$"), check=False
    )
    pairs = (os.fsdecode(entry).partition("\n") for entry in listed.split(b"\0") if entry)
    return [
        key.removeprefix("remote.").removesuffix(".promisor")
        for key, _, value in pairs
        if value == "true"
    ]
