"""Git remotes that are stores without a server: there nobody but us keeps order."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from git_mlvers.config import address, beside
from git_mlvers.errors import UsageError
from git_mlvers.serverless.collect import Collected, collect
from git_mlvers.serverless.local import Local
from git_mlvers.serverless.store import Store

if TYPE_CHECKING:
    from git_mlvers.workspace import Workspace


def git_remote(workspace: Workspace, name: str | None) -> str:
    """The git remote that is meant: `name`, a name or an address of ours, or the usual one.

    Raises `UsageError` when there is no such git remote.
    """
    config = workspace.config
    if name is None:
        usual = beside.usual_git_remote(config, workspace.repo)
        if usual is None:
            raise UsageError("no git remote is the usual one here", "give the name of one")
        return usual
    if name not in config.git_remotes() and not address.is_ours(name):
        raise UsageError(f"there is no git remote {name!r}", "git remote -v lists them")
    return name


def open_store(workspace: Workspace, name: str) -> Store | None:
    """The repository that the git remote `name` is, if that is on a store without a server.

    Its backend is to be closed. Raises `BackendError` for an address that is of no use.
    """
    from git_mlvers.backend.registry import open_backend

    near = beside.place_near(workspace.config, workspace.repo, name)
    if near is None or near.beside:
        return None
    return Store(open_backend(near.url, workspace.config.options_for(near.url)))


def collect_at(
    workspace: Workspace, name: str, *, everything: bool, dry_run: bool
) -> Collected | None:
    """Tidy the git remote `name` up; ``None`` when it is no store. Raises what `collect` does."""
    store = open_store(workspace, name)
    if store is None:
        return None
    repo = workspace.repo
    with closing(store.backend):
        local = Local(repo.common_dir, store.url)
        return collect(store, repo, local, everything=everything, dry_run=dry_run)
