"""Working trees for experiments: linked worktrees of the repository, made and taken away.

Content comes from the cache as in any checkout, so large files are reflinks where the
file system has them, and hard links where ``mlvers.cacheLink`` allows them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from typing import TYPE_CHECKING

from git_mlvers.experiments import logs
from git_mlvers.fsutil import make_dirs, remove_quietly
from git_mlvers.git import command
from git_mlvers.git.command import GitError
from git_mlvers.git.scratch import ScratchIndex
from git_mlvers.pipeline import guard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_mlvers.git.repository import Repository
    from git_mlvers.workspace import Workspace

# They name one working tree, and a process for another one must not have them.
_OF_A_TREE = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"}
    | {"GIT_IMPLICIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"}
)
_SUBMODULE = b"160000"
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}", "-c", "advice.detachedHead=false")


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """`env` for what works in such a tree: nothing in it ties Git to the user's one."""
    return {name: value for name, value in env.items() if name not in _OF_A_TREE}


def path_of(workspace: Workspace, name: str) -> str:
    """Where the working tree called `name` is."""
    return os.path.join(logs.folder(workspace), "trees", name)


@contextlib.contextmanager
def made(workspace: Workspace, name: str, snapshot: str, baseline: str) -> Iterator[str]:
    """A working tree with the files of the commit `snapshot`, and `baseline` as its HEAD.

    It is gone after the block. Submodules that are checked out here are there, too, at the
    commits that the snapshot says. Raises `GitError`.
    """
    repo, path = workspace.repo, path_of(workspace, name)
    make_dirs(os.path.dirname(path), workspace.config.shared)
    remove(repo, path)
    try:
        words = ("worktree", "add", "-q", "--no-checkout", "--detach", "--lock", path, snapshot)
        with _alone(path):
            repo.git(*_NO_HOOKS, *words)
        _git(path, *_NO_HOOKS, "reset", "-q", "--hard", snapshot)
        _git(path, "update-ref", "--no-deref", "HEAD", baseline)
        with _alone(path):
            _add_submodules(repo, path)
        yield path
    finally:
        remove(repo, path)


def remove(repo: Repository, path: str) -> None:
    """Take away the working tree at `path`, with all that still runs in it."""
    if not os.path.lexists(path):
        return
    git_dir = _git_dir(path)
    if git_dir is not None:
        guard.Groups(os.path.join(git_dir, "mlvers")).kill_left()
    with _alone(path):
        _take_away_submodules(path)
    # Most of the time goes into files, for which nobody else has to wait.
    for name in os.listdir(path) if os.path.isdir(path) else ():
        if name != ".git":
            _delete(os.path.join(path, name))
    with _alone(path):
        with contextlib.suppress(GitError):
            repo.git("worktree", "remove", "-f", "-f", path)
        # What Git does not take for one any more, or a stage has put there meanwhile.
        shutil.rmtree(path, ignore_errors=True)
        if git_dir is not None and not os.path.lexists(path):
            shutil.rmtree(git_dir, ignore_errors=True)


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """Let nobody else make or take away a working tree beside `path` in the block.

    Git reads the files of all linked worktrees then, and fails over one that is only half
    made ("failed to read commondir", git 2.39).
    """
    lock = os.open(f"{os.path.dirname(path)}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _delete(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        remove_quietly(path)


def _take_away_submodules(path: str) -> None:
    for name in _submodules(path):
        theirs = os.path.join(path, name)
        if os.path.exists(os.path.join(theirs, ".git")):
            with contextlib.suppress(GitError):
                # From elsewhere: it would take away the place where it runs.
                home = _git(theirs, "rev-parse", "--path-format=absolute", "--git-common-dir")
                _git(os.fsdecode(home.strip()), "worktree", "remove", "-f", "-f", theirs)


def _add_submodules(repo: Repository, path: str) -> None:
    for name, commit in _submodules(path).items():
        own = os.path.join(repo.top, name)
        if os.path.exists(os.path.join(own, ".git")):
            target = os.path.join(path, name)
            _git(own, *_NO_HOOKS, "worktree", "add", "-q", "--detach", "--lock", target, commit)


def _submodules(path: str) -> dict[str, str]:
    """The commits of submodules by their paths, as the index of the tree at `path` has them."""
    if not os.path.exists(os.path.join(path, ".gitmodules")):
        return {}
    from git_mlvers.errors import MlversError
    from git_mlvers.git.repository import Repository as Tree

    try:
        tree = Tree.discover(path)
        entries = ScratchIndex(tree, tree.index_path).entries(["."])
    except MlversError:
        return {}
    return {entry.path: entry.oid for entry in entries if entry.mode == _SUBMODULE}


def _git_dir(path: str) -> str | None:
    """The git directory of the linked worktree at `path`."""
    try:
        with open(os.path.join(path, ".git"), "rb") as file:
            said = os.fsdecode(file.read().strip())
    except OSError:
        return None
    git_dir = said.removeprefix("gitdir: ")
    # Nothing else is to be deleted.
    is_linked = os.path.basename(os.path.dirname(git_dir)) == "worktrees"
    return git_dir if os.path.isabs(git_dir) and is_linked else None


def _git(place: str, *words: str) -> bytes:
    return command.run(*words, cwd=place, env=command.local_env_dropped())
