"""Notes go along with a push. They never keep it from going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.filter.report import say
from git_mlvers.git import notes
from git_mlvers.tracking import record, switch, sync, view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.git.refs import RefUpdate
    from git_mlvers.workspace import Workspace


def carry(workspace: Workspace, name: str, address: str, updates: Sequence[RefUpdate]) -> None:
    """Send the notes that the git remote `name` does not have; one warning if that fails.

    `address` is its name too, or where it is pushed to if that is another place. Nothing
    goes over the network when there is nothing new, and notes do not go to a mere URL.
    """
    repo, config = workspace.repo, workspace.config
    if not config.notes or not switch.is_on(repo) or name not in config.git_remotes():
        return
    if all(update.deletes for update in updates) or _pushes_notes(updates):
        return
    refusals = sync.Refusals(repo, config)
    try:
        switch.ensure_fetched(repo, config, name)
        sync.merge_fetched(repo)
        view.update(repo, record.catch_up(workspace).commits)
        if not sync.news(repo, name) or refusals.has(name) or _is_dry(workspace, name):
            return
        sync.sync(repo, name, address=address, fetch=False)
        refusals.clear(name)
    except sync.NotesRefused as error:
        refusals.add(name, error.message)
        say([f"git-mlvers: warning: {error.message}", f"hint: {error.hint}"])
    except MlversError as error:
        say([f"git-mlvers: warning: notes did not go along: {error.message}"])


def _pushes_notes(updates: Sequence[RefUpdate]) -> bool:
    return any(update.remote_ref == notes.REF for update in updates)


def _is_dry(workspace: Workspace, name: str) -> bool:
    from git_mlvers.git.caller import is_dry_push

    mirror = workspace.config.get(f"remote.{name}.mirror")  # takes no single ref
    return mirror not in (None, "false") or is_dry_push()
