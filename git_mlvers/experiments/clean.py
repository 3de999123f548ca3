"""What experiments have left behind, and nothing needs any more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.experiments import logs, refs, tasks, trees
from git_mlvers.fsutil import remove_quietly
from git_mlvers.git import refs as git_refs
from git_mlvers.pipeline.keep import REFS as KEPT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.workspace import Workspace

_BEFORE = f"{KEPT}before-"
_LOG = ".log"


class Cleaned(NamedTuple):
    """So many went: logs, working trees, and states that stood before an experiment."""

    logs: int
    trees: int
    states: int


def clean(workspace: Workspace, *, states: bool = False) -> Cleaned:
    """Delete logs of experiments that are gone, and working trees whose task nobody runs.

    With `states` also what was kept of the working tree before an experiment ran or was
    applied, which is the user's way back. Raises `GitError`.
    """
    repo = workspace.repo
    found_logs = list(_logs(workspace))
    for path in found_logs:
        remove_quietly(path)
    found_trees = list(_trees(workspace))
    for path in found_trees:
        trees.remove(repo, path)
    kept = [ref.name for ref in git_refs.for_each_ref(repo, KEPT) if ref.name.startswith(_BEFORE)]
    kept = kept if states else []
    if kept:
        lines = "".join(f"delete {name}\n" for name in kept)
        repo.git("update-ref", "--stdin", input=lines.encode())
    return Cleaned(len(found_logs), len(found_trees), len(kept))


def _logs(workspace: Workspace) -> Iterator[str]:
    folder = os.path.join(logs.folder(workspace), "logs")
    commits = {each.commit for each in refs.everywhere(workspace.repo)}
    for name in _listed(folder):
        commit = name.removesuffix(_LOG)
        if name.endswith(_LOG) and commit not in commits:
            yield os.path.join(folder, name)


def _trees(workspace: Workspace) -> Iterator[str]:
    for name in _listed(os.path.join(logs.folder(workspace), "trees")):
        if not tasks.is_held(os.path.join(tasks.folder_of(workspace), name, "lock")):
            yield trees.path_of(workspace, name)


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
