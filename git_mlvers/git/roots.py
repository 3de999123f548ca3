"""All places from which a repository reaches objects, to know what must be kept."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import refs
from git_mlvers.git.catfile import objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_mlvers.git.repository import Repository

_STATE_FILE = re.compile(r"[A-Z][A-Z_]*")
_NO_STATE = ("HEAD", "FETCH_HEAD")
_STATE_DIRECTORIES = (
    *("rebase-merge", "rebase-apply", "sequencer"),
    # Each worktree has these refs for itself; git lists them for one worktree only.
    *("refs/bisect", "refs/worktree", "refs/rewritten"),
)
_HEX = re.compile(rb"\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b")
_STATE_SIZE = 1 << 20


class Roots(NamedTuple):
    """Where reaching begins, of all worktrees; hex ids of objects, each once in its list."""

    refs: list[str]
    """What branches, tags, remote-tracking refs, notes and all other refs name."""
    heads: list[str]
    """The commits that are checked out."""
    stashes: list[str]
    """The commits of all stash entries: working tree, index and untracked files."""
    states: list[str]
    """What an unfinished merge, rebase, pick or bisect remembers, and ORIG_HEAD."""
    reflogs: list[str]
    """Where refs have been."""
    indexes: list[str]
    """Not ids but paths, absolute: the index of each worktree."""


def all_roots(repo: Repository) -> Roots:
    """Everything from which the repository `repo` reaches objects, in all of its worktrees."""
    named = refs.for_each_ref(repo)
    dirs = worktree_dirs(repo)
    return Roots(
        refs=_unique(ref.oid for ref in named),
        heads=_heads(repo),
        stashes=_stashes(repo) if any(ref.name == "refs/stash" for ref in named) else [],
        states=_states(repo, dirs),
        reflogs=_ids(repo, "rev-list", "--no-walk=unsorted", "--reflog", "--stdin"),
        indexes=_indexes(repo, dirs),
    )


def worktree_dirs(repo: Repository) -> list[str]:
    """The git directories of the main worktree and of all linked ones, absolute."""
    linked = os.path.join(repo.common_dir, "worktrees")
    names = sorted(os.listdir(linked)) if os.path.isdir(linked) else []
    return _unique([repo.git_dir, repo.common_dir, *(os.path.join(linked, name) for name in names)])


def _heads(repo: Repository) -> list[str]:
    listed = repo.git("worktree", "list", "--porcelain").decode("utf-8", "surrogateescape")
    oids = (line.removeprefix("HEAD ") for line in listed.split("\n") if line.startswith("HEAD "))
    return _unique(oid for oid in oids if oid.strip("0"))


def _stashes(repo: Repository) -> list[str]:
    """A stash entry is a commit whose parents are its base, the index, and untracked files."""
    entries = _ids(repo, "rev-list", "--walk-reflogs", "refs/stash")
    found = list(entries)
    for entry in objects(repo, entries):
        if entry is not None:
            header = entry.data.partition(b"\n\n")[0].split(b"\n")
            parents = [line[7:].decode("ascii") for line in header if line.startswith(b"parent ")]
            found += parents[1:]
    return _unique(found)


def _states(repo: Repository, dirs: Iterable[str]) -> list[str]:
    ids = {
        found.decode("ascii")
        for directory in dirs
        for path in _state_files(directory)
        for found in _HEX.findall(_head_of(path))
    }
    return sorted(refs.existing(repo, ids))


def _state_files(git_dir: str) -> Iterator[str]:
    """Files of a worktree's git directory that may hold ids of objects."""
    for entry in os.scandir(git_dir):
        if entry.name not in _NO_STATE and _STATE_FILE.fullmatch(entry.name) and entry.is_file():
            yield entry.path
    for name in _STATE_DIRECTORIES:
        for folder, _, files in os.walk(os.path.join(git_dir, name)):
            for file in files:
                yield os.path.join(folder, file)


def _head_of(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_STATE_SIZE)
    except OSError:
        return b""  # a state that ended while we looked


def _indexes(repo: Repository, dirs: Iterable[str]) -> list[str]:
    paths = [repo.index_path, *(os.path.join(directory, "index") for directory in dirs)]
    return _unique(path for path in paths if os.path.exists(path))


def _ids(repo: Repository, *args: str) -> list[str]:
    # With "--stdin" rev-list does not mind that there is nothing to list.
    return _unique(repo.git(*args, input=b"").decode("ascii").split())


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))
