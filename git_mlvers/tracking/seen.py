"""Which commits were looked at: what hooks did not see is found by what is not among them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.fsutil import make_dirs, remove_quietly, write_atomic
from git_mlvers.git import refs
from git_mlvers.tracking.news import marks, marks_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.git.repository import Repository

# So many heads are remembered; a commit that none of them reaches is looked at again. Ids.
_MOST = 256
# Of what nobody looked at, so many are made up for by themselves. Commits.
_AT_ONCE = 200


def unseen(repo: Repository) -> list[str]:
    """Commits of the branch that is checked out that were made here and not looked at yet.

    Newest first. What a git remote has is left to those who made it.
    """
    head = refs.head(repo)
    if head is None:
        return []
    done = marks(repo)
    if head in done:
        return []
    known = "".join(f"^{oid}\n" for oid in done)
    said = repo.git(
        *("rev-list", f"--max-count={_AT_ONCE}", "--ignore-missing", "--stdin", head),
        *("--not", "--remotes"),
        input=known.encode(),
    )
    return said.decode("ascii").split()


def mark(repo: Repository, heads: Iterable[str], shared: int | None) -> None:
    """Remember that all that `heads` reach was looked at."""
    kept = list(dict.fromkeys([*heads, *marks(repo)]))[:_MOST]
    make_dirs(os.path.dirname(marks_path(repo)), shared)
    data = "".join(f"{oid}\n" for oid in kept).encode()
    write_atomic(marks_path(repo), data, sync=False, shared=shared)


def mark_all(repo: Repository, shared: int | None) -> None:
    """The same for everything that is here now."""
    named = refs.for_each_ref(repo, "refs/heads/", "refs/tags/")
    head = refs.head(repo)
    mark(repo, [*([head] if head else []), *(ref.oid for ref in named)], shared)


def forget(repo: Repository) -> None:
    """Remove what was remembered."""
    remove_quietly(marks_path(repo))
