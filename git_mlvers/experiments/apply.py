"""The files of an experiment put into the working tree, with a way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.experiments import before
from git_mlvers.git.repository import require_work_tree
from git_mlvers.git.scratch import tree_entries

if TYPE_CHECKING:
    from git_mlvers.experiments.before import Kept
    from git_mlvers.experiments.refs import Experiment
    from git_mlvers.workspace import Workspace


class Unfinished(MlversError):
    """Git is in the middle of a merge, whose conflicts cannot be kept."""


def apply(workspace: Workspace, experiment: Experiment) -> Kept:
    """Let all tracked files be those of `experiment`; what stood there is kept before.

    The index stays as it is, so that what is different can be looked at and staged.
    Untracked files stay, but for those that the experiment has too, which are kept.
    Raises `Unfinished`, and `GitError`.
    """
    repo = workspace.repo
    require_work_tree(repo)
    if repo.git("ls-files", "--unmerged"):
        raise Unfinished(
            "there are conflicts in the index, which an experiment would take away",
            "resolve them, or git merge --abort",
        )
    forced = before.in_the_way(repo, experiment.commit)
    kept = before.keep(repo, f"apply-{experiment.name}", forced=forced)
    if tree_entries(repo, experiment.commit):
        source = f"--source={experiment.commit}"
        repo.git("restore", source, "--worktree", "--", ":/", env={"GIT_OPTIONAL_LOCKS": "1"})
    return kept
