"""Before a push: content goes to its remote first, and an error keeps the refs where they are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.config import beside, users
from git_mlvers.errors import MlversError
from git_mlvers.git import refs, scan
from git_mlvers.transfer.push import NOTHING, PushMarks, push_everything, push_updates

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_mlvers.config import RemoteSettings
    from git_mlvers.git.refs import RefUpdate
    from git_mlvers.progress import Progress
    from git_mlvers.remote import Remote
    from git_mlvers.transfer.push import Pushed
    from git_mlvers.workspace import Workspace


class NoRemote(MlversError):
    """Content has to go somewhere, and no place is configured."""


def before_push(
    workspace: Workspace,
    git_remote: str,
    updates: Sequence[RefUpdate],
    progress: Progress,
    *,
    advertised: Collection[str] | None = None,
) -> Pushed:
    """Bring to the remote what `updates`, about to be pushed to `git_remote`, need.

    `git_remote` is the name of a git remote, or the URL where it differs from the
    one that is fetched from. `advertised` are the ids that its refs name, when
    that is known; else it is asked for them where they are needed. Raises
    `NoRemote` when there is content and no remote; any error means that the refs must not move.
    """
    settings = workspace.config.default_remote(git_remote)
    marks = PushMarks(os.path.join(workspace.home, "remotes", "complete"), workspace.config.shared)
    seen = None if settings is None else marks.get(settings.url, git_remote)
    pushed = push_updates(
        workspace.repo,
        lambda: workspace.cache,
        lambda: _opened(workspace, _required(settings), git_remote),
        updates,
        git_remote,
        seen=seen,
        advertised=advertised,
        progress=progress,
    )
    news = seen is None or pushed.remote_id not in ("", seen)
    if news and settings is not None and any(not update.deletes for update in updates):
        marks.set(settings.url, git_remote, pushed.remote_id)
    return pushed


def push_refs(
    workspace: Workspace,
    revisions: Sequence[str],
    settings: RemoteSettings | None,
    progress: Progress,
) -> Pushed:
    """Bring to a remote whatever `revisions` reach, as far as it is in the cache."""
    if next(iter(scan.pointers(workspace.repo, revisions, [])), None) is None:
        return NOTHING
    git_remote = beside.usual_git_remote(workspace.config, workspace.repo)
    remote = _opened(workspace, _required(settings), git_remote)
    return push_everything(workspace.repo, workspace.cache, remote, revisions, progress)


def every_ref(workspace: Workspace) -> list[str]:
    """The ids that all refs of the repository name, HEAD included."""
    return refs.all_tips(workspace.repo)


def revisions(workspace: Workspace, names: Sequence[str], *, every: bool = False) -> list[str]:
    """The ids that `names` mean, or `every` ref, or else the commit that is checked out, if any.

    Raises `UnknownRevision`.
    """
    if every:
        return every_ref(workspace)
    if names:
        return [refs.resolve(workspace.repo, name, "object") for name in names]
    head = refs.head(workspace.repo)
    return [] if head is None else [head]


def born(workspace: Workspace, names: Sequence[str], *, every: bool = False) -> bool:
    """Whether there is anything to look at: `names`, or with `every` any ref, or else a commit."""
    return bool(names or refs.head(workspace.repo) or (every and every_ref(workspace)))


def _opened(workspace: Workspace, settings: RemoteSettings, git_remote: str | None) -> Remote:
    """The remote, to be written to, which knows from now on that `git_remote` needs what is there.

    Without a git remote it is this repository itself that does.
    """
    remote = workspace.remote(settings, write=True)
    config, repo = workspace.config, workspace.repo
    if git_remote is None:
        needing = [users.of_repository(repo)]
    else:
        needing = users.of_git_remote(config, repo, git_remote, settings.url)
    for user in needing:
        remote.register(user.name, user.text)
    return remote


def _required(settings: RemoteSettings | None) -> RemoteSettings:
    if settings is None:
        raise NoRemote(
            "there are large files to push and no remote for their content",
            "git mlvers remote add -d NAME URL, for example s3://bucket/prefix or a directory",
        )
    return settings
