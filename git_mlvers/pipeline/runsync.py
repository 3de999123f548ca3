"""The run cache on its way to a git remote and from it: merged, never forced."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError, RemoteError
from git_mlvers.git import refs
from git_mlvers.git.command import GitError
from git_mlvers.pipeline.runcache import REF, RunCache

if TYPE_CHECKING:
    from git_mlvers.git.repository import Repository

_TRIES = 5


class NoGitRemote(MlversError):
    """There is no git remote to send the run cache to, or to bring it from."""


class Synced(NamedTuple):
    """What became of the run cache here and there: whether either has anything new now."""

    fetched: bool
    pushed: bool


def git_remote_of(repo: Repository, name: str | None) -> str:
    """The git remote that is meant: `name`, else the one of the branch, else the only one.

    Raises `NoGitRemote`.
    """
    if name is not None:
        return name
    branch = repo.head_branch()
    if branch is not None:
        said = repo.git("config", "--get", f"branch.{branch}.remote", check=False)
        if said.strip() and said.strip() != b".":
            return said.decode("utf-8", "surrogateescape").strip()
    names = repo.git("remote").decode("utf-8", "surrogateescape").split("\n")
    known = [name for name in names if name]
    if "origin" in known:
        return "origin"
    if len(known) == 1:
        return known[0]
    raise NoGitRemote(
        "there is no git remote to share the run cache with",
        "git remote add origin URL, or name one",
    )


def fetch(repo: Repository, git_remote: str) -> bool:
    """Take in what the run cache of `git_remote` has; whether that was anything.

    Raises `RemoteError`.
    """
    theirs = _theirs(repo, git_remote)
    if theirs is None:
        return False
    runs = RunCache(repo)
    try:
        return runs.merge(theirs)
    finally:
        runs.close()


def push(repo: Repository, git_remote: str) -> Synced:
    """Bring the run cache of `git_remote` and the one here to the same; content goes first.

    That is seen to by the hooks and helpers that ``git push`` starts. Raises
    `RemoteError`, also when others were faster each time.
    """
    fetched = False
    for _ in range(_TRIES):
        theirs = _theirs(repo, git_remote)
        if theirs is not None:
            runs = RunCache(repo)
            try:
                fetched = runs.merge(theirs) or fetched
            finally:
                runs.close()
        ours = refs.resolve_ref(repo, REF)
        if ours is None or ours == theirs:
            return Synced(fetched, False)
        try:
            repo.git("push", "-q", git_remote, f"{ours}:{REF}")
            return Synced(fetched, True)
        except GitError as error:
            if _theirs(repo, git_remote) == theirs:
                raise RemoteError(
                    f"the run cache cannot be pushed to {git_remote}: {error.message}", error.hint
                ) from error
    raise RemoteError(
        f"others keep changing the run cache of {git_remote}", "try again in a moment"
    )


def _theirs(repo: Repository, git_remote: str) -> str | None:
    """The tip of the run cache of `git_remote`, brought here; ``None`` if it has none."""
    try:
        listed = repo.git("ls-remote", "--quiet", "--", git_remote, REF)
        if not listed.strip():
            return None
        repo.git("fetch", "-q", "--no-tags", "--no-write-fetch-head", "--", git_remote, REF)
        return listed.split()[0].decode("ascii")
    except GitError as error:
        raise RemoteError(
            f"the run cache of {git_remote} cannot be had: {error.message}", error.hint
        ) from error
