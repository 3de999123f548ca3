"""The whole working tree as a tree of Git: uncommitted and untracked files are part of it.

It is put together in an index of its own, so that what the user has staged stays as
it is; large files become pointers on the way, as by ``git add``.
"""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.fsutil import make_dirs, remove_quietly, temp_path
from git_mlvers.git import attributes
from git_mlvers.git.command import GitError, zsplit
from git_mlvers.git.scratch import ScratchIndex
from git_mlvers.pipeline.keep import WHO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_mlvers.git.repository import Repository

LARGE = 16 << 20
"""An untracked file of so many bytes that no pattern keeps outside of Git is left out. Bytes."""


_TRIES = 3
_PAUSE = 0.2  # seconds


class NoCommit(MlversError):
    """An experiment needs a commit that it starts from."""


class Taken(NamedTuple):
    """The hex ids of the tree, and of the tree that the user's index has (``None`` in a conflict);
    and the untracked paths that were left out.
    """

    tree: str
    staged: str | None
    left_out: Sequence[str]


def take(repo: Repository, *, forced: Iterable[str] = (), index: bool = False) -> Taken:
    """Write the trees; `forced` paths are taken even where ``.gitignore`` hides them.

    The index's own is made only with `index`. Raises `GitError`.
    """
    folder = os.path.join(repo.git_dir, "mlvers")
    make_dirs(folder)
    path = temp_path(folder, "index-")
    scratch = ScratchIndex(repo, path)
    try:
        if os.path.exists(repo.index_path):
            # With its time, by which Git knows what was too fresh to be trusted.
            shutil.copy2(repo.index_path, path)
        staged = _written(repo, path) if index else None
        left_out = _add_all(repo, scratch)
        scratch.add((name for name in forced if os.path.lexists(_full(repo, name))), force=True)
        tree = _written(repo, path)
        if tree is None:
            raise MlversError("the working tree cannot be kept as it is", "git status")
        return Taken(tree, staged, left_out)
    finally:
        remove_quietly(path)


def commit(repo: Repository, tree: str, parents: Sequence[str], message: str) -> str:
    """The hex id of a new commit of `tree`; no ref names it."""
    words = ["commit-tree", tree, *(word for parent in parents for word in ("-p", parent))]
    text = message.rstrip("\n").encode("utf-8", "surrogateescape") + b"\n"
    try:
        said = repo.git(*words, input=text)
    except GitError as error:
        if "ident" not in error.stderr and "tell me who you are" not in error.stderr:
            raise
        said = repo.git(*words, input=text, env=WHO)
    return said.strip().decode("ascii")


def _add_all(repo: Repository, scratch: ScratchIndex) -> list[str]:
    """Add what is tracked and what is not; the untracked paths that are left out."""
    for left in reversed(range(_TRIES)):
        untracked, left_out = _untracked(repo)
        try:
            scratch.update()
            scratch.add(untracked)
        except GitError:
            if not left:
                raise
            # Something that goes on here has removed a file meanwhile, or is writing to it.
            time.sleep(_PAUSE)
        else:
            return left_out
    return []


def _written(repo: Repository, index: str) -> str | None:
    """The tree of the index in the file `index`; ``None`` if a merge has left conflicts in it."""
    try:
        said = repo.git("write-tree", env={"GIT_INDEX_FILE": index})
    except GitError as error:
        if "unmerged" in error.stderr:
            return None
        raise
    return said.strip().decode("ascii")


def _untracked(repo: Repository) -> tuple[list[str], list[str]]:
    """The untracked files that are taken, and those that are not: large ones, repositories,
    and what we may not read."""
    said = repo.git("ls-files", "-z", "--others", "--exclude-standard")
    taken, left_out, large = [], [], []
    for name in zsplit(said):
        path = os.fsdecode(name)
        if path.endswith("/") or not _is_readable(_full(repo, path)):
            left_out.append(path)
        elif _size(_full(repo, path)) >= LARGE:
            large.append(name)
        else:
            taken.append(path)
    if large:
        filtered = attributes.filtered_paths(repo, large)
        taken += [os.fsdecode(name) for name in large if name in filtered]
        left_out += [os.fsdecode(name) for name in large if name not in filtered]
    return taken, left_out


def _is_readable(full: str) -> bool:
    return os.path.islink(full) or os.access(full, os.R_OK)


def _size(full: str) -> int:
    try:
        return os.lstat(full).st_size
    except OSError:
        return 0


def _full(repo: Repository, path: str) -> str:
    return os.path.join(repo.top, path)
