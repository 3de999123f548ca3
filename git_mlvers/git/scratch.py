"""Indexes beside the user's own one: to name what stands in the working tree, and to make trees.

Git names content by putting it into an index. Here that is a copy, so that
what the user has staged stays as it is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.fsutil import remove_quietly, temp_path
from git_mlvers.git.command import GitError, zsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_mlvers.git.repository import Repository

_IGNORED = 1  # what `git add` exits with when some of the paths are ignored
_MANY = 64
_CONFIG = ("-c", "core.splitIndex=false", "-c", "advice.addEmbeddedRepo=false")


class Entry(NamedTuple):
    """One entry of an index: `mode` as git writes it, the hex id, the path from the top."""

    mode: bytes
    oid: str
    path: str


class ScratchIndex:
    """The index in the file `path`, which need not be there yet."""

    def __init__(self, repo: Repository, path: str) -> None:
        self._repo = repo
        self._env = {"GIT_INDEX_FILE": path}
        self.path = path

    def add(self, paths: Iterable[str], *, force: bool = False) -> None:
        """Let the index say of `paths`, which must exist, what stands in the working tree.

        What is ignored is left out without a word, unless `force`. Raises `GitError`.
        """
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        if not names:
            return
        options = ("-A", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul")
        words = (*_CONFIG, "--literal-pathspecs", "add", *options, *(("-f",) if force else ()))
        try:
            self._repo.git(*words, input=names, env=self._env)
        except GitError as error:
            if error.returncode != _IGNORED or force:
                raise

    def update(self) -> None:
        """Let the index say of all that it has what stands in the working tree, or does not.

        Raises `GitError`.
        """
        self._repo.git(*_CONFIG, "add", "-u", "--", ".", env=self._env)

    def entries(self, paths: Sequence[str]) -> list[Entry]:
        """What the index has at and below `paths`, sorted by path."""
        if not paths or not os.path.exists(self.path):
            return []
        # Git compares each entry with each path: with many, all entries are had sooner.
        some = paths if len(paths) <= _MANY else ()
        said = self._repo.git(
            *("--literal-pathspecs", "ls-files", "-s", "-z", "--full-name", "--"),
            *some,
            env=self._env,
        )
        found = []
        for record in said.split(b"\0"):
            if record:
                info, _, path = record.partition(b"\t")
                mode, oid, stage = info.split(b" ")
                if stage == b"0":
                    found.append(Entry(mode, oid.decode("ascii"), os.fsdecode(path)))
        return found


def write_tree(repo: Repository, entries: Iterable[Entry]) -> str:
    """The hex id of a tree that holds just `entries`; it is written."""
    lines = b"".join(
        b"%b %b\t%b\0" % (entry.mode, entry.oid.encode("ascii"), os.fsencode(entry.path))
        for entry in entries
    )
    path = temp_path(repo.git_dir, "mlvers-index-")
    env = {"GIT_INDEX_FILE": path}
    try:
        repo.git("update-index", "-z", "--index-info", input=lines, env=env)
        return repo.git("write-tree", env=env).strip().decode("ascii")
    finally:
        remove_quietly(path)


def tree_entries(repo: Repository, treeish: str, paths: Sequence[str] = ()) -> list[Entry]:
    """What the tree `treeish` has at and below `paths` (all without any); empty without it."""
    said = repo.git(
        *("--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", treeish, "--"),
        *paths,
        check=False,
    )
    found = []
    for record in zsplit(said):
        info, _, path = record.partition(b"\t")
        mode, _, oid = info.split(b" ")
        found.append(Entry(mode, oid.decode("ascii"), os.fsdecode(path)))
    return found
