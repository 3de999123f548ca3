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
_FETCH = (
    # What git itself runs for a promised object (promisor-remote.c, fetch_objects) …
    *("-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags"),
    *("--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance"),
)
# … and the one difference for a tree, which git has and would not fetch again.
_SMALL = ("--refetch", f"--filter=blob:limit={MAX_SIZE + 1}")


def present(repo: Repository, oids: Collection[str]) -> set[str]:
    """Those of the full hex ids `oids` whose objects are here; nothing is fetched."""
    if not oids:
        return set()
    found = repo.git(*_PRESENT, input=joined(oids)).decode("ascii").split()
    return set(oids).intersection(found)


def bring_small(repo: Repository, tree: str) -> bool:
    """Fetch the blobs of `tree` (hex id) that may be pointers, all at once; whether that worked.

    The tree is asked for with a filter on the size of blobs, since nobody here
    knows how large an absent blob is. Its larger blobs stay where they are.
    """
    return any(_fetch(repo, git_remote, *_SMALL, tree) for git_remote in promisors(repo))


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


def _fetch(repo: Repository, git_remote: str, *args: str) -> bool:
    try:
        options = [word for word in args if word.startswith("--")]
        wanted = [word for word in args if not word.startswith("--")]
        repo.git(*_FETCH, *options, "--", git_remote, *wanted)
    except GitError:
        return False
    return True
