"""What stands in the working tree and the index, kept under refs before something replaces it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.experiments import snapshot
from git_mlvers.git import refs as git_refs
from git_mlvers.git.command import zsplit
from git_mlvers.git.scratch import tree_entries
from git_mlvers.pipeline.keep import REFS as KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_mlvers.git.repository import Repository


class Kept(NamedTuple):
    """The refs of the trees: the files, and the index if it is another one and without conflicts.

    `changed` says whether files or index differ from the commit that is checked out.
    """

    refs: Sequence[str]
    changed: bool

    @property
    def command(self) -> str:
        """What brings files and index back, wherever it is given."""
        return way_back(self.refs)


def way_back(refs: Sequence[str]) -> str:
    """The command that brings back what `put` has put under `refs`."""
    words = [f"git restore --source={refs[0]} --worktree -- :/"]
    words += [f"git read-tree {ref}" for ref in refs[1:]]
    return " && ".join(words)


def keep(repo: Repository, label: str, *, forced: Iterable[str] = ()) -> Kept:
    """Keep all files, also ``forced`` ones that are ignored, and the index; raises `GitError`."""
    names = put(repo, label, forced=forced)
    head = git_refs.head(repo)
    tree = None if head is None else git_refs.resolve(repo, head, "tree")
    return Kept(list(names), any(oid != tree for oid in names.values()))


def put(repo: Repository, label: str, *, forced: Iterable[str] = ()) -> dict[str, str]:
    """The refs made for the files and, without conflicts in it, the index, and their trees."""
    taken = snapshot.take(repo, index=True, forced=forced)
    at = f"{KEPT}before-{label}-{taken.tree[:10]}"
    names = {f"{at}/files": taken.tree}
    if taken.staged is not None:
        names[f"{at}/index"] = taken.staged
    lines = (f"update {ref} {oid}\n" for ref, oid in names.items())
    repo.git("update-ref", "--stdin", input="".join(lines).encode())
    return names


def in_the_way(repo: Repository, commit: str) -> list[str]:
    """Files of `commit` at whose paths something stands here that is not tracked."""
    said = repo.git("ls-files", "-z", "--cached", "--full-name", "--", ":/")
    tracked = {os.fsdecode(name) for name in zsplit(said)}
    return [
        entry.path
        for entry in tree_entries(repo, commit)
        if entry.path not in tracked and os.path.lexists(os.path.join(repo.top, entry.path))
    ]
